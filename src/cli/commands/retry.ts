import { type Command, Option } from 'commander'
import type { RetryMode } from '../../contract/why/retry.ts'
import type { Cli } from '../cli.ts'
import { takenOn } from '../client/service-state.ts'
import { shortId } from '../pages/humanize.ts'
import { type OrderAction, orderCommand } from './act-on-orders.ts'
import { actOnChosen, type Choice, type ChoiceOptions, faultCode, withChoice } from './choose-orders.ts'

const FAILED: Choice = {
  states({ state, failedWith }) {
    if (state !== undefined) return [state]
    // What is blocked has such a reason too.
    return failedWith === undefined ? ['failed'] : ['failed', 'blocked']
  },
  which: 'failed orders',
}

const ACTION: OrderAction = {
  verb: 'retry',
  done: ({ approved }) => (approved ? 'pending, approved' : 'pending, not approved'),
  hint: ({ id, approved }, service, obstacle) => {
    if (!approved) return `Approve it with: moose approve ${shortId(id)}`
    return service === 'polling' || obstacle !== null
      ? takenOn(id, obstacle)
      : `Run it now with: moose run ${shortId(id)}`
  },
}

type RetryOptions = ChoiceOptions & { fresh?: true; verifyOnly?: true }

export function retryCommand(cli: Cli): Command {
  const description =
    'Makes failed, blocked or cancelled work orders pending again; an approved one is then run anew. The model is asked ' +
    'again and told what failed last; an attempt that rests goes on. Answers that were not to blame for the failure are ' +
    'not paid for again; where only the push was rejected, the commit that is there is checked and published, without a model. ' +
    'What a retry does is said of each order.'
  const example =
    'moose retry 1a2b3c4d\n  $ moose retry 1a2b3c4d --fresh\n  $ moose retry --failed-with check_failed --older-than 1h'
  const fresh = new Option('--fresh', 'ask the model anew: told of no earlier failure, and with no earlier answer')
  const states = new Option('--state <status>', 'those in this state instead of the failed ones')
  return withChoice(orderCommand('retry', description, example, '[id...]'), FAILED)
    .addOption(states.choices(['failed', 'blocked', 'cancelled']))
    .option('--failed-with <code>', 'those that failed, or are blocked, with this code', faultCode)
    .addOption(fresh.conflicts('verifyOnly'))
    .option('--verify-only', 'no model: only checks and publishing, on the latest commit that an attempt left')
    .action((ids: string[], { fresh, verifyOnly, ...options }: RetryOptions) => {
      const mode = modeOf(fresh === true, verifyOnly === true)
      const action: OrderAction = { ...ACTION, body: () => ({ mode }) }
      return actOnChosen(cli, ids, { options, choice: FAILED, action, past: 'retried' })
    })
}

function modeOf(isFresh: boolean, isVerifiedOnly: boolean): RetryMode {
  if (isVerifiedOnly) return 'verify_only'
  return isFresh ? 'fresh' : 'again'
}
