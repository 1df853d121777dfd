import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { sql } from 'kysely'
import { FaultBody } from '../../src/contract/faults.ts'
import { type ModelTryDetail, TriesResponse, TryResponse } from '../../src/contract/tries.ts'
import { type ApiHome, openApiHome } from '../support/api-home.ts'
import { moose } from '../support/moose-command.ts'
import { fileOrder } from '../support/moose-home.ts'

const SECRET = 'correct-horse-battery-staple-9'
const SHAPE = `ghp_${'a1B2c3D4'.repeat(5).slice(0, 36)}`
/** What a repository or a model may say to lead a reader astray. */
const HOSTILE = [
  '\u001b[2J\u001b]0;owned\u0007',
  'user \u202eevil\u202c',
  `split ${SECRET.slice(0, 12)}\n  ${SECRET.slice(12)} end`,
  `unseen ${SECRET.split('').join('\u200b')} end`,
  `a diff\n+"${SECRET.slice(0, 9)}" +\n+"${SECRET.slice(9)}"`,
  `a key ${SHAPE} end`,
  `a split key ${SHAPE.slice(0, 20)}\n${SHAPE.slice(20)} end`,
].join('\n')
const edit = (search: string) => `### edit a.txt\n<<<<<<< SEARCH\n${search}\n=======\nc\n>>>>>>> REPLACE\n`

let api: ApiHome
let id: string

before(async () => {
  api = await openApiHome({
    files: { 'a.txt': `b\n${HOSTILE}\n` },
    answers: [
      { task: 'Change it', turn: 1, text: `${HOSTILE}\na whole one ${SECRET}\n${edit('nothing like it')}` },
      { task: 'Change it', turn: 2, text: edit('b') },
      ...[1, 2, 3, 4].map((turn) => ({ task: 'Stray', turn, text: `### write other${turn}.txt\n\`\`\`\nx\n\`\`\`\n` })),
    ],
    settings: { ANTHROPIC_API_KEY: SECRET },
  })
  id = await fileOrder(api.home.database, { title: 'Change it', files: ['a.txt'] })
  await api.moose.orchestrator.execute(id, new AbortController().signal)
})
after(() => api[Symbol.asyncDispose]())

const get = async (path: string) => {
  const response = await api.moose.http.fetch(new Request(`http://127.0.0.1/api/work-orders/${path}`))
  return { status: response.status, body: await response.json() }
}
const refused = async (path: string) => FaultBody.parse((await get(path)).body).error.code
const tried = async (attempt: number, number: number): Promise<ModelTryDetail> => {
  const { body } = await get(`${id}/attempts/${attempt}/tries/${number}`)
  return TryResponse.parse(body).try
}
const show = (words: string) => moose(['show', id, ...words.split(' ')], { environment: api.home.environment })

test('the tries of an order are listed with model, tokens, cost, end and time', async () => {
  const { tries, left_out } = TriesResponse.parse((await get(`${id}/tries`)).body)
  assert.deepEqual(
    tries.map(
      ({ attempt, number, step, proposer, finish_reason, error_code, replayed, input_tokens, output_tokens }) => [
        [attempt, number, step, proposer, finish_reason, error_code, replayed, input_tokens, output_tokens],
      ],
    ),
    [
      [[1, 1, 'propose', 'scripted', 'stop', null, true, 100, 20]],
      [[1, 2, 'propose', 'scripted', 'stop', null, true, 100, 20]],
    ],
  )
  assert.equal(left_out, 0)
  assert.ok(tries.every(({ cost_usd, answer_bytes }) => cost_usd === 0 && Number(answer_bytes) > 40))
  assert.deepEqual(TriesResponse.parse((await get(`${id}/tries?attempt=2`)).body).tries, [])
})

test('a prompt is made again to the byte, also that of a refinement, without secrets in any disguise', async () => {
  const first = await tried(1, 1)
  assert.deepEqual([first.prompt.reason, first.prompt.messages?.map(({ role }) => role)], [null, ['system', 'user']])
  const user = String(first.prompt.messages?.[1]?.text)
  assert.match(user, /~{5,} begin a\.txt\nb\n[\s\S]*\n\nWork Order: Change it\n/)
  // What is no secret is as it was sent; a terminal is kept safe where there is one.
  assert.ok(user.includes('\u001b[2J\u001b]0;owned\u0007\nuser \u202eevil\u202c'))
  const second = await tried(1, 2)
  assert.deepEqual(
    second.prompt.messages?.map(({ role }) => role),
    ['system', 'user', 'assistant', 'user'],
  )
  assert.match(String(second.prompt.messages?.[3]?.text), /^Nothing was changed, because your answer cannot be applied/)
  assert.equal(second.prompt.messages?.[2]?.text, first.answer.text)
  assert.ok(String(first.answer.text).includes('\na whole one [redacted]\n'))
  for (const text of [user, String(first.answer.text)]) {
    for (const line of ['split [redacted] end', 'unseen [redacted] end', 'a key [redacted] end'])
      assert.ok(text.includes(line), `${line} in ${text}`)
    assert.match(text, /a diff\n\+"\[redacted\]"\n/)
    assert.match(text, /a split key \[redacted\] end/)
    const bare = text.replace(/[\s\u200b"+]/g, '')
    assert.ok(!bare.includes(SECRET) && !bare.includes(SHAPE), text)
  }
})

test('what a later attempt was told of the failure before it is shown too', async () => {
  const stray = await fileOrder(api.home.database, { title: 'Stray', files: ['a.txt'] })
  const { orchestrator } = api.moose
  const fails = () =>
    assert.rejects(orchestrator.execute(stray, new AbortController().signal), { code: 'change_out_of_scope' })
  await fails()
  await orchestrator.retry(stray)
  await fails()
  const { tries } = TriesResponse.parse((await get(`${stray}/tries`)).body)
  assert.deepEqual(new Set(tries.map(({ attempt }) => attempt)), new Set([1, 2]))
  for (const { attempt, number } of tries) {
    const { prompt } = TryResponse.parse((await get(`${stray}/attempts/${attempt}/tries/${number}`)).body).try
    assert.equal(prompt.reason, null, `attempt ${attempt}, try ${number}`)
    const told = String(prompt.messages?.[1]?.text).includes('~~~~~ begin failure\nchange_out_of_scope: ')
    assert.equal(told, attempt === 2 || number > 4, `attempt ${attempt}, try ${number}`)
  }
})

test('what cannot be shown is said by name', async () => {
  assert.equal(await refused(`${id}/attempts/1/tries/3`), 'not_found')
  assert.equal((await get(`${id}/attempts/0/tries/1`)).status, 404)
  assert.equal(await refused('ffff0000/tries'), 'work_order_not_found')
  const { db } = api.home.database
  const call = { work_order_id: id, attempt: 1, proposer: 'scripted', provider: 'replay', model: 'scripted' }
  const first = await tried(1, 1)
  const rest = {
    input_tokens: 1,
    output_tokens: 1,
    cost_usd: '0',
    started_at: new Date(first.started_at),
    replayed: true,
    duration_ms: 1,
  }
  const add = (more: object) =>
    db
      .insertInto('model_calls')
      .values({ ...call, ...rest, ...more })
      .execute()
  await add({ finish_reason: 'stop', request_key: 'f'.repeat(64), answer: Buffer.from('hello') })
  await add({ error_code: 'model_overloaded', request_key: null })
  await add({ finish_reason: 'stop', started_at: new Date(Date.now() + 3_600_000), attempt: 1 })
  const other = await tried(1, 3)
  assert.match(
    String(other.prompt.reason),
    /^What was told is not kept, and what Moose would tell now is something else/,
  )
  assert.equal(other.answer.text, 'hello')
  const failed = await tried(1, 4)
  assert.match(String(failed.prompt.reason), /^What was asked is not known/)
  assert.match(String(failed.answer.reason), /^The call ended with model_overloaded\./)
  const aiders = await tried(1, 5)
  assert.equal(aiders.step, 'apply')
  assert.match(String(aiders.prompt.reason), /^Aider asked this/)
  assert.match(String(aiders.answer.reason), /MOOSE_KEEP_ANSWERS_DAYS/)
  const startedAt = new Date(Date.now() + 7_200_000)
  await sql`
    insert into attempt_steps (work_order_id, attempt, name, try, status, input, started_at)
    values (${id}::uuid, 1, 'propose', 9, 'running', '{"repair":"repair 1 of 2"}', ${startedAt})
  `.execute(db)
  await add({ finish_reason: 'stop', request_key: 'e'.repeat(64), started_at: startedAt })
  const repair = await tried(1, 6)
  assert.equal(repair.step, 'propose')
  assert.match(String(repair.prompt.reason), /^It was asked to repair a change/)
  await sql`delete from attempt_steps where try = 9`.execute(db)
  await sql`delete from model_calls where id > 2`.execute(db)
})

test('show prints tries, prompts and answers, harmless between bars; an answer alone to the byte', async () => {
  const list = await show('--tries')
  assert.match(list.stdout, /^ATTEMPT +TRY +STEP .*\n1 +1 +propose +scripted +scripted +100\+20 +replay .*\n1 +2 /)
  const page = await show('--try 2')
  assert.equal(page.exitCode, 0, page.stderr)
  assert.match(page.stdout, /^Try 2 of attempt 1\n/)
  assert.match(
    page.stdout,
    /What it was told {2}assistant\n│ \\u001b\[2J\\u001b\]0;owned\\u0007\n│ user \\u202eevil\\u202c\n/,
  )
  assert.match(page.stdout, /What it said\n│ ### edit a\.txt\n/)
  assert.ok(!/[\u001b\u202e]/.test(page.stdout))
  assert.equal((await show('--answer')).stdout, edit('b'))
  const prompt = await show('--prompt --try 1 --attempt 1')
  assert.ok(prompt.stdout.includes('│ Work Order: Change it\n') && !prompt.stdout.includes('What it said'))
  const json = TryResponse.parse(JSON.parse((await show('--answer --try 2 --json')).stdout))
  assert.deepEqual([json.work_order_id, json.try.number, json.try.answer.text], [id, 2, edit('b')])
  const none = await show('--prompt --attempt 7')
  assert.deepEqual(
    [none.exitCode, none.stderr],
    [1, `error: No call to a model has ended for attempt 7 of work order ${id.slice(0, 8)}.\n`],
  )
  assert.equal((await show('--diff --prompt')).exitCode, 2)
})

test('what is kept no longer, or not in this home, is said by name', async () => {
  const { db } = api.home.database
  const second = async () => (await tried(1, 2)).prompt.reason
  const { answer } = await db.selectFrom('model_calls').select('answer').where('id', '=', '1').executeTakeFirstOrThrow()
  await db.updateTable('model_calls').set({ answer: null }).where('id', '=', '1').execute()
  assert.match(String((await tried(1, 1)).answer.reason), /^The answer was forgotten: .* MOOSE_KEEP_ANSWERS_DAYS /)
  assert.equal((await tried(1, 1)).prompt.reason, null)
  assert.match(String(await second()), /or an answer before it is not kept any more\.$/)
  await db.updateTable('model_calls').set({ answer }).where('id', '=', '1').execute()
  assert.equal(await second(), null)
  await sql`update attempts set base_sha = repeat('f', 40) where work_order_id = ${id}`.execute(db)
  await sql`update attempt_steps set output = null where work_order_id = ${id} and name = 'propose'`.execute(db)
  assert.match(String(await second()), /the base commit is not in the mirror of the home that answers/)
})
