import { type FailingSuite, numbered } from './failing-suite.ts'

const PACKAGE = { 'package.json': '{"name":"shop","private":true,"type":"module"}\n' }
const IMPORT = "import { describe, expect, test } from 'vitest'\n"
const passing = (count: number) =>
  `${IMPORT}${numbered(count, (i) => `test('adds ${i}', () => { expect(${i} + 1).toBe(${i + 1}) })`)}\n`
const files = (count: number, make: (index: number) => readonly [string, string]) =>
  Object.fromEntries(Array.from({ length: count }, (_, index) => make(index)))

export const VITEST_SUITES: readonly FailingSuite[] = [
  {
    name: 'vitest/one-in-many',
    files: {
      ...PACKAGE,
      'cart.js': 'export const total = (prices) => prices.slice(1).reduce((sum, price) => sum + price, 0)\n',
      'cart.test.js': `import { total } from './cart.js'\n${passing(300)}describe('cart', () => { test('totals', () => {\n  expect(total([1, 20, 21])).toBe(42)\n}) })\n`,
      ...files(20, (i) => [`z${i}.test.js`, passing(5)]),
    },
    run: 'FORCE_COLOR=1 vitest run --reporter=verbose',
    told: ['cart.test.js > cart > totals', 'AssertionError: expected 41 to be 42', 'cart.test.js:304:30'],
  },
  {
    name: 'vitest/many-failures',
    files: {
      ...PACKAGE,
      ...files(25, (i) => [
        `m${10 + i}.test.js`,
        `${IMPORT}${numbered(4, (j) => `test('m ${j}', () => {\n  expect({ part: ${i}, of: 'order' }).toEqual({ part: ${j + 100}, of: 'order' })\n})`)}\n`,
      ]),
    },
    run: 'vitest run',
    told: ['> m 0', 'AssertionError: expected { part: ', '-   "part": 10'],
  },
  {
    name: 'vitest/import-error',
    files: {
      ...PACKAGE,
      'cart.js': "import { sum } from './missing-sums.js'\nexport const total = sum\n",
      'cart.test.js': `import { total } from './cart.js'\n${IMPORT}test('totals', () => { expect(total([1])).toBe(1) })\n`,
      ...files(20, (i) => [`z${i}.test.js`, passing(4)]),
    },
    run: 'vitest run',
    told: ['FAIL  cart.test.js', './missing-sums.js'],
  },
  {
    name: 'vitest/huge-diff',
    files: {
      ...PACKAGE,
      'rows.test.js': `${IMPORT}const rows = (wrong) => Array.from({ length: 800 }, (_, id) => ({ id: wrong.includes(id) ? -id : id, name: \`name \${id}\${wrong.length ? '!' : ''}\` }))\ntest('rows', () => { expect(rows([451, 7])).toEqual(rows([])) })\n`,
    },
    run: 'vitest run',
    told: ['rows.test.js > rows', '- Expected', '"name": "name 0!",'],
  },
  {
    name: 'vitest/noisy-logs',
    files: {
      ...PACKAGE,
      'sync.test.js': `${IMPORT}const sync = (rows) => { for (let row = 0; row < rows; row++) console.log('row', row, 'Error: none; expected', row); return rows - 1 }\ntest('syncs', async () => {\n  await Promise.resolve()\n  expect(sync(500), 'all rows').toBe(500)\n})\ntest('after', () => { for (let i = 0; i < 400; i++) console.error('FAIL-SAFE ' + i) })\n`,
    },
    run: 'vitest run',
    told: ['sync.test.js > syncs', 'AssertionError: all rows: expected 499 to be 500'],
  },
  {
    name: 'vitest/coverage',
    files: {
      ...PACKAGE,
      ...files(100, (i) => [
        `src/part${i}.js`,
        `export const f${i} = (x) => {\n  if (x) return ${i}\n  throw new RangeError('part ${i} of nothing')\n}\n`,
      ]),
      'all.test.js': `${IMPORT}${numbered(100, (i) => `import { f${i} } from './src/part${i}.js'`)}\ntest('all', () => { expect([f0(1), f99(1)]).toEqual([0, 99]) })\ntest('nothing', () => { f7(0) })\n`,
      'vitest.config.js':
        "export default { test: { coverage: { enabled: true, reportOnFailure: true, reporter: ['text'] } } }\n",
    },
    run: 'vitest run',
    told: ['all.test.js > nothing', 'RangeError: part 7 of nothing', 'src/part7.js:3:9'],
  },
  {
    name: 'vitest/timeout',
    files: {
      ...PACKAGE,
      'wait.test.js': `${passing(60)}test('waits', () => new Promise(() => {}), 200)\ntest('leaks', () => { setTimeout(() => { throw new Error('thrown after the test') }, 10); return new Promise((resolve) => setTimeout(resolve, 100)) })\n`,
    },
    run: 'vitest run --reporter=verbose',
    told: ['wait.test.js > waits', 'TestTimeoutError: Test timed out in 200ms.'],
  },
]
