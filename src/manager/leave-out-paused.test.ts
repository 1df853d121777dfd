import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Fault } from '../faults/fault.ts'
import { leaveOutPaused } from './leave-out-paused.ts'

const SMALL = { name: 'small', complexityThreshold: 0.3 }
const MEDIUM = { name: 'medium', complexityThreshold: 0.6 }
const LARGE = { name: 'large', complexityThreshold: 1 }
const TWIN = { name: 'twin', complexityThreshold: 1 }

/** Names of those who are left; the one waited for. */
function left(
  paused: string[],
  order: { complexity: number; hardStops?: string[] },
  candidates = [SMALL, MEDIUM, LARGE],
) {
  const pauses = new Map(paused.map((name) => [name, new Fault('provider_paused', `wait for ${name}`)]))
  const [first, ...rest] = candidates
  assert.ok(first !== undefined)
  try {
    return leaveOutPaused({ hardStops: [], ...order }, [first, ...rest], pauses).map(({ name }) => name)
  } catch (error) {
    assert.ok(error instanceof Fault && error.code === 'provider_paused')
    return error.message
  }
}

test('who is not paused is left, as long as one of them is able', () => {
  assert.deepEqual(left([], { complexity: 0.2 }), ['small', 'medium', 'large'])
  assert.deepEqual(left(['small'], { complexity: 0.2 }), ['medium', 'large'])
  assert.deepEqual(left(['medium', 'large'], { complexity: 0.3 }), ['small'])
  assert.deepEqual(left(['large'], { complexity: 0.6 }), ['small', 'medium'])
})

test('the order waits for the first who would do when none of those is left', () => {
  assert.equal(left(['medium', 'large'], { complexity: 0.5 }), 'wait for medium')
  assert.equal(left(['large'], { complexity: 0.9 }), 'wait for large')
  assert.equal(left(['small', 'medium', 'large'], { complexity: 0 }), 'wait for small')
})

test('a risky word waits for the most able one, or for one as able', () => {
  const risky = { complexity: 0.1, hardStops: ['encryption'] }
  assert.equal(left(['large'], risky), 'wait for large')
  assert.deepEqual(left(['large'], risky, [SMALL, LARGE, TWIN]), ['small', 'twin'])
})

test('what is too complex for all is no reason to give it to a less able one', () => {
  assert.equal(left(['medium'], { complexity: 0.9 }, [SMALL, MEDIUM]), 'wait for medium')
  assert.deepEqual(left(['small'], { complexity: 0.9 }, [SMALL, MEDIUM]), ['medium'])
})
