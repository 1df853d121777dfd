import { test } from 'node:test'
import { type CrashCase, runCase } from '../faults/crash-case.ts'
import { createCrashSetting } from '../faults/crash-setting.ts'
import { lacking } from '../support/tool-or-skip.ts'

/** Of the matrix that `npm run test:faults -- crash` goes through, one of each way to go wrong. */
const CASES: readonly CrashCase[] = [
  { effect: 'open_pull_request', fault: 'kill after', executor: 'patch' },
  { effect: 'push', fault: 'lost', executor: 'patch' },
  { effect: 'keep_pull_request', fault: 'hang', executor: 'patch' },
]

test('a crash around an effect converges to one branch, one pull request and one bill', {
  skip: lacking('gh', 'openssl'),
}, async (t) => {
  await using setting = await createCrashSetting(CASES.length)
  for (const [number, one] of CASES.entries()) {
    t.diagnostic(`${one.effect} × ${one.fault}: ${await runCase(setting, number, one)}`)
  }
})
