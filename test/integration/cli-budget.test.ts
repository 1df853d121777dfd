import assert from 'node:assert/strict'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { after, before, beforeEach, describe, test } from 'node:test'
import { overCap } from '../../src/budget/ceilings.ts'
import { createHttpApp } from '../../src/http/http-app.ts'
import { serveHttp } from '../../src/http/serve-http.ts'
import { Usd } from '../../src/money.ts'
import { type MemoryServices, memoryHttpServices } from '../support/memory-http-services.ts'
import { type Ended, moose } from '../support/moose-command.ts'

const ID = '9b1c7d40-0000-4000-8000-000000000000'

/** The commands about money against the real HTTP API with its services in memory, found through `service.json`. */
describe('moose budget', () => {
  let home: string
  let services: MemoryServices

  before(async () => {
    home = await mkdtemp(path.join(tmpdir(), 'moose-cli-budget-'))
  })
  after(() => rm(home, { recursive: true, force: true }))

  beforeEach(async (context) => {
    services = memoryHttpServices()
    const status = await services.orchestrator.status()
    services.orchestrator.status = async () => ({ ...status, pid: process.pid, home })
    const server = await serveHttp(createHttpApp(services), { port: 0 })
    assert.ok('after' in context)
    context.after(() => server[Symbol.asyncDispose]())
    const service = { url: server.url, pid: process.pid, started_at: new Date().toISOString() }
    await writeFile(path.join(home, 'service.json'), JSON.stringify(service))
  })

  const run = (words: readonly string[], stdin = ''): Promise<Ended> =>
    moose(words, { environment: { MOOSE_HOME: home }, cwd: home, stdin })
  const bill = async (name: string, text: string) => {
    await writeFile(path.join(home, name), text)
    return run(['budget', 'reconcile', '--bill', name])
  }

  test('shows the page, and with --json the whole answer', async () => {
    const shown = await run(['budget'])
    assert.deepEqual([shown.exitCode, shown.stderr], [0, ''])
    assert.match(shown.stdout, /^Budget {2}2026-01-31 UTC\n\ntoday {7}░+ {2}\$1\.23 of \$100\.00 +\+\$0\.40 reserved/)
    const { stdout } = await run(['budget', '--json'])
    assert.deepEqual(JSON.parse(stdout), { success: true, budget: JSON.parse(JSON.stringify(services.budget.view)) })
  })

  test('status has a line for the money and says what needs somebody', async () => {
    const status = await services.orchestrator.status()
    assert.ok(status.budget)
    status.budget = { ...status.budget, unresolved: { count: 2, amount_usd: 0.3 } }
    services.orchestrator.status = async () => status
    const { stdout } = await run(['status'])
    assert.match(
      stdout,
      /\nbudget {7}\$1\.23 of \$100\.00 today \(\+\$0\.40 reserved\), \$20\.10 of \$1000\.00 this month\n/,
    )
    assert.match(stdout, /\n {13}2 calls \(\$0\.30\) may have been charged or not; see: moose budget\n/)
    status.budget = null
    assert.match((await run(['status'])).stdout, /\nbudget {7}cannot be read; see the last errors\n/)
  })

  test('every target of a cap reaches the API as it was typed', async () => {
    services.budget.view.waiting = [
      { id: ID, title: 'Greet', code: 'budget_exceeded', message: 'No money.', scope: 'day', of: '2026-01-31' },
    ]
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
    assert.deepEqual(services.told, [
      'cap day null 20.50',
      'cap kill null null',
      'cap order 9b1c7d40 7',
      'cap project my:shop null',
      'cap month-soft null 0',
    ])
  })

  test('the command a refusal prints is one that works', async () => {
    const call = { proposer: 'small', provider: 'openai', model: 'm', workOrderId: ID, attempt: 1 }
    const commands = (['order', 'project', 'day', 'month', 'emergency_kill'] as const).map((scope) => {
      const of = { order: ID, project: 'my.shop', day: '2026-01-31', month: '2026-01-01', emergency_kill: '2026-01-31' }
      const ceiling = { scope, of: of[scope], cap: new Usd(1), spent: new Usd(1), reserved: new Usd(0) }
      const [, command] =
        /: moose (.+)$/.exec(overCap(call, ceiling, { worstCase: new Usd('0.005'), unresolved: new Usd(0) }).message) ??
        []
      return String(command)
    })
    for (const command of commands) assert.equal((await run(command.split(' '))).exitCode, 0, command)
    assert.deepEqual(services.told, [
      'cap order 9b1c7d40 1.01',
      'cap project my.shop 1.01',
      'cap day null 1.01',
      'cap month null 1.01',
      'cap kill null 1.01',
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
    assert.deepEqual(services.told, [])
  })

  test('stops and resumes, and says so', async () => {
    const stopped = await run(['budget', 'stop'])
    assert.match(stopped.stdout, /^stopped: no model is called\. Let it go on with: moose budget resume\n$/)
    assert.match((await run(['budget', 'resume'])).stdout, /^resumed/)
    assert.deepEqual(services.told, ['emergency true', 'emergency false'])
  })

  test('a day that has reached the kill stays stopped after resume, and says what helps', async () => {
    const reason = 'Everything is stopped. Raise it with: moose budget cap kill USD'
    services.budget.setEmergencyStop = async () => {
      services.budget.view.emergency_stop = { active: true, by_hand: false, reason }
    }
    const { stdout, stderr } = await run(['budget', 'resume'])
    assert.deepEqual([stdout, stderr], ['', `warning: ${reason}\n`])
  })

  test('a price is free, the library’s, or rates', async () => {
    await run(['budget', 'price', 'local/qwen', 'free'])
    const library = await run(['budget', 'price', 'small', 'library'])
    assert.match(library.stderr, /Nobody knows its price/)
    await run(['budget', 'price', 'small', '--input', '0.15', '--output', '0.60', '--cache-read', '0.01'])
    assert.deepEqual(services.told, [
      'price local/qwen {"free":true}',
      'price small {}',
      'price small {"input_per_million":"0.15","output_per_million":"0.60","cache_read_per_million":"0.01"}',
    ])
    for (const words of [[], ['free', '--input', '1'], ['--input', '1'], ['cheap']]) {
      assert.equal((await run(['budget', 'price', 'small', ...words])).exitCode, 2)
    }
  })

  test('settles by a prefix; a text that is no id stays one part of the path', async () => {
    assert.equal((await run(['budget', 'settle', '9b1c7d40', '0.0123'])).stdout, '9b1c7d40: settled at $0.0123\n')
    assert.equal((await run(['budget', 'settle', '9b1c7d40', '0'])).stdout, '9b1c7d40: released, it was not charged\n')
    await run(['budget', 'settle', '../../stop', '1'])
    assert.deepEqual(services.told, ['settle 9b1c7d40 0.0123', 'settle 9b1c7d40 0', 'settle ../../stop 1'])
  })

  test('a bill is CSV or JSON, from a file or stdin', async () => {
    const entries = [
      { request_id: 'a', cost_usd: '0.10' },
      { request_id: 'b', cost_usd: '2' },
    ]
    const csv = '\u{feff}Model,Cost_USD,request_id\r\n"gpt, small",0.10,a\r\n\r\nx,2,"b"\r\n'
    assert.match((await bill('bill.csv', csv)).stdout, /^0 calls settled, 0 released, 2 agreed already/)
    await run(['budget', 'reconcile', '--bill', '-'], JSON.stringify(entries))
    await run(['budget', 'reconcile', '--bill', '-'], JSON.stringify({ entries }))
    assert.deepEqual(services.told, Array(3).fill(`reconcile ${JSON.stringify({ entries })}`))
  })

  test('a complete bill is of one provider or proposer and ends with a day or at a time', async () => {
    const complete = (...words: string[]) => run(['budget', 'reconcile', '--bill', '-', ...words], '[]')
    const until = ['--complete-until', '2026-11-30']
    await complete(...until, '--provider', 'anthropic')
    await complete('--complete-until', '2026-11-30T08:30:00Z', '--proposer', 'local')
    assert.deepEqual(services.told, [
      'reconcile {"entries":[],"complete_until":"2026-12-01T00:00:00.000Z","provider":"anthropic"}',
      'reconcile {"entries":[],"complete_until":"2026-11-30T08:30:00.000Z","proposer":"local"}',
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
    assert.equal(services.told.length, 2)
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
      ['request_id,cost_usd\na,1\nb,1\nA,1\n', /bill:4: request_id is there twice/],
      ['id,cost\n', /the header has no column request_id/],
      ['request_id,cost_usd\n"a,1\n', /bill:2: a quote/],
      ['[{"request_id":"a","cost_usd":NaN}]', /bill is no JSON/],
      ['{"entries":{}}', /bill: entries must be a list/],
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
    assert.deepEqual(services.told, [])
  })

  test('a bill that differs from the ledger needs a human', async () => {
    services.budget.reconcile = async () => ({
      settled: [{ id: ID, cost_usd: 0.1 }],
      released: [{ id: ID, amount_usd: 0.5 }],
      agreeing: 1,
      differing: [{ id: ID, booked_usd: 0.1, billed_usd: 0.2 }],
      under_way: [ID],
      unknown: ['x\u001b[2J'],
    })
    const { exitCode, stdout } = await bill('bill.csv', 'request_id,cost_usd\n')
    assert.equal(exitCode, 3)
    assert.equal(
      stdout,
      `1 call settled, 1 released, 1 agreed already, 1 differ, 1 under way, 1 unknown
  9b1c7d40  settled at $0.10
  9b1c7d40  released, $0.50 were reserved
  9b1c7d40  differs: booked $0.10, billed $0.20; nothing was changed
  9b1c7d40  is under way; nothing was changed
  x\\u001b[2J  is not in the ledger
`,
    )
  })

  test('an order has a budget of its own, which an edit changes without touching the approval', async () => {
    const added = await run(['add', '-t', 'Greet', '--file', 'a.js', '--budget', '2.50', '-a', '--json'])
    const [order] = services.orders.values()
    assert.deepEqual([added.exitCode, order?.budget_usd], [0, 2.5])
    const edited = await run(['edit', String(order?.id), '--budget', '7.5'])
    assert.match(edited.stdout, /budget_usd {2}\$2\.50 → \$7\.50\n$/)
    assert.deepEqual([edited.stderr, services.orders.get(String(order?.id))?.approved], ['', true])
    const back = await run(['edit', String(order?.id), '--budget', 'none'])
    assert.match(back.stdout, /\$7\.50 → none/)
    const file = await run(['add', '-f', '-'], 'title: x\nfiles_in_scope: [a]\nbudget_usd: -1\n')
    assert.equal(file.exitCode, 2)
    assert.match(file.stderr, /stdin:3: budget_usd must be an amount in USD/)
  })
})
