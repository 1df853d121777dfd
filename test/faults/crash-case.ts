import assert from 'node:assert/strict'
import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { setTimeout as delay } from 'node:timers/promises'
import { findWorkOrder } from '../../src/db/work-orders.ts'
import { EFFECTS, type Effect } from '../../src/effect.ts'
import { fileOrder } from '../support/moose-home.ts'
import type { LaunchedWorker } from '../support/service-process.ts'
import { assertConverged, type Before, lookBefore } from './crash-convergence.ts'
import { type CrashSetting, fileOf } from './crash-setting.ts'
import { until } from './waiting.ts'

/** How an effect goes wrong: the columns of the matrix. `lost`: it happened and was reported as failed. */
export const FAULTS = ['kill before', 'kill after', 'exception', 'lost', 'hang'] as const
type FaultName = (typeof FAULTS)[number]

/** As `MOOSE_FAULT` has it. */
const ARMED: Record<FaultName, string> = {
  'kill before': 'before:kill',
  'kill after': 'after:kill',
  exception: 'before:fail',
  lost: 'after:fail',
  hang: 'before:stop',
}

export type CrashCase = { effect: Effect; fault: FaultName; executor: 'patch' | 'aider' }

/** Effects that are different ones where Aider makes the change. */
const WITH_AIDER: readonly Effect[] = ['reserve', 'call_model', 'book_call', 'open_workspace', 'apply', 'commit']

/** Every crash point with every way to go wrong. */
export function everyCase(): CrashCase[] {
  const rows = [
    ...EFFECTS.map((effect) => ({ effect, executor: 'patch' as const })),
    ...WITH_AIDER.map((effect) => ({ effect, executor: 'aider' as const })),
  ]
  return rows.flatMap((row) => FAULTS.map((fault) => ({ ...row, fault })))
}

/** Where the model is called by Aider, its second call is the first of that kind: the Proposer has made one before. */
const OF_AIDER: ReadonlySet<Effect> = new Set(['reserve', 'call_model', 'book_call'])

/**
 * Has an order go wrong at one point and checks that it converges: after a kill, on the same machine or, every other
 * time, on another one; after a hang, on another one, before the first one wakes up; after an exception, by itself or by a retry.
 *
 * @returns what it took, for the matrix
 */
export async function runCase(setting: CrashSetting, number: number, one: CrashCase): Promise<string> {
  const { effect, executor, fault } = one
  const before = await lookBefore(setting)
  const time = executor === 'aider' && OF_AIDER.has(effect) ? '@2' : ''
  const settings = { ORCHESTRATOR_EXECUTOR: executor }
  const began = performance.now()
  const id = await fileOrder(setting.home.database, { title: `Change ${fileOf(number)}`, files: [fileOf(number)] })
  await using first = setting.worker('first', {
    ...settings,
    MOOSE_FAULT: `${effect}:${ARMED[fault]}${time}`,
  })
  const how = await goWrong(setting, { first, one, id, number, settings, before })
  return `${how}, ${((performance.now() - began) / 1_000).toFixed(0)}s`
}

type Going = {
  first: LaunchedWorker
  one: CrashCase
  id: string
  number: number
  settings: Record<string, string>
  before: Before
}

async function goWrong(setting: CrashSetting, going: Going): Promise<string> {
  const { first, one, id, number, settings, before } = going
  if (one.fault === 'exception' || one.fault === 'lost') {
    const how = await untilDone(setting, id, first)
    await assertConverged(setting, id, { one, before, alive: ['first'] })
    return how
  }
  await hasHappened(first, one)
  const machine = one.fault === 'hang' || number % 2 === 1 ? 'second' : 'first'
  await using other = setting.worker(machine, settings)
  const how = await untilDone(setting, id, other)
  if (one.fault === 'hang') {
    first.child.kill('SIGCONT')
    await delay(1_000)
  }
  await assertConverged(setting, id, { one, before, alive: one.fault === 'hang' ? ['first', 'second'] : [machine] })
  return machine === 'second' && how === 'went on' ? 'taken over' : how
}

async function hasHappened({ child, printed }: LaunchedWorker, { effect, fault }: CrashCase): Promise<void> {
  if (fault !== 'hang') {
    if (child.signalCode === null) await Promise.race([once(child, 'exit'), tooLate(`${effect} is reached`)])
    assert.equal(child.signalCode, 'SIGKILL', printed())
    return
  }
  const state = () => readFileSync(`/proc/${child.pid}/stat`, 'utf8').split(') ')[1]?.[0]
  await until(`${effect} is reached`, async () => state() === 'T', { say: async () => printed().slice(-2_000) })
}

async function tooLate(what: string): Promise<never> {
  await delay(60_000, undefined, { ref: false })
  throw new Error(`not within 60s: ${what}`)
}

/** Until the order has its pull request; one that failed is retried once, as a person would. */
async function untilDone({ home }: CrashSetting, id: string, { ready, printed }: LaunchedWorker): Promise<string> {
  let how = 'went on'
  const { url } = await ready
  const { db } = home.database
  const look = async () => {
    const { status, phase } = await findWorkOrder(db, id)
    if (status === 'failed' || status === 'blocked') {
      assert.equal(how, 'went on', `failed twice: ${printed().slice(-2_000)}`)
      how = 'retried'
      await fetch(`${url}/api/work-orders/${id}/retry`, { method: 'POST' })
    }
    return phase === 'in_review'
  }
  const say = async () => `${JSON.stringify(await findWorkOrder(db, id))} ${printed().slice(-2_000)}`
  await until('a pull request', look, { withinMs: 90_000, say })
  return how
}
