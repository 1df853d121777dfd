import { setTimeout as delay } from 'node:timers/promises'
import { Command } from 'commander'
import { ExecuteResponse, type ExecutionResult, OrchestratorStatusResponse } from '../../../contract/orchestrator.ts'
import { WhyResponse } from '../../../contract/why/inbox.ts'
import { type WorkOrderDetail, WorkOrderDetailResponse } from '../../../contract/work-orders.ts'
import { isOf } from '../../../faults/families.ts'
import { Fault, toFault } from '../../../faults/fault.ts'
import { withWaysOut } from '../../../work-order/ways-out.ts'
import { type Cli, withApi } from '../../cli.ts'
import { type ApiClient, workOrderPath } from '../../client/api-client.ts'
import type { Connection } from '../../client/connect.ts'
import { type Interruption, listenForInterruption } from '../../interruption.ts'
import { isReplay, REPLAY } from '../../pages/attempt-evidence.ts'
import { remarkOf } from '../../pages/command-remark.ts'
import { duration, shortId, usd } from '../../pages/humanize.ts'
import { printRun, type RunPrinting } from '../../pages/print-run.ts'
import { harmless } from '../../pages/terminal-text.ts'

/** The last lines of a run may come a moment after the answer that ended it. */
const LAST_LINES_MS = 3_000
/** Of a run that was refused there are none, unless they are on their way. */
const FIRST_LINES_MS = 500

export function runCommand(cli: Cli): Command {
  return new Command('run')
    .description(
      'Runs one approved work order now and shows its steps as they happen. The service does it when one is up; ' +
        'otherwise it happens in this process.',
    )
    .argument('<id>', 'id, or its first characters (at least 4)')
    .option('--verbose', 'also everything that set-ups and checks print, not only the end of what failed')
    .addHelpText('after', HELP)
    .action((id: string, { verbose }: { verbose?: true }) =>
      withApi(cli, async (api, service) => {
        using interruption = listenForInterruption(() => cli.output.note('Stopping …'))
        const { signal } = interruption
        const path = workOrderPath(id)
        const { work_order } = await api.call({ method: 'GET', path, answer: WorkOrderDetailResponse, signal })
        const history = await whatIsHistory(api, work_order, signal)
        const run = { order: work_order, verbose: verbose === true, history, isTakenOn: false }
        const result = await watchRun(cli, api, run, interruption).catch(async (error: unknown) => {
          throw await withNextSteps(cli, api, work_order.id, toFault(error))
        })
        if (result === null || result === 'rests') return sayInterrupted(cli, work_order, service, interruption)
        cli.output.document({ success: true, result })
        const ran = await api.call({ method: 'GET', path, answer: WorkOrderDetailResponse })
        report(cli, result, isReplay(ran.work_order.attempt_history.at(-1)))
      }),
    )
}

const HELP = `
Exit codes: 0 a pull request is open, 1 failed, 3 not approved or blocked: a human is needed.

Example:
  $ moose run 1a2b3c4d`

type Watched = {
  order: WorkOrderDetail
  verbose: boolean
  history: History
  /** The service takes it on by itself: its end is waited for. Otherwise it is run now. */
  isTakenOn: boolean
}

/** @returns null when it was interrupted; `rests`: the service has run it to where it needs a human */
export async function watchRun(
  cli: Cli,
  api: ApiClient,
  { order, verbose, history: { afterId, attemptsBefore }, isTakenOn }: Watched,
  { signal }: Interruption,
): Promise<ExecutionResult | 'rests' | null> {
  using spinner = cli.output.spinner('waiting for its turn')
  const done = new AbortController()
  const events = api.follow({ workOrderId: order.id, afterId, signal: AbortSignal.any([signal, done.signal]) })
  const printing = printRun(cli.output, spinner, events, { attemptsBefore, verbose })
  try {
    if (isTakenOn) {
      await printing.ended
      return signal.aborted ? null : 'rests'
    }
    const body = { work_order_id: order.id }
    const path = '/api/orchestrator/execute'
    const { result } = await api.call({ method: 'POST', path, body, answer: ExecuteResponse, signal })
    return result
  } catch (error) {
    if (signal.aborted) return null
    throw error
  } finally {
    await lastLines(printing)
    done.abort()
    await printing.ended
  }
}

/**
 * A failure of an order, with the commands below it that `moose why` names. One that names its own stays as it is, and so does
 * that of an order that is not approved: it says how to approve it.
 */
export async function withNextSteps({ output }: Cli, api: ApiClient, id: string, fault: Fault): Promise<Fault> {
  if (output.json || 'ways' in fault.details || isOf('passes', fault.code)) return fault
  const path = `${workOrderPath(id)}/why`
  const found = await api.call({ method: 'GET', path, answer: WhyResponse }).catch((error: unknown) => {
    output.note(harmless(toFault(error).message))
    return null
  })
  if (found === null || found.why.kind === 'unapproved') return fault
  const { message, details } = withWaysOut(
    fault.message.trimEnd(),
    found.why.next.flatMap((command) => {
      const remark = remarkOf(command)
      return remark === null ? [`$ ${command}`] : [`$ ${command}`, `    ${remark}`]
    }),
  )
  return new Fault(fault.code, message, { ...fault.details, ...details }, fault)
}

async function lastLines({ begun, ended }: RunPrinting): Promise<void> {
  const over = new AbortController()
  const wait = (ms: number) => delay(ms, undefined, { signal: over.signal }).catch(() => {})
  await Promise.race([ended, wait(FIRST_LINES_MS)])
  if (begun()) await Promise.race([ended, wait(LAST_LINES_MS)])
  over.abort()
}

/** What is not shown: events up to an id, and those of so many attempts. */
type History = { afterId: string; attemptsBefore: number }

/**
 * One that is being carried out is joined: its attempt is shown from the first step. Otherwise only what comes is shown:
 * an attempt that was suspended is resumed in the middle.
 */
export async function whatIsHistory(
  api: ApiClient,
  { status, phase, attempts }: WorkOrderDetail,
  signal: AbortSignal,
): Promise<History> {
  if (status === 'in_progress' && phase !== 'in_review') return { afterId: '0', attemptsBefore: attempts - 1 }
  const path = '/api/orchestrator'
  const now = await api.call({ method: 'GET', path, answer: OrchestratorStatusResponse, signal })
  return { afterId: now.status.last_event_id, attemptsBefore: 0 }
}

function report({ output }: Cli, result: ExecutionResult, replay: boolean): void {
  const { paint } = output
  const id = shortId(result.work_order_id)
  output.line(`${paint.green('✓')} ${paint.bold(`Pull request #${result.pr_number}`)}  ${harmless(result.pr_url)}`)
  output.line(`  ${harmless(result.branch_name)}  ${duration(result.execution_time_ms)}  ${usd(result.cost_usd)}`)
  if (replay) output.line(`  ${paint.yellow(REPLAY)}`)
  output.note(`Look at it with: moose show ${id} --diff   Merge it with: moose merge ${id}`)
}

export function sayInterrupted(
  { output }: Cli,
  { id }: WorkOrderDetail,
  service: Connection['service'],
  interruption: Interruption,
): void {
  const short = shortId(id)
  output.note(
    service === null
      ? `Interrupted. What ${short} has done so far is kept; resume it with: moose run ${short}   Give it up with: moose cancel ${short}`
      : `The service at ${service.url} continues ${short}. Follow it with: moose logs -f ${short}   Stop it with: moose cancel ${short}`,
  )
  output.document({ success: false, error: { code: 'interrupted', message: 'Interrupted by a signal.' } })
  process.exitCode = Number(interruption.exitCode())
}
