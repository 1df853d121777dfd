import { once } from 'node:events'
import { Command, InvalidArgumentError } from 'commander'
import type { Moose } from '../../app.ts'
import { NO_AUTH } from '../../config/api-settings.ts'
import type { Config } from '../../config.ts'
import type { BudgetLine } from '../../contract/budget.ts'
import { type OrchestratorStatus, OrchestratorStatusResponse } from '../../contract/orchestrator.ts'
import { Fault, toFault } from '../../faults/fault.ts'
import { createLogFor } from '../../log.ts'
import type { Cli } from '../cli.ts'
import { type ApiClient, createApiClient } from '../client/api-client.ts'
import { findService, IN_PROCESS_URL, serviceOf } from '../client/connect.ts'
import { removeServiceFile, writeServiceFile } from '../client/service-file.ts'
import { listenForInterruption } from '../interruption.ts'
import { budgetText, budgetWarnings } from '../pages/budget-line.ts'
import { isRepetition, printEvent } from '../pages/event-line.ts'
import { ago, counted, duration, shortId } from '../pages/humanize.ts'
import type { Paint } from '../pages/output.ts'
import { sandboxText } from '../pages/sandbox-text.ts'
import { table } from '../pages/table.ts'
import { harmless } from '../pages/terminal-text.ts'

const HIGHEST_PORT = 65_535
export const PORT_HELP = 'where to listen; 0 lets the system choose'

type UpOptions = { start?: true; port?: number }

/** `worker`: one that takes on orders and leaves pull requests to a `moose up`. */
type Serving = { role: 'service' | 'worker'; start: boolean; port: number }

export function upCommand(cli: Cli): Command {
  return new Command('up')
    .description(
      'Serves the API on this machine and runs work orders until it is stopped. Nothing new is claimed before ' +
        'you say so: --start, moose start, or ORCHESTRATOR_AUTO_START=true. What an earlier process of this home has ' +
        'begun continues at once.',
    )
    .option('--start', 'take on approved work orders at once')
    .option('--port <number>', PORT_HELP, portNumber)
    .addHelpText('after', '\nExamples:\n  $ moose up --start\n  $ moose up --port 0')
    .action(({ start, port }: UpOptions) => {
      const config = cli.config()
      const serving = { start: start === true || config.autoStart, port: port === undefined ? config.port : port }
      return serve(cli, config, { role: 'service', ...serving })
    })
}

/**
 * Runs work orders until it is told to stop, and prints what happens.
 *
 * @param onServing called once, when it answers at that address
 */
export async function serve(
  cli: Cli,
  config: Config,
  { role, start, port }: Serving,
  onServing: (url: string) => Promise<void> = async () => {},
): Promise<void> {
  using interruption = listenForInterruption()
  await using moose = await open(cli, config, role)
  const { url, publicUrl } = await moose.serve(port)
  const database = { url: moose.databaseUrl, identity: await moose.databaseIdentity() }
  const service = { url, pid: process.pid, started_at: new Date().toISOString(), database }
  await writeServiceFile(config.home, service)
  try {
    const api = createApiClient(IN_PROCESS_URL, (request) => moose.http.fetch(request))
    // Before anything new is claimed.
    const continued = runningHere(await statusOf(api))
    if (start) await moose.startUnattended()
    const status = await statusOf(api)
    greet(cli, { url, publicUrl }, status, continued)
    await onServing(url)
    const quiet = new AbortController()
    const printing = printEvents(cli, api, status.last_event_id, quiet.signal)
    if (!interruption.signal.aborted) await once(interruption.signal, 'abort')
    try {
      await drain(cli, moose, api, config.drainGraceMs)
    } finally {
      quiet.abort()
      await printing
    }
  } finally {
    await removeServiceFile(config.home)
  }
  cli.output.note('Stopped.')
}

async function open(cli: Cli, config: Config, role: Serving['role']): Promise<Moose> {
  using _waiting = cli.output.spinner('opening the database')
  // Who owns a home is kept in its database: of another one it would not be seen that this home is in use.
  await serviceOf(config)
  const { openMoose } = await import('../../app.ts')
  try {
    return await openMoose(config, { log: createLogFor(config), role })
  } catch (error) {
    if (error instanceof Fault && error.code === 'home_owned') throw await namingTheOwner(error, config.home)
    throw error
  }
}

/** Who serves the home is written in it; a `moose run` is not. */
async function namingTheOwner(fault: Fault, home: string): Promise<Fault> {
  const owner = await findService(home)
  if (owner === null) return fault
  const { url, pid, started_at } = owner
  const since = ago(new Date(started_at), new Date())
  const message = `${home} is served already: by process ${pid} at ${url}, started ${since}. Use that one, stop it with: kill ${pid}   or choose another home with --home.`
  return new Fault('home_owned', message, { home, url, pid, started_at }, fault)
}

async function statusOf(api: ApiClient): Promise<OrchestratorStatus> {
  const { status } = await api.call({ method: 'GET', path: '/api/orchestrator', answer: OrchestratorStatusResponse })
  return status
}

/** @param continued how many work orders an earlier process has begun, which this one continues */
function greet(
  { output }: Cli,
  { url, publicUrl }: { url: string; publicUrl: string | null },
  status: OrchestratorStatus,
  continued: number,
): void {
  const { paint } = output
  const rows = [
    ...(publicUrl === null ? [] : [['others', publicUrl]]),
    ['home', status.home],
    ['database', status.database_url],
    ['polling', pollingText(status)],
    ...(continued === 0 ? [] : [['continues', `${counted(continued, 'work order')} ${INTERRUPTED}`]]),
    ...(status.budget === null ? [] : budgetRows(status.budget, paint)),
    ['sandbox', sandboxText(status, paint)],
    ['stop', 'Ctrl-C'],
    ...(status.auth === false ? [['attention', paint.yellow(NO_AUTH)]] : []),
    ...status.errors.map(({ message }) => ['attention', paint.yellow(harmless(message))]),
  ]
  output.document({ type: 'ready', url, public_url: publicUrl, status })
  output.line(`${paint.bold(`Moose ${status.version}`)} serves ${paint.cyan(url)}`)
  output.line(output.hint(table(rows.map(([name, value]) => [`  ${paint.dim(String(name))}`, String(value)]))))
}

const INTERRUPTED = 'an earlier process began and left; stop one with: moose cancel ID'

function runningHere({ workers }: OrchestratorStatus): number {
  return workers.reduce((sum, { is_this, running }) => (is_this ? sum + running : sum), 0)
}

/** Why everything is stopped stands below it: with the budget, or where that cannot be read, with what went wrong. */
function pollingText({ polling, interval_ms: interval, max_concurrent: most, budget }: OrchestratorStatus): string {
  if (!polling) return 'off; start it with: moose start'
  const often = `every ${duration(interval)}, at most ${counted(most, 'work order')} at once`
  const isStopped = budget === null || budget.emergency_stop.active
  return isStopped ? `${often}; everything is stopped, and is resumed when the stop ends` : often
}

function budgetRows(budget: BudgetLine, paint: Paint): string[][] {
  return [['budget', budgetText(budget)], ...budgetWarnings(budget).map((words) => ['attention', paint.yellow(words)])]
}

async function printEvents({ output }: Cli, api: ApiClient, afterId: string, signal: AbortSignal): Promise<void> {
  try {
    for await (const event of api.follow({ workOrderId: null, afterId, signal })) {
      output.document(event)
      // What a check prints belongs in `moose logs`; here it would drown what happens to the others.
      if (event.type !== 'output' && !isRepetition(event)) printEvent(output, event, { time: true, order: true })
    }
  } catch (error) {
    // The service continues without its live lines.
    if (!signal.aborted) output.note(harmless(toFault(error).message))
  }
}

async function drain({ output }: Cli, moose: Moose, api: ApiClient, graceMs: number): Promise<void> {
  output.note(await whatStops(api, graceMs).catch(stopsAnyway))
  await moose.orchestrator.drain(graceMs)
}

async function whatStops(api: ApiClient, graceMs: number): Promise<string> {
  const { executing_work_orders: executing } = await statusOf(api)
  const running = `${counted(executing.length, 'work order')} (${executing.map(shortId).join(', ')})`
  return executing.length === 0
    ? 'Stopping …'
    : `Stopping: ${running} may finish its current step, at most ${duration(graceMs)}, without a new call to a model; another worker or the next start continues. Ctrl-C again leaves at once.`
}

/** The database may be away. */
function stopsAnyway(error: unknown): string {
  return `Stopping … What runs cannot be said: ${harmless(toFault(error).message)}`
}

export function portNumber(text: string): number {
  const port = Number(text)
  if (/^\d+$/.test(text) && port <= HIGHEST_PORT) return port
  throw new InvalidArgumentError(`It must be a whole number from 0 to ${HIGHEST_PORT}.`)
}
