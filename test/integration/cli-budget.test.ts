import assert from 'node:assert/strict'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { after, before, beforeEach, describe, test } from 'node:test'
import { overCap } from '../../src/budget/ceilings.ts'
import { leaveUnresolved, reserve, settle } from '../../src/budget/ledger.ts'
import { readBudget } from '../../src/budget/summary.ts'
import { Usd } from '../../src/money.ts'
import { type ApiHome, openApiHome, type ServedApi } from '../support/api-home.ts'
import { CALL, NOBODY, project, setNow } from '../support/ledger-rows.ts'
import { type Ended, moose } from '../support/moose-command.ts'

const ID = '9b1c7d40-0000-4000-8000-000000000000'

/** The commands about money against the API of a real home, served by this process and found through `service.json`. */
describe('moose budget', () => {
  /** A folder to run commands in. */
  let home: string
  let api: ApiHome
  let served: ServedApi

  before(async () => {
    home = await mkdtemp(path.join(tmpdir(), 'moose-cli-budget-'))
    api = await openApiHome()
    const { db } = api.home.database
    const proposer = { provider: 'openai-compatible', model: 'unknown', complexity_threshold: 1, active: false }
    for (const name of ['small', 'local/qwen'])
      await db
        .insertInto('proposer_configs')
        .values({ name, ...proposer })
        .execute()
  })
  after(async () => {
    await api[Symbol.asyncDispose]()
    await rm(home, { recursive: true, force: true })
  })

  beforeEach(async (context) => {
    await api.clear()
    await setNow(api.home.database, '2026-01-31T12:00:00Z')
    served = await api.serve(api.deps())
    assert.ok('after' in context)
    context.after(() => served[Symbol.asyncDispose]())
  })

  const bodies = () => served.sent.map(({ body }) => body)
  /** A call that reserves so much. @returns its reservation */
  const reserved = (usd: string) => reserve(api.moose.db, { ...CALL, ...NOBODY }, new Usd(usd))
  const unresolved = async (usd: string) => {
    const id = await reserved(usd)
    await leaveUnresolved(api.moose.db, id)
    return id
  }
  const spent = async (usd: string) => {
    const id = await reserved(usd)
    await settle(api.moose.db, id, new Usd(usd))
    return id
  }
  /** What the page and the line of the status show. */
  const spend = async () => {
    await setNow(api.home.database, '2026-01-15T12:00:00Z')
    await spent('18.87')
    await setNow(api.home.database, '2026-01-31T12:00:00Z')
    await spent('1.23')
  }

  const run = (words: readonly string[], stdin = ''): Promise<Ended> =>
    moose(words, { environment: { MOOSE_HOME: api.home.config.home }, cwd: home, stdin })
  const bill = async (name: string, text: string) => {
    await writeFile(path.join(home, name), text)
    return run(['budget', 'reconcile', '--bill', name])
  }

  test('shows the page, and with --json the whole answer', async () => {
    await spend()
    await reserved('0.40')
    const shown = await run(['budget'])
    assert.deepEqual([shown.exitCode, shown.stderr], [0, ''])
    assert.match(shown.stdout, /^Budget {2}2026-01-31 UTC\n\ntoday {7}░+ {2}\$1\.23 of \$100\.00 +\+\$0\.40 reserved/)
    const { stdout } = await run(['budget', '--json'])
    const budget = JSON.parse(JSON.stringify(await readBudget(api.moose.db)))
    assert.deepEqual(JSON.parse(stdout), { success: true, budget, merged_by: [] })
  })

  test('status has a line for the money and says what needs somebody', async () => {
    await spend()
    await reserved('0.10')
    for (const usd of ['0.10', '0.20']) await unresolved(usd)
    const { stdout } = await run(['status'])
    assert.match(
      stdout,
      /\nbudget {7}\$1\.23 of \$100\.00 today \(\+\$0\.40 reserved\), \$20\.10 of \$1000\.00 this month\n/,
    )
    assert.match(stdout, /\n {13}2 calls \(\$0\.30\) may have been charged or not; see: moose budget\n/)
    const unreadable = { key: 'budget_limits', value: 'nonsense' }
    await api.home.database.db.insertInto('system_config').values(unreadable).execute()
    assert.match((await run(['status'])).stdout, /\nbudget {7}cannot be read; see the last errors\n/)
  })

  test('every target of a cap reaches the API as it was typed', async () => {
    const { db } = api.home.database
    await project(api.home.database, 'my:shop')
    await api.place({ id: ID })
    const waiting = { code: 'budget_exceeded', message: 'No money.', details: { scope: 'day', of: '2026-01-31' } }
    const id = await api.place({ title: 'Greet', status: 'blocked' })
    await db
      .updateTable('work_orders')
      .set({ status_reason: JSON.stringify(waiting) })
      .where('id', '=', id)
      .execute()
    const said = await run(['budget', 'cap', 'day', '$20.50'])
    assert.deepEqual([said.exitCode, said.stdout], [0, 'cap of the day: $20.50\n'])
    assert.match(said.stderr, /1 work order waited/)
    assert.equal((await run(['budget', 'cap', 'kill', 'none'])).stdout, 'emergency kill of the day: none\n')
    assert.equal((await run(['budget', 'cap', 'order:9b1c7d40', '7'])).stdout, 'cap of WO-9b1c7d40: $7.00\n')
    assert.equal(
      (await run(['budget', 'cap', 'project:my:shop', 'none'])).stdout,
      "cap of my:shop's month: the usual one\n",
    )
    await run(['budget', 'cap', 'month-soft', '0'])
    assert.deepEqual(bodies(), [
      { target: 'day', usd: '20.50' },
      { target: 'kill', usd: null },
      { target: 'order', id: '9b1c7d40', usd: '7' },
      { target: 'project', id: 'my:shop', usd: null },
      { target: 'month-soft', usd: '0' },
    ])
    const { limits } = await readBudget(api.moose.db)
    assert.deepEqual([limits.daily_hard_cap, limits.emergency_kill, limits.monthly_target], [20.5, null, 0])
    assert.equal((await api.detail(ID)).budget_usd, 7)
  })

  test('the command a refusal prints is one that works', async () => {
    await project(api.home.database, 'my.shop')
    await api.place({ id: ID })
    const call = { proposer: 'small', provider: 'openai', model: 'm', workOrderId: ID, attempt: 1 }
    const commands = (['order', 'project', 'day', 'month', 'emergency_kill'] as const).map((scope) => {
      const of = { order: ID, project: 'my.shop', day: '2026-01-31', month: '2026-01-01', emergency_kill: '2026-01-31' }
      const ceiling = { scope, of: of[scope], cap: new Usd(1), spent: new Usd(1), reserved: new Usd(0) }
      const [, command] =
        /: moose (.+)$/.exec(
          overCap(call, ceiling, { worstCase: new Usd('0.005'), unresolved: new Usd(0), others: [] }).message,
        ) ?? []
      return String(command)
    })
    for (const command of commands) assert.equal((await run(command.split(' '))).exitCode, 0, command)
    assert.deepEqual(bodies(), [
      { target: 'order', id: '9b1c7d40', usd: '1.01' },
      { target: 'project', id: 'my.shop', usd: '1.01' },
      { target: 'day', usd: '1.01' },
      { target: 'month', usd: '1.01' },
      { target: 'kill', usd: '1.01' },
    ])
  })

  test('a hostile target or amount is wrong usage and reaches nothing', async () => {
    const wrong = [
      ['day', 'NaN'],
      ['day', '1e5'],
      ['day', '0x10'],
      ['day', '1.1234567890123'],
      ['day', '9999999999'],
      ['day', ''],
      ['week', '1'],
      ['day:2026-01-31', '1'],
      ['order:', '1'],
      ['', '1'],
    ]
    for (const words of wrong) {
      const { exitCode, stderr } = await run(['budget', 'cap', ...words])
      assert.equal(exitCode, 2, words.join(' '))
      assert.match(stderr, /It must be .* See: moose budget cap --help\n$/)
    }
    assert.deepEqual(served.sent, [])
  })

  test('stops and resumes, and says so', async () => {
    const stopped = await run(['budget', 'stop'])
    assert.match(stopped.stdout, /^stopped: no model is called\. Resume with: moose budget resume\n$/)
    assert.match((await run(['budget', 'resume'])).stdout, /^resumed/)
    assert.deepEqual(
      served.sent.map(({ path }) => path),
      ['/api/budget/stop', '/api/budget/resume'],
    )
    assert.equal((await readBudget(api.moose.db)).emergency_stop.active, false)
  })

  test('a day that has reached the kill stays stopped after resume, and says what helps', async () => {
    await spent('1.5')
    await run(['budget', 'cap', 'kill', '1'])
    const { stdout, stderr } = await run(['budget', 'resume'])
    const { by_hand, reason } = (await readBudget(api.moose.db)).emergency_stop
    assert.equal(by_hand, false)
    assert.match(String(reason), /Raise it with: moose budget cap kill/)
    assert.deepEqual([stdout, stderr], ['', `warning: ${reason}\n`])
  })

  test('a price is free, the library’s, or rates', async () => {
    await run(['budget', 'price', 'local/qwen', 'free'])
    const library = await run(['budget', 'price', 'small', 'library'])
    assert.match(library.stderr, /Its price is unknown/)
    await run(['budget', 'price', 'small', '--input', '0.15', '--output', '0.60', '--cache-read', '0.01'])
    assert.deepEqual(
      served.sent.map(({ path, body }) => [path, body]),
      [
        ['/api/proposers/local%2Fqwen/price', { free: true }],
        ['/api/proposers/small/price', { library: true }],
        [
          '/api/proposers/small/price',
          { input_per_million: '0.15', output_per_million: '0.60', cache_read_per_million: '0.01' },
        ],
      ],
    )
    for (const words of [[], ['free', '--input', '1'], ['--input', '1'], ['cheap']]) {
      assert.equal((await run(['budget', 'price', 'small', ...words])).exitCode, 2)
    }
  })

  test('settles by a prefix; a text that is no id stays one part of the path', async () => {
    const [charged, free] = [await unresolved('1'), await unresolved('1')].map((id) => id.slice(0, 8))
    assert.equal(
      (await run(['budget', 'settle', String(charged), '0.0123'])).stdout,
      `${charged}: settled at $0.0123\n`,
    )
    const released = await run(['budget', 'settle', String(free), '0'])
    assert.equal(released.stdout, `${free}: released, it was not charged\n`)
    await run(['budget', 'settle', '../../stop', '1'])
    assert.deepEqual(
      served.sent.map(({ path, body }) => [path, body]),
      [
        [`/api/budget/reservations/${charged}/settle`, { cost_usd: '0.0123' }],
        [`/api/budget/reservations/${free}/settle`, { cost_usd: '0' }],
        ['/api/budget/reservations/..%2F..%2Fstop/settle', { cost_usd: '1' }],
      ],
    )
    assert.equal((await readBudget(api.moose.db)).emergency_stop.active, false)
  })

  test('a bill is CSV or JSON, from a file or stdin', async () => {
    const [a, b] = [await spent('0.10'), await spent('2')]
    const entries = [
      { request_id: a, cost_usd: '0.10' },
      { request_id: b, cost_usd: '2' },
    ]
    const csv = `\u{feff}Model,Cost_USD,request_id\r\n"gpt, small",0.10,${a}\r\n\r\nx,2,"${b}"\r\n`
    assert.match((await bill('bill.csv', csv)).stdout, /^0 calls settled, 0 released, 2 agreed already/)
    await run(['budget', 'reconcile', '--bill', '-'], JSON.stringify(entries))
    await run(['budget', 'reconcile', '--bill', '-'], JSON.stringify({ entries }))
    assert.deepEqual(bodies(), [{ entries }, { entries }, { entries }])
  })

  test('a complete bill is of one provider or proposer and ends with a day or at a time', async () => {
    const complete = (...words: string[]) => run(['budget', 'reconcile', '--bill', '-', ...words], '[]')
    // A bill is of the past.
    await setNow(api.home.database, '2026-12-31T12:00:00Z')
    const until = ['--complete-until', '2026-11-30']
    await complete(...until, '--provider', 'anthropic')
    await complete('--complete-until', '2026-11-30T08:30:00Z', '--proposer', 'local')
    assert.deepEqual(bodies(), [
      { entries: [], complete_until: '2026-12-01T00:00:00.000Z', provider: 'anthropic' },
      { entries: [], complete_until: '2026-11-30T08:30:00.000Z', proposer: 'local' },
    ])
    const wrong: [string[], RegExp][] = [
      [until, /--provider .* or --proposer/],
      [['--provider', 'openai'], /--complete-until/],
      [['--proposer', 'local'], /--complete-until/],
      [[...until, '--provider', 'openai', '--proposer', 'local'], /cannot be used with/],
      [[...until, '--provider', 'openai-compatible'], /anthropic, openai/],
      [['--complete-until', '2026-11-31', '--provider', 'openai'], /such as 2026-11-30 or 2026-11-30T08:30:00Z/],
      [['--complete-until', '2026-11-30T08:30', '--provider', 'openai'], /such as 2026-11-30 or/],
      [['--complete'], /unknown option/],
    ]
    for (const [words, said] of wrong) {
      const { exitCode, stderr } = await complete(...words)
      assert.equal(exitCode, 2, words.join(' '))
      assert.match(stderr, said)
      assert.match(stderr, /moose budget reconcile --help/)
    }
    assert.equal(served.sent.length, 2)
  })

  test('a hostile bill is refused with line and field, and nothing is sent', async () => {
    const csv = await bill('bill.csv', 'request_id,cost_usd\na,1\nb,-1\n,2\nc\nd,1e3\n')
    assert.deepEqual(
      [csv.exitCode, csv.stderr.split('\n').slice(1, -1)],
      [
        2,
        [
          '  bill.csv:3: cost_usd must be an amount in USD, 0 or more, such as 2.5 or "2.50" (at most 9 digits and 12 decimals)',
          '  bill.csv:4: request_id is empty',
          '  bill.csv:5: cost_usd must be an amount in USD, 0 or more, such as 2.5 or "2.50" (at most 9 digits and 12 decimals)',
          '  bill.csv:6: cost_usd must be an amount in USD, 0 or more, such as 2.5 or "2.50" (at most 9 digits and 12 decimals)',
        ],
      ],
    )
    const refusals: [string, RegExp][] = [
      ['', /bill:1: the header has no column request_id/],
      ['id,cost\n', /the header has no column request_id/],
      ['request_id,cost_usd\n"a,1\n', /bill:2: a quote/],
      ['[{"request_id":"a","cost_usd":NaN}]', /bill is no JSON/],
      ['{"entries":{}}', /bill: entries must be a list/],
      ['[5]', /bill: entries\[0\] must be/],
      ['[{"request_id":"a","cost_usd":1,"cost_usd":2}]', /names "cost_usd" twice/],
      ['[{"request_id":"a","cost_usd":1,"x":1}]', /bill: entries\[0\] x is not a known field/],
      [
        `[${Array.from({ length: 10_001 }, (_, index) => `{"request_id":"${index}","cost_usd":1}`).join()}]`,
        /10000 entries/,
      ],
      ['x'.repeat(2_000_001), /larger than 2000000 bytes/],
    ]
    for (const [text, said] of refusals) {
      const { exitCode, stderr } = await bill('bill', text)
      assert.equal(exitCode, 2, text.slice(0, 50))
      assert.match(stderr, said)
    }
    for (const name of ['nowhere.csv', '.', '/dev/zero']) {
      assert.equal((await run(['budget', 'reconcile', '--bill', name])).exitCode, 2)
    }
    assert.deepEqual(served.sent, [])
  })

  test('a bill that differs from the ledger needs a human', async () => {
    await setNow(api.home.database, '2026-01-30T12:00:00Z')
    const [charged, free] = [await unresolved('0.5'), await unresolved('0.5')]
    const [agreeing, differing] = [await spent('0.10'), await spent('0.10')]
    const underWay = await reserved('0.5')
    await setNow(api.home.database, '2026-01-31T12:00:00Z')
    const entries = [
      [charged, '0.10'],
      [agreeing, '0.10'],
      [differing, '0.20'],
      [underWay, '1'],
      ['x\u001b[2j', '1'],
    ]
    await writeFile(
      path.join(home, 'bill.csv'),
      `request_id,cost_usd\n${entries.map((one) => one.join()).join('\n')}\n`,
    )
    const complete = ['--complete-until', '2026-01-30', '--provider', CALL.provider]
    const { exitCode, stdout } = await run(['budget', 'reconcile', '--bill', 'bill.csv', ...complete])
    const short = (id: string) => id.slice(0, 8)
    assert.equal(exitCode, 3)
    assert.equal(
      stdout,
      `1 call settled, 1 released, 1 agreed already, 1 differ, 1 under way, 1 unknown
  ${short(charged)}  settled at $0.10
  ${short(free)}  released, $0.50 were reserved
  ${short(differing)}  differs: booked $0.10, billed $0.20; nothing was changed
  ${short(underWay)}  is under way; nothing was changed
  x\\u001b[2j  is not in the ledger
`,
    )
  })

  test('an order has a budget of its own, which an edit changes without touching the approval', async () => {
    const added = await run(['add', '-t', 'Greet', '--file', 'a.js', '--budget', '2.50', '-a', '--json'])
    const [order] = await api.orders()
    assert.deepEqual([added.exitCode, order?.budget_usd], [0, 2.5])
    const edited = await run(['edit', String(order?.id), '--budget', '7.5'])
    assert.match(edited.stdout, /budget_usd {2}\$2\.50 → \$7\.50\n$/)
    assert.deepEqual([edited.stderr, (await api.detail(String(order?.id))).approved], ['', true])
    const back = await run(['edit', String(order?.id), '--budget', 'none'])
    assert.match(back.stdout, /\$7\.50 → none/)
    const file = await run(['add', '-f', '-'], 'title: x\nfiles_in_scope: [a]\nbudget_usd: -1\n')
    assert.equal(file.exitCode, 2)
    assert.match(file.stderr, /stdin:3: budget_usd must be an amount in USD/)
  })
})
