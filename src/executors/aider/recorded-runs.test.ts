import assert from 'node:assert/strict'
import { readdirSync, readFileSync } from 'node:fs'
import path from 'node:path'
import { describe, test } from 'node:test'
import { RECORDINGS, type RecordedRun } from '../../../test/support/aider-recording.ts'
import { Fault } from '../../faults/fault.ts'
import { Usd } from '../../money.ts'
import { Transcript } from './transcript.ts'
import { faultOfVerdict, judgeRun } from './verdict.ts'

/**
 * Runs of the real Aider, kept by `RECORD_AIDER=1 npm run test:tools -- aider-endings`: what it printed and left is judged
 * anew, and has the ending it had then.
 */
const runs = readdirSync(RECORDINGS).map((name): RecordedRun => {
  return JSON.parse(readFileSync(path.join(RECORDINGS, name), 'utf8'))
})

/** As it comes from a pipe: in pieces that end anywhere. */
function transcriptOf({ output }: RecordedRun): Transcript {
  const transcript = new Transcript()
  for (const piece of output.join('\n').match(/[^]{1,37}/g) ?? []) transcript.write(piece)
  return transcript
}

function judge(run: RecordedRun): Fault | null {
  const transcript = transcriptOf(run)
  const evidence = {
    ...run,
    output: transcript.text(),
    complete: transcript.complete,
    calls: run.calls.map(({ fault, costUsd }) => ({
      fault: fault === null ? null : Fault.fromRecord(fault),
      costUsd: costUsd === null ? null : new Usd(costUsd),
    })),
  }
  return faultOfVerdict(judgeRun(evidence, run.scope))
}

describe('what the real Aider printed and left has its verdict', () => {
  for (const run of runs) {
    test(`${run.name}: ${run.ending}`, () => {
      const fault = judge(run)
      assert.equal(fault === null ? 'applied' : fault.code, run.ending)
      assert.equal(fault === null ? '' : fault.message, run.message)
    })
  }
})

test('there are runs for every verdict that is made of what Aider prints', () => {
  const endings = new Set(runs.map(({ ending }) => ending))
  for (const ending of [
    'applied',
    'aider_no_change',
    'aider_malformed_edits',
    'aider_partial',
    'aider_out_of_scope',
    'aider_git_off',
    'aider_timed_out',
  ]) {
    assert.ok(endings.has(ending), ending)
  }
})

test('a success is none any more without its edits, and no failure becomes one without what it left', () => {
  for (const run of runs.filter(({ ending }) => ending === 'applied')) {
    assert.equal(judge({ ...run, changed: [] })?.code, 'aider_no_change', run.name)
    assert.equal(judge({ ...run, changed: [...run.changed, 'elsewhere.txt'] })?.code, 'aider_out_of_scope', run.name)
    assert.equal(judge({ ...run, exitCode: 1 })?.code, 'aider_crashed', run.name)
  }
  for (const run of runs.filter(({ ending }) => ending !== 'applied')) {
    assert.notEqual(judge({ ...run, changed: [] }), null, run.name)
  }
})
