import assert from 'node:assert/strict'
import { readFile } from 'node:fs/promises'
import path from 'node:path'
import { test } from 'node:test'
import { createMooseHome, fileOrder, settled } from '../support/moose-home.ts'

const ROOT = path.join(import.meta.dirname, '../..')
/** How many cases each part has. */
const PARTS = { A: 6, B: 7, C: 5, D: 5, E: 4, F: 5, G: 9 }
const NUMBERS = Object.entries(PARTS).flatMap(([part, cases]) =>
  Array.from({ length: cases }, (_, number) => `${part}${number + 1}`),
)
/** `| A2 | elsewhere | here | `path` › "text" |`; the last cell may name several tests. */
const ROW = /^\| ([A-G]\d) \| ([^|]+) \| ([^|]+) \| ([^|]+) \|$/
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

test('life C5: set-up and checks of an order may ask git as in a clone', async () => {
  const asks = [
    'git describe --tags --match "v*"',
    'test "$(git diff --name-only origin/main...HEAD)" = "$1"',
    'git log -1 --format=%H origin/main',
    'git merge-base --is-ancestor main HEAD',
    'git rev-parse --verify main@{upstream}',
    'git blame -s a.txt',
    'git remote get-url origin',
  ].map((line) => `      ${line}`)
  const moose_yaml = [
    'setup:',
    '  run: git describe --tags && git rev-parse origin/main',
    'checks:',
    '  - name: git',
    '    run: |',
    '      set -- "$(git rev-parse HEAD | grep -qx "$(git rev-parse main)" || echo a.txt)"',
    ...asks,
    '',
  ].join('\n')
  const text = '### write a.txt\n```\nb\n```\n'
  await using home = await createMooseHome({ 'a.txt': 'a\n', 'moose.yaml': moose_yaml }, [
    { task: 'Write a', turn: 1, text },
  ])
  await home.remote.git('tag', 'v1.0.0', 'main')
  await using moose = await home.open()
  await moose.orchestrator.start(null)
  const order = await settled(moose, await fileOrder(home.database, { title: 'Write a', files: ['a.txt'] }))
  assert.equal(order.phase, 'in_review', JSON.stringify(order.status_reason))
})
