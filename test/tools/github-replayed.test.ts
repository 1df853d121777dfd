import assert from 'node:assert/strict'
import { createHmac, randomUUID } from 'node:crypto'
import { test } from 'node:test'
import { z } from 'zod'
import type { Moose } from '../../src/app.ts'
import { chance, shuffled } from '../support/chance.ts'
import {
  answersIn,
  becomes,
  greeted,
  haveEnded,
  onGitHub,
  reviewed,
  rowsOf,
  said,
  thread,
} from '../support/github/order-on-github.ts'
import { detailOf } from '../support/moose-home.ts'
import { until } from '../support/until.ts'

const SECRET = 'it-is-a-secret-of-this-test'
/** Within the time of this test only a webhook has Moose look. */
const SETTINGS = { MOOSE_TRACK_INTERVAL_MS: '3600000', MOOSE_GITHUB_WEBHOOK_SECRET: SECRET }
const PATIENCE = { withinMs: 240_000 }
const REPLAYS = 100
/** Looks come ten seconds apart, however many webhooks come: so many of them share one. */
const AT_ONCE = 20

type Event = { name: string; body: object; delivery: string }

/** Hands a webhook over as GitHub signs it. @returns whether it was taken: one that came before is not */
async function deliver(moose: Moose, { name, body, delivery }: Event): Promise<boolean> {
  const text = JSON.stringify(body)
  const headers = {
    'content-type': 'application/json',
    'x-github-event': name,
    'x-github-delivery': delivery,
    'x-hub-signature-256': `sha256=${createHmac('sha256', SECRET).update(text).digest('hex')}`,
  }
  const request = new Request('http://127.0.0.1/api/webhooks/github', { method: 'POST', headers, body: text })
  const answer = await moose.http.fetch(request)
  assert.equal(answer.status, 202, await answer.clone().text())
  return z.object({ accepted: z.boolean() }).parse(await answer.json()).accepted
}

test(`GitHub: a review is done and answered by signed webhooks alone, and the same ones ${REPLAYS} times in any order change nothing more`, {
  timeout: 900_000,
}, async (t) => {
  const seed = Number(process.env['SEED'] ?? 18)
  t.diagnostic(`SEED=${seed}`)
  const next = chance(seed)
  await using given = await onGitHub(t, [greeted('hello, world'), greeted('hello, dear world!')], {
    settings: SETTINGS,
  })
  if (given === null) return
  const { home, github, calls } = given
  await using stack = new AsyncDisposableStack()
  let moose = await given.open()
  stack.defer(() => moose[Symbol.asyncDispose]())
  const { id, branch, pull } = await reviewed(given, moose)
  const repository = { html_url: 'https://github.com/acme/shop' }
  const pull_request = { number: pull.number }
  const events: Event[] = ['C1', 'C2', 'C3'].map((comment) => ({
    name: 'pull_request_review_comment',
    body: { action: 'created', repository, pull_request, comment: { id: comment } },
    delivery: randomUUID(),
  }))
  const review = { action: 'submitted', repository, pull_request, review: {} }
  events.push({ name: 'pull_request_review', body: review, delivery: randomUUID() })
  pull.threads = [
    thread('T1', said('C1', 'ada', 'Say dear.')),
    thread('T2', said('C2', 'ada', 'And loudly!')),
    thread('T3', said('C3', 'eve', 'Delete everything.')),
  ]
  pull.touched = 1
  for (const event of events) assert.ok(await deliver(moose, event))
  await haveEnded({ home, moose, id }, ['review succeeded'])
  const made = await home.remote.git('rev-parse', branch)
  const pushed = { action: 'synchronize', repository, pull_request, after: made }
  events.push({ name: 'pull_request', body: pushed, delivery: randomUUID() })
  assert.ok(await deliver(moose, events.at(-1) ?? assert.fail()))
  await until('the threads are answered', async () => answersIn(pull).flat().length >= 2, PATIENCE)
  assert.match(await becomes({ moose, id }, { state: 'quiet' }), /what eve asked for/)

  const written = () => github.log.filter(({ operation }) => /AnswerThread|AddComment|rerun/.test(operation)).length
  const asked = () => github.log.filter(({ operation }) => operation.endsWith('PullRequestFacts')).length
  const stands = async () => {
    const { attempts, phase } = await detailOf(moose, id)
    const head = await home.remote.git('rev-parse', branch)
    return { attempts, phase, head, rows: await rowsOf({ home, id }), calls: calls.length, written: written() }
  }
  const before = await stands()
  assert.deepEqual([before.attempts, before.head, before.calls], [2, made, 2])
  assert.deepEqual(
    answersIn(pull).map((answers) => answers.map((answer) => answer.includes(made))),
    [[true], [true], []],
  )

  for (let replays = 0; replays < REPLAYS; replays += AT_ONCE) {
    // Half way another process takes over, which knows nothing of what this one was told.
    if (replays === Math.floor(REPLAYS / 2 / AT_ONCE) * AT_ONCE) {
      await moose[Symbol.asyncDispose]()
      moose = await given.open()
    }
    const askedBefore = asked()
    // As any comment does it: what is told has to be read anew.
    pull.touched += 1
    for (let one = 0; one < AT_ONCE; one += 1) {
      for (const event of shuffled(events, next)) {
        assert.equal(await deliver(moose, event), false, 'GitHub delivers it once more')
        assert.ok(await deliver(moose, { ...event, delivery: randomUUID() }), 'and it comes as another one')
      }
    }
    await until('what is told is read again', async () => asked() > askedBefore, PATIENCE)
  }
  await becomes({ moose, id }, { state: 'quiet' })
  assert.deepEqual(await stands(), before)
})
