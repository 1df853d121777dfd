import type { Command } from 'commander'
import type { Cli } from '../cli.ts'
import { shortId } from '../pages/humanize.ts'
import { actOnOrders, orderCommand } from './act-on-orders.ts'

export function cancelCommand(cli: Cli): Command {
  const description = 'Cancels work orders; what is running is stopped at the next safe point.'
  return orderCommand('cancel', description, 'moose cancel 1a2b3c4d').action((ids: string[]) =>
    actOnOrders(cli, ids, {
      verb: 'cancel',
      done: () => 'cancelled',
      hint: ({ id }) => `Take it up again with: moose retry ${shortId(id)}`,
    }),
  )
}
