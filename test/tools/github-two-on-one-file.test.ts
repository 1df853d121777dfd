import assert from 'node:assert/strict'
import { type TestContext, test } from 'node:test'
import type { Moose } from '../../src/app.ts'
import {
  becomes,
  escalations,
  greeted,
  haveEnded,
  type InReview,
  type OnGitHub,
  onGitHub,
  reviewed,
} from '../support/github/order-on-github.ts'
import type { Scripted } from '../support/model-server.ts'
import { detailOf } from '../support/moose-home.ts'
import { until } from '../support/until.ts'

const FILES = { 'greeting.txt': 'top\nhello\nbottom\n' }
const PATIENCE = { withinMs: 240_000 }
const timeout = 900_000

type Two = OnGitHub & { moose: Moose; first: InReview; second: InReview }

/** Two pull requests that change one file; the first is merged on GitHub by a person. */
async function twoOpen(t: TestContext, ...answers: Scripted[]): Promise<Two | null> {
  const given = await onGitHub(t, answers, { files: FILES })
  if (given === null) return null
  await using stack = new AsyncDisposableStack()
  stack.use(given)
  const moose = stack.use(await given.open())
  const first = await reviewed(given, moose, 'Greet above')
  const second = await reviewed(given, moose, 'Greet below')
  await given.github.state.merge(first.pull.number, 'merge')
  await completed(moose, first.id)
  const owned = stack.move()
  return { ...given, moose, first, second, [Symbol.asyncDispose]: () => owned.disposeAsync() }
}

const completed = (moose: Moose, id: string) =>
  until('it is merged', async () => (await detailOf(moose, id)).status === 'completed', PATIENCE)

/** Whether its branch holds what the first one brought, on top of its own commit, without anything having been forced. */
async function holdsBoth({ home, first, second }: Two): Promise<boolean> {
  const bases = [String(first.pull.mergeSha), second.head]
  const held = await Promise.all(
    bases.map((sha) =>
      home.remote.git('merge-base', '--is-ancestor', sha, second.branch).then(
        () => true,
        () => false,
      ),
    ),
  )
  return held.every(Boolean)
}

test('GitHub: of two pull requests on one file one is merged, and the other is brought up to date by git, verified again and merged', {
  timeout,
}, async (t) => {
  await using two = await twoOpen(t, greeted('top, sir\nhello\nbottom'), greeted('top\nhello\nbottom, sir'))
  if (two === null) return
  const { home, moose, second, calls } = two
  await haveEnded({ home, ...second }, ['base succeeded'])
  await becomes(second, { state: 'quiet' })
  const detail = await detailOf(moose, second.id)
  assert.deepEqual([detail.phase, detail.attempts, calls.length], ['in_review', 2, 2], 'git has made it, and no model')
  assert.equal(detail.pull_request?.head_sha, await home.remote.git('rev-parse', second.branch))
  const [, again] = detail.attempt_history
  assert.equal(again?.status, 'succeeded')
  assert.ok(await holdsBoth(two))
  assert.equal(await home.remote.git('show', `${second.branch}:greeting.txt`), 'top, sir\nhello\nbottom, sir')
  await moose.orchestrator.merge(second.id)
  await completed(moose, second.id)
  assert.equal(await home.remote.git('show', 'main:greeting.txt'), 'top, sir\nhello\nbottom, sir')
})

test('GitHub: what git cannot merge after the first was merged is resolved by the model that made the change', {
  timeout,
}, async (t) => {
  const answers = ['top\nhello, sir\nbottom', 'top\nhello, madam\nbottom', 'top\nhello, sir and madam\nbottom']
  await using two = await twoOpen(t, ...answers.map(greeted))
  if (two === null) return
  const { home, moose, second, calls } = two
  await haveEnded({ home, ...second }, ['base succeeded'])
  await becomes(second, { state: 'quiet' })
  assert.equal(calls.length, 3)
  assert.ok(await holdsBoth(two))
  assert.deepEqual(await escalations({ home, ...second }), [])
  await moose.orchestrator.merge(second.id)
  await completed(moose, second.id)
  assert.equal(await home.remote.git('show', 'main:greeting.txt'), 'top\nhello, sir and madam\nbottom')
})

test('GitHub: a conflict that the model cannot resolve is an escalation, and the branch stays as it was', {
  timeout,
}, async (t) => {
  const cannot: Scripted = { kind: 'text', text: 'I cannot.' }
  const answers = ['top\nhello, sir\nbottom', 'top\nhello, madam\nbottom'].map(greeted)
  await using two = await twoOpen(t, ...answers, cannot, cannot)
  if (two === null) return
  const { home, moose, second } = two
  const why = await becomes(second, { code: 'follow_up_exhausted' })
  assert.match(why, /conflicts with main in greeting\.txt/)
  assert.deepEqual(await escalations({ home, ...second }), ['follow_up_exhausted open'])
  assert.equal((await detailOf(moose, second.id)).phase, 'in_review')
  assert.equal(await home.remote.git('rev-parse', second.branch), second.head)
  await assert.rejects(moose.orchestrator.merge(second.id), { code: 'merge_conflict' })
})
