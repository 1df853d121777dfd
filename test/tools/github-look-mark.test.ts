import assert from 'node:assert/strict'
import { type TestContext, test } from 'node:test'
import type { WatchedPullRequest } from '../../src/ports/pull-request.ts'
import type { StandInThread } from '../support/github/conversation.ts'
import { opened, tracked } from '../support/github/tracked.ts'

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
