import assert from 'node:assert/strict'
import { test } from 'node:test'
import { choose } from './next-orders.ts'

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
