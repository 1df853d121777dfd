import assert from 'node:assert/strict'
import type { TestContext } from 'node:test'
import { sql } from 'kysely'
import type { Moose } from '../../../src/app.ts'
import { InboxResponse, WhyResponse } from '../../../src/contract/why/inbox.ts'
import type { Scripted } from '../model-server.ts'
import { detailOf, fileOrder, settled } from '../moose-home.ts'
import { until } from '../until.ts'
import type { StandInRun } from './actions.ts'
import { touch } from './conversation.ts'
import { type OnGitHub, onGitHub as projectOnGitHub } from './order-on-github.ts'
import type { Pull } from './repository-state.ts'

const FILES = { 'greeting.txt': 'top\nhello\nbottom\n' }
/** Of a machine that is busy with other things. */
export const PATIENCE = { withinMs: 240_000 }

/** A project whose model answers so. */
export const onGitHub = (t: TestContext, ...answers: Scripted[]) => projectOnGitHub(t, answers, { files: FILES })

/** An order in review, whose one criterion is proved. */
export async function review({ home, github }: OnGitHub, moose: Moose, title = 'Greet the world') {
  const id = await fileOrder(home.database, { title, files: ['greeting.txt'], criteria: ['It is polite'] })
  const order = await settled(moose, id, PATIENCE.withinMs)
  assert.equal(order.phase, 'in_review', JSON.stringify(order.status_reason))
  const pull = github.state.pulls.at(-1) ?? assert.fail()
  return { id, pull, branch: String(order.github_branch), head: pull.sha }
}

export const policy = ({ home }: OnGitHub, merge_policy: 'auto' | 'manual') =>
  home.database.db.updateTable('projects').set({ merge_policy }).execute()

/** Each commit counts as seen long ago from now on: its checks have had the time to begin. */
export async function checksHaveBegun({ home: { database } }: OnGitHub): Promise<void> {
  await sql`create or replace function test_seen_long_ago() returns trigger language plpgsql as $$
    begin new.followed_since := least(new.followed_since, clock_timestamp() - interval '5 minutes'); return new; end $$`.execute(
    database.db,
  )
  await sql`create or replace trigger test_seen_long_ago before update on pull_requests
    for each row execute function test_seen_long_ago()`.execute(database.db)
}

export const unit = (state: string): StandInRun => ({
  name: 'unit',
  state,
  url: null,
  job: { run: 5, id: 105 },
  isRequired: true,
})
export const turns = (pull: Pull, checks: 'PENDING' | 'SUCCESS' | 'FAILURE') =>
  Object.assign(pull, { checks, runs: [unit(checks === 'PENDING' ? 'IN_PROGRESS' : checks)] })
/** An account that may write approves what the branch holds, and GitHub calls the pull request approved. */
export function approves(pull: Pull): void {
  const approval = { login: 'ada', association: 'COLLABORATOR', state: 'APPROVED', sha: pull.sha } as const
  pull.reviews = [...(pull.reviews ?? []), approval]
  pull.review = 'APPROVED'
  touch(pull)
}
export const asks = ({ github }: OnGitHub) =>
  github.log.filter(({ operation }) => operation.endsWith('EnableAutoMerge')).length

/** What `moose why` has of merging by rule. */
async function rules(moose: Moose, id: string): Promise<string[]> {
  const response = await moose.http.fetch(new Request(`http://127.0.0.1/api/work-orders/${id}/why`))
  const { why } = WhyResponse.parse(await response.json())
  return why.evidence.flatMap(({ name, text: told }) => (/merged by rule/.test(name) ? [`${name}: ${told}`] : []))
}

export const says = (moose: Moose, id: string, words: RegExp) =>
  until(`it says ${words}`, async () => (await rules(moose, id)).some((one) => words.test(one)), {
    ...PATIENCE,
    say: async () => JSON.stringify(await rules(moose, id)),
  })
export const completed = (moose: Moose, id: string) =>
  until('it is merged', async () => (await detailOf(moose, id)).status === 'completed', {
    ...PATIENCE,
    say: async () => JSON.stringify(await rules(moose, id)),
  })

/** Some further looks, in which nothing more may happen. */
export async function looksAgain({ home }: OnGitHub): Promise<void> {
  const last = async () => {
    const { rows } = await home.database.pool.query('select max(seen_at) as at from pull_requests')
    return Number(rows[0].at)
  }
  for (const _ of [1, 2, 3]) {
    const before = await last()
    await until('the tracker looks again', async () => (await last()) > before, PATIENCE)
  }
}

/** Waits until it is seen green, and read so; it stands so then. */
export async function isGreen(given: OnGitHub, pull: Pull, state = 'quiet'): Promise<void> {
  turns(pull, 'SUCCESS')
  const read = async () => {
    const { rows } = await given.home.database.pool.query(
      `select checks = 'SUCCESS' and seen_mark = followed_mark and follow_up ->> 'state' = $1 as is_read from pull_requests`,
      [state],
    )
    return rows[0]?.is_read === true
  }
  await until('it is green, and read so', read, PATIENCE)
}

export async function eventsOf({ db }: Moose, id: string): Promise<string[]> {
  const rows = await db.selectFrom('work_order_events').select('message').where('work_order_id', '=', id).execute()
  return rows.map(({ message }) => message)
}

export async function call(moose: Moose, path: string, body?: object): Promise<Response> {
  const sent = { method: 'POST', headers: { 'content-type': 'application/json' }, body: JSON.stringify(body) }
  return await moose.http.fetch(new Request(`http://127.0.0.1${path}`, body === undefined ? {} : sent))
}

export async function inboxOf(moose: Moose): Promise<[kind: string, sentence: string][]> {
  const { inbox } = InboxResponse.parse(await (await call(moose, '/api/inbox')).json())
  return inbox.map(({ kind, sentence }) => [kind, sentence])
}
