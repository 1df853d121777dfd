import type { Command } from 'commander'
import type { WorkOrderView } from '../../contract/work-orders.ts'
import type { Cli } from '../cli.ts'
import { shortId } from '../pages/humanize.ts'
import { actOnOrders, orderCommand } from './act-on-orders.ts'

export function adoptCommand(cli: Cli): Command {
  const description =
    'Gives pull requests back to Moose after another push to their branches, or after they were given up and reopened: what the branches ' +
    'hold is verified, and followed again.'
  return orderCommand('adopt', description, 'moose adopt 1a2b3c4d').action((ids: string[]) =>
    actOnOrders(cli, ids, { verb: 'adopt', done: () => 'adopted; it is verified as it stands', notes: outside }),
  )
}

/** What was pushed is not read before it is verified. */
function outside({ id }: WorkOrderView): string[] {
  return [
    `What was pushed outside of files_in_scope of the order is not refused: moose why ${shortId(id)} names it once it is verified.`,
  ]
}
