import { type Command, Option } from 'commander'
import type { Cli } from '../cli.ts'
import { shortId } from '../pages/humanize.ts'
import { type OrderAction, orderCommand } from './act-on-orders.ts'
import { actOnChosen, type Choice, type ChoiceOptions, faultCode, withChoice } from './choose-orders.ts'

const FAILED: Choice = {
  statuses({ state, failedWith }) {
    if (state !== undefined) return [state]
    // What is blocked has such a reason too.
    return failedWith === undefined ? ['failed'] : ['failed', 'blocked']
  },
  fits: () => true,
  which: 'failed orders',
}

const ACTION: OrderAction = {
  verb: 'retry',
  done: ({ approved }) => (approved ? 'pending, approved' : 'pending, not approved'),
  hint: ({ id, approved }, service) => {
    if (!approved) return `Approve it with: moose approve ${shortId(id)}`
    return service === 'polling'
      ? `The service takes it on now; follow it with: moose logs -f ${shortId(id)}`
      : `Run it now with: moose run ${shortId(id)}`
  },
}

export function retryCommand(cli: Cli): Command {
  const description = 'Makes failed, blocked or cancelled work orders pending again; an approved one is then run anew.'
  const example = 'moose retry 1a2b3c4d\n  $ moose retry --failed-with check_failed --older-than 1h'
  const states = new Option('--state <status>', 'those in this state instead of the failed ones')
  return withChoice(orderCommand('retry', description, example, '[id...]'), FAILED)
    .addOption(states.choices(['failed', 'blocked', 'cancelled']))
    .option('--verify-only', 'no model: only checks and publishing, on the commit that the last attempt left')
    .option('--failed-with <code>', 'those that failed, or are blocked, with this code', faultCode)
    .action((ids: string[], { verifyOnly, ...options }: ChoiceOptions & { verifyOnly?: true }) => {
      const action = verifyOnly === true ? { ...ACTION, body: () => ({ mode: 'verify_only' }) } : ACTION
      return actOnChosen(cli, ids, { options, choice: FAILED, action, past: 'retried' })
    })
}
