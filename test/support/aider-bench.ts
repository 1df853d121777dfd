import { execFile } from 'node:child_process'
import { randomUUID } from 'node:crypto'
import { readdir } from 'node:fs/promises'
import path from 'node:path'
import { promisify } from 'node:util'
import { systemClock } from '../../src/clock.ts'
import { toFault } from '../../src/errors.ts'
import { createAiderExecutor } from '../../src/executors/aider/aider-executor.ts'
import { Mirrors } from '../../src/git/mirrors.ts'
import { createLog } from '../../src/log.ts'
import { createGateway } from '../../src/models/gateway.ts'
import { createModels } from '../../src/models/models.ts'
import type { ModelGateway } from '../../src/pipeline/ports/model-access.ts'
import type { WorkOrderContent } from '../../src/work-order/content.ts'
import { workOrderTrailer } from '../../src/work-order/naming.ts'
import { createWorkspaces } from '../../src/workspace/workspaces.ts'
import type { TestDatabase } from './database.ts'
import { createGitRemote, type FileChange, gitIn } from './git-remote.ts'
import { type ModelServer, type Scripted, startModelServer } from './model-server.ts'

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
  /** Told that the run has begun; may abort it. */
  onBegin?: (run: { abort: () => void; server: ModelServer }) => void
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
  left: { processes: string[]; folders: string[]; refs: string; tokenStillGood: boolean }
}

/** One run of real Aider by our executor, in a real workspace, through the real gateway, against a scripted provider. */
export async function runAider(database: TestDatabase, command: string, bench: Bench): Promise<BenchResult> {
  await using stack = new AsyncDisposableStack()
  const server = stack.use(await startModelServer(...bench.script))
  const remote = stack.use(await createGitRemote(bench.files))
  const proposer = await lend(database, server.url)
  const secrets = { anthropic: null, openai: null, openaiCompatible: REAL_KEY }
  const log = createLog('silent')
  const models = createModels({
    db: database.db,
    secrets,
    replayDir: null,
    modelTimeoutMs: 120_000,
    clock: systemClock,
    log,
  })
  const gateway = stack.use(createGateway({ db: database.db, models }))
  const lent: { url: string; token: string }[] = []
  const watched: ModelGateway = {
    async grant(request) {
      const grant = await gateway.grant(request)
      lent.push(grant)
      return grant
    },
  }
  const timeoutMs = bench.timeoutMs === undefined ? 90_000 : bench.timeoutMs
  const executor = createAiderExecutor({
    gateway: watched,
    locate: async () => command,
    timeoutMs,
    executablePath: String(process.env['PATH']),
  })
  const project = remote.project()
  const workspaces = createWorkspaces({ root: remote.folder, mirrors: new Mirrors(remote.folder), log })
  const controller = new AbortController()
  const { signal } = controller
  const sha = await workspaces.fetchBase(project, signal)
  const order = orderOf(bench)
  const workOrderId = await placeOrder(database, order)
  const output: string[] = []
  let outcome = { ending: 'applied', message: '' }
  let changed: Record<string, string> = {}
  {
    await using workspace = await workspaces.open({ project, workOrderId, attempt: 1, sha, signal })
    bench.onBegin?.({ abort: () => controller.abort(), server })
    try {
      await executor.apply({
        workspace,
        content: bench.content === undefined ? 'Change greeting.txt as described.' : bench.content,
        scope: order.files_in_scope,
        signal,
        order,
        workOrderId,
        attempt: 1,
        proposer,
        previousFailure: null,
        onOutput: (text) => output.push(text),
      })
      const commit = await workspace.commit(`change\n\n${workOrderTrailer(workOrderId, 1)}\n`, new Date(0))
      if (commit !== null) changed = await contentsOf(remote.folder, sha, commit)
    } catch (error) {
      outcome = { ending: toFault(error).code, message: toFault(error).message }
    }
  }
  await workspaces.rollBack(project, workOrderId, 1)
  const rows = await database.db
    .selectFrom('model_calls')
    .select('cost_usd')
    .where('work_order_id', '=', workOrderId)
    .execute()
  const { charged } = server
  return {
    ...outcome,
    output: output.join(''),
    changed,
    server,
    booked: rows.reduce((sum, { cost_usd }) => sum + Number(cost_usd), 0),
    charged: (charged.input * PRICE.input_per_million + charged.output * PRICE.output_per_million) / 1e6,
    left: await leftBehind(remote.folder, lent),
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

async function placeOrder({ db }: TestDatabase, order: WorkOrderContent): Promise<string> {
  const { id } = await db
    .insertInto('work_orders')
    .values({ title: order.title, description: order.description, risk_level: 'low' })
    .returning('id')
    .executeTakeFirstOrThrow()
  return id
}

async function mirrorOf(home: string): Promise<string> {
  const folders = await readdir(home, { recursive: true, withFileTypes: true })
  const found = folders.find((entry) => entry.name === 'HEAD' && !entry.parentPath.includes('workspaces'))
  return String(found?.parentPath)
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

async function leftBehind(home: string, lent: readonly { url: string; token: string }[]): Promise<BenchResult['left']> {
  const { stdout } = await promisify(execFile)('ps', ['-Aww', '-o', 'pid=,args='])
  const alive = await Promise.all(
    lent.map(({ url, token }) => fetch(`${url}/models`, { headers: { authorization: `Bearer ${token}` } })),
  )
  return {
    processes: stdout.split('\n').filter((line) => line.includes(home)),
    folders: await readdir(path.join(home, 'workspaces')),
    refs: await gitIn(await mirrorOf(home), 'for-each-ref', '--format=%(refname)', 'refs/moose'),
    tokenStillGood: alive.some(({ status }) => status !== 401),
  }
}
