import type { Command } from 'commander'
import type { Cli } from '../cli.ts'
import { weighed } from '../pages/seen-pull-request.ts'
import { harmless } from '../pages/terminal-text.ts'
import { type OrderAction, orderCommand } from './act-on-orders.ts'
import { actOnChosen, type Choice, type ChoiceOptions, withChoice } from './choose-orders.ts'

const IN_REVIEW: Choice = {
  states: () => ['review'],
  which: 'orders in review',
  left: {
    states: ['running', 'waiting'],
    say: ({ at_pull_request: at }) =>
      at === undefined
        ? null
        : `not merged now: pull request #${at.number}: ${harmless(at.doing)}. Type the same again when that has ended.`,
  },
}

const ACTION: OrderAction = {
  verb: 'merge',
  done: ({ github_branch: branch }) =>
    `merged, completed${branch === null ? '' : `; branch ${harmless(branch)} deleted`}`,
  before({ pull_request: pull = null }) {
    const against = weighed({ pull_request: pull })
    return against === null ? [] : [`To be known of it: ${harmless(against)}.`]
  },
}

export function mergeCommand(cli: Cli): Command {
  const description =
    'Merges the open pull requests of work orders into their base branch; the orders become completed.'
  const example = 'moose merge 1a2b3c4d\n  $ moose merge --project website --yes'
  return withChoice(orderCommand('merge', description, example, '[id...]'), IN_REVIEW).action(
    (ids: string[], options: ChoiceOptions) =>
      actOnChosen(cli, ids, { options, choice: IN_REVIEW, action: ACTION, past: 'merged' }),
  )
}
