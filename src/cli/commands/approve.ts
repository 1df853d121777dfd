import type { Command } from 'commander'
import type { WorkOrderView } from '../../contract/work-orders.ts'
import type { Cli } from '../cli.ts'
import type { ServiceState } from '../client/service-state.ts'
import { shortId } from '../pages/humanize.ts'
import { verificationNotes } from '../pages/verification-notes.ts'
import { actOnOrders, orderCommand } from './act-on-orders.ts'

export function approveCommand(cli: Cli): Command {
  const description =
    'Approves work orders as they stand now; editing one afterwards withdraws it. Only approved ones are run.'
  return orderCommand('approve', description, 'moose approve 1a2b3c4d 5e6f7a8b').action((ids: string[]) =>
    actOnOrders(cli, ids, {
      verb: 'approve',
      done: () => 'approved',
      notes: verificationNotes,
      hint,
    }),
  )
}

function hint({ id, status, files_in_scope: scope }: WorkOrderView, service: ServiceState): string {
  const short = shortId(id)
  if (scope.length === 0)
    return `It names no file that may change, and fails as soon as it is run. Name them with: moose edit ${short} --file PATH   Then approve it again.`
  // Approved again after it ended; it is claimed only after another attempt is asked for.
  if (status !== 'pending') return `Try it again with: moose retry ${short}`
  if (service === 'polling') return `The service takes it on now; follow it with: moose logs -f ${short}`
  if (service === 'idle')
    return `Run it now with: moose run ${short}   Have the service take on all approved ones: moose start`
  return `Run it now with: moose run ${short}   Have all approved ones run: moose up --start`
}
