import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import { reserve, settle } from '../../src/budget/ledger.ts'
import { NumbersResponse } from '../../src/contract/numbers.ts'
import { Usd } from '../../src/money.ts'
import { type ApiHome, openApiHome, type ServedApi } from '../support/api-home.ts'
import { CALL, order, project, setNow } from '../support/ledger-rows.ts'
import { moose } from '../support/moose-command.ts'

describe('moose numbers', () => {
  let api: ApiHome
  let served: ServedApi

  before(async () => {
    api = await openApiHome()
    const { database } = api.home
    for (const [name, cost] of [
      ['hello', '0.25'],
      ['=shop', '1.000001'],
    ] as const) {
      await setNow(database, '2026-01-30T12:00:00Z')
      const payer = await order(database, name, { project: await project(database, name) })
      await settle(database.db, await reserve(database.db, { ...CALL, ...payer }, new Usd(2)), new Usd(cost))
    }
    await setNow(database, '2026-01-31T12:00:00Z')
    served = await api.serve(api.deps())
  })
  after(async () => {
    await served?.[Symbol.asyncDispose]()
    await api?.[Symbol.asyncDispose]()
  })

  const run = (...words: string[]) => moose(['numbers', ...words], { environment: api.home.environment })

  test('prints tables for people: what was spent, on what, and that the rates say nothing yet', async () => {
    const { exitCode, stdout, stderr } = await run()
    assert.equal(exitCode, 0, stderr)
    assert.match(stdout, /^Numbers {2}2026-01-02 to 2026-01-31 UTC {2}all projects\n\$1\.25 spent · 2 calls · 0 merged/)
    assert.match(stdout, /\n {2}2026-01-30 +█{20} +\$1\.25 +2\n/)
    assert.doesNotMatch(stdout, /\n {2}2026-01-29/)
    assert.match(stdout, /\n {2}=shop +\$1\.00 .*\n {2}hello +\$0\.25 /)
    assert.match(stdout, /attempts that opened a pull request +– +0 +nothing yet/)
    assert.match(stdout, /reverted is not known/)
  })

  test('one table, a range, a project and a zone', async () => {
    const { stdout, stderr } = await run(
      '--by',
      'days',
      '--from',
      '2026-01-30',
      '--tz',
      'Asia/Tokyo',
      '--project',
      'hello',
    )
    assert.match(stdout, /DAY THERE.*\n {2}2026-01-30 +█{20} +\$0\.25 +1\n {2}2026-01-31 +\$0\.00 +0\n$/, stderr)
  })

  test('--json is the answer of the API, exact', async () => {
    const { stdout } = await run('--json')
    const { numbers } = NumbersResponse.parse(JSON.parse(stdout))
    assert.equal(numbers.totals.spent_usd, '1.250001')
    assert.deepEqual(
      numbers.months.map(({ month, hard_cap_usd: cap }) => [month, cap]),
      [['2026-01', '1000']],
    )
  })

  test('--csv prints the table as the API has it, and wants to know which', async () => {
    const { stdout, exitCode } = await run('--csv', '--by', 'projects')
    assert.equal(exitCode, 0)
    assert.match(stdout, /^project,spent_usd,.*\r\n'=shop,1\.000001,0,1,.*\r\nhello,0\.25,0,1,/)
    for (const words of [['--csv'], ['--csv', '--by', 'days', '--json']]) {
      assert.equal((await run(...words)).exitCode, 2)
    }
  })

  test('says what is wrong with a range, a zone, a project and a table', async () => {
    for (const [words, code, said] of [
      [['--from', '2026-02-01', '--to', '2026-01-01'], 2, /before it begins/],
      [['--tz', 'Mars/Olympus'], 2, /no time zone "Mars\/Olympus"/],
      [['--project', 'none'], 1, /no project "none"/],
      [['--by', 'planets'], 2, /Allowed choices are days, months/],
    ] as const) {
      const { exitCode, stderr } = await run(...words)
      assert.match(stderr, said)
      assert.equal(exitCode, code, stderr)
    }
  })
})
