import assert from 'node:assert/strict'
import { test } from 'node:test'
import { sarifFailures } from './sarif.ts'

const textsOf = (report: unknown) =>
  sarifFailures(JSON.stringify(report)).blocks.map((block) => block.map(({ text }) => text).join('\n'))

const at = (uri: string, startLine: number) => [
  { physicalLocation: { artifactLocation: { uri }, region: { startLine } } },
]

test('errors are told with their place and their rule; warnings where there is no error', () => {
  const warning = { ruleId: 'w', message: { text: 'unused' }, locations: at('b.js', 2) }
  const error = { ruleId: 'e', level: 'error', message: { text: 'undefined\nname' }, locations: at('a.js', 1) }
  const quiet = { level: 'note', message: { text: 'by the way' } }
  const passed = { ...error, kind: 'pass' }
  const suppressed = { ...error, suppressions: [{ kind: 'inSource' }] }
  assert.deepEqual(textsOf({ runs: [{ results: [warning, quiet, passed, suppressed] }, { results: [error] }] }), [
    'a.js:1: error: undefined\nname (e)',
  ])
  assert.deepEqual(textsOf({ runs: [{ results: [warning, quiet] }, {}] }), ['b.js:2: warning: unused (w)'])
})

test('what is no SARIF is told as such, and what one result has wrong hides no other', () => {
  for (const text of ['', '{', '[]', '{"runs": 1}', '['.repeat(100_000)])
    assert.equal(sarifFailures(text).problem, 'it is no SARIF', text.slice(0, 20))
  assert.deepEqual(textsOf({ runs: [{ results: [7, {}, { level: 'error', message: { text: 'x' } }] }] }), ['error: x'])
})

test('the names are not all where a result cannot be read: a new failure would count as an old one', () => {
  const error = { ruleId: 'e', level: 'error', message: { text: 'undefined' }, locations: at('a.js', 1) }
  const namesOf = (results: readonly unknown[]) => sarifFailures(JSON.stringify({ runs: [{ results }] })).names
  assert.deepEqual(namesOf([error]), ['sarif: a.js:1: error: undefined (e)'])
  for (const unread of [7, {}, { ...error, message: 'undefined' }, { ...error, locations: at('a.js', 1)[0] }])
    assert.equal(namesOf([error, unread]), null, JSON.stringify(unread))
})
