import { Command } from 'commander'
import { NO_AUTH } from '../../config/api-settings.ts'
import { type OrchestratorStatus, OrchestratorStatusResponse } from '../../contract/orchestrator.ts'
import type { FailurePause } from '../../contract/why/why.ts'
import { ORDER_STATES, type OrderState } from '../../work-order/order-state.ts'
import { type Cli, withApi } from '../cli.ts'
import type { Connection } from '../client/connect.ts'
import { budgetText, budgetWarnings } from '../pages/budget-line.ts'
import { ago, counted, duration, shortId } from '../pages/humanize.ts'
import type { Paint } from '../pages/output.ts'
import { pauseText } from '../pages/project-page.ts'
import { sandboxText } from '../pages/sandbox-text.ts'
import { table } from '../pages/table.ts'
import { harmless, LONGEST_TITLE, oneLine } from '../pages/terminal-text.ts'

const SHOWN_ERRORS = 5

export function statusCommand(cli: Cli): Command {
  return new Command('status')
    .description(
      'Shows whether the service is up, what it runs, how many work orders stand where, and its last errors.',
    )
    .addHelpText('after', '\nExample:\n  $ moose status')
    .action(() =>
      withApi(cli, async (api, service) => {
        const path = '/api/orchestrator'
        const answer = await api.call({ method: 'GET', path, answer: OrchestratorStatusResponse })
        cli.output.document({ ...answer, service })
        cli.output.line(cli.output.hint(statusPage(answer.status, service, cli.output.paint)))
      }),
    )
}

function statusPage(status: OrchestratorStatus, service: Connection['service'], paint: Paint): string {
  const now = new Date()
  const rows = [
    ['service', service === null ? 'not running; start it with: moose up --start' : serviceText(service, now, paint)],
    ...(service === null ? [] : servingRows(status, now)),
    ...(service !== null && status.auth === false ? [['attention', paint.yellow(NO_AUTH)]] : []),
    ...workerRows(status, now, paint),
    ['work orders', countsText(status)],
    ...pausedRows(status, paint),
    ...budgetRows(status, paint),
    ['home', status.home],
    ['database', status.database_url],
    ['version', status.version],
    ['sandbox', sandboxText(status, paint)],
  ]
  const page = table(rows.map(([name, value]) => [paint.dim(String(name)), String(value)]))
  const errors = status.errors.slice(-SHOWN_ERRORS).map(({ message, timestamp }) => {
    return `  ${paint.red('✗')} ${ago(new Date(timestamp), now)}  ${harmless(message)}`
  })
  return errors.length === 0 ? page : [page, '', paint.dim('Last errors'), ...errors].join('\n')
}

function serviceText({ url, pid, started_at }: NonNullable<Connection['service']>, now: Date, paint: Paint): string {
  return `${paint.green('up')} at ${url} (process ${pid}, started ${ago(new Date(started_at), now)})`
}

function servingRows(status: OrchestratorStatus, now: Date): string[][] {
  const { executing_work_orders: executing, last_poll } = status
  const looked = last_poll === null ? 'never' : ago(new Date(last_poll), now)
  const ids = executing.length === 0 ? '' : ` (${executing.map(shortId).join(', ')})`
  const everywhere = status.workers.reduce((sum, { running }) => sum + running, 0)
  const per = status.max_per_repository === null ? '' : `, ${status.max_per_repository} in one repository`
  return [
    [
      'polling',
      status.polling ? `every ${duration(status.interval_ms)}, last ${looked}` : 'off; start it with: moose start',
    ],
    ['running', `${status.executing_count} here${ids}; ${everywhere} of at most ${status.max_concurrent} in all${per}`],
    ['ended', `${status.total_executed} attempts since it started, ${status.total_failed} of them failed`],
    ...pullRequestRows(status, now),
  ]
}

/** Nothing while there is no worker but the one that answers. */
function workerRows({ workers }: OrchestratorStatus, now: Date, paint: Paint): string[][] {
  if (workers.every((worker) => worker.is_this)) return []
  return workers.map(({ host, pid, alive, running, holds, started_at, is_this }, index) => {
    const state = alive ? paint.green('alive') : paint.yellow('gone')
    const who = `${harmless(host)}, process ${pid}${is_this ? ' (this one)' : ''}`
    const ids =
      holds === undefined || holds.length === 0 ? '' : ` (${holds.map((one) => shortId(one.work_order_id)).join(', ')})`
    const text = `${who}: ${state}, ${counted(running, 'attempt')}${ids}, started ${ago(new Date(started_at), now)}`
    return [index === 0 ? 'workers' : '', text]
  })
}

/** Nothing where no pull request is open and nothing was asked of GitHub. */
function pullRequestRows({ github }: OrchestratorStatus, now: Date): string[][] {
  const { tracked_pull_requests: tracked, api_calls_last_hour: calls, last_look } = github
  if (tracked === 0 && calls === 0) return []
  const looked = last_look === null ? 'never' : ago(new Date(last_look), now)
  const asked = calls === 0 ? '' : `; ${counted(calls, 'API call')} to GitHub in the last hour`
  return [['pull requests', `${tracked} open, last looked at ${looked}${asked}`]]
}

function budgetRows({ budget }: OrchestratorStatus, paint: Paint): string[][] {
  if (budget === null) return [['budget', paint.yellow('cannot be read; see the last errors')]]
  const warnings = budgetWarnings(budget).map((warning) => ['', paint.yellow(warning)])
  return [['budget', budgetText(budget)], ...warnings]
}

/** Those that run, wait and are in review apart. */
function countsText({ states }: OrchestratorStatus): string {
  const some = ORDER_STATES.filter((state) => states[state] > 0).map((state) => `${states[state]} ${WORDS[state]}`)
  return some.length === 0 ? 'none' : some.join(', ')
}

const WORDS: Record<OrderState, string> = {
  unapproved: 'not approved',
  waiting: 'waiting',
  running: 'running',
  review: 'in review',
  blocked: 'blocked',
  failed: 'failed',
  completed: 'completed',
  cancelled: 'cancelled',
}

/** Nothing while nothing is left alone. */
function pausedRows(
  { paused_providers: paused, failure_pauses: failed = [] }: OrchestratorStatus,
  paint: Paint,
): string[][] {
  const texts = [...failed.map(failureText), ...providerTexts(paused)]
  return texts.map((text, index) => [index === 0 ? 'paused' : '', paint.yellow(text)])
}

function failureText(pause: FailurePause): string {
  return `${pause.kind} ${oneLine(pause.name, LONGEST_TITLE)}: ${pauseText(pause)}`
}

function providerTexts(paused: OrchestratorStatus['paused_providers']): string[] {
  return paused.map(({ provider, until, reason, proposers }) => {
    const [name] = proposers
    const test = name === undefined ? '' : `; try it now with: moose proposer test ${oneLine(name, LONGEST_TITLE)}`
    return `${oneLine(provider, LONGEST_TITLE)}, until ${until}: ${oneLine(reason, LONGEST_TITLE)}${test}`
  })
}
