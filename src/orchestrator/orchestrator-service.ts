import type { Kysely } from 'kysely'
import { waitAtMost } from '../async/deadline.ts'
import { assertWantedReady, type Executors } from '../attempt/choose-executor.ts'
import { assertServing, createDrain, type Drain, settle } from '../attempt/drain.ts'
import { createRunningAttempts, type RunningAttempts } from '../attempt/running-attempts.ts'
import { whyStopped } from '../budget/emergency.ts'
import type { Clock } from '../clock.ts'
import type { PullRequestHint } from '../contract/github-webhook.ts'
import { askedOfForges } from '../db/pull-requests/merge-asked.ts'
import type { Database } from '../db/schema.ts'
import { readPauseAfter, type Settings } from '../db/system-config.ts'
import { findWorkOrder, noLongerInProgress } from '../db/work-orders/work-orders.ts'
import { Fault } from '../faults/fault.ts'
import { type AttemptStarter, createAttemptStarter } from '../fleet/attempt-starter.ts'
import { createFollowUps, type FollowUps } from '../follow-up/follow-up.ts'
import { createReverts } from '../follow-up/reverts.ts'
import { type Claims, createClaims } from './claims.ts'
import { createDecisions } from './decisions.ts'
import { createDispatcher, type Dispatcher } from './dispatcher.ts'
import { createErrorList, type ErrorList } from './error-list.ts'
import { executeOrder } from './execute-order.ts'
import { createMergeByRule, type MergeByRule } from './merge-by-rule.ts'
import type { Orchestrator, OrchestratorDeps } from './orchestrator.ts'
import { settleDependents } from './settle-dependents.ts'
import { readStatus } from './status.ts'
import { createTracker, type Tracker } from './tracker.ts'
import { readWhy } from './why/read-why.ts'

export type OrchestratorService = Orchestrator &
  AsyncDisposable & {
    /**
     * Takes up what an earlier process left; done by the first start or execute otherwise.
     * @param follow whether this process looks at pull requests that others end
     */
    launch(options: { follow: boolean }): Promise<void>
    /** Another process runs this home now: this one claims nothing more and leaves its attempts to the other. */
    abandon(): void
    /** A notification said that there may be something to claim. */
    wake(): void
    /** A notification said that a setting, a cap or a price was changed, or that everything has to stop. */
    configChanged(): void
    /** A notification said that an order was cancelled. */
    stopAttempt(workOrderId: string): void
    /** A webhook reported a change of pull requests. */
    hintAtPullRequest(hint: PullRequestHint): void
  }

/** Wires dispatcher, engine and running attempts into the service the API and the CLI see. */
export function createOrchestrator(deps: OrchestratorDeps): OrchestratorService {
  const { db, adapters, clock } = deps
  const running = createRunningAttempts()
  const emergencyStop = createEmergencyStop({ ...deps, running })
  const errors = createErrorList(deps)
  const drain = createDrain()
  drain.signal.addEventListener('abort', () => deps.admitCallsBy(drain.hold), { once: true })
  const claims = createClaims(deps, { emergencyStop, onError: errors.add })
  const wake = () => dispatcher.wake()
  const attempts = createAttemptStarter(deps, { drain, running, onEnd: wake, onLeftBehind: wake, onError: errors.add })
  const decisions = createDecisions({ ...deps, ...adapters, endAbandoned: claims.endAbandoned }, running.cancel)
  const intake = createIntake({ polling: () => dispatcher.polling, settings: claims.settings, emergencyStop })
  const ruled = { db, clock, forges: deps.followUpForges, merge: decisions.merge, ...intake, onError: errors.add }
  const merging = createMergeByRule({ ...ruled, lookIntervalMs: deps.config.trackIntervalMs })
  const dispatcher = createDispatcher({
    readSettings: claims.settings,
    isStopped: async () => (await emergencyStop.check()) !== null,
    claimAndStart: (settings) => claimAndStart({ db, running, attempts, claims, errors, merging }, settings),
    onError: errors.add,
    now: clock.now,
  })
  const tracker = createFollowing(deps, { isTakenOn: intake.isTakenOn, merging, onError: errors.add })
  const begun = { emergencyStop, attempts, dispatcher }

  let looking: Promise<unknown> = Promise.resolve()

  return {
    ...createBeginnings({ ...begun, tracker, drain, errors, merging, executors: adapters.executors }),
    hintAtPullRequest: tracker.hint,
    stop: () => stopTaking(db, dispatcher, merging),
    stopping: drain.signal,
    wake: dispatcher.wake,
    configChanged() {
      // Attempts may run here although nothing is claimed here, and what forges were asked for is taken back.
      const look = async () => ((await emergencyStop.check()) === null ? undefined : merging.look())
      looking = look().catch(errors.add)
      dispatcher.wake()
    },
    status: () => readStatus({ ...deps, dispatcher, running, tracker, errors: errors.list() }),
    explain: (ids) => readWhy({ ...deps, dispatcher }, ids),
    async execute(idOrPrefix, signal, by) {
      assertServing(drain)
      await emergencyStop.assertReleased()
      const order = await findWorkOrder(db, idOrPrefix)
      await attempts.launch()
      const claim = () => claims.one(order.id, by)
      const resume = () => claims.resumeAsked(order.id)
      return executeOrder({ ...deps, claim, resume, start: attempts.start, running, signal }, order.id)
    },
    ...decisions,
    stopAttempt: running.cancel,
    ...createEndings({ attempts, dispatcher, drain, running, clock, errors }),
    async [Symbol.asyncDispose]() {
      await dispatcher[Symbol.asyncDispose]()
      await merging[Symbol.asyncDispose]()
      // A command that changes a setting ends at once, and the database with it.
      await looking
      await tracker[Symbol.asyncDispose]()
      await settle(drain, running, clock, 0)
      await attempts[Symbol.asyncDispose]()
    },
  }
}

/** What looks at pull requests, and reacts to what becomes of them where orders are taken on. */
function createFollowing(
  deps: OrchestratorDeps,
  { isTakenOn, merging, onError }: Pick<Intake, 'isTakenOn'> & Pick<Look, 'merging'> & { onError: ErrorList['add'] },
): Tracker {
  const { config, adapters, followUpForges: forges } = deps
  const isFollowed = async () => config.followUp && (await isTakenOn())
  const following = createFollowUps({
    ...deps,
    forges,
    workspaces: adapters.workspaces,
    isTakenOn: isFollowed,
    pauseAfter: () => readPauseAfter(deps.db, config),
    onError,
  })
  const followUps: FollowUps = {
    async saw(sightings, signal, began) {
      await following.saw(sightings, signal, began)
      // What was seen may have it merged, or that taken back, which is also done where no orders are taken on.
      merging.look()
    },
  }
  const reverts = createReverts({ ...deps, forges, onError })
  const intervalMs = config.trackIntervalMs
  return createTracker({ ...deps, followUps, reverts, random: Math.random, intervalMs, onError })
}

/** Of the answer to a stop; what is not taken back by then is tried again at the next looks. */
const TAKE_BACK_WITHIN_MS = 10_000

async function stopTaking(db: Kysely<Database>, dispatcher: Dispatcher, merging: MergeByRule) {
  dispatcher.stop()
  await waitAtMost(merging.takeBack(), TAKE_BACK_WITHIN_MS)
  return await askedOfForges(db)
}

type Intake = Pick<Parameters<typeof createMergeByRule>[0], 'isTakenOn' | 'whyStopped'>

/** Whether orders are taken on by this process, and what keeps every process from it. */
function createIntake(parts: {
  polling: () => boolean
  settings: Claims['settings']
  emergencyStop: EmergencyStop
}): Intake {
  async function whyStopped(): Promise<string | null> {
    if ((await parts.emergencyStop.check()) !== null) return 'an emergency stop is in force'
    return (await parts.settings()).enabled ? null : 'orchestrator_enabled is false'
  }
  return { whyStopped, isTakenOn: async () => parts.polling() && (await whyStopped()) === null }
}

type Look = {
  db: OrchestratorDeps['db']
  running: RunningAttempts
  attempts: AttemptStarter
  claims: Claims
  errors: ErrorList
  merging: MergeByRule
}

/**
 * What one look of the dispatcher does. What an order waits for comes first, and side by side.
 *
 * @returns whether an order that may start was held up
 */
async function claimAndStart(
  { db, running, attempts, claims, errors, merging }: Look,
  settings: Settings,
): Promise<boolean> {
  merging.look()
  // In case the notification of a cancellation was lost.
  const cancelMissed = async () => {
    for (const id of await noLongerInProgress(db, running.ids())) running.cancel(id)
  }
  const settled = settleDependents(db, errors.add)
  await Promise.all([cancelMissed(), attempts.takeOver(), claims.resumeSuspended(), settled])
  try {
    const claim = await claims.next(settings)
    errors.addRefused(claim)
    await attempts.startClaimed(claim.claimed)
    return claim.isHeldUp
  } finally {
    // In the background: no order waits for it.
    await claims.endAbandoned().catch(errors.add)
  }
}

type Beginnings = {
  emergencyStop: EmergencyStop
  attempts: AttemptStarter
  dispatcher: Dispatcher
  tracker: Tracker
  drain: Drain
  errors: ErrorList
  merging: MergeByRule
  executors: Executors
}

/** The ways a service begins: ready to be asked, and taking on orders by itself. */
function createBeginnings(parts: Beginnings): Pick<OrchestratorService, 'launch' | 'start' | 'startUnattended'> {
  const { emergencyStop, attempts, dispatcher, tracker, drain, errors, merging, executors } = parts
  async function poll(intervalMs: number | null): Promise<number> {
    await assertWantedReady(executors)
    await attempts.launch()
    merging.goOn()
    return dispatcher.start(intervalMs)
  }
  return {
    async launch({ follow }) {
      // What every order will need is said now; each of them is refused before it costs anything.
      await assertWantedReady(executors).catch(errors.add)
      await attempts.launch()
      if (follow) tracker.start()
    },
    async start(intervalMs) {
      assertServing(drain)
      await emergencyStop.assertReleased()
      return poll(intervalMs)
    },
    async startUnattended() {
      assertServing(drain)
      return poll(null)
    },
  }
}

type Endings = Pick<OrchestratorService, 'drain' | 'abandon'>

/** The two ways a service ends before its process does. */
function createEndings(parts: {
  attempts: AttemptStarter
  dispatcher: Dispatcher
  drain: Drain
  running: RunningAttempts
  clock: Clock
  errors: ErrorList
}): Endings {
  const { attempts, dispatcher, drain, running, clock, errors } = parts
  return {
    drain(graceMs) {
      dispatcher.stop()
      return settle(drain, running, clock, graceMs)
    },
    abandon() {
      errors.add(new Fault('home_owned', 'Another process runs the work orders of this home now. Stop this one.'))
      dispatcher.stop()
      // The engine too: it would take what is queued for this home from the process that runs it now.
      settle(drain, running, clock, 0)
        .then(() => attempts[Symbol.asyncDispose]())
        .catch(errors.add)
    },
  }
}

type EmergencyStop = {
  /**
   * Looks whether everything has to stop, and then aborts every attempt of this process and every call to a model; the
   * attempts are suspended.
   *
   * @returns `emergency_stop`; null: nothing is stopped
   * @throws {Fault} `config_invalid` for limits that cannot be read
   */
  check(): Promise<Fault | null>
  /** @throws {Fault} `emergency_stop`, `config_invalid` */
  assertReleased(): Promise<void>
}

function createEmergencyStop(parts: {
  db: Kysely<Database>
  running: RunningAttempts
  stopCalls: (fault: Fault) => void
}): EmergencyStop {
  const { db, running, stopCalls } = parts
  async function check(): Promise<Fault | null> {
    const fault = await whyStopped(db)
    if (fault === null) return null
    running.abortAll(fault)
    stopCalls(fault)
    return fault
  }
  return {
    check,
    async assertReleased() {
      const fault = await check()
      if (fault !== null) throw fault
    },
  }
}
