import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { Fault } from '../faults/fault.ts'
import { namesPrototype, nameTwice, utf8Text } from './strict-json.ts'

test('a name that stands twice in one object is found, however deep and however written', () => {
  const twice: Record<string, string> = {
    '{"a":1,"a":2}': 'a',
    '{"a":1,"b":{"c":[{"d":1,"d":1}]}}': 'd',
    '{"a":1,"\\u0061":2}': 'a',
    '[{"x":{}},{"":"{","":1}]': '',
    '{"q\\"":"\\\\","q\\"":0}': 'q"',
  }
  for (const [json, name] of Object.entries(twice)) assert.equal(nameTwice(json), name, json)
  for (const json of [
    '{"a":"a","b":["a","a"],"c":{"a":1}}',
    '[{"a":1},{"a":1}]',
    '"a"',
    '{}',
    '[]',
    '{"a":"\\"a\\":1"}',
  ])
    assert.equal(nameTwice(json), null, json)
  assert.equal(nameTwice(`${'['.repeat(200_000)}${']'.repeat(200_000)}`), null)
})

test('the name __proto__ is found however deep and however written, and not as a text', () => {
  for (const json of ['{"__proto__":1}', '[{"a":{"__pr\\u006fto__":{}}}]']) assert.ok(namesPrototype(json), json)
  for (const json of ['{"a":"__proto__"}', '["__proto__"]', '{"proto":1}']) assert.ok(!namesPrototype(json), json)
})

test('what was made from a value has no name twice', () => {
  fc.assert(fc.property(fc.json(), (json) => assert.equal(nameTwice(JSON.stringify(JSON.parse(json))), null)))
})

test('bytes that are no UTF-8 are refused with their line, everything else is its text', () => {
  assert.equal(utf8Text(Buffer.from('\ufeffü\ufffd\n'), 'x'), '\ufeffü\ufffd\n')
  const latin1 = Buffer.from('a: b\nc: caf\xe9\n', 'latin1')
  assert.throws(
    () => utf8Text(latin1, 'order.yaml'),
    (error: unknown) => error instanceof Fault && error.message.startsWith('order.yaml is not UTF-8 (line 2)'),
  )
})
