/** A rewrite of a function that looks right and is not, as its suite finds. */
export type RealBug = {
  /** Of the function and of its file. */
  module: string
  /** The first line of the function. */
  head: string
  /** The body of the function: as the base has it, as it is rewritten first, and mended. */
  before: string
  wrong: string
  right: string
  /** A case of the suite: an expression, and what it has to be. */
  test: string
  expected: number
  /** What the wrong one gives. */
  actual: number
}

const named = (module: string, parameters: string) => `export function ${module}(${parameters}) {`

/** Each has a suite that passes on the base; the wrong rewrite fails one assertion of it. */
export const REAL_BUGS: readonly RealBug[] = [
  {
    module: 'total',
    head: named('total', 'numbers'),
    before: '  let sum = 0\n  for (const number of numbers) sum += number\n  return sum',
    wrong: '  let sum = 0\n  for (let at = 1; at < numbers.length; at += 1) sum += numbers[at]\n  return sum',
    right: '  let sum = 0\n  for (let at = 0; at < numbers.length; at += 1) sum += numbers[at]\n  return sum',
    test: 'total([5, 1, 2])',
    expected: 8,
    actual: 3,
  },
  {
    module: 'range',
    head: named('range', 'from, to'),
    before: '  const all = []\n  for (let at = from; at <= to; at += 1) all.push(at)\n  return all',
    wrong: '  return Array.from({ length: to - from }, (_, index) => from + index)',
    right: '  return Array.from({ length: to - from + 1 }, (_, index) => from + index)',
    test: 'range(2, 12).length',
    expected: 11,
    actual: 10,
  },
  {
    module: 'median',
    head: named('median', 'numbers'),
    before:
      '  const sorted = [...numbers]\n  sorted.sort((one, other) => one - other)\n  return sorted[(sorted.length - 1) / 2]',
    wrong: '  return numbers.toSorted()[(numbers.length - 1) / 2]',
    right: '  return numbers.toSorted((one, other) => one - other)[(numbers.length - 1) / 2]',
    test: 'median([2, 10, 9])',
    expected: 9,
    actual: 2,
  },
  {
    module: 'clamp',
    head: named('clamp', 'value, low, high'),
    before: '  if (value < low) return low\n  if (value > high) return high\n  return value',
    wrong: '  return Math.max(high, Math.min(low, value))',
    right: '  return Math.min(high, Math.max(low, value))',
    test: 'clamp(4, 0, 8)',
    expected: 4,
    actual: 8,
  },
  {
    module: 'leap',
    head: named('leap', 'year'),
    before:
      '  if (year % 400 === 0) return 366\n  if (year % 100 === 0) return 365\n  return year % 4 === 0 ? 366 : 365',
    wrong: '  return year % 4 === 0 ? 366 : 365',
    right: '  return (year % 4 === 0 && year % 100 !== 0) || year % 400 === 0 ? 366 : 365',
    test: 'leap(1900)',
    expected: 365,
    actual: 366,
  },
  {
    module: 'percent',
    head: named('percent', 'part, whole'),
    before: '  if (whole === 0) return 0\n  return Math.round((part / whole) * 100)',
    wrong: '  return Math.round(part / whole) * 100',
    right: '  return whole === 0 ? 0 : Math.round((part / whole) * 100)',
    test: 'percent(7, 8)',
    expected: 88,
    actual: 100,
  },
  {
    module: 'words',
    head: named('words', 'text'),
    before: "  let count = 0\n  for (const word of text.split(' ')) if (word !== '') count += 1\n  return count",
    wrong: "  return text.split(' ').length",
    right: "  return text.split(' ').filter((word) => word !== '').length",
    test: "words('  a b  c ')",
    expected: 3,
    actual: 7,
  },
  {
    module: 'digits',
    head: named('digits', 'number'),
    before:
      '  let rest = Math.abs(number)\n  let sum = 0\n  while (rest > 0) {\n    sum += rest % 10\n    rest = Math.floor(rest / 10)\n  }\n  return sum',
    wrong: '  return [...String(Math.abs(number))].reduce((sum, digit) => sum + digit.charCodeAt(0) - 49, 0)',
    right: '  return [...String(Math.abs(number))].reduce((sum, digit) => sum + Number(digit), 0)',
    test: 'digits(-407)',
    expected: 11,
    actual: 8,
  },
  {
    module: 'unique',
    head: named('unique', 'names'),
    before:
      '  const seen = []\n  for (const name of names) if (!seen.includes(name.toLowerCase())) seen.push(name.toLowerCase())\n  return seen',
    wrong: '  return [...new Set(names)]',
    right: '  return [...new Set(names.map((name) => name.toLowerCase()))]',
    test: "unique(['Ann', 'ann', 'Bob', 'BOB', 'Cy']).length",
    expected: 3,
    actual: 5,
  },
  {
    module: 'between',
    head: named('between', 'from, to'),
    before: '  const day = 86400000\n  return Math.round((Date.parse(to) - Date.parse(from)) / day)',
    wrong: '  return new Date(to).getUTCDate() - new Date(from).getUTCDate()',
    right: '  return Math.round((new Date(to) - new Date(from)) / 86400000)',
    test: "between('2024-02-20', '2024-03-02')",
    expected: 11,
    actual: -18,
  },
]
