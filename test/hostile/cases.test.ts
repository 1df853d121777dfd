import assert from 'node:assert/strict'
import { readFile } from 'node:fs/promises'
import { test } from 'node:test'

const PAGE = 'docs/security-cases.md'
const NUMBERS = [
  ...Array.from({ length: 50 }, (_, index) => String(index + 1)),
  ...Array.from({ length: 23 }, (_, index) => `S${index + 1}`),
]
/** `| 1 | attack | outcome | `path` › "text" |`; the last cell may name several tests. */
const ROW = /^\| (S?\d+) \| ([^|]+) \| ([^|]+) \| ([^|]+) \|$/
const NAMED = /`([^`]+)` › "([^"]+)"/g

async function rows() {
  const lines = (await readFile(PAGE, 'utf8')).split('\n')
  return lines.flatMap((line) => {
    const [, number = '', attack = '', outcome = '', tests = ''] = ROW.exec(line) ?? []
    return number === '' ? [] : [{ number, attack, outcome, tests }]
  })
}

test('every case has one row, with its outcome and a test', async () => {
  const all = await rows()
  assert.deepEqual(
    all.map(({ number }) => number),
    NUMBERS,
  )
  for (const { number, attack, outcome, tests } of all) {
    assert.ok(attack.trim() !== '' && outcome.trim() !== '', number)
    assert.ok([...tests.matchAll(NAMED)].length > 0, `${number} names no test`)
  }
})

test('every test that a case names is there', async () => {
  const missing: string[] = []
  for (const { number, tests } of await rows())
    for (const [, file = '', name = ''] of tests.matchAll(NAMED)) {
      const source = await readFile(file, 'utf8').catch(() => '')
      if (!source.includes(name)) missing.push(`${number}: ${file} › ${name}`)
    }
  assert.deepEqual(missing, [])
})

test('every case has a test here that begins with its number', async () => {
  const missing: string[] = []
  for (const { number, tests } of await rows()) {
    const own = [...tests.matchAll(NAMED)].filter(([, file = '']) => file.startsWith('test/hostile/'))
    if (!own.some(([, , name = '']) => numbersOf(name).includes(number))) missing.push(number)
  }
  assert.deepEqual(missing, [])
})

/** Those before the colon of a name: `19 to 23 and S7` are six. */
function numbersOf(name: string): string[] {
  const [lead = ''] = name.split(':')
  return lead.split(/, | and /).flatMap((part) => {
    const [from = '', to = from] = part.split(' to ')
    const [first, last] = [NUMBERS.indexOf(from), NUMBERS.indexOf(to)]
    return first === -1 ? [] : NUMBERS.slice(first, last + 1)
  })
}
