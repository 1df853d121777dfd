import assert from 'node:assert/strict'
import { readdir } from 'node:fs/promises'
import path from 'node:path'
import { sql } from 'kysely'
import { shortIdOf } from '../../src/db/work-orders/work-orders.ts'
import { Usd } from '../../src/money.ts'
import { PRICE } from '../support/aider-bench.ts'
import { until } from '../support/until.ts'
import type { CrashCase } from './crash-case.ts'
import type { CrashSetting } from './crash-setting.ts'

/** What the provider has charged, and what the ledger knows of that, before a case. */
export type Before = { billed: Usd; settled: Usd; calls: number }

export async function lookBefore({ home, provider }: Pick<CrashSetting, 'home' | 'provider'>): Promise<Before> {
  const { rows } = await sql<{ settled: string }>`
    select coalesce(sum(cost_usd), 0) as settled from budget_entries`.execute(home.database.db)
  return { billed: billedBy(provider), settled: new Usd(String(rows[0]?.settled)), calls: provider.bill.length }
}

function billedBy({ bill }: CrashSetting['provider']): Usd {
  const costs = bill.map(({ input, output }) => input * PRICE.input_per_million + output * PRICE.output_per_million)
  return costs.reduce((sum, cost) => sum.plus(cost), new Usd(0)).dividedBy(1_000_000)
}

/** A machine that is dead has what it left until it is started again. */
export type Alive = readonly ('first' | 'second')[]

/** One branch, one pull request, no charge the ledger does not know, nothing that still runs or lies about. */
export async function assertConverged(
  setting: CrashSetting,
  id: string,
  { one, before, alive }: { one: CrashCase; before: Before; alive: Alive },
) {
  const { home, github } = setting
  const { db } = home.database
  await until('every attempt has ended', async () => {
    const running = await db.selectFrom('attempts').select('number').where('status', '=', 'running').execute()
    return running.length === 0
  })
  const short = await shortIdOf(db, id)
  const branches = (await home.remote.branches()).filter((name) => name.includes(short))
  assert.equal(branches.length, 1, `branches: ${branches.join(', ')}`)
  const commits = await home.remote.git('rev-list', '--count', `main..${branches[0]}`)
  assert.ok(commitsOf(one).includes(commits), `one chain of commits, of ${commits}`)
  await github.state.refresh()
  const pulls = github.state.pulls.filter(({ head }) => head.includes(short))
  assert.deepEqual(
    pulls.map(({ state }) => state),
    ['open'],
  )
  const rows = await db.selectFrom('pull_requests').select('number').where('work_order_id', '=', id).execute()
  assert.deepEqual(
    rows.map(({ number }) => number),
    pulls.map(({ number }) => number),
  )
  await assertPaidOnce(setting, id, one, before)
  await until('no workspace is left', async () => (await workspaces(setting, alive)).length === 0)
}

/** As many as there may be on the branch. */
function commitsOf({ fault, mendedBy, resolves, follows }: CrashCase): string[] {
  if (follows === 'rerun') return ['1']
  if (follows !== undefined) return isError(fault) ? ['1', '2'] : ['2']
  return [mendedBy === null && resolves !== true ? '1' : '2']
}

/** An error of Moose's own, which may end an attempt; a reaction is not begun anew then. */
function isError(fault: CrashCase['fault']): boolean {
  return fault === 'exception' || fault === 'lost'
}

/** Every charge is settled, or known as one nobody knows of; and no call is made twice but one that was lost. */
async function assertPaidOnce({ home, provider }: CrashSetting, id: string, one: CrashCase, before: Before) {
  const { rows } = await sql<{ kind: string }>`
    select string_agg(kind, ' ' order by id) as kind from budget_entries
    where work_order_id = ${id} group by reservation_id order by min(id)`.execute(home.database.db)
  const ends = rows.map(({ kind }) => kind)
  const unresolved = ends.filter((kind) => kind === 'reserved unresolved').length
  const settled = ends.filter((kind) => kind.endsWith('settled')).length
  assert.ok(
    ends.every((kind) => kind !== 'reserved'),
    `under way: ${ends.join('; ')}`,
  )
  const now = await lookBefore({ home, provider })
  const billed = now.billed.minus(before.billed)
  const known = now.settled.minus(before.settled)
  if (unresolved === 0) assert.equal(known.toFixed(), billed.toFixed(), 'the ledger equals the bill')
  else assert.ok(known.lessThanOrEqualTo(billed), `settled ${known.toFixed()} of ${billed.toFixed()}`)
  const isMended = one.mendedBy === 'model' || one.resolves === true
  const isFollowed = (one.follows === 'checks' || one.follows === 'review') && !isError(one.fault)
  const needed = one.executor === 'aider' || isMended || isFollowed ? 2 : 1
  const calls = now.calls - before.calls
  // The answers of an attempt that an error of Moose ended are not taken again: a retry asks for all of them. Of a conflict they are.
  const isAskedAnew = one.resolves !== true && isError(one.fault)
  const most = isAskedAnew ? 2 * needed : needed + 1
  assert.ok(calls <= most, `${calls} calls for ${needed}`)
  assert.ok(settled >= needed && settled + unresolved >= calls, `${ends.join('; ')} for ${calls} calls`)
}

async function workspaces({ home }: CrashSetting, alive: Alive): Promise<string[]> {
  const machines = alive.map((name) => path.join(home.config.home, '..', name, 'workspaces'))
  const found = await Promise.all(machines.map((folder) => readdir(folder).catch(() => [])))
  return found.flat()
}
