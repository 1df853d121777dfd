import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { WatchedPullRequest } from '../../src/ports/pull-request.ts'
import type { StandInThread } from '../support/github/conversation.ts'
import { opened, tracked } from '../support/github/tracked.ts'

const { signal } = new AbortController()

test('threads beyond those that a look asks for make another mark in a while, and a hidden decision of reviews is not taken for none', async (t) => {
  await using given = await tracked(t)
  if (given === null) return
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
