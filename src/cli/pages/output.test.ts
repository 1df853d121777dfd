import assert from 'node:assert/strict'
import { PassThrough } from 'node:stream'
import { test } from 'node:test'
import { Fault } from '../../faults/fault.ts'
import { withWaysOut } from '../../work-order/ways-out.ts'
import { ordersInvalid } from '../input/order-problems.ts'
import { createOutput } from './output.ts'

function capture(json: boolean) {
  const stdout = new PassThrough()
  const stderr = new PassThrough()
  const output = createOutput({ stdout, stderr }, { json, color: true, invocation: './moose' })
  const said = () => ({ stdout: String(stdout.read() ?? ''), stderr: String(stderr.read() ?? '') })
  return { output, said }
}

test('people get results on stdout and hints on stderr, without colours where there is no terminal', () => {
  const { output, said } = capture(false)
  output.line(output.paint.red('result'))
  output.document({ not: 'shown' })
  output.note('hint')
  assert.deepEqual(said(), { stdout: 'result\n', stderr: 'hint\n' })
})

test('programs get JSON on stdout and nothing else', () => {
  const { output, said } = capture(true)
  output.line('result')
  output.note('hint')
  output.document({ text: 'two\nlines' })
  using _waiting = output.spinner('waiting')
  assert.deepEqual(said(), { stdout: '{"text":"two\\nlines"}\n', stderr: '' })
})

test('a fault is one line for people and the body of the API for programs', () => {
  const fault = new Fault('not_found', 'There is no such thing. Look elsewhere.', { id: 'x' }, new Error('inner'))
  const people = capture(false)
  people.output.fault(fault, false)
  assert.deepEqual(people.said(), { stdout: '', stderr: 'error: There is no such thing. Look elsewhere.\n' })
  const programs = capture(true)
  programs.output.fault(fault, false)
  const { stdout, stderr } = programs.said()
  assert.equal(stderr, '')
  assert.deepEqual(JSON.parse(stdout), {
    success: false,
    error: { code: 'not_found', message: 'There is no such thing. Look elsewhere.', details: { id: 'x' } },
  })
})

test('a line break in a message begins no line that looks like one of ours', () => {
  const { output, said } = capture(false)
  output.fault(new Fault('check_failed', 'No.\nerror: forged\n  - listed'), false)
  assert.equal(said().stderr, 'error: No.\n│ error: forged\n│   - listed\n')
  output.fault(ordersInvalid(['order.yaml:1: "a\nerror: forged" is absolute']), false)
  const list = 'error: 1 problem; nothing was stored.\n  order.yaml:1: "a\\nerror: forged" is absolute\n'
  assert.equal(said().stderr, `${list}  Correct this and run the command again.\n`)
})

test('each way out of a fault stands on a line of its own, and is none of the text that is quoted', () => {
  const { output, said } = capture(false)
  const { message, details } = withWaysOut('No:\n  $ forged', [
    'Do this: moose verify 1a2b3c4d',
    'Or that: moose close 1a2b3c4d',
  ])
  output.fault(new Fault('merge_conflict', message, details), false)
  const ways = '  Do this: ./moose verify 1a2b3c4d\n  Or that: ./moose close 1a2b3c4d\n'
  assert.equal(said().stderr, `error: No:\n│   $ forged\n${ways}`)
})

test('JSON commands no terminal either', () => {
  const { output, said } = capture(true)
  output.document({ text: 'a\u009b2Jb\u202e' })
  output.fault(new Fault('not_found', '\u009b'), false)
  const [one, other] = said().stdout.split('\n')
  assert.equal(one, '{"text":"a\\u009b2Jb\\u202e"}')
  assert.match(String(other), /"message":"\\u009b"/)
})

test('the stack is only for those who asked', () => {
  const { output, said } = capture(false)
  output.fault(new Fault('not_found', 'No.', {}, new Error('inner')), true)
  assert.match(said().stderr, /\[cause\]: Error: inner\n\s+at /)
})

test('a message cannot command the terminal, a diff for a pipe stays as it is', () => {
  const { output, said } = capture(false)
  output.line('\u001b[2Jx')
  output.verbatim('-a\r\n+b\u001b[0m\n', () => 'as people read it')
  assert.equal(said().stdout, '\\u001b[2Jx\n-a\r\n+b\u001b[0m\n')
})

test('hints and faults name the command as it was started, results and JSON do not', () => {
  const people = capture(false)
  people.output.line('Fix moose run')
  people.output.note('See: moose list')
  people.output.fault(new Fault('not_found', 'No. See: moose list'), false)
  assert.deepEqual(people.said(), {
    stdout: 'Fix moose run\n',
    stderr: 'See: ./moose list\nerror: No. See: ./moose list\n',
  })
  const programs = capture(true)
  programs.output.fault(new Fault('not_found', 'No. See: moose list'), false)
  assert.equal(JSON.parse(programs.said().stdout).error.message, 'No. See: moose list')
})
