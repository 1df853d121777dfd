import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import path from 'node:path'
import { after, beforeEach, test } from 'node:test'
import { EventsResponse } from '../../src/contract/events.ts'
import { FaultBody } from '../../src/contract/faults.ts'
import { openApiHome } from '../support/api-home.ts'
import { createTokenApp } from '../support/api-token.ts'
import { moose } from '../support/moose-command.ts'

const MAIN = path.join(import.meta.dirname, '../../src/cli/main.ts')

const api = await openApiHome()
after(() => api[Symbol.asyncDispose]())
beforeEach(() => api.clear())

/** @returns the ids, and what a stream answers to the same */
async function asked(id: string, query: string) {
  const app = createTokenApp(api.deps())
  const response = await app.request(`/api/work-orders/${id}/events?${query}`, {
    headers: { Accept: 'application/json' },
  })
  return EventsResponse.parse(await response.json()).events
}

test('a log is read backwards, page by page, each page oldest first', async () => {
  const id = await api.place()
  await api.publish({ work_order_id: id }, 5)
  await api.publish({ work_order_id: await api.place() }, 2)
  await api.publish({ work_order_id: id }, 3)
  const ids = async (query: string) => (await asked(id, query)).map((event) => event.id)
  assert.deepEqual(await ids('tail=4'), ['5', '8', '9', '10'])
  assert.deepEqual(await ids('tail=4&before=5'), ['1', '2', '3', '4'])
  assert.deepEqual(await ids('tail=4&before=1'), [])
  assert.deepEqual(await ids('after=2&before=8'), ['3', '4', '5'])
  assert.deepEqual(await ids('tail=2&after=2&before=8'), ['4', '5'])
})

test('of a page from the end that would be too long the end is given', async () => {
  const id = await api.place()
  await api.publish({ work_order_id: id, message: 'x'.repeat(90_000) }, 60)
  const page = await asked(id, 'tail=500')
  assert.ok(page.length > 15 && page.length < 25, String(page.length))
  assert.equal(page.at(-1)?.id, '60')
})

test('a text is found in steps and messages, in any case and within colours, and nothing in it is a pattern', async () => {
  const id = await api.place()
  await api.publish({ work_order_id: id, step: 'verify', message: 'one Failure' })
  await api.publish({ work_order_id: id, message: 'two \u001b[31mfail\u001b[0mure' })
  await api.publish({ work_order_id: id, message: '100% of a_b' })
  const found = async (text: string) =>
    (await asked(id, new URLSearchParams({ find: text }).toString())).map((event) => event.id)
  assert.deepEqual(await found('FAILURE'), ['1', '2'])
  assert.deepEqual(await found('verify one'), ['1'])
  assert.deepEqual(await found('0% of a_'), ['3'])
  assert.deepEqual(await found('a%b'), [])
})

test('a stream has no end to begin from, and says so', async () => {
  const id = await api.place()
  for (const query of ['tail=1', 'before=1', 'find=a']) {
    const response = await createTokenApp(api.deps()).request(`/api/work-orders/${id}/events?${query}`)
    assert.equal(response.status, 400, query)
    const { error } = FaultBody.parse(await response.json())
    assert.deepEqual([error.code, /application\/json/.test(error.message)], ['request_invalid', true])
  }
})

test('moose logs prints the last events alone, and those with a text', async () => {
  const id = await api.place()
  await using _served = await api.serve(api.deps())
  for (let number = 1; number <= 1_100; number += 50) await api.publish({ work_order_id: id, message: 'even' }, 50)
  await api.publish({ work_order_id: id, message: 'the odd one' })
  await api.publish({ work_order_id: id, message: 'the last' })
  const environment = { MOOSE_HOME: api.home.config.home }
  const lines = async (...words: string[]) => {
    const { exitCode, stdout, stderr } = await moose(['logs', id, '--json', ...words], { environment })
    assert.equal(exitCode, 0, stderr)
    return stdout
      .trimEnd()
      .split('\n')
      .filter((line) => line !== '').length
  }
  assert.equal(await lines('--tail', '2'), 2)
  assert.equal(await lines('--tail', '601'), 601)
  assert.equal(await lines('--tail', '5000'), 1_102)
  assert.equal(await lines('--find', 'ODD'), 1)
  assert.equal(await lines('--find', 'the', '--tail', '1'), 1)
  assert.equal(await lines('--find', 'nothing has it'), 0)
  const both = await moose(['logs', id, '--find', 'a', '--follow'], { environment })
  assert.equal(both.exitCode, 2)
})

test('moose logs whose reader has closed the pipe says nothing', async () => {
  const id = await api.place()
  await using _served = await api.serve(api.deps())
  for (let number = 1; number <= 1_100; number += 50) await api.publish({ work_order_id: id, message: 'even' }, 50)
  const env = { PATH: process.env['PATH'], HOME: '/nonexistent', MOOSE_HOME: api.home.config.home }
  const words = ['-c', '"$0" "$1" logs "$2" | head -n 1', process.execPath, MAIN, id]
  const { promise, resolve } = Promise.withResolvers<[string, string]>()
  execFile('sh', words, { env }, (_error, stdout, stderr) => resolve([stdout, stderr]))
  const [stdout, stderr] = await promise
  assert.match(stdout, /even/)
  assert.equal(stderr, '')
})
