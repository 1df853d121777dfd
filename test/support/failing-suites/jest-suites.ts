import { type FailingSuite, numbered } from './failing-suite.ts'

const PACKAGE = { 'package.json': '{"name":"shop","private":true,"jest":{"testEnvironment":"node"}}\n' }
const passing = (count: number) =>
  numbered(count, (i) => `test('adds ${i}', () => { expect(${i} + 1).toBe(${i + 1}) })`)
const files = (count: number, make: (index: number) => readonly [string, string]) =>
  Object.fromEntries(Array.from({ length: count }, (_, index) => make(index)))

export const JEST_SUITES: readonly FailingSuite[] = [
  {
    name: 'jest/one-in-many',
    files: {
      ...PACKAGE,
      'cart.js': 'exports.total = (prices) => prices.slice(1).reduce((sum, price) => sum + price, 0)\n',
      'cart.test.js': `const { total } = require('./cart')\n${passing(300)}\ndescribe('cart', () => { test('totals', () => {\n  expect(total([1, 20, 21])).toBe(42)\n}) })\n`,
      'z.test.js': passing(150),
    },
    run: 'jest --verbose --runInBand',
    told: ['● cart › totals', 'Expected: 42', 'Received: 41', 'cart.test.js:303:30'],
  },
  {
    name: 'jest/many-failures',
    files: {
      ...PACKAGE,
      ...files(30, (i) => [
        `m${10 + i}.test.js`,
        numbered(
          4,
          (j) =>
            `test('m ${j}', () => {\n  expect({ part: ${i}, of: 'order' }).toEqual({ part: ${j + 100}, of: 'order' })\n})`,
        ),
      ]),
    },
    run: 'jest --runInBand',
    told: ['● m 0', '-   "part": 100,', '+   "part": '],
  },
  {
    name: 'jest/import-error',
    files: {
      ...PACKAGE,
      'cart.js': "const decimal = require('decimal-that-is-missing')\nexports.total = decimal.sum\n",
      'cart.test.js': "const { total } = require('./cart')\ntest('totals', () => { expect(total([1])).toBe(1) })\n",
      ...files(30, (i) => [`z${i}.test.js`, passing(4)]),
    },
    run: 'jest --runInBand',
    told: ["Cannot find module 'decimal-that-is-missing' from 'cart.js'"],
  },
  {
    name: 'jest/huge-diff',
    files: {
      ...PACKAGE,
      'rows.test.js':
        "const rows = (wrong) => Array.from({ length: 800 }, (_, id) => ({ id: wrong.includes(id) ? -id : id, name: `name ${id}${wrong.length ? '!' : ''}` }))\ntest('rows', () => { expect(rows([451, 7])).toEqual(rows([])) })\n",
    },
    run: 'jest --runInBand',
    told: ['● rows', '- Expected', '"name": "name 0",', '+     "name": "name 0!",'],
  },
  {
    name: 'jest/noisy-coverage',
    files: {
      ...PACKAGE,
      ...files(100, (i) => [`part${i}.js`, `exports.f = (x) => {\n  if (x) return ${i}\n  return null\n}\n`]),
      'noisy.test.js': `for (let i = 0; i < 100; i++) require('./part' + i)\ntest('syncs', () => {\n  for (let row = 0; row < 200; row++) console.log('row', row, 'Error: none; expected', row)\n  console.error('warning: Each child in a list should have a unique key')\n  expect(() => { throw new TypeError('rows is not iterable') }).not.toThrow()\n})\ntest('after', () => { for (let i = 0; i < 100; i++) console.warn('AssertionWarning ' + i) })\n`,
    },
    run: 'jest --runInBand --coverage',
    told: ['● syncs', 'Error name:    "TypeError"', 'Error message: "rows is not iterable"'],
  },
  {
    name: 'jest/timeout',
    files: {
      ...PACKAGE,
      'wait.test.js': `${passing(100)}\ntest('waits', () => new Promise(() => {}), 200)\n`,
    },
    run: 'jest --runInBand --verbose',
    told: ['● waits', 'Exceeded timeout of 200 ms for a test'],
  },
  {
    name: 'jest/each-in-colour',
    files: {
      ...PACKAGE,
      'tax.test.js': `const tax = (amount) => Math.floor(amount / (amount > 700 ? 11 : 10))\ntest.each(Array.from({ length: 76 }, (_, i) => [i * 10, i]))('tax of %i is %i', (amount, wanted) => {\n  expect(tax(amount)).toBe(wanted)\n})\n`,
    },
    run: 'FORCE_COLOR=1 jest --runInBand --verbose',
    told: ['● tax of 710 is 71', 'Expected: 71', 'Received: 64'],
  },
]
