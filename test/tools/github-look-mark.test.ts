import assert from 'node:assert/strict'
import { type TestContext, test } from 'node:test'
import type { WatchedPullRequest } from '../../src/ports/pull-request.ts'
import type { StandInThread } from '../support/github/conversation.ts'
import { said, thread } from '../support/github/order-on-github.ts'
import { opened, tracked } from '../support/github/tracked.ts'
import { until } from '../support/until.ts'

const { signal } = new AbortController()

async function watched(t: TestContext) {
  const given = await tracked(t)
  if (given === null) return null
  const { input, number } = await opened(given)
  const pull = given.github.state.pulls.find((one) => one.number === number) ?? assert.fail()
  const of: WatchedPullRequest = {
    project: given.project,
    workOrderId: input.workOrderId,
    attempt: input.attempt,
    number,
    nodeId: `PR_${number}`,
    known: { state: 'open', endedAt: null },
    seenAt: input.headSha,
    isAwaited: true,
    isSpare: false,
  }
  return { given, pull, of, [Symbol.asyncDispose]: () => given[Symbol.asyncDispose]() }
}

test('one is lost where GitHub says that it is not there, and not where GitHub failed to tell of it', async (t) => {
  await using here = await watched(t)
  if (here === null) return
  const { given, of } = here
  const told = async (node: unknown, errors?: object[]) => {
    const body = { data: { nodes: [node] }, ...(errors === undefined ? {} : { errors }) }
    given.github.faults.push({ on: /OpenPullRequests$/, what: { status: 200, body } })
    const { sightings, lost, faults } = await given.forge.look([of], signal)
    return [sightings.length, lost.length, faults.map(({ code }) => code)]
  }
  const path = ['nodes', 0]
  const message = 'Something went wrong while executing your query.'
  for (const type of ['NOT_FOUND', 'FORBIDDEN'])
    assert.deepEqual(await told(null, [{ type, message, path }]), [0, 1, []], type)
  for (const node of [null, {}]) assert.deepEqual(await told(node), [0, 1, []])
  const failed = [0, 0, ['github_unreachable']]
  assert.deepEqual(await told(null, [{ message, path }]), failed)
  assert.deepEqual(await told(null, [{ message }]), failed)
  assert.deepEqual(await told(null, [{ type: 'NOT_FOUND', message, path: [...path, 'baseRef'] }]), failed)
  assert.deepEqual(await told(null, [{ type: 'INTERNAL', message, path }]), failed)
})

test('threads beyond those that a look asks for make another mark in a while, and a hidden decision of reviews is not taken for none', async (t) => {
  await using here = await watched(t)
  if (here === null) return
  const { given, pull, of } = here
  const { number } = of
  const marks = async () => (await given.forge.look([of], signal)).sightings.map(({ mark }) => mark)
  const later = () => given.clock.sleep(600_000, signal)
  const threadOf = (id: number): StandInThread => ({ id: `T${id}`, path: 'a', line: 1, comments: [] })
  pull.threads = Array.from({ length: 100 }, (_, id) => threadOf(id))
  const few = await marks()
  await later()
  assert.deepEqual(await marks(), few)
  pull.threads.push(threadOf(100))
  const many = await marks()
  await later()
  assert.notDeepEqual(await marks(), many)

  const node = { id: of.nodeId, number, state: 'OPEN', isDraft: false, headRefOid: pull.sha, baseRefName: 'main' }
  const rest = { reviewDecision: null, mergeCommit: null, statusCheckRollup: null, timelineItems: null }
  const errors = [{ message: 'Something went wrong', path: ['nodes', 0, 'reviewDecision'] }]
  const body = { data: { nodes: [{ ...node, ...rest }] }, errors }
  given.github.faults.push({ on: /OpenPullRequests$/, what: { status: 200, body } })
  assert.deepEqual(await marks(), [])
})

test('whatever else is said in one second makes another mark, and what was read within it is read once more', async (t) => {
  await using here = await watched(t)
  if (here === null) return
  const { given, pull, of } = here
  const mark = async () => (await given.forge.look([of], signal)).sightings.map((sighting) => sighting.mark)
  const marks = [await mark()]
  const changes: (() => void)[] = [
    () => Object.assign(pull, { comments: [said('IC1', 'bot', 'Coverage is at 80 %.')] }),
    () => Object.assign(pull, { reviews: [{ login: 'ada', state: 'COMMENTED' }] }),
    () => Object.assign(pull, { reviews: [{ login: 'ada', state: 'CHANGES_REQUESTED' }] }),
    () => Object.assign(pull, { reviews: [{ login: 'ada', state: 'CHANGES_REQUESTED', at: '2026-01-31T12:00:09Z' }] }),
    () => Object.assign(pull, { threads: [thread('T1', said('C1', 'ada', 'Why?'))] }),
    () => Object.assign(pull, { touchedAt: new Date() }),
  ]
  for (const change of changes) {
    change()
    marks.push(await mark())
  }
  assert.equal(new Set(marks.flat()).size, 1 + changes.length, marks.join(', '))
  const within = await mark()
  assert.deepEqual(within, marks.at(-1), 'it is the same as long as more may be said in that second')
  await until('the second is over', async () => (await mark())[0] !== within[0])
  const after = await mark()
  assert.deepEqual(await mark(), after)

  const asked = (seen: string | undefined) =>
    given.followUp.mergeWhenReady(of, { headSha: pull.sha, mark: String(seen) }, signal)
  const changed = { code: 'work_order_conflict', message: /something has changed on GitHub since/ }
  assert.deepEqual(await asked(after[0]), { outcome: 'ready' }, 'it is what a look has seen')
  await assert.rejects(asked(within[0]), changed, 'what was read within the second is read once more first')
  pull.threads?.push(thread('T2', said('C2', 'ada', 'Do not merge this.')))
  await assert.rejects(asked(after[0]), changed)
})
