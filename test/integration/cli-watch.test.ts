import assert from 'node:assert/strict'
import { after, before, beforeEach, describe, test } from 'node:test'
import { z } from 'zod'
import { type ApiHome, openApiHome, type ServedApi } from '../support/api-home.ts'
import { moose, startMoose } from '../support/moose-command.ts'

const ID = '1a2b3c4d-0000-4000-8000-000000000000'
const Line = z.looseObject({ type: z.string() })

/** `moose watch` without a terminal, through the API of a real home. */
describe('watch without a terminal', () => {
  let api: ApiHome
  let served: ServedApi

  before(async () => {
    api = await openApiHome()
  })
  after(() => api[Symbol.asyncDispose]())
  beforeEach(async (context) => {
    await api.clear()
    served = await api.serve(api.deps())
    assert.ok('after' in context)
    context.after(() => served[Symbol.asyncDispose]())
  })
  const environment = () => ({ MOOSE_HOME: api.home.config.home })

  test('it says what waits for a human, then what happens, until it is interrupted', async () => {
    await api.place({ id: ID, title: 'Evil \u001b[2J title' })
    await using watch = startMoose(['watch'], { environment: environment() })
    await watch.said(/^takes no orders on: moose start {2}0 running, 0 waiting, 0 in review, 1 thing for you$/m)
    await watch.said(
      /^! {2}to approve {2}1a2b3c4d {2}Evil \\u001b\[2J title {2}It is not approved.* Type: moose show 1a2b3c4d$/m,
    )
    assert.equal((await moose(['approve', '1a2b'], { environment: environment() })).exitCode, 0)
    await watch.said(/^\d\d:\d\d:\d\d 1a2b3c4d • approved/m)
    watch.child.kill('SIGINT')
    const { exitCode, stdout } = await watch.ended
    assert.equal(exitCode, 130)
    assert.equal(stdout.match(/to approve/g)?.length, 1)
  })

  test('--json: what stands where, what then waits, and each event', async () => {
    await using watch = startMoose(['watch', '--json'], { environment: environment() })
    await watch.said(/"type":"connected"/)
    await api.place({ id: ID })
    await watch.said(/"type":"inbox"/)
    assert.equal((await moose(['approve', '1a2b'], { environment: environment() })).exitCode, 0)
    await watch.said(/"type":"approved"/)
    watch.child.kill('SIGTERM')
    const { exitCode, stdout } = await watch.ended
    assert.equal(exitCode, 143)
    const lines = stdout
      .trim()
      .split('\n')
      .map((line) => Line.parse(JSON.parse(line)))
    assert.deepEqual(Object.keys(lines[0] ?? {}), ['type', 'status', 'inbox', 'left_out'])
    assert.match(JSON.stringify(lines.find(({ type }) => type === 'inbox')), new RegExp(`"id":"${ID}"`))
    assert.ok(
      lines.some(({ type, work_order_id: id }) => type === 'approved' && id === ID),
      stdout,
    )
  })

  test('a service that goes away is told once', async () => {
    await using watch = startMoose(['watch', '--json'], { environment: environment() })
    await watch.said(/"type":"connected"/)
    await served[Symbol.asyncDispose]()
    const [, code] = await watch.said(/"type":"lost","error":\{"code":"(\w+)"/)
    assert.match(String(code), /^(?:service_unreachable|not_running)$/)
  })
})

test('without a service, watch says so and what to type', async () => {
  const { exitCode, stderr } = await moose(['watch'], { environment: { MOOSE_HOME: '/nonexistent/home' } })
  assert.equal(exitCode, 1)
  assert.match(stderr, /^error: No service is up for \/nonexistent\/home\. Start one with: moose up --start\n$/)
})
