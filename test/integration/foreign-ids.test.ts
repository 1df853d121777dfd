import assert from 'node:assert/strict'
import { test } from 'node:test'
import { moose } from '../support/moose-command.ts'
import { createMooseHome, fileOrder, settled } from '../support/moose-home.ts'

const FILES = { 'greeting.txt': 'hello\n' }
const TITLE = 'Greet the world'
const RECORDINGS = [{ task: TITLE, turn: 1, text: '### write greeting.txt\n```\nhello, world\n```\n' }]

/** No version of a UUID has such digits. */
const FOREIGN = 'ffffffff-1234-0000-0000-123456789abc'

test('ids that are a uuid to Postgres and none to RFC 9562 work in every command, and to the pull request', async () => {
  await using home = await createMooseHome(FILES, RECORDINGS)
  const { pool } = home.database
  await pool.query(`update projects set id = md5('the project')::uuid`)
  const id = await fileOrder(home.database, { title: TITLE, files: ['greeting.txt'], approved: false })
  const { rows } = await pool.query<{ id: string }>(
    `with old as (delete from work_orders where id = $1 returning *)
     insert into work_orders select (jsonb_populate_record(null::work_orders, to_jsonb(old) || $2)).*
     from old returning id`,
    [id, { id: FOREIGN }],
  )
  const foreign = String(rows[0]?.id)
  const run = async (...words: string[]) => {
    const ended = await moose(words, { environment: home.environment })
    assert.equal(ended.exitCode, 0, `${words.join(' ')}: ${ended.stderr}`)
    return ended.stdout
  }
  assert.match(await run('list'), new RegExp(foreign.slice(0, 8)))
  await run('add', '--title', 'Another', '--file', 'b.txt', '--project', 'sample')
  await run('cancel', foreign)
  await run('retry', foreign)
  await run('approve', foreign)
  {
    await using service = await home.open()
    await service.orchestrator.start(null)
    assert.equal((await settled(service, foreign)).phase, 'in_review')
  }
  assert.match(await run('show', foreign), /Greet the world/)
  assert.match(await run('logs', foreign), /record/)
})
