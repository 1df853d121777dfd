import type { Command } from 'commander'
import type { Cli } from '../cli.ts'
import { actOnOrders, orderCommand } from './act-on-orders.ts'

export function rejectCommand(cli: Cli): Command {
  const description = 'Turns pending work orders down: they become cancelled, and an approval is withdrawn.'
  return orderCommand('reject', description, 'moose reject 1a2b3c4d --reason "not now"')
    .option('--reason <text>', 'kept with the order')
    .action((ids: string[], { reason }: { reason?: string }) =>
      actOnOrders(cli, ids, {
        verb: 'reject',
        body: () => (reason === undefined ? {} : { reason }),
        done: () => 'rejected',
      }),
    )
}
