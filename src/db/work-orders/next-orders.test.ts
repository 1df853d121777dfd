import assert from 'node:assert/strict'
import { test } from 'node:test'
import { choose, verdicts } from './next-orders.ts'

const order = (id: string, repository: string, ...files: string[]) => ({ id, repository, files })

test('the oldest whose scope is free are chosen, up to the free places', () => {
  const candidates = [order('1', 'p', 'a'), order('2', 'p', 'a'), order('3', 'p', 'b'), order('4', 'p', 'c')]
  assert.deepEqual(choose(candidates, [], { free: 2, perRepository: null }), ['1', '3'])
  assert.deepEqual(choose(candidates, [order('0', 'p', 'b')], { free: 9, perRepository: null }), ['1', '4'])
})

test('the same files in another repository are no obstacle', () => {
  assert.deepEqual(choose([order('1', 'q', 'a')], [order('0', 'p', 'a')], { free: 1, perRepository: null }), ['1'])
})

test('an order that waits holds its scope against younger ones, so that a busy file cannot starve it', () => {
  const candidates = [order('1', 'p', 'a', 'b'), order('2', 'p', 'b')]
  assert.deepEqual(choose(candidates, [order('0', 'p', 'a')], { free: 9, perRepository: null }), [])
})

test('a repository that has all it may have waits; the others do not', () => {
  const candidates = [order('1', 'p', 'a'), order('2', 'p', 'b'), order('3', 'p', 'c'), order('4', 'q', 'a')]
  assert.deepEqual(choose(candidates, [], { free: 9, perRepository: 2 }), ['1', '2', '4'])
  assert.deepEqual(choose(candidates, [order('0', 'p', 'd')], { free: 9, perRepository: 1 }), ['4'])
})

test('why each waits is told by what decides: whose scope, which places, and which of them are only about to be taken', () => {
  const running = [order('0', 'p', 'src/'), order('9', 'q', 'z')]
  const candidates = [order('1', 'p', 'src/a', 'b'), order('2', 'p', 'b'), order('3', 'p', 'c'), order('4', 'q', 'y')]
  const told = (places: Parameters<typeof verdicts>[2]) =>
    [...verdicts(candidates, running, places)].map((verdict) =>
      verdict.waitsFor === 'scope'
        ? `${verdict.id} scope ${verdict.obstacle.id} ${verdict.obstacle.isRunning} ${verdict.shared.join(' ')}`
        : `${verdict.id} ${verdict.waitsFor} ${verdict.waitsFor === null ? '' : verdict.obstacles.map(({ id }) => id).join(' ')}`.trim(),
    )
  assert.deepEqual(told({ free: 1, perRepository: null }), [
    '1 scope 0 true src/a',
    '2 scope 1 false b',
    '3 null',
    '4 place 0 9 3',
  ])
  assert.deepEqual(told({ free: 9, perRepository: 1 }).slice(2), ['3 repository 0', '4 repository 9'])
  for (const free of [0, 1, 2, 9]) {
    for (const perRepository of [1, 2, null]) {
      const starts = [...verdicts(candidates, running, { free, perRepository })].filter((one) => one.waitsFor === null)
      const chosen = choose(candidates, running, { free, perRepository })
      assert.deepEqual(
        chosen,
        starts.map(({ id }) => id),
        `${free} free, ${perRepository} in a repository`,
      )
    }
  }
})

test('an order that only verifies neither waits for orders of its project that failed alike nor takes a place among them', () => {
  const inProject = (id: string) => ({ ...order(id, 'p', id), project: 'one' })
  const verifies = (id: string) => ({ ...inProject(id), verifiesOnly: true })
  const row = (orders: string[]) => ({
    kind: 'project' as const,
    subject: 'one',
    code: 'check_failed',
    step: 'verify',
    orders,
    message: '',
    projects: [],
    since: new Date(0),
    last_at: new Date(0),
  })
  const places = (failed: string[]) => ({
    free: 9,
    perRepository: null,
    probation: { pauseAfter: 3, rows: new Map([['one', row(failed)]]), successes: new Map([['one', 9]]) },
  })
  const candidates = [inProject('1'), verifies('2'), inProject('3')]
  assert.deepEqual(choose(candidates, [], places(['x', 'y', 'z'])), ['2'])
  assert.deepEqual(choose(candidates, [verifies('0')], places(['x', 'y'])), ['1', '2'])
  assert.deepEqual(choose(candidates, [inProject('0')], places(['x', 'y'])), ['2'])
})

test('a project without a failure runs one more than would pause it for each success beside those that run', () => {
  const candidates = ['1', '2', '3', '4'].map((id) => ({ ...order(id, 'p', id), project: 'one' }))
  const chosen = (successes: number) => {
    const probation = { pauseAfter: 2, rows: new Map(), successes: new Map([['one', successes]]) }
    return choose(candidates, [], { free: 9, perRepository: null, probation })
  }
  assert.deepEqual(chosen(0), ['1', '2'])
  assert.deepEqual(chosen(1), ['1', '2', '3'])
  assert.deepEqual(chosen(9), ['1', '2', '3', '4'])
})
