import type { Command } from 'commander'
import type { Cli } from '../cli.ts'
import { shortId } from '../pages/humanize.ts'
import { actOnOrders, orderCommand } from './act-on-orders.ts'

export function retryCommand(cli: Cli): Command {
  const description = 'Makes failed, blocked or cancelled work orders pending again; an approved one is then run anew.'
  return orderCommand('retry', description, 'moose retry 1a2b3c4d').action((ids: string[]) =>
    actOnOrders(cli, ids, {
      verb: 'retry',
      done: ({ approved }) => (approved ? 'pending, approved' : 'pending, not approved'),
      hint: ({ id, approved }, service) => {
        if (!approved) return `Approve it with: moose approve ${shortId(id)}`
        return service === 'polling'
          ? `The service takes it on now; follow it with: moose logs -f ${shortId(id)}`
          : `Run it now with: moose run ${shortId(id)}`
      },
    }),
  )
}
