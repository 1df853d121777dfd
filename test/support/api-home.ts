import { randomUUID } from 'node:crypto'
import { writeFile } from 'node:fs/promises'
import path from 'node:path'
import { type Insertable, sql, type Transaction } from 'kysely'
import { type Moose, makeHomeToken } from '../../src/app.ts'
import type { EventView } from '../../src/contract/events.ts'
import { ListedWorkOrdersResponse } from '../../src/contract/order-list.ts'
import type { ListedWorkOrder, WorkOrderDetail } from '../../src/contract/work-orders.ts'
import type { Database } from '../../src/db/schema.ts'
import { createHttpApp } from '../../src/http/http-app.ts'
import type { HttpDeps } from '../../src/http/http-deps.ts'
import type { HttpApp } from '../../src/http/http-env.ts'
import { serveHttp } from '../../src/http/serve-http.ts'
import { createLog } from '../../src/log.ts'
import { enterTestToken } from './api-token.ts'
import { createMooseHome, detailOf, type MooseHome, type RecordedAnswer } from './moose-home.ts'

/** The API over a socket, where the command line finds it: as the service of its home. */
export type ServedApi = AsyncDisposable & {
  /** What was sent to change something, oldest first; `body` is null where there was none. */
  sent: { method: string; path: string; body: unknown }[]
}

/** Columns of an order as a test writes them; what is left out is as it was, or as in `NEW_ORDER`. */
export type PlacedOrder = Partial<
  Omit<OrderRow, 'acceptance_criteria' | 'files_in_scope' | 'metadata' | 'project_id'>
> & {
  acceptance_criteria?: readonly string[]
  files_in_scope?: readonly string[]
  approved?: boolean
  /** Its name; null: none. `sample` for a new order otherwise. */
  project?: string | null
  /** Its attempts: new ones, or another status of those it has. */
  attempt_history?: readonly PlacedAttempt[]
}
type OrderRow = Insertable<Database['work_orders']>
export type PlacedAttempt = {
  number: number
  status: 'running' | 'succeeded' | 'failed' | 'cancelled'
  steps?: readonly { name: string; status: 'running' | 'succeeded' | 'failed'; output?: unknown }[]
}

/** The API over a real home, and what a test needs to bring it into a state. */
export type ApiHome = AsyncDisposable & {
  home: MooseHome
  moose: Moose
  /**
   * What the app works with, for an app of its own. A test replaces one part of it to make that part fail or wait.
   * Calls of the orchestrator and the feed can be assigned; other deps keep theirs.
   */
  deps(changes?: Partial<HttpDeps>): ApiDeps
  /** Writes an order as it is, past the rules for what may follow what. @returns its id */
  place(order?: PlacedOrder): Promise<string>
  /** Writes `count` events of an order, as any process does. */
  publish(event: Partial<EventView> & { work_order_id: string }, count?: number): Promise<void>
  detail(id: string): Promise<WorkOrderDetail>
  /** As the API lists them. */
  orders(): Promise<ListedWorkOrder[]>
  /** Serves an app of these deps. */
  serve(deps: HttpDeps): Promise<ServedApi>
  /** Every row that a request could have changed, as text. */
  snapshot(): Promise<string>
  /** Takes every row away that tests write; there is the project `sample` again, and ids begin with 1. */
  clear(): Promise<void>
}

export type ApiDeps = HttpDeps & {
  /** What the orchestrator was told through these deps, oldest first: `start 500`, `execute ID`. */
  told: string[]
  /** Subscriptions to events that are open now. */
  subscriptions(): number
}

const CHANGED_BY_TESTS = [
  'work_orders',
  'projects',
  'work_order_events',
  'attempts',
  'attempt_steps',
  'pull_requests',
  'github_deliveries',
  'github_events',
  'outcome_vectors',
  'model_calls',
  'budget_entries',
  'provider_pauses',
  'system_config',
] as const

/**
 * @param files of the repository of the project `sample`
 * @param answers what the model says
 */
export async function openApiHome(
  options: {
    role?: 'service' | 'client'
    files?: Readonly<Record<string, string>>
    answers?: readonly RecordedAnswer[]
    settings?: Record<string, string>
  } = {},
): Promise<ApiHome> {
  await using stack = new AsyncDisposableStack()
  const { role = 'client', files = { 'a.txt': 'a\n' }, answers = [], settings = {} } = options
  const home = stack.use(await createMooseHome(files, answers, settings))
  const moose = stack.use(await home.open(role))
  const { db } = home.database
  await enterTestToken(home.database)
  const { rows: tables } = await sql<{ config: string; projects: string }>`
    select (select coalesce(json_agg(system_config), '[]')::text from system_config) as config,
      (select json_agg(projects)::text from projects) as projects`.execute(db)
  const [first] = tables
  const owned = stack.move()
  return {
    home,
    moose,
    deps: (changes) => ownDeps({ ...moose.api, ...changes }),
    place: (order = {}) => place(home, order),
    publish: (event, count = 1) => publish(home, event, count),
    detail: (id) => detailOf(moose, id),
    async orders() {
      const response = await moose.http.fetch(new Request('http://127.0.0.1/api/work-orders'))
      return ListedWorkOrdersResponse.parse(await response.json()).work_orders
    },
    serve: async (deps) => {
      await makeHomeToken(home.config, createLog('silent'))
      return await serve(home.config.home, createHttpApp(deps))
    },
    async snapshot() {
      const all = [...CHANGED_BY_TESTS, 'proposer_configs'].map(
        (name) => sql`(select json_agg(t) from ${sql.table(name)} as t)`,
      )
      const { rows } = await sql<{ text: string }>`select json_build_array(${sql.join(all)})::text as text`.execute(db)
      return String(rows[0]?.text)
    },
    async clear() {
      await pastTheRules(home, (transaction) =>
        sql`truncate ${sql.join(CHANGED_BY_TESTS.map((name) => sql.table(name)))} restart identity cascade`.execute(
          transaction,
        ),
      )
      await sql`insert into system_config select * from json_populate_recordset(null::system_config, ${first?.config}::json)`.execute(
        db,
      )
      await sql`insert into projects select * from json_populate_recordset(null::projects, ${first?.projects}::json)`.execute(
        db,
      )
    },
    [Symbol.asyncDispose]: () => owned.disposeAsync(),
  }
}

async function serve(home: string, app: Pick<HttpApp, 'fetch'>): Promise<ServedApi> {
  const sent: ServedApi['sent'] = []
  const fetch: typeof app.fetch = async (request, ...rest) => {
    if (request.method !== 'GET') {
      const text = await request.clone().text()
      sent.push({
        method: request.method,
        path: new URL(request.url).pathname,
        body: text === '' ? null : JSON.parse(text),
      })
    }
    return app.fetch(request, ...rest)
  }
  const server = await serveHttp({ fetch }, { port: 0 })
  const service = { url: server.url, pid: process.pid, started_at: new Date().toISOString() }
  await writeFile(path.join(home, 'service.json'), JSON.stringify(service))
  return { sent, [Symbol.asyncDispose]: () => server[Symbol.asyncDispose]() }
}

/** The same parts, with what is asked of the orchestrator and the feed noted. */
function ownDeps(deps: HttpDeps): ApiDeps {
  const told: string[] = []
  let open = 0
  const { orchestrator, feed } = deps
  const note =
    <Given, More extends unknown[], Value>(verb: string, call: (given: Given, ...more: More) => Value) =>
    (given: Given, ...more: More): Value => {
      told.push(`${verb} ${String(given)}`)
      return call(given, ...more)
    }
  return {
    ...deps,
    told,
    subscriptions: () => open,
    orchestrator: {
      ...orchestrator,
      start: note('start', orchestrator.start),
      async stop() {
        told.push('stop')
        return await orchestrator.stop()
      },
      execute: note('execute', orchestrator.execute),
      cancel: note('cancel', orchestrator.cancel),
      retry: note('retry', orchestrator.retry),
      merge: note('merge', orchestrator.merge),
      close: note('close', orchestrator.close),
    },
    feed: {
      ...feed,
      async *subscribe(subscription) {
        open += 1
        try {
          yield* feed.subscribe(subscription)
        } finally {
          open -= 1
        }
      },
    },
  }
}

/** Columns of an order that a test does not name. */
const NEW_ORDER = { title: 'Add a greeting', files_in_scope: ['src/greeting.ts'], risk_level: 'medium' } as const

/** Without the triggers, which hold what any client writes to the rules. */
function pastTheRules<Value>(
  { database }: MooseHome,
  write: (transaction: Transaction<Database>) => Promise<Value>,
): Promise<Value> {
  return database.db.transaction().execute(async (transaction) => {
    await sql`set local session_replication_role = replica`.execute(transaction)
    return write(transaction)
  })
}

function columnsOf(order: Omit<PlacedOrder, 'id' | 'attempt_history' | 'project'>): Partial<OrderRow> {
  const { approved, acceptance_criteria: criteria, files_in_scope: files, ...same } = order
  return {
    ...same,
    ...(approved === undefined ? {} : { metadata: JSON.stringify(approved ? { approved_by_director: true } : {}) }),
    ...(criteria === undefined ? {} : { acceptance_criteria: JSON.stringify(criteria) }),
    ...(files === undefined ? {} : { files_in_scope: JSON.stringify(files) }),
  }
}

function place(
  home: MooseHome,
  { id = randomUUID(), attempt_history, project, ...order }: PlacedOrder,
): Promise<string> {
  return pastTheRules(home, async (transaction) => {
    const columns = { ...columnsOf(order), id }
    const project_id = project === null ? null : await projectIdOf(transaction, project ?? 'sample')
    await transaction
      .insertInto('work_orders')
      .values({
        title: NEW_ORDER.title,
        risk_level: NEW_ORDER.risk_level,
        ...columnsOf({ ...NEW_ORDER, ...order }),
        id,
        project_id,
      })
      .onConflict((conflict) => conflict.column('id').doUpdateSet(columns))
      .execute()
    for (const attempt of attempt_history ?? []) await placeAttempt(transaction, { ...attempt, id, project_id })
    return id
  })
}

async function projectIdOf(transaction: Transaction<Database>, name: string): Promise<string> {
  const project = transaction.selectFrom('projects').select('id').where('name', '=', name)
  return (await project.executeTakeFirstOrThrow()).id
}

async function placeAttempt(
  transaction: Transaction<Database>,
  { id, project_id, number, status, steps = [] }: PlacedAttempt & { id: string; project_id: string | null },
): Promise<void> {
  await transaction
    .insertInto('attempts')
    .values({ work_order_id: id, number, status, content: '{}', executor_id: 'elsewhere', project_id })
    .onConflict((conflict) => conflict.columns(['work_order_id', 'number']).doUpdateSet({ status }))
    .execute()
  for (const { name, status, output } of steps) {
    const shown = output === undefined ? null : JSON.stringify(output)
    await transaction
      .insertInto('attempt_steps')
      .values({ work_order_id: id, attempt: number, name, status, output: shown })
      .onConflict((conflict) => conflict.columns(['work_order_id', 'attempt', 'name', 'try']).doUpdateSet({ status }))
      .execute()
  }
}

function publish(
  { database }: MooseHome,
  event: Partial<EventView> & { work_order_id: string },
  count: number,
): Promise<void> {
  const { work_order_id, attempt = 1, step = null, type = 'progress', message = null, data = {} } = event
  return sql`
    insert into work_order_events (work_order_id, attempt, step, type, message, data)
    select ${work_order_id}, ${attempt}, ${step}, ${type}, coalesce(${message}, 'event ' || n), ${JSON.stringify(data)}
    from generate_series(1, ${count}::integer) as n`
    .execute(database.db)
    .then(() => undefined)
}
