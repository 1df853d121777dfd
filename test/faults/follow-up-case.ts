import assert from 'node:assert/strict'
import { setTimeout as delay } from 'node:timers/promises'
import type { StandInRun } from '../support/github/actions.ts'
import { type StandInThread, VIEWER } from '../support/github/conversation.ts'
import type { Pull } from '../support/github/repository-state.ts'
import { fileOrder, rested } from '../support/moose-home.ts'
import type { LaunchedWorker } from '../support/service-process.ts'
import { until } from '../support/until.ts'
import { ARMED, type CrashCase, hasHappened, IN_FOLLOWING, untilDone } from './crash-case.ts'
import { assertConverged, lookBefore } from './crash-convergence.ts'
import { type CrashSetting, fileOf } from './crash-setting.ts'

/** The numbers of runs and jobs of one case, apart from those of the others. */
const RUNS_FROM = 1_000
const JOBS_FROM = 100_000
const WITHIN_MS = 120_000

/**
 * Has the reaction to what becomes of a pull request go wrong at one point, and checks that its bounds hold: one reaction, one
 * commit, one answer, one rerun, and no call paid twice.
 *
 * @returns what it took, for the matrix
 */
export async function runFollowUpCase(setting: CrashSetting, number: number, one: CrashCase): Promise<string> {
  const { follows, effect, fault } = one
  assert.ok(follows !== undefined)
  const before = await lookBefore(setting)
  const began = performance.now()
  const { home, github } = setting
  // What the cases before have left open is none of this one.
  for (const pull of github.state.pulls) if (pull.state === 'open') await github.state.close(pull.number)
  const id = await fileOrder(home.database, { title: `Change ${fileOf(number)}`, files: [fileOf(number)] })
  await inReview(setting, id)
  const pull = github.state.pulls.at(-1) ?? assert.fail()
  const happened = await HAPPENS[follows](setting, pull, number)
  const nth = IN_FOLLOWING[follows][effect]
  await using service = setting.service('first', {
    MOOSE_FAULT: `${effect}:${ARMED[fault]}${nth === 1 ? '' : `@${nth}`}`,
  })
  const isError = fault === 'exception' || fault === 'lost'
  if (!isError) await hasHappened(service, one)
  const next = fault === 'hang' || number % 2 === 1 ? 'second' : 'first'
  await using another = isError ? null : setting.service(next, {})
  const alive = another === null ? service : another
  const outcome = await untilFollowed(setting, { id, one, pull, number, service: alive })
  if (fault === 'hang') {
    service.child.kill('SIGCONT')
    await delay(1_000)
  }
  await looksTwice(setting, id)
  await rested(home.database.db, id)
  await assertFollowedOnce(setting, { id, one, number, pull })
  happened()
  const machines = isError
    ? (['first'] as const)
    : fault === 'hang'
      ? (['first', 'second'] as const)
      : ([next] as const)
  await assertConverged(setting, id, { one, before, alive: machines })
  return `${outcome}, ${((performance.now() - began) / 1_000).toFixed(0)}s`
}

async function inReview(setting: CrashSetting, id: string): Promise<void> {
  await using worker = setting.worker('first', {})
  await untilDone(setting, id, worker)
}

type Happening = (setting: CrashSetting, pull: Pull, number: number) => (() => void) | Promise<() => void>

const HAPPENS: Record<NonNullable<CrashCase['follows']>, Happening> = {
  async base({ home }, _, number) {
    await home.remote.commit('main', { [`beside-${number}.txt`]: 'of others\n' })
    return () => undefined
  },
  /** Red on the commit that was opened, and green on any other. */
  checks(_, pull) {
    const opened = pull.sha
    const run: StandInRun = { name: 'unit', state: 'FAILURE', url: null, summary: 'expected: mended' }
    const passed: StandInRun = { name: 'unit', state: 'SUCCESS', url: null }
    Object.defineProperty(pull, 'checks', { get: () => (pull.sha === opened ? 'FAILURE' : 'SUCCESS') })
    Object.defineProperty(pull, 'runs', { get: () => [pull.sha === opened ? run : passed] })
    return () => undefined
  },
  review({ github }, pull, number) {
    github.state.settings.writers = ['ada']
    const comment = { id: `C${number}`, login: 'ada', association: 'COLLABORATOR', body: 'Mend it.' } as const
    const thread: StandInThread = { id: `T${number}`, path: fileOf(number), line: 1, comments: [{ ...comment }] }
    Object.assign(pull, { threads: [thread], touched: 1 })
    return () => {
      const own = thread.comments.filter(({ login }) => login === VIEWER)
      assert.equal(own.length, 1, 'the thread is answered once')
    }
  },
  rerun({ github: { state } }, pull, number) {
    const id = RUNS_FROM + number
    state.actions.runs.set(id, { attempt: 1, status: 'completed' })
    const run: StandInRun = { name: 'unit', state: 'FAILURE', url: null, job: { run: id, id: JOBS_FROM + number } }
    Object.assign(pull, { checks: 'FAILURE', runs: [run] })
    return () => assert.equal(state.actions.runs.get(id)?.attempt, 2, 'it was run again once')
  },
}

type Followed = { id: string; one: CrashCase; number: number; pull: Pull }

const rowsOf = ({ home }: CrashSetting, id: string) =>
  home.database.db
    .selectFrom('follow_ups')
    .select(['kind', 'outcome', 'answered'])
    .where('work_order_id', '=', id)
    .orderBy('id')
    .execute()

/** Until the reaction has ended, and is answered. @returns its outcome */
async function untilFollowed(
  setting: CrashSetting,
  { id, one, pull, number, service }: Followed & { service: LaunchedWorker },
): Promise<string> {
  const { runs } = setting.github.state.actions
  const isOver = async () => {
    // What is run again passes.
    const again = runs.get(RUNS_FROM + number)
    if (one.follows === 'rerun' && again !== undefined && again.attempt > 1) {
      again.status = 'completed'
      Object.assign(pull, { checks: 'SUCCESS', runs: (pull.runs ?? []).map((run) => ({ ...run, state: 'SUCCESS' })) })
    }
    const [row] = await rowsOf(setting, id)
    if (row === undefined || row.outcome === null || row.outcome === 'asked' || row.outcome === 'running') return false
    return one.follows !== 'review' || row.answered
  }
  const say = async () => `${JSON.stringify(await rowsOf(setting, id))} ${service.printed().slice(-2_000)}`
  await until('the reaction has ended', isOver, { withinMs: WITHIN_MS, say })
  return String((await rowsOf(setting, id))[0]?.outcome)
}

async function looksTwice({ home }: CrashSetting, id: string): Promise<void> {
  const seenAt = async () => {
    const row = await home.database.db
      .selectFrom('pull_requests')
      .select('seen_at')
      .where('work_order_id', '=', id)
      .executeTakeFirstOrThrow()
    return row.seen_at === null ? 0 : row.seen_at.getTime()
  }
  for (let looks = 0; looks < 2; looks += 1) {
    const before = await seenAt()
    await until('the tracker looks again', async () => (await seenAt()) > before, { withinMs: WITHIN_MS })
  }
}

async function assertFollowedOnce(setting: CrashSetting, { id, one }: Followed): Promise<void> {
  const rows = await rowsOf(setting, id)
  assert.deepEqual(
    rows.map(({ kind }) => kind),
    [one.follows],
    'one reaction',
  )
  const attempts = await setting.home.database.db
    .selectFrom('attempts')
    .select('number')
    .where('work_order_id', '=', id)
    .execute()
  assert.equal(attempts.length, one.follows === 'rerun' ? 1 : 2, 'one attempt for it')
  if (one.fault === 'exception' || one.fault === 'lost') return
  assert.equal(rows[0]?.outcome, one.follows === 'rerun' ? 'flaky' : 'succeeded')
}
