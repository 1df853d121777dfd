import assert from 'node:assert/strict'
import { sql } from 'kysely'
import { isDatabaseAway } from '../../src/db/database-fault.ts'
import { Usd } from '../../src/money.ts'
import { type ModelServer, type ReceivedCall, startModelServer } from '../support/model-server.ts'
import { createMooseHome, fileOrder, type MooseHome } from '../support/moose-home.ts'
import type { ServiceProcess } from '../support/service-process.ts'
import { useStandIn } from '../support/stand-in-proposer.ts'
import { until } from '../support/until.ts'
import { type OwnServer, startOwnServer } from './own-server.ts'

const PRICE = { input_per_million: 3, output_per_million: 15 }
/** USD: 1,000 tokens in and 200 out. */
const COST_OF_CALL = '0.006'

/** A home whose database is on a server of its own, with as many files as there may be orders. */
export type TroubledHome = AsyncDisposable & {
  home: MooseHome
  server: OwnServer
  provider: ModelServer
  /** Files so many more orders, approved, each for a file of its own. @returns their ids */
  file(count: number): Promise<string[]>
  /** Changes what is written into the files. */
  write(text: string): void
  /** From now on no answer of the provider comes before this resolves. */
  holdAnswers(until: Promise<void>): void
}

/** @param options.serverFolder where the data of the server goes */
export async function createTroubledHome(
  files: number,
  options: { settings?: Record<string, string>; serverFolder?: string } = {},
): Promise<TroubledHome> {
  await using stack = new AsyncDisposableStack()
  const server = stack.use(
    await startOwnServer(options.serverFolder === undefined ? {} : { folder: options.serverFolder }),
  )
  const names = Array.from({ length: files }, (_, index) => `f${String(index).padStart(3, '0')}.txt`)
  const settings = {
    OPENAI_COMPATIBLE_API_KEY: 'sk-real',
    ORCHESTRATOR_POLLING_INTERVAL_MS: '500',
    DATABASE_URL: server.urlFor('moose'),
    ...options.settings,
  }
  const content = Object.fromEntries(names.map((name) => [name, 'old\n']))
  const checked = { ...content, 'moose.yaml': 'checks:\n  - { name: there, run: test -s f000.txt }\n' }
  const home = stack.use(await createMooseHome(checked, [], settings, server.createDatabase))
  let written = 'changed'
  let held = Promise.resolve()
  const provider = stack.use(
    await startModelServer(async (call) => {
      await held
      return { kind: 'text', text: editsFor(call, written), input: 1_000, output: 200 }
    }),
  )
  await useStandIn(home, 'stand-in', { url: provider.url, threshold: 1, price: PRICE })
  const owned = stack.move()
  let filed = 0
  return {
    home,
    server,
    provider,
    async file(count) {
      const next = names.slice(filed, filed + count)
      filed += count
      return Promise.all(next.map((name) => fileOrder(home.database, { title: `Change ${name}`, files: [name] })))
    },
    write(text) {
      written = text
    },
    holdAnswers(until) {
      held = until
    },
    [Symbol.asyncDispose]: () => owned.disposeAsync(),
  }
}

/** Edits of the file the question is about. */
function editsFor({ body }: ReceivedCall, text: string): string {
  const [file] = /f\d+\.txt/.exec(JSON.stringify(body)) ?? []
  return `### write ${file}\n\`\`\`\n${text}\n\`\`\`\n`
}

/** How many orders stand where, e.g. `{ in_review: 3 }`; those that stand wrong with their reason. */
export async function standings({ home: { database } }: TroubledHome): Promise<Record<string, number>> {
  const rows = await database.db
    .selectFrom('work_orders')
    .select([
      sql<string>`coalesce(phase, status || ': ' || coalesce(status_reason ->> 'message', ''))`.as('state'),
      sql<string>`count(*)`.as('count'),
    ])
    .groupBy('state')
    .execute()
  return Object.fromEntries(rows.map(({ state, count }) => [state, Number(count)]))
}

/** Waits until so many orders have their pull request; a database that is away now is asked again. */
export async function untilInReview(troubled: TroubledHome, count: number, withinMs: number): Promise<void> {
  let seen: Record<string, number> = {}
  const look = async () => {
    try {
      seen = await standings(troubled)
    } catch (error) {
      if (!isDatabaseAway(error)) throw error
    }
    return seen['in_review'] === count
  }
  await until(`${count} orders in review`, look, { withinMs, say: async () => JSON.stringify(seen) })
}

/**
 * Every order filed so far has ended properly, exactly once: one attempt, one commit on one branch, one pull request,
 * one fact of each kind, one call that was paid and booked; and the service is the process it was.
 */
export async function assertEndedOnce(troubled: TroubledHome, ids: readonly string[], service: ServiceProcess) {
  const { home, provider } = troubled
  const { db } = home.database
  const orders = await db
    .selectFrom('work_orders')
    .select(['phase', 'attempts', 'github_branch'])
    .where('id', 'in', [...ids])
    .execute()
  assert.deepEqual(
    orders.map(({ phase, attempts }) => [phase, attempts]),
    ids.map(() => ['in_review', 1]),
  )
  const branches = (await home.remote.branches()).filter((name) => name !== 'main')
  assert.deepEqual(branches, orders.map(({ github_branch: branch }) => String(branch)).toSorted())
  for (const branch of branches) assert.equal(await home.remote.git('rev-list', '--count', `main..${branch}`), '1')
  for (const table of ['pull_requests', 'outcome_vectors', 'github_events', 'attempts', 'model_calls'] as const) {
    const rows = await db.selectFrom(table).select(sql<string>`work_order_id::text`.as('id')).execute()
    assert.deepEqual(rows.map(({ id }) => id).toSorted(), ids.toSorted(), table)
  }
  const steps = await db
    .selectFrom('attempt_steps')
    .select(['name', 'status'])
    .where('status', '<>', 'succeeded')
    .execute()
  assert.deepEqual(steps, [])
  assert.equal(provider.bill.length, ids.length)
  const { rows } = await sql<{ committed: string; spent: string }>`
    select coalesce(sum(amount_usd), 0) as committed, coalesce(sum(cost_usd), 0) as spent from budget_entries`.execute(
    db,
  )
  const bill = new Usd(COST_OF_CALL).times(ids.length).toFixed()
  assert.deepEqual(
    rows.map(({ committed, spent }) => [new Usd(committed).toFixed(), new Usd(spent).toFixed()]),
    [[bill, bill]],
  )
  assert.deepEqual([service.child.exitCode, service.child.signalCode], [null, null], service.printed())
}
