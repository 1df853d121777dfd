import type { Command } from 'commander'
import type { WorkOrderView } from '../../contract/work-orders.ts'
import type { Cli } from '../cli.ts'
import { harmless } from '../pages/terminal-text.ts'
import { actOnOrders, orderCommand } from './act-on-orders.ts'

export function closeCommand(cli: Cli): Command {
  const description = 'Closes the open pull requests of work orders without merging; the orders become cancelled.'
  return orderCommand('close', description, 'moose close 1a2b3c4d').action((ids: string[]) =>
    actOnOrders(cli, ids, {
      verb: 'close',
      done: (order) => `closed, cancelled${branchAfter(order)}`,
    }),
  )
}

/** The forge `local` tidies up after itself; on GitHub a branch is only deleted after a merge. */
function branchAfter({ github_branch: branch, github_pr_url: url }: WorkOrderView): string {
  if (branch === null || url === null) return ''
  const after = url.startsWith('local:') ? 'deleted, unless it has other commits' : 'stays on GitHub'
  return `; branch ${harmless(branch)} ${after}`
}
