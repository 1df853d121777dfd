import assert from 'node:assert/strict'
import { test } from 'node:test'
import { circleFrom, dependenciesWithin } from './dependencies.ts'

const order = (title: string, ...depends_on: string[]) => ({ title, depends_on })
const ID = '1a2b3c4d-0000-4000-8000-000000000000'

test('an entry is an order filed with it by its title, also a later one, or the id of one that is there', () => {
  const { named, problems } = dependenciesWithin([
    order('Add', 'Plan', ID),
    order('Plan', '1A2B3C4D'),
    { title: 'None' },
  ])
  assert.deepEqual(problems, [])
  assert.deepEqual(named, [[{ at: 1 }, { id: ID }], [{ id: '1a2b3c4d' }], []])
})

test('a title that looks like an id is the order of that title', () => {
  assert.deepEqual(dependenciesWithin([order('A', 'deadbeef'), order('deadbeef')]).named, [[{ at: 1 }], []])
})

test('what names nothing, or two orders, is told with its place', () => {
  const { problems } = dependenciesWithin([order('A', 'Plan', 'B'), order('B'), order('B')])
  assert.deepEqual(
    problems.map(({ order: at, entry, reason }) => [at, entry, reason]),
    [
      [0, 0, '"Plan" is neither the title of an order filed with it nor the id of one that is there'],
      [0, 1, '"B" is the title of 2 orders filed with it'],
    ],
  )
})

test('a circle is refused with the name of each order in it, and a list in which orders share one is none', () => {
  const circle = dependenciesWithin([order('Before', 'A'), order('A', 'B'), order('B', 'C'), order('C', 'A')])
  assert.deepEqual(circle.problems, [
    { order: 1, entry: null, reason: 'makes a circle: "A" waits for "B", which waits for "C", which waits for "A"' },
  ])
  assert.deepEqual(dependenciesWithin([order('A', 'A')]).problems, [
    { order: 0, entry: null, reason: 'makes a circle: "A" waits for "A"' },
  ])
  const diamond = [order('Top', 'Left', 'Right'), order('Left', 'Base'), order('Right', 'Base'), order('Base')]
  assert.deepEqual(dependenciesWithin(diamond).problems, [])
})

test('a circle of many orders is found in time that grows with them, and named in part', () => {
  const many = Array.from({ length: 1_000 }, (_, index) => order(`Order ${index}`, `Order ${(index + 1) % 1_000}`))
  const [problem] = dependenciesWithin(many).problems
  assert.match(String(problem?.reason), /^makes a circle: "Order 0" waits for .*, and so on for 990 more$/)
  const layers = Array.from({ length: 400 }, (_, index) => ({
    title: `Order ${index}`,
    depends_on: Array.from({ length: Math.min(50, index) }, (__, back) => `Order ${index - back - 1}`),
  }))
  assert.deepEqual(dependenciesWithin(layers).problems, [])
})

test('a circle through orders that are there is found from the one that is edited', () => {
  const edges = new Map([
    ['a', ['b', 'x']],
    ['b', ['c']],
    ['c', ['a']],
  ])
  assert.deepEqual(circleFrom('a', edges), ['a', 'b', 'c', 'a'])
  assert.equal(circleFrom('x', edges), null)
})
