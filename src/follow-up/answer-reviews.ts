import type { Kysely } from 'kysely'
import { type BegunFollowUp, followUpAnswered } from '../db/follow-ups.ts'
import type { Database } from '../db/schema.ts'
import type { WatchedPullRequest } from '../ports/pull-request.ts'
import type { FollowUpForge, PullRequestFacts } from '../ports/pull-request-facts.ts'

/**
 * Answers each review thread that an attempt was about, with the commit or why there is none. The forge finds what was answered
 * before, so a repetition writes nothing.
 */
export async function answerReviews(
  db: Kysely<Database>,
  forge: FollowUpForge,
  { of, facts, past }: { of: WatchedPullRequest; facts: PullRequestFacts; past: readonly BegunFollowUp[] },
  signal: AbortSignal,
): Promise<void> {
  for (const one of past) {
    if (one.kind !== 'review' || one.outcome === null || one.isAnswered || one.task === null) continue
    for (const { id, key } of one.task.threads) {
      const thread = facts.threads.find((known) => known.id === id)
      if (thread !== undefined) await forge.replyTo(of, { thread, key, text: answerOf(one, facts) }, signal)
    }
    await followUpAnswered(db, one.id)
  }
}

function answerOf({ outcome, madeSha }: BegunFollowUp, { branch }: PullRequestFacts): string {
  if (outcome === 'succeeded' && madeSha !== null) return `Done in ${madeSha}.`
  if (outcome === 'change_out_of_scope')
    return 'Not changed: what is asked for is about files that the order of this pull request may not change.'
  const why = outcome === 'check_failed' ? 'what was tried failed the checks' : `the attempt ended with \`${outcome}\``
  return `Not changed: ${why}. It is left to a person; push to \`${branch}\`.`
}
