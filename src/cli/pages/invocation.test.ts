import assert from 'node:assert/strict'
import { test } from 'node:test'
import { asInvoked, invocationOf } from './invocation.ts'

test('commands in a hint are spelt as this process was started', () => {
  const hint = 'Run it: moose run 1a2b   Or moose up --start. See: moose --help'
  assert.equal(asInvoked(hint, './moose'), 'Run it: ./moose run 1a2b   Or ./moose up --start. See: ./moose --help')
  assert.equal(asInvoked('moose <command> [options]', 'npm run moose --'), 'npm run moose -- <command> [options]')
})

test('what is no command stays as it is', () => {
  for (const text of [
    'Another moose process runs',
    '/opt/moose run',
    './moose run',
    'a-moose list',
    'moose runs',
    'moose.yaml',
  ])
    assert.equal(asInvoked(text, 'X'), text)
})

test('the launcher says how it was called; without it, it is the file of the checkout', () => {
  assert.equal(invocationOf({}, []), './moose')
  assert.equal(invocationOf({ MOOSE_INVOKED: '' }, []), './moose')
  assert.equal(invocationOf({ MOOSE_INVOKED: '../moose/moose' }, []), '../moose/moose')
  assert.equal(invocationOf({ MOOSE_INVOKED: 'npm run moose --' }, []), 'npm run moose --')
  assert.equal(invocationOf({ MOOSE_INVOKED: "/my folder's/moose" }, []), "'/my folder'\\''s/moose'")
})

test('a hint of a command that was given --home names the same home, so that it can be typed as it stands', () => {
  const launched = { MOOSE_INVOKED: 'moose' }
  assert.equal(invocationOf(launched, ['list', '--home', '/srv/moose']), 'moose --home /srv/moose')
  assert.equal(invocationOf(launched, ['--home=my home', 'list']), "moose --home 'my home'")
  assert.equal(invocationOf(launched, ['--home', 'a', 'list', '--home', 'b']), 'moose --home b')
  for (const words of [['list'], ['list', '--home'], ['--home=']]) assert.equal(invocationOf(launched, words), 'moose')
  assert.equal(asInvoked('Type: moose up --start', 'moose --home b'), 'Type: moose --home b up --start')
})
