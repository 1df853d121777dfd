import { execFile } from 'node:child_process'
import { randomUUID } from 'node:crypto'
import { readdir, readFile, writeFile } from 'node:fs/promises'
import path from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { promisify } from 'node:util'
import { systemClock } from '../../src/clock.ts'
import { createAiderExecutor } from '../../src/executors/aider/aider-executor.ts'
import { toFault } from '../../src/faults/fault.ts'
import { Mirrors } from '../../src/git/mirrors.ts'
import { createLog } from '../../src/log.ts'
import { createGateway } from '../../src/models/gateway.ts'
import { createModels } from '../../src/models/models.ts'
import type { ModelGateway, ModelGrant } from '../../src/ports/model-access.ts'
import type { Workspace } from '../../src/ports/workspace.ts'
import type { WorkOrderContent } from '../../src/work-order/content.ts'
import { workOrderTrailer } from '../../src/work-order/naming.ts'
import type { Project } from '../../src/work-order/project.ts'
import { createWorkspaces } from '../../src/workspace/workspaces.ts'
import { AIDER } from './aider-program.ts'
import { RECORDS, type RecordedRun } from './aider-recording.ts'
import type { TestDatabase } from './database.ts'
import { createGitRemote, type FileChange, type GitRemote, gitIn } from './git-remote.ts'
import { type ModelServer, type Scripted, startModelServer } from './model-server.ts'
import { usualSandbox } from './usual-sandbox.ts'

/** What the stand-in provider must see, and Aider must not. */
export const REAL_KEY = 'sk-the-real-key-of-the-operator'
export const PRICE = { input_per_million: 3, output_per_million: 15 }

/** A SEARCH/REPLACE block as a model answers in Aider's `diff` format; an empty search makes a new file. */
export function block(file: string, search: string, replace: string): string {
  const lines = (text: string) => (text === '' ? '' : `${text}\n`)
  return `${file}\n\`\`\`\n<<<<<<< SEARCH\n${lines(search)}=======\n${lines(replace)}>>>>>>> REPLACE\n\`\`\`\n`
}

export const says = (text: string): Scripted => ({ kind: 'text', text })

export type Bench = {
  /** Files of the base commit. */
  files: Readonly<Record<string, FileChange>>
  script: readonly Scripted[]
  scope?: readonly string[]
  order?: Partial<WorkOrderContent>
  /** The Proposer's text. */
  content?: string
  timeoutMs?: number
  /** What is committed on top of the files. */
  prepare?: (remote: GitRemote) => void
  /** An operator's own program around the real one: `sh` that finds it in `$AIDER`. */
  wrapper?: string
  /** Done while the model thinks about the first call; it answers afterwards. */
  whileThinking?: (run: RunUnderWay) => Promise<void> | void
}

export type RunUnderWay = {
  abort: () => void
  /** Aider and whatever it has started, oldest first. */
  processes: { pid: number; args: string }[]
}

/** How a run ended, and what it left. */
export type BenchResult = {
  /** `applied`, or the code of the fault. */
  ending: string
  message: string
  output: string
  /** The tree after the run: content by path; null for the verdicts after which it is of no use. */
  changed: Readonly<Record<string, string>>
  server: ModelServer
  /** USD of the rows in model_calls, and of what the stand-in charged. */
  booked: number
  charged: number
  left: { processes: string[]; folders: string[]; beside: string[]; refs: string; tokenStillGood: boolean }
  /** For the tests of the verdict; its exit code is known only while runs are recorded. */
  recorded: Omit<RecordedRun, 'name'>
}

/** One run of real Aider by our executor, in a real workspace, through the real gateway, against a scripted provider. */
export async function runAider(database: TestDatabase, aider: string, bench: Bench): Promise<BenchResult> {
  await using stack = new AsyncDisposableStack()
  const server = stack.use(await startModelServer(...bench.script))
  const remote = stack.use(await createGitRemote(bench.files))
  bench.prepare?.(remote)
  const order = orderOf(bench)
  const run: Run = {
    home: remote.folder,
    project: remote.project(),
    server,
    order,
    workOrderId: await placeOrder(database, order),
    proposer: await lend(database, server.url),
    command: await commandOf(bench, aider, remote.folder),
  }
  const lent: ModelGrant[] = []
  const gateway = stack.use(
    createGateway({ db: database.db, models: modelsOf(database), home: run.home, refuseSecrets: () => undefined }),
  )
  const outcome = await carryOut(run, bench, watchGrants(gateway, lent))
  const rows = await database.db
    .selectFrom('model_calls')
    .select('cost_usd')
    .where('work_order_id', '=', run.workOrderId)
    .execute()
  const { charged } = server
  return {
    ...outcome,
    server,
    booked: rows.reduce((sum, { cost_usd }) => sum + Number(cost_usd), 0),
    charged: (charged.input * PRICE.input_per_million + charged.output * PRICE.output_per_million) / 1e6,
    left: { ...(await leftBehind(run.home, lent)), beside: outcome.beside },
    recorded: await recordedOf(run, { bench, outcome, lent }),
  }
}

type Run = {
  /** The folder everything of the run is below. */
  home: string
  project: Project
  server: ModelServer
  order: WorkOrderContent
  workOrderId: string
  proposer: string
  /** Absolute path of the program. */
  command: string
}

const log = createLog('silent')

function modelsOf({ db }: TestDatabase) {
  const secrets = { OPENAI_COMPATIBLE_API_KEY: REAL_KEY }
  return createModels({
    db,
    secrets,
    networkEnvironment: {},
    replayDir: '/nonexistent',
    modelTimeoutMs: 120_000,
    maxCallsPerProvider: null,
    modelHosts: [],
    clock: systemClock,
    log,
  })
}

function watchGrants(gateway: ModelGateway, lent: ModelGrant[]): ModelGateway {
  return {
    async grant(request) {
      const grant = await gateway.grant(request)
      lent.push(grant)
      return grant
    },
  }
}

/** `seen`: what git said has changed, if it was asked. */
type Outcome = Pick<BenchResult, 'ending' | 'message' | 'output' | 'changed'> & {
  beside: string[]
  seen: readonly string[] | null
}

async function carryOut(run: Run, bench: Bench, gateway: ModelGateway): Promise<Outcome> {
  const { home, project, workOrderId } = run
  const workspaces = createWorkspaces({ root: home, mirrors: new Mirrors(home) })
  const controller = new AbortController()
  const { signal } = controller
  const sha = await workspaces.fetchBase(project, signal)
  const output: string[] = []
  let seen: readonly string[] | null = null
  const said = (outcome: Omit<Outcome, 'output' | 'seen'>): Outcome => ({ ...outcome, output: output.join(''), seen })
  try {
    await using workspace = await workspaces.open({ project, workOrderId, attempt: 1, sha, signal })
    const beside = async () => (await readdir(path.dirname(workspace.path))).filter((name) => name === 'aider')
    try {
      const watched = watchChanges(workspace, (paths) => (seen = paths))
      const applying = applyIn(watched, { run, bench, gateway, signal, onOutput: (text) => output.push(text) })
      await Promise.all([applying, whileThinking(run, bench, () => controller.abort())])
      const commit = await workspace.commit(`change\n\n${workOrderTrailer(workOrderId, 1)}\n`, new Date(0))
      const changed = commit === null ? {} : await contentsOf(home, sha, commit)
      return said({ ending: 'applied', message: '', changed, beside: await beside() })
    } catch (error) {
      const { code, message } = toFault(error)
      return said({ ending: code, message, changed: {}, beside: await beside() })
    }
  } finally {
    await workspaces.rollBack(project, workOrderId, 1)
  }
}

async function applyIn(
  workspace: Workspace,
  use: { run: Run; bench: Bench; gateway: ModelGateway; signal: AbortSignal; onOutput: (text: string) => void },
): Promise<void> {
  const { run, bench, gateway, signal, onOutput } = use
  // What a wrapper starts is readable in the sandbox where the PATH leads to it.
  const PATH = String(process.env['PATH'])
  const executor = createAiderExecutor({
    gateway,
    locate: async () => run.command,
    timeoutMs: bench.timeoutMs === undefined ? 150_000 : bench.timeoutMs,
    contextMaxBytes: 400_000,
    executablePath: run.command === AIDER ? PATH : [PATH, path.dirname(AIDER)].join(path.delimiter),
    sandbox: usualSandbox(run.home),
  })
  await executor.apply({
    ...run,
    workspace,
    content: bench.content === undefined ? 'Change greeting.txt as described.' : bench.content,
    scope: run.order.files_in_scope,
    signal,
    attempt: 1,
    previousFailure: null,
    mostCalls: null,
    repair: null,
    onOutput,
    onProgress: async () => undefined,
  })
}

function watchChanges(workspace: Workspace, onChanges: (paths: readonly string[]) => void): Workspace {
  return {
    path: workspace.path,
    baseSha: workspace.baseSha,
    borrows: workspace.borrows,
    image: null,
    commit: (message, when) => workspace.commit(message, when),
    restore: () => workspace.restore(),
    commitWithin: (scope, commit) => workspace.commitWithin(scope, commit),
    ignored: () => workspace.ignored(),
    keepCaches: (key) => workspace.keepCaches(key),
    async changedPaths() {
      const paths = await workspace.changedPaths()
      onChanges(paths)
      return paths
    },
    [Symbol.asyncDispose]: () => workspace[Symbol.asyncDispose](),
  }
}

async function whileThinking({ server, home }: Run, bench: Bench, abort: () => void): Promise<void> {
  if (bench.whileThinking === undefined) return
  while (server.calls.length === 0) await delay(30)
  await bench.whileThinking({ abort, processes: await processesOf(home) })
}

const RECORDER = 'recorder'

async function commandOf({ wrapper }: Bench, aider: string, folder: string): Promise<string> {
  const command = wrapper === undefined ? aider : await wrap(wrapper, aider, path.join(folder, 'wrapper'))
  if (!RECORDS) return command
  return await wrap(
    'env -u PWD "$AIDER" "$@"; code=$?; echo $code >"$0.exit"; exit $code',
    command,
    path.join(folder, RECORDER),
  )
}

/** As an operator might set up an Aider of his own. */
async function wrap(script: string, aider: string, file: string): Promise<string> {
  await writeFile(file, `#!/bin/sh\nAIDER=${aider}\n${script}\n`, { mode: 0o755 })
  return file
}

async function recordedOf(
  { home, order }: Run,
  { bench, outcome, lent }: { bench: Bench; outcome: Outcome; lent: readonly ModelGrant[] },
): Promise<BenchResult['recorded']> {
  const { ending, message, output, seen } = outcome
  const exitCode = await readFile(path.join(home, `${RECORDER}.exit`), 'utf8').catch(() => null)
  const calls = lent.flatMap((grant) => grant.calls)
  // Where something was kept out of reach git is not asked, and only the message names it.
  const trespass = ending === 'aider_out_of_scope' && seen === null && exitCode !== null
  return {
    scope: order.files_in_scope,
    exitCode: exitCode === null ? null : Number(exitCode),
    timedOutAfterMs: ending === 'aider_timed_out' && bench.timeoutMs !== undefined ? bench.timeoutMs : null,
    calls: calls.map(({ fault, costUsd }) => ({
      fault: fault === null ? null : fault.toRecord(),
      costUsd: costUsd === null ? null : costUsd.toFixed(),
    })),
    changed: seen === null ? [] : seen,
    trespassed: trespass ? [String(/files_in_scope: (.*)\.\n/.exec(message)?.[1])] : [],
    ending,
    message,
    output: output.split('\n'),
  }
}

function orderOf(bench: Bench): WorkOrderContent {
  return {
    title: 'Greet the world',
    description: 'The greeting should be for the whole world.',
    acceptance_criteria: ['It greets the world'],
    files_in_scope: bench.scope === undefined ? ['greeting.txt'] : [...bench.scope],
    risk_level: 'low',
    ...bench.order,
  }
}

async function lend({ db }: TestDatabase, url: string): Promise<string> {
  const name = `stand-in ${randomUUID()}`
  const row = { name, provider: 'openai-compatible', model: 'stand-in', base_url: url, complexity_threshold: 1 }
  await db
    .insertInto('proposer_configs')
    .values({ ...row, cost_profile: JSON.stringify(PRICE) })
    .execute()
  return name
}

/** Without a cap of its own in the way: how a run ends is looked at, not what it may cost. */
async function placeOrder({ db }: TestDatabase, order: WorkOrderContent): Promise<string> {
  const { id } = await db
    .insertInto('work_orders')
    .values({ title: order.title, description: order.description, risk_level: 'low', budget_usd: 100 })
    .returning('id')
    .executeTakeFirstOrThrow()
  return id
}

async function mirrorOf(home: string): Promise<string> {
  const folder = path.join(home, 'mirrors')
  const [name] = await readdir(folder)
  return path.join(folder, String(name))
}

async function contentsOf(home: string, from: string, to: string): Promise<Record<string, string>> {
  const mirror = await mirrorOf(home)
  const names = await gitIn(mirror, '-c', 'core.quotePath=false', 'diff', '--name-only', '-z', from, to)
  const contents: Record<string, string> = {}
  for (const name of names.split('\0').filter((part) => part !== '')) {
    const show = await promisify(execFile)('git', ['show', `${to}:${name}`], { cwd: mirror }).catch(() => null)
    contents[name] = show === null ? '(deleted)' : show.stdout
  }
  return contents
}

async function leftBehind(home: string, lent: readonly ModelGrant[]): Promise<Omit<BenchResult['left'], 'beside'>> {
  const alive = await Promise.all(
    lent.map(({ url, token }) => fetch(`${url}/models`, { headers: { authorization: `Bearer ${token}` } })),
  )
  return {
    processes: (await processesOf(home)).map(({ args }) => args),
    folders: await readdir(path.join(home, 'workspaces')),
    refs: await gitIn(await mirrorOf(home), 'for-each-ref', '--format=%(refname)', 'refs/moose'),
    tokenStillGood: alive.some(({ status }) => status !== 401),
  }
}

/** Everything that runs with a path of this home among its words. */
async function processesOf(home: string): Promise<RunUnderWay['processes']> {
  const { stdout } = await promisify(execFile)('ps', ['-Aww', '-o', 'pid=,args='], { maxBuffer: 64 * 1024 * 1024 })
  const lines = stdout.split('\n').filter((line) => line.includes(home))
  return lines.map((line) => {
    const [pid, ...args] = line.trim().split(' ')
    return { pid: Number(pid), args: args.join(' ') }
  })
}
