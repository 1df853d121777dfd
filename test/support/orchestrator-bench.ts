import { createParts } from '../../src/app/adapters.ts'
import { hearDatabase } from '../../src/app/hear-database.ts'
import type { Adapters } from '../../src/attempt/context.ts'
import { NEVER_ABORTED, systemClock } from '../../src/clock.ts'
import { createEventFeed } from '../../src/db/event-feed.ts'
import type { Fault } from '../../src/faults/fault.ts'
import { createLog } from '../../src/log.ts'
import { createOrchestrator, type OrchestratorService } from '../../src/orchestrator/orchestrator-service.ts'
import type { Check, CheckRunner, Executor, ExecutorInput } from '../../src/ports/execution.ts'
import type { Manager } from '../../src/ports/routing.ts'
import type { MooseHome } from './moose-home.ts'

/** What is counted, and what can be made to fail or to wait. */
export type Part = 'route' | 'propose' | 'patch' | 'aider' | 'check'

/** What a part does at its next calls: nothing of its own (null), fail, or wait until it is aborted. */
export type Trouble = Fault | 'hangs' | null

export type OrchestratorBench = AsyncDisposable & {
  orchestrator: OrchestratorService
  calls: Record<Part, number>
  trouble: Record<Part, Trouble[]>
  /** Calls in the order they began, and where a workspace was removed for good. */
  history: (Part | 'put away')[]
}

/**
 * The orchestrator of a home with its real parts, which are counted and can be given trouble. Aider is a stand-in that
 * is always there and makes the change a check asks for.
 *
 * @param repair what Aider does to the work tree
 * @param putAwayMs how much longer the removal of a workspace takes
 */
export async function openBench(
  { config, database }: MooseHome,
  { repair, putAwayMs = 0 }: { repair: (path: string, input: ExecutorInput) => Promise<void>; putAwayMs?: number },
): Promise<OrchestratorBench> {
  await using stack = new AsyncDisposableStack()
  const log = createLog('silent')
  const { db, pool } = database
  const parts = createParts({ db, config, clock: systemClock, log })
  stack.use(parts.gateway)
  const calls: OrchestratorBench['calls'] = { route: 0, propose: 0, patch: 0, aider: 0, check: 0 }
  const trouble: OrchestratorBench['trouble'] = { route: [], propose: [], patch: [], aider: [], check: [] }
  const history: OrchestratorBench['history'] = []
  const meet = async (part: Part, signal: AbortSignal) => {
    calls[part] += 1
    history.push(part)
    const next = trouble[part].shift()
    if (next === undefined || next === null) return
    if (next !== 'hangs') throw next
    await systemClock.sleep(60_000, signal)
  }
  const orchestrator = stack.use(
    createOrchestrator({
      db,
      pool,
      config,
      clock: systemClock,
      log,
      databaseUrl: database.url,
      adapters: {
        ...troubled(parts.adapters, meet, repair),
        workspaces: {
          ...parts.adapters.workspaces,
          async discard(workOrderId, attempt) {
            if (putAwayMs > 0) await systemClock.sleep(putAwayMs, NEVER_ABORTED)
            await parts.adapters.workspaces.discard(workOrderId, attempt)
            history.push('put away')
          },
        },
      },
      watch: parts.watch,
      followUpForges: parts.followUps,
      stopCalls: parts.models.stopAll,
      admitCallsBy: parts.models.admitBy,
      proposers: parts.proposers,
      homeId: 'bench',
      version: 'bench',
      own: async () => undefined,
    }),
  )
  stack.use(
    await hearDatabase(database.url, {
      orchestrator,
      feed: createEventFeed(db),
      onAct: () => undefined,
      onOutbox: () => undefined,
      log,
    }),
  )
  const owned = stack.move()
  return { orchestrator, calls, trouble, history, [Symbol.asyncDispose]: () => owned.disposeAsync() }
}

type Meet = (part: Part, signal: AbortSignal) => Promise<void>

function troubled(
  adapters: Adapters,
  meet: Meet,
  repair: (path: string, input: ExecutorInput) => Promise<void>,
): Adapters {
  const { manager, proposer, executors, checkRunner } = adapters
  const aider: Executor = {
    name: 'aider',
    looksAt: 'repository',
    assertReady: async () => undefined,
    async apply(input) {
      await meet('aider', input.signal)
      await repair(input.workspace.path, input)
      return { costUsd: 0, answers: 1 }
    },
  }
  const route: Manager['route'] = async (request, signal) => {
    await meet('route', signal)
    return manager.route(request, signal)
  }
  const patch: Executor = {
    ...executors.patch,
    async apply(input) {
      await meet('patch', input.signal)
      return executors.patch.apply(input)
    },
  }
  const run: CheckRunner['run'] = async (check: Check, options) => {
    await meet('check', options.signal)
    return checkRunner.run(check, options)
  }
  return {
    ...adapters,
    manager: { ...manager, route },
    proposer: {
      async propose(input) {
        await meet('propose', input.signal)
        return proposer.propose(input)
      },
    },
    executors: { ...executors, patch, aider },
    checkRunner: { ...checkRunner, run },
  }
}
