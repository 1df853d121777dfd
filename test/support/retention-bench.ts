import { mkdir, readdir, writeFile } from 'node:fs/promises'
import path from 'node:path'
import { DBOS } from '@dbos-inc/dbos-sdk'
import { systemClock } from '../../src/clock.ts'
import { readConfig } from '../../src/config.ts'
import type { AttemptKey } from '../../src/db/attempts/attempts.ts'
import { Mirrors } from '../../src/git/mirrors.ts'
import { attemptRef } from '../../src/git/ref-names.ts'
import { createLog } from '../../src/log.ts'
import type { SweepDeps } from '../../src/retention/sweep.ts'
import { workflowId } from '../../src/work-order/naming.ts'
import type { Project } from '../../src/work-order/project.ts'
import { createTestDatabase, type TestDatabase } from './database.ts'
import { createGitRemote, type GitRemote, gitIn } from './git-remote.ts'

const EXECUTOR = 'this-home'

export type RetentionBench = AsyncDisposable & {
  deps: SweepDeps
  database: TestDatabase
  remote: GitRemote
  project: Project
  /** An order in this state with one attempt in that one, which has ended half an hour ago unless it runs. */
  attempt(order: OrderState, status: AttemptState): Promise<AttemptKey>
  /** Everything an attempt can leave: a workspace, a commit in the mirror, output, an answer. */
  leave(key: AttemptKey): Promise<void>
  /** What of that is there, sorted. */
  left(): Promise<{ workspaces: string[]; commits: string[]; outputs: string[]; answers: string[] }>
}

type OrderState = 'in_review' | 'running' | 'blocked' | 'failed' | 'completed' | 'cancelled'
type AttemptState = 'running' | 'succeeded' | 'failed' | 'blocked' | 'cancelled'

/** A home with a mirror of a real repository, and a database of its own. */
export async function openRetentionBench(): Promise<RetentionBench> {
  await using stack = new AsyncDisposableStack()
  const database = stack.use(await createTestDatabase())
  const remote = stack.use(await createGitRemote({ 'a.txt': 'a\n' }))
  const { db } = database
  const home = remote.folder
  const mirrors = new Mirrors(home)
  const project = remote.project()
  await db
    .insertInto('projects')
    .values({ id: project.id, name: 'sample', repository: remote.path, forge: 'local', default_branch: 'main' })
    .execute()
  const mirror = mirrors.of(project)
  const into = 'refs/heads/main'
  const sha = String(await mirror.fetchBranch(project, { branch: 'main', into }, null))
  const bench: Omit<RetentionBench, keyof AsyncDisposable> = {
    deps: {
      db,
      pool: database.pool,
      config: readConfig({ MOOSE_HOME: home, PATH: '/usr/bin' }),
      mirrors,
      homeId: EXECUTOR,
      clock: systemClock,
      log: createLog('silent'),
      databaseUrl: database.url,
      dataDirectory: null,
    },
    database,
    remote,
    project,
    attempt: (order, status) => addAttempt(database, project, { order, status }),
    async leave(key) {
      const workspace = path.join(home, 'workspaces', `${key.workOrderId}-${key.attempt}`)
      await mkdir(workspace, { recursive: true })
      await writeFile(path.join(workspace, 'file'), 'x'.repeat(10_000))
      await mirror.keep(attemptRef(key.workOrderId, key.attempt), sha)
      await leaveRows(database, key)
    },
    left: () => whatIsLeft(database, home, mirror.dir),
  }
  const owned = stack.move()
  return { ...bench, [Symbol.asyncDispose]: () => owned.disposeAsync() }
}

async function addAttempt(
  { db }: TestDatabase,
  project: Project,
  { order, status }: { order: OrderState; status: AttemptState },
): Promise<AttemptKey> {
  const underWay = order === 'running' ? 'proposing' : order === 'in_review' ? 'in_review' : null
  const { id } = await db
    .insertInto('work_orders')
    .values({
      title: order,
      risk_level: 'low',
      project_id: project.id,
      status: order === 'running' || order === 'in_review' ? 'in_progress' : order,
      phase: underWay,
      attempts: 1,
    })
    .returning('id')
    .executeTakeFirstOrThrow()
  const halfAnHourAgo = new Date(Date.now() - 30 * 60_000)
  await db
    .insertInto('attempts')
    .values({
      work_order_id: id,
      number: 1,
      project_id: project.id,
      status,
      content: '{}',
      executor_id: EXECUTOR,
      claimed_at: halfAnHourAgo,
      ended_at: status === 'running' ? null : halfAnHourAgo,
    })
    .execute()
  return { workOrderId: id, attempt: 1 }
}

async function leaveRows({ db }: TestDatabase, { workOrderId, attempt }: AttemptKey): Promise<void> {
  const event = { work_order_id: workOrderId, attempt, message: 'said' }
  await db
    .insertInto('work_order_events')
    .values([
      { ...event, type: 'step_started' },
      { ...event, type: 'output' },
    ])
    .execute()
  await db
    .insertInto('model_calls')
    .values({
      work_order_id: workOrderId,
      attempt,
      proposer: 'p',
      provider: 'openai',
      model: 'm',
      input_tokens: 10,
      output_tokens: 10,
      cost_usd: '0.5',
      replayed: false,
      duration_ms: 1,
      started_at: new Date(),
      request_key: 'asked',
      answer: Buffer.from('answered'),
    })
    .execute()
}

async function whatIsLeft({ db }: TestDatabase, home: string, mirrorDir: string) {
  const refs = await gitIn(mirrorDir, 'for-each-ref', '--format=%(refname)', 'refs/moose/')
  const outputs = await db
    .selectFrom('work_order_events')
    .select('work_order_id as id')
    .where('type', '=', 'output')
    .execute()
  const answers = await db
    .selectFrom('model_calls')
    .select('work_order_id as id')
    .where('answer', 'is not', null)
    .execute()
  return {
    workspaces: (await readdir(path.join(home, 'workspaces'))).map((name) => name.slice(0, 36)).sort(),
    commits: refs
      .split('\n')
      .filter((ref) => ref !== '')
      .map((ref) => ref.slice(11, 47))
      .sort(),
    outputs: outputs.map(({ id }) => id).sort(),
    answers: answers.map(({ id }) => String(id)).sort(),
  }
}

export type EngineBench = AsyncDisposable & {
  /** Runs a workflow of an attempt to its end, or has it begun and never end. */
  run(key: AttemptKey, how: 'ends' | 'hangs'): Promise<string>
  /** Ids of all workflows the engine knows, sorted. */
  runs(): Promise<string[]>
}

/** The real engine on the database of a bench, with a workflow that does nothing. */
export async function openEngineBench({ pool }: TestDatabase): Promise<EngineBench> {
  const workflow = DBOS.registerWorkflow(
    async (how: string) => {
      await DBOS.runStep(async () => 'done', { name: 'step' })
      if (how === 'hangs') await new Promise(() => undefined)
    },
    { name: 'attempt' },
  )
  const quiet = { debug: () => undefined, info: () => undefined, warn: () => undefined, error: () => undefined }
  DBOS.setConfig({ name: 'moose', systemDatabasePool: pool, useListenNotify: false, logger: quiet })
  await DBOS.launch()
  return {
    async run(key, how) {
      const id = workflowId(key.workOrderId, key.attempt)
      const handle = await DBOS.startWorkflow(workflow, { workflowID: id })(how)
      if (how === 'ends') await handle.getResult()
      return id
    },
    async runs() {
      const { rows } = await pool.query<{ id: string }>('select workflow_uuid as id from dbos.workflow_status')
      return rows.map(({ id }) => id).sort()
    },
    [Symbol.asyncDispose]: () => DBOS.shutdown({ deregister: true, workflowCompletionTimeoutMS: 10 }),
  }
}
