import assert from 'node:assert/strict'
import { test } from 'node:test'
import { setTimeout as delay } from 'node:timers/promises'
import { createLog } from '../log.ts'
import { createOutputLog } from './output-log.ts'

function logged() {
  const pieces: string[] = []
  const write = async (text: string) => void pieces.push(text)
  const shown = (text: string) => text.replaceAll('secret', '*')
  return { pieces, output: createOutputLog(write, { shown, log: createLog('silent') }) }
}

test('a secret is seen whole, wherever the output is cut into pieces', async () => {
  const { pieces, output } = logged()
  output.add(`${'x'.repeat(8_190)}secret\n`)
  output.add('a line\nthe sec')
  await delay(400)
  assert.deepEqual(pieces, [`${'x'.repeat(8_190)}*\n`, 'a line\n'])
  output.add('ret\n')
  await output.flush()
  assert.equal(pieces.join(''), `${'x'.repeat(8_190)}*\na line\nthe *\n`)
})

test('no character is cut in two, and a line without an end is stored at the end', async () => {
  const { pieces, output } = logged()
  const text = `x${'😀'.repeat(10_000)}`
  output.add(text)
  await output.flush()
  assert.equal(pieces.join(''), text)
  assert.ok(pieces.length > 1 && pieces.every((piece) => piece.isWellFormed() && piece.length <= 8_192))
})

test('a line longer than a piece does not wait for its end', async () => {
  const { pieces, output } = logged()
  output.add('x'.repeat(9_000))
  await delay(400)
  assert.ok(pieces.join('').length > 4_000)
  await output.flush()
  assert.equal(pieces.join('').length, 9_000)
})

test('a secret is seen whole, wherever a line without an end is divided', async () => {
  const { pieces, output } = logged()
  output.add(`${'x'.repeat(9_000)}sec`)
  await delay(400)
  output.add('ret')
  output.add('y'.repeat(9_000))
  await delay(400)
  assert.ok(pieces.join('').includes('*yyy'), 'some of it is shown already')
  await output.flush()
  assert.equal(pieces.join(''), `${'x'.repeat(9_000)}*${'y'.repeat(9_000)}`)
})
