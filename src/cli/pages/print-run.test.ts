import assert from 'node:assert/strict'
import { PassThrough } from 'node:stream'
import { test } from 'node:test'
import type { EventView } from '../../contract/events.ts'
import { createOutput } from './output.ts'
import { printRun } from './print-run.ts'

/** What is printed of a line that a check on the base prints within a step. */
async function printed(step: string, verbose: boolean): Promise<string> {
  const stdout = new PassThrough()
  const output = createOutput({ stdout, stderr: new PassThrough() }, { json: false, color: false, invocation: 'moose' })
  const id = '1a2b3c4d-0000-4000-8000-000000000000'
  const at = '2026-01-31T09:05:07.000Z'
  const event: EventView = {
    id: '1',
    work_order_id: id,
    attempt: 1,
    step,
    type: 'output',
    message: 'ok 1',
    data: {},
    at,
  }
  using spinner = output.spinner('waiting')
  await printRun(
    output,
    spinner,
    (async function* () {
      yield event
    })(),
    { attemptsBefore: 0, verbose },
  ).ended
  return String(stdout.read() ?? '')
}

test('what a passing check prints on the base is left out without --verbose, in whichever step the base is checked', async () => {
  for (const step of ['prepare', 'propose', 'verify']) {
    assert.equal(await printed(step, false), '', step)
    assert.match(await printed(step, true), /ok 1/)
  }
  assert.match(await printed('apply', false), /ok 1/, 'what an editor prints is shown')
})
