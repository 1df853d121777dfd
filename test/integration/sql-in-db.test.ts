import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { test } from 'node:test'

const GATE = path.join(import.meta.dirname, '../../scripts/sql-in-db.ts')

/** What the gate says of a tree with these files. */
async function look(files: Readonly<Record<string, string>>): Promise<{ passed: boolean; said: string }> {
  const tree = await mkdtemp(path.join(tmpdir(), 'moose-sql-'))
  try {
    for (const [name, content] of Object.entries(files)) {
      await mkdir(path.join(tree, path.dirname(name)), { recursive: true })
      await writeFile(path.join(tree, name), content)
    }
    return await new Promise((resolve) => {
      execFile(process.execPath, [GATE], { cwd: tree }, (error, stdout) =>
        resolve({ passed: error === null, said: stdout }),
      )
    })
  } finally {
    await rm(tree, { recursive: true })
  }
}

const query = (how: string) => `export const planted = (db: any) => ${how}\n`

test('queries in src/db, types of the libraries and transactions elsewhere pass, and the modules are really seen', async () => {
  const { passed, said } = await look({
    'src/db/a.ts': `import { sql } from 'kysely'\nimport pg from 'pg'\n${query("db.selectFrom('attempts')")}`,
    'src/budget/b.ts': "import type { Kysely } from 'kysely'\nimport { type Pool } from 'pg'\n",
    'src/models/c.ts': query('db.transaction().execute(async () => undefined)'),
  })
  assert.ok(passed, said)
  assert.equal(said, '2 modules outside of src/db\n')
})

for (const [name, planted] of [
  ['a query that is built', "db\n  .selectFrom('attempts').selectAll()"],
  ['an insert', "db.insertInto('attempts')"],
  ['an update', "db.updateTable('attempts')"],
  ['a deletion', "db.deleteFrom('attempts')"],
  ['a query as text', "db.query('select 1')"],
  ['a query as text with the type of its rows', "db.query<{ one: number }>('select 1')"],
] as const) {
  test(`${name} outside of src/db is refused with its place`, async () => {
    const { passed, said } = await look({ 'src/budget/planted.ts': query(planted) })
    assert.ok(!passed)
    assert.match(said, /^src\/budget\/planted\.ts:\d: calls \.\w+\(\); move the query into src\/db$/m)
  })
}

test('more than the types of a library that makes queries is refused with its place', async () => {
  for (const planted of [
    "import { type Kysely, sql } from 'kysely'",
    "import { sql as text } from 'kysely'",
    "import * as kysely from 'kysely'",
    "import pg from 'pg'",
    "import { Pool } from 'pg'",
  ]) {
    const { passed, said } = await look({ 'src/orchestrator/planted.ts': `${planted}\n` })
    assert.ok(!passed, planted)
    assert.match(said, /^src\/orchestrator\/planted\.ts:1: imports more than types of '(kysely|pg)'; /)
  }
})
