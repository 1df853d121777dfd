import { Command } from 'commander'
import {
  type AttemptView,
  type WorkOrderDetail,
  WorkOrderDetailResponse,
  WorkOrderResponse,
} from '../../../contract/work-orders.ts'
import { Fault, isFaultCode, toFault } from '../../../faults/fault.ts'
import { type Cli, withApi } from '../../cli.ts'
import { type ApiClient, workOrderPath } from '../../client/api-client.ts'
import { serviceStateOf } from '../../client/service-state.ts'
import { listenForInterruption } from '../../interruption.ts'
import { shortId } from '../../pages/humanize.ts'
import { harmless } from '../../pages/terminal-text.ts'
import { sayInterrupted, watchRun, whatIsHistory, withNextSteps } from './run.ts'

const HELP = `
Of an order in review: what the branch of its pull request holds now, also where you have changed it; where nobody has and
the base has moved, with the base merged in. What passes is what moose merge then merges.
Of one that failed: the latest commit that an attempt left, as moose retry --verify-only, with the steps shown as they happen.

Where git cannot merge the base, it says so and leaves all as it is. With --resolve the model that made the change is shown the
files that conflict, once for these two commits: its answer (two at most) is paid for within the budget of the order, touches
files in scope alone, and becomes a merge commit on the branch when the checks pass on it.

Exit codes: 0 what is there was verified, 1 it failed, 3 a human is needed.

Example:
  $ moose verify 1a2b3c4d
  $ moose verify 1a2b3c4d --resolve
  $ moose merge 1a2b3c4d`

export function verifyCommand(cli: Cli): Command {
  return new Command('verify')
    .description(
      'Runs the checks on the commit of a work order that is there; if they pass, it is published. No model is called, but with --resolve ' +
        'where git cannot merge the base.',
    )
    .argument('<id>', 'id, or its first characters (at least 4)')
    .option('--resolve', 'have the model that made the change resolve what git cannot merge; it is paid for')
    .option('--verbose', 'also everything that set-ups and checks print, not only the end of what failed')
    .addHelpText('after', HELP)
    .action((id: string, { verbose, resolve }: { verbose?: true; resolve?: true }) =>
      withApi(cli, async (api, service) => {
        using interruption = listenForInterruption(() => cli.output.note('Stopping …'))
        const { signal } = interruption
        const path = workOrderPath(id)
        const { work_order } = await api.call({ method: 'GET', path, answer: WorkOrderDetailResponse, signal })
        const history = await whatIsHistory(api, work_order, signal)
        await begin(api, work_order, { resolve: resolve === true }, signal)
        const isTakenOn = (await serviceStateOf(api, service)) === 'polling'
        const options = { verbose: verbose === true, history, isTakenOn }
        try {
          const ended = await watchRun(cli, api, { order: work_order, ...options }, interruption)
          if (ended === null) return sayInterrupted(cli, work_order, service, interruption)
          report(cli, (await api.call({ method: 'GET', path, answer: WorkOrderDetailResponse })).work_order)
        } catch (error) {
          throw await withNextSteps(cli, api, work_order.id, toFault(error))
        }
      }),
    )
}

/** @throws {Fault} `work_order_not_approved` where it stays pending until it is */
async function begin(
  api: ApiClient,
  { id }: WorkOrderDetail,
  body: { resolve: boolean },
  signal: AbortSignal,
): Promise<void> {
  const path = `${workOrderPath(id)}/verify`
  const { work_order } = await api.call({ method: 'POST', path, body, answer: WorkOrderResponse, signal })
  if (work_order.approved) return
  const short = shortId(id)
  const message = `Work order ${id} is not approved. Approve it with: moose approve ${short}   It is verified then with: moose run ${short}`
  throw new Fault('work_order_not_approved', message, { id })
}

/** @throws {Fault} what the verification ended with */
function report({ output }: Cli, order: WorkOrderDetail): void {
  const attempt = order.attempt_history.findLast(({ verifies }) => verifies !== null && verifies !== undefined)
  if (attempt === undefined || attempt.status !== 'succeeded') {
    const error = attempt === undefined ? null : attempt.error
    throw error === null ? new Fault('internal', 'The verification has left no result.') : failure(error)
  }
  output.document({ success: true, work_order: order })
  const { paint } = output
  const id = shortId(order.id)
  const commit = attempt.head_sha === null ? 'the commit' : attempt.head_sha.slice(0, 12)
  const url = order.github_pr_url === null ? '' : `  ${harmless(order.github_pr_url)}`
  output.line(`${paint.green('✓')} ${paint.bold(`Verified ${commit}`)}: pull request #${order.github_pr_number}${url}`)
  output.note(`Look at it with: moose show ${id} --diff   Merge it with: moose merge ${id}`)
}

function failure({ code, message, details }: NonNullable<AttemptView['error']>): Fault {
  const ways = details?.['ways']
  const told = typeof ways === 'number' ? { ways } : {}
  return isFaultCode(code) ? new Fault(code, message, told) : new Fault('internal', message, { code, ...told })
}
