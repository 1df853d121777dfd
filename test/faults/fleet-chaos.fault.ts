import assert from 'node:assert/strict'
import { randomUUID } from 'node:crypto'
import { type TestContext, test } from 'node:test'
import { setTimeout as delay } from 'node:timers/promises'
import { seededChance } from '../../src/manager/learned/seeded-chance.ts'
import { until } from '../support/until.ts'
import { assertEndedOnce, assertNothingLeft, assertPaidOnce, retryUnstable, standings } from './chaos-ends.ts'
import { type ChaosSetting, createChaosSetting, LIMITS } from './chaos-setting.ts'
import { described, readTakeovers } from './chaos-takeovers.ts'
import { watchFleet } from './chaos-watch.ts'
import { type ChaosWorker, startChaosWorker, type Trouble } from './chaos-worker.ts'

const ORDERS = Number(process.env['ORDERS'] ?? 200)
const LEASE_MS = Number(process.env['LEASE_MS'] ?? 2_500)
/** What is done to whom, and after how long; the machine's own pace is not in it. */
const SEED = process.env['SEED'] ?? randomUUID().slice(0, 8)
const WORKERS = ['first', 'second', 'third']
/** About so long between two troubles of one worker; on a machine that is busy with other things, take longer. */
const CALM_MS = Number(process.env['CALM_MS'] ?? 9_000)
const WITHIN_MS = ORDERS * 6_000 + 120_000

test(`three workers, ${ORDERS} orders, random kill -9 and pauses: all end, none twice`, async (t) => {
  t.diagnostic(`repeat with SEED=${SEED}`)
  await using setting = await createChaosSetting(ORDERS, { seed: SEED, leaseMs: LEASE_MS })
  const troubles: Trouble[] = []
  const retried: string[] = []
  const began = performance.now()
  await using stack = new AsyncDisposableStack()
  const workers = WORKERS.map((name) => {
    const chance = seededChance(SEED, name)
    return stack.use(startChaosWorker({ setting, name, chance, leaseMs: LEASE_MS }))
  })
  await using watch = watchFleet(setting)
  await troubled(setting, { t, workers, troubles, retried })
  const seconds = (performance.now() - began) / 1000
  await watch[Symbol.asyncDispose]()
  // Ending properly takes back what is still under way.
  await stack.disposeAsync()
  await report(setting, { t, troubles, seconds, watch })
  t.diagnostic(`${retried.length} times an order was held after four troubles, and retried by hand`)
  assert.deepEqual(watch.wrong, [])
  await assertEndedOnce(setting, retried)
  const hit = troubles.reduce((sum, { calls }) => sum + calls, 0)
  const paid = await assertPaidOnce(setting)
  t.diagnostic(`${paid.calls} calls, ${hit} were hit; ${paid.booked} booked, of ${paid.unresolved} nobody knows`)
  await assertNothingLeft(setting, WORKERS)
})

type Run = { t: TestContext; workers: readonly ChaosWorker[]; troubles: Trouble[]; retried: string[] }

/** Makes trouble until every order has ended. */
async function troubled(setting: ChaosSetting, { t, workers, troubles, retried }: Run): Promise<void> {
  const over = new AbortController()
  const troubling = workers.map(async (worker, index) => {
    const chance = seededChance(SEED, 'calm', index)
    for (;;) {
      await delay(CALM_MS * (1 / 3 + (4 / 3) * chance()))
      if (over.signal.aborted) return
      troubles.push(await worker.trouble())
    }
  })
  let last = ''
  let said = 0
  const haveEnded = async () => {
    // So many troubles may look like an order that ends its workers.
    retried.push(...(await retryUnstable(setting)))
    const { in_review: opened = 0, failed = 0, ...rest } = await standings(setting)
    last = `${opened} in review, ${failed} failed, ${JSON.stringify(rest)}, ${troubles.length} troubles`
    if (opened + failed >= said + setting.orders.length / 10) {
      said = opened + failed
      t.diagnostic(last)
    }
    return opened + failed === setting.orders.length
  }
  try {
    await Promise.race([
      until('every order ends', haveEnded, { withinMs: WITHIN_MS, say: async () => last }),
      Promise.all(troubling).then(() => new Promise<never>(() => undefined)),
    ])
  } catch (error) {
    t.diagnostic(workers.map((worker) => worker.printed()).join('\n---\n'))
    throw error
  } finally {
    over.abort()
    await Promise.allSettled(troubling)
  }
}

async function report(
  setting: ChaosSetting,
  {
    t,
    troubles,
    seconds,
    watch,
  }: { t: TestContext; troubles: Trouble[]; seconds: number; watch: ReturnType<typeof watchFleet> },
): Promise<void> {
  const { killed, paused, silent, spurious } = await readTakeovers(setting, troubles, LEASE_MS)
  const kills = troubles.filter(({ kind }) => kind === 'kill').length
  t.diagnostic(`${ORDERS} orders in ${seconds.toFixed(0)} s: ${kills} kills, ${troubles.length - kills} pauses`)
  t.diagnostic(
    `at most ${watch.most.overall} of ${LIMITS.overall} at once, ${watch.most.perRepository} of ${LIMITS.perRepository} in a repository (${watch.looks} looks)`,
  )
  t.diagnostic(`lease ${LEASE_MS / 1000} s. Taken over after a kill: ${described(killed)}`)
  t.diagnostic(`taken over after the begin of a pause: ${described(paused)}`)
  t.diagnostic(`taken over after the end of the lease: ${described(silent)}; of workers that lived: ${spurious}`)
}
