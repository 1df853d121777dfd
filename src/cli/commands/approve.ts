import type { Command } from 'commander'
import type { Cli } from '../cli.ts'
import { shortId } from '../humanize.ts'
import { actOnOrders, orderCommand } from './act-on-orders.ts'

export function approveCommand(cli: Cli): Command {
  const description =
    'Approves work orders as they stand now; editing one afterwards withdraws it. Only approved ones are run.'
  return orderCommand('approve', 'let work orders be run', description, 'moose approve 1a2b3c4d 5e6f7a8b').action(
    (ids: string[]) =>
      actOnOrders(cli, ids, {
        verb: 'approve',
        done: () => 'approved',
        hint: ({ id }, served) =>
          served
            ? `Watch with: moose logs -f ${shortId(id)}   The service takes it on once started: moose start`
            : `Run it now with: moose run ${shortId(id)}   Have all approved ones run: moose up --start`,
      }),
  )
}
