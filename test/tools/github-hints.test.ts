import assert from 'node:assert/strict'
import { type TestContext, test } from 'node:test'
import type { PullRequestHint } from '../../src/contract/github-webhook.ts'
import { findWorkOrder } from '../../src/db/work-orders/work-orders.ts'
import { createTracker, type Tracker } from '../../src/orchestrator/tracker.ts'
import type { PublishInput } from '../../src/ports/pull-request.ts'
import type { ServerFault } from '../support/github/github-server.ts'
import { createGitHubSetting, type GitHubSetting } from '../support/github/github-setting.ts'
import { createSteppedClock, type SteppedClock } from '../support/stepped-clock.ts'
import { toolOrSkip } from '../support/tool-or-skip.ts'

const INTERVAL_MS = 45_000
const OURS = 'https://github.com/acme/shop'

/** A tracker that has looked once, at one open pull request, and sleeps. */
type Watching = AsyncDisposable & {
  given: GitHubSetting
  tracker: Tracker
  clock: SteppedClock
  input: PublishInput
  number: number
  errors: unknown[]
  /** Lets time pass until the tracker sleeps again. @returns how many requests that cost */
  pass: (ms: number) => Promise<number>
}

async function watching(t: TestContext, random = 0, faults: ServerFault[] = []): Promise<Watching | null> {
  for (const tool of ['gh', 'openssl']) if (toolOrSkip(t, tool) === null) return null
  await using stack = new AsyncDisposableStack()
  const given = stack.use(await createGitHubSetting())
  const clock = createSteppedClock()
  const errors: unknown[] = []
  const input = await given.prepare()
  const { number } = await given.forge.publish(input)
  const deps = { db: given.database.db, watch: given.forge, clock, random: () => random, intervalMs: INTERVAL_MS }
  const tracker = stack.use(createTracker({ ...deps, onError: (error) => errors.push(error) }))
  given.github.faults.push(...faults)
  tracker.start()
  await clock.asleep()
  const owned = stack.move()
  return {
    given,
    tracker,
    clock,
    input,
    number,
    errors,
    async pass(ms) {
      const before = given.github.apiCalls()
      clock.advance(ms)
      await clock.asleep()
      return given.github.apiCalls() - before
    },
    [Symbol.asyncDispose]: () => owned.disposeAsync(),
  }
}

const LOOK = /OpenPullRequests$/
const at = (hint: Partial<PullRequestHint>): PullRequestHint => ({
  repositoryUrl: OURS,
  numbers: [],
  branches: [],
  ...hint,
})

for (const by of ['number', 'branch'] as const) {
  test(`a hint by ${by} has the pull request looked at within a second`, async (t) => {
    await using watched = await watching(t)
    if (watched === null) return
    const { given, tracker, input, number, pass } = watched
    await given.github.state.merge(number, 'merge')
    tracker.hint(at(by === 'number' ? { numbers: [number] } : { branches: [String(input.branches[0])] }))
    assert.equal(await pass(0), 0)
    assert.equal(await pass(1_000), 1)
    assert.equal((await findWorkOrder(given.database.db, input.workOrderId)).status, 'completed')
  })
}

for (const [what, repositoryUrl] of [
  ['another repository', 'https://github.com/acme/other'],
  ['one whose name goes on', 'https://github.com/acme/shop-2'],
  ['one whose name ours begins with', 'https://github.com/acme/sho'],
  ['another host', 'https://ghe.example/acme/shop'],
  ['a pattern of SQL', 'https://github.com/%/%'],
] as const) {
  test(`a hint at the same number and branch of ${what} costs no request`, async (t) => {
    await using watched = await watching(t)
    if (watched === null) return
    const { tracker, number, input, pass, errors } = watched
    tracker.hint({ repositoryUrl, numbers: [number], branches: [String(input.branches[0])] })
    assert.equal(await pass(0), 0)
    assert.equal(await pass(1_000), 0)
    assert.deepEqual(errors, [])
  })
}

test('a storm of hints costs one request, and another one ten seconds later', async (t) => {
  await using watched = await watching(t)
  if (watched === null) return
  const { tracker, number, pass } = watched
  const storm = () => {
    for (let count = 0; count < 100; count += 1) tracker.hint(at({ numbers: [number], branches: [`b${count}`] }))
  }
  storm()
  assert.equal(await pass(0), 0)
  assert.equal(await pass(1_000), 1)
  storm()
  assert.equal(await pass(0), 0)
  assert.equal(await pass(9_999), 0)
  assert.equal(await pass(1), 0)
  assert.equal(await pass(1_000), 1)
  assert.equal(await pass(10_000), 0, 'and no third one')
})

test('more different hints than can be kept apart are one look at all, as far apart as hinted ones', async (t) => {
  await using watched = await watching(t)
  if (watched === null) return
  const { tracker, clock, pass } = watched
  for (let count = 0; count < 5_000; count += 1) tracker.hint(at({ branches: [`b${count}`] }))
  await pass(0)
  const before = tracker.lastLook
  assert.equal(await pass(1_000), 0)
  assert.equal(await pass(9_999), 0)
  assert.equal(await pass(1), 1)
  assert.notDeepEqual(tracker.lastLook, before)
  assert.deepEqual(tracker.lastLook, clock.now())
})

test('looks at all go on at the interval, whatever is hinted at', async (t) => {
  await using watched = await watching(t)
  if (watched === null) return
  const { tracker, number, pass } = watched
  tracker.hint(at({ numbers: [number] }))
  assert.equal(await pass(0), 0)
  assert.equal(await pass(1_000), 1)
  assert.equal(await pass(10_000), 0)
  assert.equal(await pass(INTERVAL_MS - 11_001), 0)
  assert.equal(await pass(1), 1)
})

const RESET = { 'x-ratelimit-remaining': '0', 'x-ratelimit-reset': '1000600' }
const LIMIT = { message: 'API rate limit exceeded' }
for (const [what, status, headers, body] of [
  ['Retry-After', 403, { 'retry-after': '600' }, LIMIT],
  ['x-ratelimit-reset', 403, RESET, LIMIT],
  ['a GraphQL answer', 200, RESET, { data: null, errors: [{ type: 'RATE_LIMITED', ...LIMIT }] }],
] as const) {
  test(`GitHub is left alone as long as ${what} asks, and a little longer by chance, also by hints`, async (t) => {
    const date = new Date(1_000_000_000).toUTCString()
    const answer = { status, headers: { ...headers, date }, body }
    await using watched = await watching(t, 0.5, [{ on: LOOK, what: answer }])
    if (watched === null) return
    const { tracker, number, pass, errors } = watched
    assert.deepEqual(
      errors.map((error) => error instanceof Error && 'code' in error && error.code),
      ['github_rate_limited'],
    )
    tracker.hint(at({ numbers: [number] }))
    assert.equal(await pass(600_000), 0)
    assert.equal(await pass(0.5 * INTERVAL_MS - 1), 0)
    assert.equal(await pass(1), 1)
  })
}

test('while GitHub is down the pause doubles, at most to sixteen intervals', async (t) => {
  const down = { on: LOOK, times: 7, what: { status: 503, body: { message: 'Unavailable' } } } as const
  await using watched = await watching(t, 0, [down])
  if (watched === null) return
  const { given, pass, errors } = watched
  for (const times of [2, 4, 8, 16, 16, 16]) {
    assert.equal(await pass(times * INTERVAL_MS - 1), 0)
    assert.equal(await pass(1), 1, `${times} intervals`)
  }
  assert.equal(errors.length, 7)
  assert.equal(await pass(16 * INTERVAL_MS), 1)
  given.github.faults.push({ ...down, times: 1 })
  assert.equal(await pass(INTERVAL_MS), 1, 'the interval again')
  assert.equal(await pass(2 * INTERVAL_MS - 1), 0)
  assert.equal(await pass(1), 1, 'and the first doubling again')
})

test('a host that cannot be asked takes nothing from the others', async (t) => {
  await using watched = await watching(t)
  if (watched === null) return
  const { given, input, number, pass, errors } = watched
  const { db } = given.database
  const elsewhere = {
    repository: 'https://ghe.example/acme/shop.git',
    forge: 'github',
    default_branch: 'main',
  } as const
  for (const [index, repository] of [elsewhere.repository, 'file:///nowhere'].entries()) {
    const project = await db
      .insertInto('projects')
      .values({ ...elsewhere, repository, name: `p${index}` })
      .returning('id')
      .executeTakeFirstOrThrow()
    const order = await db
      .insertInto('work_orders')
      .values({ title: 'x', description: '', risk_level: 'low', project_id: project.id })
      .returning('id')
      .executeTakeFirstOrThrow()
    const row = { url: 'x', node_id: 'x', title: '', body: '', base: 'main', diff: '', branch: `b${index}` }
    await db
      .insertInto('pull_requests')
      .values({
        ...row,
        work_order_id: order.id,
        attempt: 1,
        project_id: project.id,
        number: 1,
        base_sha: '',
        head_sha: '',
      })
      .execute()
  }
  await given.github.state.merge(number, 'merge')
  assert.equal(await pass(INTERVAL_MS), 1)
  assert.equal((await findWorkOrder(db, input.workOrderId)).status, 'completed')
  const codes = errors.map((error) => error instanceof Error && 'code' in error && error.code)
  assert.deepEqual(new Set(codes), new Set(['github_unauthorized', 'repository_refused']))
})

test('a look that GitHub leaves hanging ends with the tracker', async (t) => {
  await using watched = await watching(t)
  if (watched === null) return
  const { given, tracker, clock, errors } = watched
  const { promise: arrived, resolve } = Promise.withResolvers<void>()
  given.github.faults.push({
    on: LOOK,
    what: 'drop',
    first: () => {
      resolve()
      return new Promise(() => {})
    },
  })
  clock.advance(INTERVAL_MS)
  await arrived
  const began = performance.now()
  await tracker[Symbol.asyncDispose]()
  assert.ok(performance.now() - began < 5_000)
  assert.deepEqual(errors, [])
})
