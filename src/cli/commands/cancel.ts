import type { Command } from 'commander'
import type { Cli } from '../cli.ts'
import { shortId } from '../pages/humanize.ts'
import { oneLine } from '../pages/terminal-text.ts'
import { actOnOrders, orderCommand } from './act-on-orders.ts'

const MOST_SAID = 1_000

export function cancelCommand(cli: Cli): Command {
  const description = 'Cancels work orders; what is running is stopped at the next safe point.'
  return orderCommand('cancel', description, 'moose cancel 1a2b3c4d').action((ids: string[]) =>
    actOnOrders(cli, ids, {
      verb: 'cancel',
      done: () => 'cancelled',
      notes: ({ status_reason: reason }) =>
        reason?.code === 'pull_request_lost' ? [oneLine(reason.message, MOST_SAID)] : [],
      hint: ({ id }) => `Take it up again with: moose retry ${shortId(id)}`,
    }),
  )
}
