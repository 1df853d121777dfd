import assert from 'node:assert/strict'
import type { FollowUpForge } from '../../src/ports/pull-request-facts.ts'
import { createMooseHome, fileOrder, settled } from './moose-home.ts'
import { greet, NEVER_POLLS } from './suspended-bench.ts'

/** Fails the test that asks for it. */
export const refused = () => assert.fail('it is not asked for')

/** A forge that is asked for nothing but this. */
export function forgeThat(acts: Partial<FollowUpForge>): FollowUpForge {
  return {
    factsOf: refused,
    failureOf: refused,
    rerunFailed: refused,
    replyTo: refused,
    keepComment: refused,
    revertsOf: refused,
    mergeWhenReady: refused,
    withdrawMerge: refused,
    ...acts,
  }
}

/** A running Moose that looks at no pull request by itself, and an order in review. */
export async function greetingInReview(files: Readonly<Record<string, string>> = {}) {
  await using stack = new AsyncDisposableStack()
  const settings = { ...NEVER_POLLS, MOOSE_FOLLOW_UP: 'false', MOOSE_TRACK_INTERVAL_MS: '3600000' }
  const home = stack.use(await createMooseHome({ 'greeting.txt': 'hello\n', ...files }, [greet], settings))
  const moose = stack.use(await home.open())
  await moose.orchestrator.start(null)
  const id = await fileOrder(home.database, { title: greet.task, files: ['greeting.txt'] })
  assert.equal((await settled(moose, id)).phase, 'in_review')
  const owned = stack.move()
  return { home, db: home.database.db, moose, id, [Symbol.asyncDispose]: () => owned.disposeAsync() }
}
