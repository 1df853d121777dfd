import assert from 'node:assert/strict'
import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { setTimeout as delay } from 'node:timers/promises'
import { attemptHistory } from '../../src/db/attempts/attempt-history.ts'
import { setEmergencyStop } from '../../src/db/system-config.ts'
import { findWorkOrder } from '../../src/db/work-orders/work-orders.ts'
import { FAULT_POINTS, type FaultPoint } from '../../src/faults/fault-point.ts'
import { fetchAt } from '../support/api-token.ts'
import { fileOrder } from '../support/moose-home.ts'
import type { LaunchedWorker } from '../support/service-process.ts'
import { until } from '../support/until.ts'
import { assertConverged, type Before, lookBefore } from './crash-convergence.ts'
import { type CrashSetting, fileOf } from './crash-setting.ts'

/** How an effect goes wrong: the columns of the matrix. `lost`: it happened and was reported as failed. */
export const FAULTS = ['kill before', 'kill after', 'exception', 'lost', 'hang'] as const
type FaultName = (typeof FAULTS)[number]

/** As `MOOSE_FAULT` has it. */
export const ARMED: Record<FaultName, string> = {
  'kill before': 'before:kill',
  'kill after': 'after:kill',
  exception: 'before:fail',
  lost: 'after:fail',
  hang: 'before:stop',
}

export type CrashCase = {
  effect: FaultPoint
  fault: FaultName
  executor: 'patch' | 'aider'
  /** What mends the change after its first check; null: nothing has to. */
  mendedBy: 'model' | 'fix' | null
  /** The change is in review and conflicts with the base; what goes wrong is the attempt in which the model resolves that. */
  resolves?: true
  /** The change is in review, and what goes wrong is the reaction to that. */
  follows?: 'base' | 'checks' | 'review' | 'rerun'
}

/** Effects that are different ones where Aider makes the change. */
const WITH_AIDER: readonly FaultPoint[] = ['reserve', 'call_model', 'book_call', 'open_workspace', 'apply', 'commit']

/** Effects that a repair by the model has a second time. */
const IN_REPAIR: readonly FaultPoint[] = [
  'reserve',
  'call_model',
  'book_call',
  'open_workspace',
  'apply',
  'commit',
  'check',
]
/** Effects of an attempt that resolves a conflict, and which time each of them is meant. */
const IN_RESOLVING: Partial<Record<FaultPoint, number>> = {
  reserve: 1,
  call_model: 1,
  book_call: 1,
  apply: 1,
  // After git's own merge, and the commit of the edits on top of that.
  commit: 3,
  check: 1,
  push: 1,
  record: 1,
}
const BY_PATCH = { executor: 'patch' } as const

/** Effects of a reaction to what becomes of a pull request, and which time each of them is meant. */
export const IN_FOLLOWING: Record<NonNullable<CrashCase['follows']>, Partial<Record<FaultPoint, number>>> = {
  base: { follow_up: 1, fetch_base: 1, commit: 1, check: 1, push: 1, record: 1 },
  checks: {
    follow_up: 1,
    claim: 1,
    start_workflow: 1,
    fetch_base: 1,
    reserve: 1,
    call_model: 1,
    book_call: 1,
    apply: 1,
    commit: 1,
    check: 1,
    end_step: 2,
    push: 1,
    record: 1,
  },
  review: { follow_up: 1, push: 1, record: 1, reply: 1 },
  rerun: { follow_up: 1, rerun: 1 },
}
/** Of what follows an attempt alone; tests of GitHub kill at the last three. */
const BESIDE_AN_ORDER: ReadonlySet<FaultPoint> = new Set([
  'follow_up',
  'rerun',
  'reply',
  'comment',
  'ask_merge',
  'withdraw_merge',
])

/** Every crash point with every way to go wrong. */
export function everyCase(): CrashCase[] {
  const ofOrders = FAULT_POINTS.filter((effect) => !BESIDE_AN_ORDER.has(effect))
  const rows: Omit<CrashCase, 'fault'>[] = [
    ...ofOrders.map((effect) => ({ ...BY_PATCH, effect, mendedBy: effect === 'fix' ? ('fix' as const) : null })),
    ...WITH_AIDER.map((effect) => ({ effect, executor: 'aider' as const, mendedBy: null })),
    ...IN_REPAIR.map((effect) => ({ ...BY_PATCH, effect, mendedBy: 'model' as const })),
    ...FAULT_POINTS.filter((effect) => effect in IN_RESOLVING).map((effect) => {
      return { ...BY_PATCH, effect, mendedBy: null, resolves: true as const }
    }),
    ...(['base', 'checks', 'review', 'rerun'] as const).flatMap((follows) =>
      FAULT_POINTS.filter((effect) => effect in IN_FOLLOWING[follows]).map((effect) => {
        return { ...BY_PATCH, effect, mendedBy: null, follows }
      }),
    ),
  ]
  return rows.flatMap((row) => FAULTS.map((fault) => ({ ...row, fault })))
}

/** Where the model is called by Aider, its second call is the first of that kind: the Proposer has made one before. */
const OF_AIDER: ReadonlySet<FaultPoint> = new Set(['reserve', 'call_model', 'book_call'])

type Machine = 'first' | 'second'

/**
 * Has an order go wrong at one point and checks that it converges: after a kill, on the same machine or, every other
 * time, on another one; after a hang, on another one, before the first one wakes up; after an exception, by itself or by a retry.
 *
 * @returns what it took, for the matrix
 */
export async function runCase(setting: CrashSetting, number: number, one: CrashCase): Promise<string> {
  const { effect, executor, fault, mendedBy } = one
  const before = await lookBefore(setting)
  const isSecond = mendedBy === 'model' || (executor === 'aider' && OF_AIDER.has(effect))
  const nth = one.resolves === true ? IN_RESOLVING[effect] : isSecond ? 2 : 1
  const time = nth === 1 ? '' : `@${nth}`
  const settings = { ORCHESTRATOR_EXECUTOR: executor }
  // Only what is not known of the base is run there.
  if (effect === 'check_base') await setting.home.database.db.deleteFrom('base_checks').execute()
  const began = performance.now()
  const title = `${TITLES[effect === 'suspend' ? 'slowly' : mendedBy === null ? 'plain' : mendedBy]} ${fileOf(number)}`
  const id = await fileOrder(setting.home.database, { title, files: [fileOf(number)] })
  if (one.resolves === true) await haveItConflict(setting, { id, number, settings })
  // A workflow is continued after another machine has died over it.
  if (effect === 'continue_workflow') await dieOverIt(setting, settings)
  const machine = effect === 'continue_workflow' ? 'second' : 'first'
  await using worker = setting.worker(machine, { ...settings, MOOSE_FAULT: `${effect}:${ARMED[fault]}${time}` })
  if (one.resolves === true) await askToResolve(id, worker)
  await using _stop = effect === 'suspend' ? await stopDuringCheck(setting, id) : null
  const how = await goWrong(setting, { worker, machine, one, id, number, settings, before })
  return `${how}, ${((performance.now() - began) / 1_000).toFixed(0)}s`
}

/** What the check makes of an order goes by its title. */
const TITLES = {
  plain: 'Change',
  slowly: 'Change slowly',
  model: 'Have the model mend',
  fix: 'Have the fix mend',
} as const

/** In review, with a base that has changed the same line since. */
async function haveItConflict(
  setting: CrashSetting,
  { id, number, settings }: Pick<Going, 'id' | 'number' | 'settings'>,
) {
  await using worker = setting.worker('first', settings)
  await untilDone(setting, id, worker)
  await setting.home.remote.commit('main', { [fileOf(number)]: 'of others\n' })
}

async function askToResolve(id: string, { home, ready }: LaunchedWorker): Promise<void> {
  const { url } = await ready
  const body = JSON.stringify({ resolve: true })
  const headers = { 'content-type': 'application/json' }
  const answer = await fetchAt(home, `${url}/api/work-orders/${id}/verify`, { method: 'POST', body, headers })
  assert.equal(answer.status, 200, await answer.text())
}

/** The first machine dies right before it pushes: what it has made lies in its mirror. */
async function dieOverIt(setting: CrashSetting, settings: Record<string, string>): Promise<void> {
  await using dying = setting.worker('first', { ...settings, MOOSE_FAULT: 'push:before:kill' })
  await hasHappened(dying, { ...BY_PATCH, effect: 'push', fault: 'kill before', mendedBy: null })
}

/** An emergency stop while the order is checked suspends its attempt; it is over once the worker has gone wrong, or soon. */
async function stopDuringCheck({ home }: CrashSetting, id: string): Promise<AsyncDisposable> {
  const { db } = home.database
  await until('the order is checked', async () => (await findWorkOrder(db, id)).phase === 'verifying')
  await setEmergencyStop(db, true)
  const over = delay(4_000).then(() => setEmergencyStop(db, false))
  return { [Symbol.asyncDispose]: () => over }
}

type Going = {
  worker: LaunchedWorker
  machine: Machine
  one: CrashCase
  id: string
  number: number
  settings: Record<string, string>
  before: Before
}

async function goWrong(setting: CrashSetting, going: Going): Promise<string> {
  const { worker, machine, one, id, number, settings, before } = going
  if (one.fault === 'exception' || one.fault === 'lost') {
    const how = await untilDone(setting, id, worker, one)
    await assertConverged(setting, id, { one, before, alive: [machine] })
    return how
  }
  await hasHappened(worker, one)
  const another = machine === 'first' ? 'second' : 'first'
  const next = one.fault === 'hang' || number % 2 === 1 ? another : machine
  await using other = setting.worker(next, settings)
  const how = await untilDone(setting, id, other, one)
  if (one.fault === 'hang') {
    worker.child.kill('SIGCONT')
    await delay(1_000)
  }
  await assertConverged(setting, id, { one, before, alive: one.fault === 'hang' ? ['first', 'second'] : [next] })
  return next === another && how === 'went on' ? 'taken over' : how
}

export async function hasHappened({ child, printed }: LaunchedWorker, { effect, fault }: CrashCase): Promise<void> {
  if (fault !== 'hang') {
    if (child.signalCode === null) await Promise.race([once(child, 'exit'), tooLate(`${effect} is reached`)])
    assert.equal(child.signalCode, 'SIGKILL', printed())
    return
  }
  const state = () => readFileSync(`/proc/${child.pid}/stat`, 'utf8').split(') ')[1]?.[0]
  await until(`${effect} is reached`, async () => state() === 'T', { say: async () => printed().slice(-2_000) })
}

async function tooLate(what: string): Promise<never> {
  await delay(PATIENCE_MS, undefined, { ref: false })
  throw new Error(`not within ${PATIENCE_MS / 1_000}s: ${what}`)
}

/** Aider alone takes half a minute to start where the machine is busy with other things, and each case may run it three times. */
const PATIENCE_MS = 240_000

/** Until the order has its pull request; one that failed is retried once, as a person would. */
export async function untilDone(
  setting: CrashSetting,
  id: string,
  worker: LaunchedWorker,
  { resolves }: Pick<CrashCase, 'resolves'> = {},
): Promise<string> {
  const { home, ready, printed } = worker
  let how = 'went on'
  const { url } = await ready
  const { db } = setting.home.database
  const look = async () => {
    const { status, phase, status_reason } = await findWorkOrder(db, id)
    if (status === 'failed' || (status === 'blocked' && status_reason?.code !== 'emergency_stop')) {
      assert.equal(how, 'went on', `failed twice: ${printed().slice(-2_000)}`)
      how = 'retried'
      const answer = await fetchAt(home, `${url}/api/work-orders/${id}/retry`, { method: 'POST' })
      assert.equal(answer.status, 200, await answer.text())
    }
    if (resolves !== true || phase !== 'in_review') return phase === 'in_review'
    // Its pull request is there before, and after an attempt that has failed too.
    const last = (await attemptHistory(db, id)).at(-1)
    if (last?.status === 'succeeded') return last.number > 1
    assert.equal(how, 'went on', `failed twice: ${JSON.stringify(last?.error)} ${printed().slice(-2_000)}`)
    how = 'asked again'
    await askToResolve(id, worker)
    return false
  }
  const say = async () => `${JSON.stringify(await findWorkOrder(db, id))} ${printed().slice(-2_000)}`
  await until('a pull request', look, { withinMs: PATIENCE_MS, say })
  return how
}
