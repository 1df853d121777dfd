import assert from 'node:assert/strict'
import { appendFile, mkdtempDisposable, readFile, stat, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { test } from 'node:test'
import { type Kysely, sql } from 'kysely'
import { type Audit, createAudit } from '../../src/audit/audit.ts'
import { appendHead, headFileOf, readHeads } from '../../src/audit/head-file.ts'
import { systemClock } from '../../src/clock.ts'
import { actingAs } from '../../src/db/audit/acting-as.ts'
import { migrate } from '../../src/db/migrate.ts'
import type { Database } from '../../src/db/schema.ts'
import { createLog } from '../../src/log.ts'
import { createTestDatabase, type TestDatabase } from '../support/database.ts'
import { moose } from '../support/moose-command.ts'
import { createMooseHome, fileOrder } from '../support/moose-home.ts'
import { olderDatabase } from '../support/older-database.ts'
import { until } from '../support/until.ts'

type Opened = AsyncDisposable & { database: TestDatabase; home: string; audit: Audit; db: Kysely<Database> }

/** A database with so many entries, and a home that has seen the newest. */
async function opened(acts = 9): Promise<Opened> {
  await using stack = new AsyncDisposableStack()
  const database = stack.use(await createTestDatabase())
  const folder = stack.use(await mkdtempDisposable(path.join(tmpdir(), 'moose-audit-')))
  const { db, url } = database
  const audit = createAudit({ db, databaseUrl: url, home: folder.path, clock: systemClock, log: createLog('silent') })
  for (let n = 0; n < acts; n += 1) await act(db, n)
  assert.equal((await audit.verify(null)).intact, true)
  const owned = stack.move()
  return { database, home: folder.path, audit, db, [Symbol.asyncDispose]: () => owned.disposeAsync() }
}

async function act(db: Kysely<Database>, n: number): Promise<void> {
  await sql`insert into system_config (key, value) values (${`setting ${n}`}, 'x')`.execute(db)
}

/** What whoever may write every table can do: past the trigger that refuses it. */
async function tamper(db: Kysely<Database>, ...statements: string[]): Promise<void> {
  await db.transaction().execute(async (transaction) => {
    await sql`set local session_replication_role = replica`.execute(transaction)
    for (const statement of statements) await sql.raw(statement).execute(transaction)
  })
}

async function kinds(audit: Audit): Promise<string[]> {
  return (await audit.verify(null)).problems.map(({ kind, seq }) => `${kind} ${seq}`)
}

/** Everything from an entry on, as the triggers would have made it. */
const RECOMPUTE = (from: number) => `do $$
  declare entry audit_entries; last bytea;
  begin
    select hash into last from audit_entries where seq = ${from} - 1;
    for entry in select * from audit_entries where seq >= ${from} order by seq loop
      entry.previous := last;
      last := moose_audit_hash(entry);
      update audit_entries set previous = entry.previous, hash = last where seq = entry.seq;
    end loop;
  end $$`
const LAST = '(select max(seq) from audit_entries)'

test('an entry that was edited is found', async () => {
  await using given = await opened()
  await tamper(given.db, `update audit_entries set actor_name = 'bob' where seq = 5`)
  assert.deepEqual(await kinds(given.audit), ['edited 5'])
})

test('an entry that was removed in the middle is found', async () => {
  await using given = await opened()
  await tamper(given.db, 'delete from audit_entries where seq = 5')
  assert.deepEqual(await kinds(given.audit), ['missing 5'])
})

test('the last entry is missed by the home that has seen it, and by no other', async () => {
  await using given = await opened()
  const { head } = await given.audit.verify(null)
  await tamper(given.db, `delete from audit_entries where seq = ${LAST}`)
  assert.deepEqual(await kinds(given.audit), [`removed_tail ${head?.seq}`])
  await using folder = await mkdtempDisposable(path.join(tmpdir(), 'moose-audit-'))
  const { db, database } = given
  const stranger = createAudit({
    db,
    databaseUrl: database.url,
    home: folder.path,
    clock: systemClock,
    log: createLog('silent'),
  })
  assert.deepEqual(await kinds(stranger), [])
  // Others that were written since do not hide it.
  await act(db, 99)
  await act(db, 100)
  assert.deepEqual(await kinds(given.audit), [`recomputed ${head?.seq}`])
})

test('all entries that were removed are missed', async () => {
  await using given = await opened()
  await tamper(given.db, 'truncate audit_entries')
  assert.deepEqual(await kinds(given.audit), ['removed_tail 1'])
})

test('entries that have changed places are found', async () => {
  await using given = await opened()
  await tamper(
    given.db,
    'update audit_entries set seq = 1000 where seq = 4',
    'update audit_entries set seq = 4 where seq = 6',
    'update audit_entries set seq = 6 where seq = 1000',
  )
  assert.deepEqual(await kinds(given.audit), ['reordered 4', 'reordered 6'])
})

test('a chain that was edited and recomputed is found by the head, whatever else was written since', async () => {
  await using given = await opened()
  const { head } = await given.audit.verify(null)
  await tamper(given.db, `update audit_entries set actor_name = 'bob' where seq = 5`, RECOMPUTE(5))
  assert.deepEqual(await kinds(given.audit), [`recomputed ${head?.seq}`])
  await act(given.db, 99)
  assert.deepEqual(await kinds(given.audit), [`recomputed ${head?.seq}`])
  // What is not as it was seen is not taken for seen.
  await given.audit.keep()
  assert.deepEqual(await kinds(given.audit), [`recomputed ${head?.seq}`])
})

test('a chain that was made anew from its first entry is found too', async () => {
  await using given = await opened()
  const zero = `update audit_entries set actor_name = 'bob', previous = decode(repeat('00', 32), 'hex') where seq = 1`
  const first = 'update audit_entries set hash = moose_audit_hash(audit_entries) where seq = 1'
  await tamper(given.db, zero, first, RECOMPUTE(2))
  const { head } = await given.audit.verify(null)
  assert.deepEqual(await kinds(given.audit), [`recomputed ${head?.seq}`])
})

test('nobody edits, removes or empties it with the triggers in place, and the owner neither', async () => {
  await using given = await opened(1)
  for (const statement of [
    `update audit_entries set actor_name = 'bob'`,
    'delete from audit_entries',
    'truncate audit_entries',
  ])
    await assert.rejects(sql.raw(statement).execute(given.db), /append-only/)
  // What is inserted by hand is chained, and says who was connected.
  await sql`insert into audit_entries (seq, at, actor_kind, actor_name, database_role, act, subject_kind, subject_id, details, previous, hash)
    values (1, '2000-01-01', 'token', 'ada', 'x', 'order.approve', 'order', 'x', '{}', '\\x00', '\\x00')`.execute(
    given.db,
  )
  const last = await given.db.selectFrom('audit_entries').selectAll().orderBy('seq', 'desc').executeTakeFirstOrThrow()
  assert.deepEqual([last.actor_kind, last.actor_name, last.database_role], ['database_role', 'moose', 'moose'])
  assert.deepEqual(await kinds(given.audit), [])
})

test('fifty acts at once give one chain without a gap', async () => {
  await using given = await opened(0)
  const { db } = given
  const { entries: before } = await given.audit.verify(null)
  const acts = Array.from({ length: 50 }, (_, n) => {
    const one = actingAs(db, { kind: 'token', name: `token-${n}` })
    return n % 2 === 0
      ? act(one, n)
      : one.transaction().execute(async (transaction) => {
          await sql`insert into work_orders (title) values (${`order ${n}`})`.execute(transaction)
          await sql`update system_config set value = 'y' where key = 'shared'`.execute(transaction)
        })
  })
  await Promise.all(acts)
  const after = await given.audit.verify(null)
  assert.deepEqual([after.intact, after.entries - before], [true, 50])
  const { rows } = await sql<{
    names: string
  }>`select count(distinct actor_name) as names from audit_entries where actor_kind = 'token'`.execute(db)
  assert.equal(rows[0]?.names, '50')
})

test('what is no act waits for no chain, and an act waits only at its commit', async () => {
  await using given = await opened(1)
  const { db } = given
  const { entries: before } = await given.audit.verify(null)
  await sql`insert into work_orders (title) values ('x')`.execute(db)
  await db.transaction().execute(async (holder) => {
    await sql`insert into audit_entries (act, subject_kind, subject_id) values ('test.hold', 'test', 'x')`.execute(
      holder,
    )
    await sql`update work_orders set phase = 'routing', status = 'in_progress'`.execute(db)
    await sql`update work_orders set phase = 'proposing'`.execute(db)
    await sql`update work_orders set status = 'failed', phase = null`.execute(db)
    const waits = act(db, 7)
    let isDone = false
    waits.then(
      () => (isDone = true),
      () => undefined,
    )
    await until('the act waits for the chain', async () => {
      const { rows } = await sql<{
        waits: boolean
      }>`select exists (select from pg_locks where locktype = 'advisory' and not granted
        and database = (select oid from pg_database where datname = current_database())) as waits`.execute(db)
      return rows[0]?.waits === true
    })
    assert.equal(isDone, false)
  })
  await until('the act is recorded', async () => (await given.audit.verify(null)).entries === before + 3)
})

test('a database from before is brought up to date with its rows, and its chain begins there', async () => {
  await using database = await olderDatabase(16)
  const { db } = database
  await sql`insert into work_orders (title, metadata) values ('old', '{"approved_by_director": true}'), ('older', '{}')`.execute(
    db,
  )
  await migrate(database.pool)
  const first = await db.selectFrom('audit_entries').selectAll().executeTakeFirstOrThrow()
  assert.deepEqual(
    [first.seq, first.act, first.actor_kind, first.details],
    ['1', 'audit.begin', 'moose', { orders: 2, approved: 1 }],
  )
  await sql`update work_orders set title = 'new' where title = 'old'`.execute(db)
  await sql`delete from work_orders where title = 'older'`.execute(db)
  const rows = await db.selectFrom('audit_entries').select('act').orderBy('seq').execute()
  assert.deepEqual(
    rows.map((row) => row.act),
    ['audit.begin', 'order.edit', 'order.delete'],
  )
})

test('a running service keeps the head, and moose audit --verify tells what is wrong with it', async () => {
  await using home = await createMooseHome({ 'a.txt': 'a\n' }, [])
  const run = (...words: string[]) =>
    moose(['audit', ...words], { environment: home.environment, cwd: home.config.home })
  await using service = await home.open('service')
  const id = await fileOrder(home.database, { title: 'x', files: ['a.txt'], approved: false })
  await sql`update work_orders set title = 'y' where id = ${id}`.execute(service.db)
  const { seq } = await service.db
    .selectFrom('audit_entries')
    .select('seq')
    .orderBy('seq', 'desc')
    .executeTakeFirstOrThrow()
  const file = headFileOf(home.config.home)
  await until('the head is kept', async () => (await readFile(file, 'utf8').catch(() => '')).includes(`"seq":${seq}`))
  assert.equal((await stat(file)).mode & 0o777, 0o600)
  await service[Symbol.asyncDispose]()

  const sound = await run('--verify')
  assert.deepEqual([sound.exitCode, sound.stderr], [0, ''])
  assert.match(sound.stdout, new RegExp(`in order and unchanged; this home had seen them up to ${seq}`))

  await tamper(home.database.db, `delete from audit_entries where seq >= ${seq}`)
  const broken = await run('--verify', '--json')
  assert.equal(broken.exitCode, 3)
  const { error } = JSON.parse(broken.stdout)
  assert.deepEqual(
    [error.code, error.details],
    ['audit_broken', { problems: 1, kind: 'removed_tail', seq: Number(seq) }],
  )
  assert.match((await run('--verify')).stderr, /If a backup of the database was restored.*moose audit --accept-head/)
  const findings = await moose(['doctor', '--json'], { environment: home.environment, cwd: home.config.home })
  assert.match(findings.stdout, /"name": ?"audit", ?"state": ?"broken"/)

  assert.equal((await run('--accept-head')).exitCode, 0)
  assert.equal((await run('--verify')).exitCode, 0)
  const last = await home.database.db
    .selectFrom('audit_entries')
    .selectAll()
    .orderBy('seq', 'desc')
    .executeTakeFirstOrThrow()
  assert.deepEqual([last.act, last.actor_kind, last.details['was_seq']], ['audit.accept', 'os_user', Number(seq)])
})

test('what is not sound in itself is not accepted', async () => {
  await using given = await opened()
  await tamper(given.db, `update audit_entries set actor_name = 'bob' where seq = 5`)
  await assert.rejects(given.audit.accept(given.db), { code: 'audit_broken' })
  assert.deepEqual(await kinds(given.audit), ['edited 5'])
})

test('a copy of the database elsewhere is known by its chain; another database is not', async () => {
  await using given = await opened()
  const heads = async (database: string, chain: string) => (await readHeads(given.home, { database, chain })).length
  const first = await given.db.selectFrom('audit_entries').select('hash').orderBy('seq').executeTakeFirstOrThrow()
  assert.equal(await heads('elsewhere', first.hash.toString('hex')), 1)
  assert.equal(await heads('elsewhere', '00'), 0)
})

test('a line of the file that cannot be read is passed over, and a long file is shortened', async () => {
  await using folder = await mkdtempDisposable(path.join(tmpdir(), 'moose-audit-'))
  const line = (seq: number) => ({
    database: 'd',
    chain: 'c',
    seq,
    hash: '0'.repeat(64),
    at: '2026-01-31T12:00:00.000Z',
  })
  await appendHead(folder.path, line(1))
  await appendFile(headFileOf(folder.path), '{"database": "d", "ch')
  await appendHead(folder.path, line(2))
  const known = async () => (await readHeads(folder.path, { database: 'd', chain: 'c' })).map(({ seq }) => seq)
  assert.deepEqual(await known(), [1, 2])
  const many = Array.from({ length: 7_000 }, (_, index) => JSON.stringify(line(index + 3)))
  await writeFile(headFileOf(folder.path), many.join('\n'))
  await appendHead(folder.path, line(8_000))
  assert.deepEqual([(await known()).length, (await known()).at(-1)], [1_000, 8_000])
  assert.equal((await stat(headFileOf(folder.path))).mode & 0o777, 0o600)
})
