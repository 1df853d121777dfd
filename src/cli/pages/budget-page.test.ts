import assert from 'node:assert/strict'
import { test } from 'node:test'
import pc from 'picocolors'
import type { BudgetView } from '../../contract/budget.ts'
import { budgetText, budgetWarnings } from './budget-line.ts'
import { budgetPage } from './budget-page.ts'

const ORDER = '1a2b3c4d-0000-4000-8000-000000000000'
const AT = '2026-01-31T12:00:00.000Z'
const CALL = { proposer: 'small', provider: 'openai', model: 'gpt-small' }
const EMPTY: BudgetView = {
  status: 'normal',
  emergency_stop: { active: false, by_hand: false, reason: null },
  today: { spent_usd: 0, reserved_usd: 0, soft_cap_usd: 50, hard_cap_usd: 100, left_usd: 100 },
  this_month: { spent_usd: 0, reserved_usd: 0, soft_cap_usd: null, hard_cap_usd: null, left_usd: null },
  disputed: 0,
  unresolved: { count: 0, amount_usd: 0 },
  at: AT,
  day: '2026-01-31',
  month: '2026-01',
  limits: {
    order_cap: 5,
    project_monthly_cap: null,
    daily_soft_cap: 50,
    daily_hard_cap: 100,
    monthly_target: null,
    monthly_hard_cap: null,
    emergency_kill: 200,
  },
  projects: [],
  models: [],
  orders: [],
  reservations: [],
  waiting: [],
  paused_providers: [],
}
const FULL: BudgetView = {
  ...EMPTY,
  status: 'warning',
  today: { spent_usd: 51.23, reserved_usd: 10.4, soft_cap_usd: 50, hard_cap_usd: 100, left_usd: 38.37 },
  this_month: { spent_usd: 90.5, reserved_usd: 10.4, soft_cap_usd: null, hard_cap_usd: null, left_usd: null },
  unresolved: { count: 1, amount_usd: 0.4 },
  projects: [
    { project: 'hello', spent_usd: 51.23, reserved_usd: 10.4, cap_usd: 70 },
    { project: null, spent_usd: 0.0042, reserved_usd: 0, cap_usd: null },
  ],
  models: [{ ...CALL, calls: 12, input_tokens: 1_234_567, output_tokens: 890, spent_usd: 51.23, reserved_usd: 10.4 }],
  orders: [
    { id: ORDER, title: 'Greet\u001b[2J in French', status: 'blocked', spent_usd: 4.9, reserved_usd: 0, cap_usd: 5 },
    { id: ORDER, title: null, status: null, spent_usd: 1, reserved_usd: 0.4, cap_usd: null },
  ],
  reservations: [
    { ...CALL, id: ORDER, state: 'unresolved', work_order_id: ORDER, attempt: 1, amount_usd: 0.4, at: AT },
    { ...CALL, id: ORDER, state: 'under_way', work_order_id: null, attempt: null, amount_usd: 10, at: AT },
  ],
  waiting: [
    ...Array.from({ length: 12 }, (_, index) => ({
      id: ORDER,
      title: `Order ${index}`,
      code: 'budget_exceeded',
      message: 'The cap of the day is reached. Raise it with: moose budget cap day 101.00',
      scope: 'day',
      of: '2026-01-31',
    })),
    { id: ORDER, title: 'Other', code: 'price_unknown', message: 'No price.', scope: null, of: null },
  ],
  paused_providers: [
    { provider: 'openai', failures: 3, reason: 'HTTP 503', since: AT, until: '2026-01-31T12:04:30.000Z' },
  ],
}
const page = (budget: BudgetView, columns: number | null = null) =>
  budgetPage(budget, { paint: pc.createColors(false), hint: (text) => text.replaceAll('moose ', './moose '), columns })

test('the page of a month without spending is short', () => {
  assert.equal(
    page(EMPTY),
    `Budget  2026-01-31 UTC

today       ░░░░░░░░░░░░░░░░░░░░  $0 of $100.00  warns at $50.00
this month  no cap                $0
work order  $5.00 at most, where it has no cap of its own
project     no cap
kill        $200.00 a day stops everything`,
  )
})

test('the page says what was spent, on what, what waits and what helps', () => {
  assert.equal(
    page(FULL),
    `Budget  2026-01-31 UTC

today       ██████████▒▒░░░░░░░░  $51.23 of $100.00  +$10.40 reserved, warns at $50.00
this month  no cap                $90.50             +$10.40 reserved
work order  $5.00 at most, where it has no cap of its own
project     no cap
kill        $200.00 a day stops everything

! the day's soft cap of $50.00 is passed
! 1 call ($0.40) may have been charged or not; see: ./moose budget

Projects this month
  hello              $51.23   +$10.40 reserved  of $70.00
  without a project  $0.0042

Models this month
  small  openai/gpt-small  12 calls  1.2M tokens in, 890 out  $51.23  +$10.40 reserved

Work orders this month, with all they ever cost
  1a2b3c4d  $4.90                   of $5.00  blocked  Greet\\u001b[2J in French
  1a2b3c4d  $1.00  +$0.40 reserved                     deleted

Open reservations
  1a2b3c4d  unresolved  $0.40   just now  WO-1a2b3c4d    small
  1a2b3c4d  under way   $10.00  just now  no work order  small
  Whether an unresolved call was charged says the bill of its provider:
  ./moose budget settle ID USD   (0: it was not charged)
  ./moose budget reconcile --bill FILE

Waiting
${Array.from({ length: 10 }, (_, index) => `  1a2b3c4d  Order ${index}`).join('\n')}
  and 2 more orders
  budget_exceeded: The cap of the day is reached. Raise it with: ./moose budget cap day 101.00
  1a2b3c4d  Other
  price_unknown: No price.

Paused providers
  openai  for 5 minutes more  after 3 outages  HTTP 503`,
  )
})

test('in a narrow terminal a row goes on in the next line instead of running over', () => {
  const long = 'A title of an order that goes on and on, much further than sixty columns let it go'
  const orders = FULL.orders.map((order) => ({ ...order, title: long }))
  const shown = page({ ...FULL, waiting: [], orders }, 60)
  assert.equal(
    shown,
    `Budget  2026-01-31 UTC

today  ██████████▒▒░░░░░░░░  $51.23 of $100.00
    +$10.40 reserved, warns at $50.00
this month  no cap  $90.50  +$10.40 reserved
work order  $5.00 at most, where it has no cap of its own
project     no cap
kill        $200.00 a day stops everything

! the day's soft cap of $50.00 is passed
! 1 call ($0.40) may have been charged or not; see: ./moose budget

Projects this month
  hello              $51.23   +$10.40 reserved  of $70.00
  without a project  $0.0042

Models this month
  small  openai/gpt-small  12 calls  1.2M tokens in, 890 out
      $51.23  +$10.40 reserved

Work orders this month, with all they ever cost
  1a2b3c4d  $4.90  of $5.00  blocked  A title of an order
      that goes on and on, much further than sixty columns
      let it go
  1a2b3c4d  $1.00  +$0.40 reserved  A title of an order that
      goes on and on, much further than sixty columns let it
      go

Open reservations
  1a2b3c4d  unresolved  $0.40  just now  WO-1a2b3c4d  small
  1a2b3c4d  under way  $10.00  just now  no work order
      small
  Whether an unresolved call was charged says the bill of its provider:
  ./moose budget settle ID USD   (0: it was not charged)
  ./moose budget reconcile --bill FILE

Paused providers
  openai  for 5 minutes more  after 3 outages  HTTP 503`,
  )
})

test('of many open reservations those come first that need somebody', () => {
  const reservations = Array.from({ length: 500 }, (_, index) => ({
    ...CALL,
    id: ORDER.replace('1a2b3c4d', String(10_000_000 + index)),
    state: index === 499 ? ('unresolved' as const) : ('under_way' as const),
    work_order_id: null,
    attempt: null,
    amount_usd: 0.4,
    at: AT,
  }))
  const shown = page({ ...EMPTY, unresolved: { count: 1, amount_usd: 0.4 }, reservations })
  const lines = shown.slice(shown.indexOf('Open reservations')).split('\n')
  assert.match(String(lines[1]), /^ {2}10000499 {2}unresolved/)
  assert.match(String(lines[2]), /^ {2}10000000 {2}under way/)
  assert.equal(lines[21], '  and 480 more; see: ./moose budget --json')
  assert.equal(lines.length, 25)
})

test('the line of the status names caps where there are any, and reservations', () => {
  assert.equal(budgetText(EMPTY), '$0 of $100.00 today, $0 this month')
  assert.equal(budgetText(FULL), '$51.23 of $100.00 today (+$10.40 reserved), $90.50 this month')
})

test('it warns of an exhausted cap and, before all others, of a stop', () => {
  const today = { ...EMPTY.today, spent_usd: 60, reserved_usd: 40, left_usd: 0 }
  assert.deepEqual(budgetWarnings({ ...EMPTY, today }), [
    "nothing is left of the day's cap of $100.00; raise it with: moose budget cap day USD",
  ])
  const stop = { active: true, by_hand: true, reason: 'Everything is stopped.' }
  assert.deepEqual(budgetWarnings({ ...FULL, emergency_stop: stop }), [
    'Everything is stopped.',
    '1 call ($0.40) may have been charged or not; see: moose budget',
  ])
  assert.deepEqual(budgetWarnings(EMPTY), [])
})
