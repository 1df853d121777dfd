import assert from 'node:assert/strict'
import { after, test } from 'node:test'
import type { DoctorEvent, DoctorResponse } from '../../src/contract/doctor.ts'
import { openApiHome } from '../support/api-home.ts'
import { createTokenApp } from '../support/api-token.ts'
import { assertConforms } from '../support/openapi-contract.ts'

const KEY = 'sk-ant-api03-0123456789abcdef'
const api = await openApiHome({ settings: { ANTHROPIC_API_KEY: KEY } })
after(() => api[Symbol.asyncDispose]())

type Looked = typeof DoctorResponse._output

async function asked(app = createTokenApp(api.deps())): Promise<{ looked: Looked; text: string }> {
  const response = await app.request('/api/doctor', { headers: { accept: 'application/json' } })
  assert.equal(response.status, 200)
  const text = await response.clone().text()
  await assertConforms('GET', '/api/doctor', response)
  return { looked: JSON.parse(text), text }
}

test('GET /api/doctor gives what moose doctor finds, each with what to type', async () => {
  const { looked } = await asked()
  const here = await api.moose.doctor(null)
  const inShort = (findings: Looked['findings']) => findings.map(({ name, state, remedy }) => [name, state, remedy])
  assert.deepEqual(inShort(looked.findings), inShort(here))
  assert.ok(looked.findings.some(({ name }) => name === 'project sample'))
  const aider = looked.findings.find(({ name }) => name === 'aider')
  assert.match(String(aider?.detail), /needed only where an answer is free text, or edits that do not apply$/)
  assert.equal(looked.complete, true)
  assert.equal(looked.sound, !here.some(({ state }) => state === 'missing' || state === 'broken'))
})

test('no secret is in it: no key, no password of a proposer, and none that a program says', async () => {
  const { db } = api.home.database
  await db
    .insertInto('proposer_configs')
    .values({
      name: 'clear',
      provider: 'openai-compatible',
      model: 'm',
      base_url: 'https://ada:hunter2hunter2@models.example.com/v1',
      cost_profile: JSON.stringify({ free: true }),
    })
    .execute()
  const { text } = await asked()
  assert.match(text, /its base_url holds a user or password/)
  assert.doesNotMatch(text, /hunter2/)
  assert.ok(!text.includes(KEY))

  const said = `gh says: ${KEY} is no token`
  async function* telling(): AsyncGenerator<DoctorEvent> {
    yield { type: 'finding', finding: { name: 'gh', state: 'broken', detail: said, remedy: `export X=${KEY}` } }
    yield { type: 'result', sound: false, complete: true, began_at: new Date().toISOString(), duration_ms: 1 }
  }
  const deps = api.deps({ examine: telling })
  const told = await asked(createTokenApp(deps))
  assert.match(told.text, /gh says/)
  assert.ok(!told.text.includes(KEY), told.text)
  const stream = await createTokenApp(deps).request('/api/doctor', { headers: { accept: 'text/event-stream' } })
  const streamed = await stream.text()
  assert.match(streamed, /gh says/)
  assert.ok(!streamed.includes(KEY), streamed)
})

test('as a stream it tells what is looked at, each finding as it is found, and the result', async () => {
  const response = await createTokenApp(api.deps()).request('/api/doctor', { headers: { accept: 'text/event-stream' } })
  const frames = (await response.text()).split('\n\n').filter((frame) => frame.startsWith('event:'))
  assert.match(String(frames[0]), /^event: looking\ndata: {"type":"looking","at":"node"}$/)
  assert.match(String(frames[1]), /^event: finding\ndata: {"type":"finding","finding":{"name":"node","state":"ok"/)
  assert.match(String(frames.at(-2)), /^event: result\n.*"complete":true/)
  assert.match(String(frames.at(-1)), /^event: end\n/)
})
