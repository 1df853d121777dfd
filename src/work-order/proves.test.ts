import assert from 'node:assert/strict'
import { test } from 'node:test'
import { provedCriteria, verificationOf } from './proves.ts'

test('proves names criteria by number or by text; what names none proves nothing', () => {
  const criteria = ['It works', 'It is fast', 'It works ']
  assert.deepEqual(provedCriteria([2], criteria), [1])
  assert.deepEqual(provedCriteria([' It works'], criteria), [0, 2])
  assert.deepEqual(provedCriteria([2, 'It is fast', 99, 'Nobody asked'], criteria), [1])
  assert.deepEqual(provedCriteria(['2'], criteria), [])
})

test('a text names a criterion however it is typed again', () => {
  const criteria = ["Greet('fr') says “Bonjour”.", 'It   is polite']
  assert.deepEqual(provedCriteria(['greet(‘fr’) says "bonjour"'], criteria), [0])
  assert.deepEqual(provedCriteria(['it is polite!'], criteria), [1])
  assert.deepEqual(provedCriteria(['It is'], criteria), [])
})

test('what is proved, what is not, and what names no criterion', () => {
  const checks = [
    { name: 'test', proves: [1, 'It is fast', 9] },
    { name: 'lint', proves: [1] },
  ]
  assert.deepEqual(verificationOf(checks, ['It works', 'It is polite']), {
    checks: 2,
    names: ['test', 'lint'],
    proved_by: [{ criterion: 1, checks: ['test', 'lint'] }],
    unproved: [2],
    unmatched: [
      { check: 'test', proves: 'It is fast' },
      { check: 'test', proves: 9 },
    ],
  })
  assert.deepEqual(verificationOf([], ['It works']), {
    checks: 0,
    names: [],
    proved_by: [],
    unproved: [1],
    unmatched: [],
  })
})
