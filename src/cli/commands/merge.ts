import type { Command } from 'commander'
import type { Cli } from '../cli.ts'
import { harmless } from '../pages/terminal-text.ts'
import { actOnOrders, orderCommand } from './act-on-orders.ts'

export function mergeCommand(cli: Cli): Command {
  const description =
    'Merges the open pull requests of work orders into their base branch; the orders become completed.'
  return orderCommand('merge', description, 'moose merge 1a2b3c4d').action((ids: string[]) =>
    actOnOrders(cli, ids, {
      verb: 'merge',
      done: ({ github_branch: branch }) =>
        `merged, completed${branch === null ? '' : `; branch ${harmless(branch)} deleted`}`,
    }),
  )
}
