import assert from 'node:assert/strict'
import { test } from 'node:test'
import { lacking } from '../support/tool-or-skip.ts'
import { type CrashCase, everyCase, FAULTS, runCase } from './crash-case.ts'
import { createCrashSetting } from './crash-setting.ts'
import { runFollowUpCase } from './follow-up-case.ts'

/** Part of the names of the cases to run, e.g. `push ×`; empty: all of them. */
const ONLY = process.env['CRASH_CASES'] ?? ''
/** The same of those that are left out; empty: none are. */
const EXCEPT = process.env['CRASH_EXCEPT'] ?? ''

/** One row per crash point, one column per way to go wrong; what does not converge is not hidden by what does. */
test('every crash point, every fault: one branch, one pull request, one bill, no order that is stuck', {
  skip: lacking('aider', 'gh', 'openssl'),
}, async () => {
  const cases = everyCase().filter((one) => {
    const name = `${nameOf(one)} × ${one.fault}`
    return name.includes(ONLY) && (EXCEPT === '' || !name.includes(EXCEPT))
  })
  await using setting = await createCrashSetting(cases.length)
  const cells = new Map<string, string>()
  const failures: string[] = []
  for (const [number, one] of cases.entries()) {
    const name = `${nameOf(one)} × ${one.fault}`
    try {
      const run = one.follows === undefined ? runCase : runFollowUpCase
      cells.set(name, await run(setting, number, one))
    } catch (error) {
      cells.set(name, 'DID NOT CONVERGE')
      failures.push(`${name}: ${error instanceof Error ? error.message : String(error)}`)
    }
    const failure = cells.get(name) === 'DID NOT CONVERGE' ? `\n${failures.at(-1)}` : ''
    console.log(`${number + 1}/${cases.length} ${name}: ${cells.get(name)}${failure}`)
  }
  console.log(matrix(cases, cells))
  assert.deepEqual(failures, [])
})

function nameOf({ effect, executor, mendedBy, resolves, follows }: CrashCase): string {
  if (follows !== undefined) return `${effect}, follow ${follows}`
  if (resolves === true) return `${effect}, resolve`
  return executor === 'aider' ? `${effect}, Aider` : mendedBy === 'model' ? `${effect}, repair` : effect
}

function matrix(cases: readonly CrashCase[], cells: ReadonlyMap<string, string>): string {
  const rows = [...new Set(cases.map(nameOf))].map((row) => [
    row,
    ...FAULTS.map((fault) => String(cells.get(`${row} × ${fault}`))),
  ])
  return [['', ...FAULTS], ['---', ...FAULTS.map(() => '---')], ...rows]
    .map((row) => `| ${row.join(' | ')} |`)
    .join('\n')
}
