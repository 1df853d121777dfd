import assert from 'node:assert/strict'
import { readFile } from 'node:fs/promises'
import path from 'node:path'
import { test } from 'node:test'
import { createMooseHome, fileOrder, settled } from '../support/moose-home.ts'

const ROOT = path.join(import.meta.dirname, '../..')
const NUMBERS = ['A2 A3 A4 A5 A6', 'C3', 'D1 D2 D3 D4 D5', 'E1 E2 E3 E4', 'F1 F2 F3 F4 F5'].join(' ').split(' ')
/** `| A2 | elsewhere | here | `path` › "text" |`; the last cell may name several tests. */
const ROW = /^\| ([A-F]\d) \| ([^|]+) \| ([^|]+) \| ([^|]+) \|$/
const NAMED = /`([^`]+)` › "([^"]+)"/g

test('every case of real life has one row in docs/life-cases.md, and every test it names is there', async () => {
  const page = await readFile(path.join(ROOT, 'docs/life-cases.md'), 'utf8')
  const rows = page.split('\n').flatMap((line) => {
    const [, number = '', , , tests = ''] = ROW.exec(line) ?? []
    return number === '' ? [] : [{ number, named: [...tests.matchAll(NAMED)] }]
  })
  assert.deepEqual(
    rows.map(({ number }) => number),
    NUMBERS,
  )
  const missing: string[] = []
  for (const { number, named } of rows) {
    assert.ok(named.length > 0, number)
    for (const [, file = '', name = ''] of named) {
      const source = await readFile(path.join(ROOT, file), 'utf8')
      if (!source.includes(name)) missing.push(`${number}: ${file} › ${name}`)
    }
  }
  assert.deepEqual(missing, [])
})

test('life A3: a file that is ignored and in no scope is refused by its name', async () => {
  const write = (name: string) => `### write ${name}\n\`\`\`\nx\n\`\`\`\n`
  const text = `${write('a.txt')}${write('build/config.js')}`
  const turns = [1, 2, 3, 4].map((turn) => ({ task: 'Write a', turn, text }))
  await using home = await createMooseHome({ 'a.txt': 'a\n', '.gitignore': 'build/\n' }, turns)
  await using moose = await home.open()
  await moose.orchestrator.start(null)
  const order = await settled(moose, await fileOrder(home.database, { title: 'Write a', files: ['a.txt'] }))
  assert.equal(order.status, 'failed')
  assert.ok(order.status_reason !== null)
  assert.equal(order.status_reason.code, 'change_out_of_scope')
  assert.match(order.status_reason.message, /build\/config\.js/)
  assert.deepEqual(await home.remote.branches(), ['main'])
})
