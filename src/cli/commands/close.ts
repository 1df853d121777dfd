import type { Command } from 'commander'
import type { Cli } from '../cli.ts'
import { harmless } from '../terminal-text.ts'
import { actOnOrders, orderCommand } from './act-on-orders.ts'

export function closeCommand(cli: Cli): Command {
  const description = 'Closes the open pull requests of work orders without merging; the orders become cancelled.'
  return orderCommand('close', 'close pull requests unmerged', description, 'moose close 1a2b3c4d').action(
    (ids: string[]) =>
      actOnOrders(cli, ids, {
        verb: 'close',
        done: ({ github_branch: branch }) =>
          `closed, cancelled${branch === null ? '' : `; branch ${harmless(branch)} deleted, unless it has other commits`}`,
      }),
  )
}
