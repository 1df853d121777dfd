import { type FailingSuite, numbered } from './failing-suite.ts'

const IMPORT = "import assert from 'node:assert/strict'\nimport { describe, test } from 'node:test'\n"
const passing = (count: number) =>
  `${IMPORT}${numbered(count, (i) => `test('adds ${i}', () => { assert.equal(${i} + 1, ${i + 1}) })`)}\n`

export const NODE_SUITES: readonly FailingSuite[] = [
  {
    name: 'node/one-in-many',
    files: {
      'cart.mjs': 'export const total = (prices) => prices.slice(1).reduce((sum, price) => sum + price, 0)\n',
      'cart.test.mjs': `import { total } from './cart.mjs'\n${passing(300)}describe('cart', () => { test('totals', () => {\n  assert.equal(total([1, 20, 21]), 42)\n}) })\n`,
      'z.test.mjs': passing(150),
    },
    run: 'node --test --test-reporter=spec',
    told: ['totals', '41 !== 42', 'cart.test.mjs:305:10'],
  },
  {
    name: 'node/tap-many-failures',
    files: {
      'm.test.mjs': `${IMPORT}${numbered(120, (i) => `test('m ${i}', () => { assert.deepEqual({ part: ${i}, of: 'order' }, { part: ${i + 100}, of: 'order' }) })`)}\n`,
    },
    run: 'node --test --test-reporter=tap',
    told: ['m 0', '+   part: 0', '-   part: 100'],
  },
  {
    name: 'node/tap-subtests',
    files: {
      'tax.test.mjs': `${IMPORT}const tax = (amount) => Math.floor(amount / (amount > 700 ? 11 : 10))\ntest('taxes', async (t) => {\n  for (let amount = 0; amount < 760; amount += 10)\n    await t.test('tax of ' + amount, () => assert.equal(tax(amount), amount / 10))\n})\n`,
      'a.test.mjs': passing(100),
    },
    run: 'node --test --test-reporter=tap',
    told: ['tax of 710', '64 !== 71'],
  },
  {
    name: 'node/import-error',
    files: {
      'cart.mjs': "import { sum } from './sums.mjs'\nexport const total = sum\n",
      'sums.mjs': 'export const product = () => 1\n',
      'cart.test.mjs': `import { total } from './cart.mjs'\n${passing(10)}`,
      'z.test.mjs': passing(100),
    },
    run: 'node --test --test-reporter=spec',
    told: ["SyntaxError: The requested module './sums.mjs' does not provide an export named 'sum'"],
  },
  {
    name: 'node/timeout',
    files: {
      'wait.test.mjs': `${passing(60)}test('waits', { timeout: 200 }, () => new Promise((resolve) => setTimeout(resolve, 5_000)))\n`,
    },
    run: 'node --test --test-reporter=spec',
    told: ['waits', 'test timed out after 200ms'],
  },
  {
    name: 'node/noisy-logs',
    files: {
      'sync.test.mjs': `${IMPORT}const sync = (rows) => { for (let row = 0; row < rows; row++) console.log('row ' + row + ': Error: none, expected ' + row + ', not ok: 0'); return rows - 1 }\ntest('syncs', () => { assert.equal(sync(500), 500, 'rows are missing') })\ntest('after', () => { sync(400) })\n`,
      'z.test.mjs': `${passing(20)}console.log('assertion noise\\n'.repeat(300))\n`,
    },
    run: 'node --test --test-reporter=spec',
    told: ['syncs', 'rows are missing', 'sync.test.mjs:4:30'],
  },
  {
    name: 'node/huge-diff',
    files: {
      'rows.test.mjs': `${IMPORT}const rows = (wrong) => Array.from({ length: 800 }, (_, id) => ({ id: wrong.includes(id) ? -id : id, name: 'name ' + id }))\ntest('rows', () => { assert.deepEqual(rows([451, 7]), rows([])) })\ntest('throws', () => { rows(null) })\n`,
    },
    run: 'node --test --test-reporter=spec',
    told: ['Expected values to be strictly deep-equal', '+     id: -7,', '-     id: 7,'],
  },
]
