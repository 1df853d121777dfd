import pg from 'pg'

/** How often a process has sent what to the database, by cause. */
export type QueryCount = Record<Cause, number>

const CAUSES = ['engine', 'looks', 'steps', 'other'] as const
type Cause = (typeof CAUSES)[number]

/** What belongs to which cause, by a part of its text; the first that fits. */
const OF: readonly [Cause, RegExp][] = [
  ['engine', /"?dbos"?\./],
  [
    'steps',
    /attempt_steps|work_order_events|for share|update "?attempts"? set|insert into "?(github_events|outcome_vectors)/,
  ],
  [
    'looks',
    /work_orders|attempts|workers|system_config|provider_pauses|budget_entries|pg_advisory|idle_in_transaction/,
  ],
]

/**
 * Counts every query of this process from now on; `begin`, `commit` and the like with the queries they stand around.
 *
 * @returns what was counted so far
 */
export function countQueries(): () => QueryCount {
  const count: QueryCount = { engine: 0, looks: 0, steps: 0, other: 0 }
  // A transaction's first statement says what its begin was for.
  const waiting = new WeakMap<pg.Client, number>()
  const last = new WeakMap<pg.Client, Cause>()
  const send = pg.Client.prototype.query
  const note = (client: pg.Client, text: string) => {
    if (/^\s*begin/i.test(text)) return void waiting.set(client, (waiting.get(client) ?? 0) + 1)
    const isControl = /^\s*(commit|rollback|savepoint|release)/i.test(text)
    const known = isControl ? last.get(client) : OF.find(([, pattern]) => pattern.test(text))?.[0]
    const cause = known ?? 'other'
    count[cause] += 1 + (waiting.get(client) ?? 0)
    waiting.delete(client)
    last.set(client, cause)
  }
  Reflect.set(pg.Client.prototype, 'query', function counted(this: pg.Client, ...args: unknown[]) {
    const [query] = args
    const text = typeof query === 'string' ? query : Reflect.get(Object(query), 'text')
    note(this, String(text))
    return Reflect.apply(send, this, args)
  })
  return () => ({ ...count })
}
