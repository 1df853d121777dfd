import type { Kysely } from 'kysely'
import { assertRoom } from '../../attempt/disk-room.ts'
import { whyStopped } from '../../budget/emergency.ts'
import type { Config } from '../../config.ts'
import { forgeName } from '../../contract/evidence/merged-by.ts'
import { reviewOf } from '../../contract/evidence/review.ts'
import type { Why } from '../../contract/why/why.ts'
import type { Database } from '../../db/schema.ts'
import { readSettings, type Settings } from '../../db/system-config.ts'
import { type Verdict, verdictsOfNextClaim } from '../../db/work-orders/next-orders.ts'
import { type Whereabouts, whereaboutsOf } from '../../db/work-orders/order-whereabouts.ts'
import { type SuspendedOrder, suspendedOrders } from '../../db/work-orders/suspended-orders.ts'
import { listWorkers } from '../../db/workers/workers.ts'
import { Fault, toFault } from '../../faults/fault.ts'
import { askedToMerge } from '../act-by-rule.ts'
import type { Dispatcher } from '../dispatcher.ts'
import { faultOfRow } from '../malformed-rows.ts'
import { comingByRule, type MergeVerdict, mergeVerdicts } from '../merge-by-rule.ts'
import { type ConditionSources, neededUsd, pauseOf, readConditions, rowOf, whatReleases } from '../resume-conditions.ts'
import { resumedByRetry } from '../resumed-by-retry.ts'
import type { Intake, Resting } from './facts.ts'
import type { Idle } from './following.ts'
import { stateOf, whyOf } from './why.ts'

export type WhySources = Omit<ConditionSources, 'home'> & {
  config: Config
  /** What this home is called. */
  homeId: string
  dispatcher: Pick<Dispatcher, 'polling'>
}

/**
 * What each of some orders waits for, or why it stands where it stands, by the functions by which orders are claimed and
 * resumed. In a number of queries that does not grow with the orders, as of one moment.
 *
 * @returns by the order's id; an order that is gone is not there
 */
export async function readWhy(
  sources: WhySources,
  ids: readonly string[],
): Promise<ReadonlyMap<string, ExplainedOrder>> {
  // Not within the transaction: it may use another connection.
  const proposers = await sources.proposers()
  return sources.db
    .transaction()
    .setIsolationLevel('repeatable read')
    .setAccessMode('read only')
    .execute(async (db) => explain({ ...sources, db, proposers: async () => proposers }, ids))
}

/** The answer about an order, and what the database says of it; `goesOn`: what its pull request needs is done without a human. */
export type ExplainedOrder = { why: Why; order: Whereabouts; goesOn: boolean }

async function explain(sources: WhySources, ids: readonly string[]): Promise<Map<string, ExplainedOrder>> {
  const orders = await whereaboutsOf(sources.db, ids)
  const states = new Set(orders.map(stateOf))
  const looksAhead = states.has('waiting') || states.has('blocked')
  const service = looksAhead || states.has('review') ? await readService(sources) : NO_SERVICE
  const { intake, verdicts } = looksAhead ? await readIntake(sources, service) : { intake: IDLE, verdicts: NO_VERDICTS }
  const resting = states.has('blocked') ? await readResting(sources, intake) : NONE_REST
  const idle = states.has('review') ? await idleOf(sources, service) : null
  const inReview = orders.filter((order) => stateOf(order) === 'review')
  // It is evidence, which a list does not show.
  const judged = orders.length === 1 ? inReview : []
  const toMerge = inReview.filter((order) => needsOf(order) === 'merge')
  const here = {
    now: sources.clock.now(),
    stopped: judged.length + toMerge.length === 0 ? null : await whyNoneMerged(sources, service),
    lookIntervalMs: sources.config.trackIntervalMs,
  }
  const ruled = await mergeVerdicts(sources.db, idsOf(judged), here)
  const coming = await comingByRule(sources.db, idsOf(toMerge), here)
  return new Map(
    orders.map((order) => {
      const { id } = order
      const own = {
        verdict: verdicts.get(id) ?? null,
        resting: resting.get(id) ?? null,
        byRule: coming.get(id)?.said ?? null,
      }
      const why = withRules(whyOf({ order, intake, idle, now: here.now, ...own }), ruled.get(id))
      // Nothing is reacted to for an order that is not approved.
      const isAnswered = idle === null && order.isApproved && needsOf(order) === 'answer'
      return [id, { order, why, goesOn: coming.get(id)?.isLate === false || isAnswered }]
    }),
  )
}

const idsOf = (orders: readonly Whereabouts[]) => orders.map(({ id }) => id)
const needsOf = ({ pull }: Whereabouts) => reviewOf(pull).needs

/** Why no pull request is merged by rule now, whichever it is; null: nothing says so. */
async function whyNoneMerged(sources: WhySources, { stop, others }: Service): Promise<string | null> {
  if (stop !== null) return 'an emergency stop is in force'
  if (await isDisabled(sources)) return 'orchestrator_enabled is false'
  // Another process may take orders on, and merge.
  if (sources.dispatcher.polling || others > 0) return null
  return 'no orders are taken on: moose start'
}

/** By `orchestrator_enabled`; where a setting cannot be read, that is said elsewhere. */
async function isDisabled({ db, config }: WhySources): Promise<boolean> {
  const settings = await readSettings(db, config).catch(faultOfRow)
  return !isFault(settings) && !settings.enabled
}

/** With what keeps its pull request from being merged by rule, or what has come of that, where its project has that done. */
function withRules(why: Why, verdict: MergeVerdict | undefined): Why {
  if (verdict === undefined) return why
  const { order, refusals, asked } = verdict
  const rows = refusals.map(({ rule, reason }) => ({ name: 'not merged by rule', text: `${reason} (${rule})` }))
  if (asked !== null && asked.head_sha === order.head_sha && refusals.length === 0) {
    if (asked.is === 'refused' || asked.is === 'switched_off')
      rows.push({ name: 'not merged by rule', text: `${asked.why} (${forgeName(order.forge)})` })
    if (asked.is === 'waiting') rows.push({ name: 'merged by rule', text: askedToMerge(order) })
  }
  if (asked?.is === 'asking' && asked.why !== null) rows.push({ name: 'not taken back', text: asked.why })
  return { ...why, evidence: [...why.evidence, ...rows] }
}

const NO_VERDICTS: ReadonlyMap<string, Verdict> = new Map()
const NONE_REST: ReadonlyMap<string, Resting> = new Map()
/** Where no order waits it is not asked how they are taken on. */
const NO_SERVICE: Service = { isService: false, others: 0, stop: null }
const IDLE: Intake = {
  ...NO_SERVICE,
  isPolling: false,
  isEnabled: true,
  places: null,
  disk: null,
}

/** As a look of the dispatcher reads it: whether all is stopped, the settings, the disk, and what a claim would choose. */
async function readIntake(
  { db, config, dispatcher }: WhySources,
  { stop, ...processes }: Service,
): Promise<{ intake: Intake; verdicts: ReadonlyMap<string, Verdict> }> {
  const settings = await readSettings(db, config).catch(faultOfRow)
  const places = isFault(settings) ? null : await readPlaces(db, settings)
  const intake: Intake = {
    isPolling: dispatcher.polling,
    ...processes,
    stop: isFault(settings) && stop === null ? settings : stop,
    isEnabled: isFault(settings) || settings.enabled,
    places: places === null ? null : places.places,
    disk: await faultOf(async () => {
      await assertRoom(config.home)
      return null
    }),
  }
  return { intake, verdicts: places === null ? NO_VERDICTS : places.verdicts }
}

/** What keeps open pull requests from being reacted to; another process that lives may react. */
async function idleOf(sources: WhySources, { isService, others, stop }: Service): Promise<Idle> {
  if (!sources.config.followUp) return 'switched_off'
  if (stop?.code === 'emergency_stop') return 'emergency_stop'
  if (await isDisabled(sources)) return 'disabled'
  if (sources.dispatcher.polling || others > 0) return null
  return isService ? 'polling' : 'service'
}

/** Why all is stopped, whether this process is a service or a worker, and how many others live. */
type Service = Pick<Intake, 'isService' | 'others' | 'stop'>

async function readService({ db, homeId }: WhySources): Promise<Service> {
  const stop = await faultOf(async () => whyStopped(db))
  const workers = (await listWorkers(db)).filter(({ alive }) => alive)
  const isThis = ({ executor_id, pid }: { executor_id: string; pid: number }) =>
    executor_id === homeId && pid === process.pid
  return { stop, isService: workers.some(isThis), others: workers.filter((worker) => !isThis(worker)).length }
}

async function readPlaces(db: Kysely<Database>, settings: Settings) {
  const { maxConcurrent, maxPerRepository: perRepository, pauseAfterFailures: pauseAfter } = settings
  const { running, verdicts } = await verdictsOfNextClaim(db, { maxConcurrent, perRepository, pauseAfter })
  return { places: { maxConcurrent, perRepository, running }, verdicts }
}

/** As the look that resumes orders would decide about each, the oldest first. */
async function readResting(sources: WhySources, { stop }: Intake): Promise<ReadonlyMap<string, Resting>> {
  // Limits that cannot be read are the answer already.
  if (stop !== null && stop.code === 'config_invalid') return NONE_REST
  const waiting = await suspendedOrders(sources.db)
  if (waiting.length === 0) return NONE_REST
  const conditions = await readConditions({ ...sources, home: sources.config.home }, waiting)
  const { room, isLedgerSound, allowances } = conditions
  const resumes = await resumedByRetry(sources.db, waiting.flatMap(asBlockedByCap))
  return new Map(
    waiting.map((order) => {
      const { code } = order.reason
      const needed = code === 'budget_exceeded' ? neededUsd(order) : null
      const pause = code === 'provider_paused' ? pauseOf(conditions, order) : undefined
      // Before it is given what it waits for.
      const cap = needed === null ? null : room.obstacle(order.id, needed)
      const isReleased = whatReleases(conditions, order) !== null
      const row = code === 'provider_paused' ? rowOf(conditions, order) : null
      const own = { row, pause: pause ?? null, allowances: allowances.get(order.id) ?? [] }
      const isAnew = asBlockedByCap(order).some((blocked) => resumes(blocked).resumes === false)
      return [order.id, { order, isReleased, isAnew, needed, cap, isLedgerSound, ...own }]
    }),
  )
}

function asBlockedByCap({ id, reason }: SuspendedOrder): { id: string; status: 'blocked' }[] {
  return reason.code === 'budget_exceeded' ? [{ id, status: 'blocked' }] : []
}

/** The fault that a question answers with or ends with, where that names a row that cannot be read or a full disk. */
async function faultOf(ask: () => Promise<Fault | null>): Promise<Fault | null> {
  try {
    return await ask()
  } catch (error) {
    const fault = toFault(error)
    if (fault.code !== 'config_invalid' && fault.code !== 'disk_full') throw error
    return fault
  }
}

function isFault(value: object): value is Fault {
  return value instanceof Fault
}
