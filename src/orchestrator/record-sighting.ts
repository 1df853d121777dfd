import type { Kysely } from 'kysely'
import { recordPullRequest } from '../attempt/record-pull-request.ts'
import { type NewGitHubEvent, recordGitHubEvent } from '../db/github-events.ts'
import { noteSeen } from '../db/pull-requests.ts'
import type { Database } from '../db/schema.ts'
import type { Sighting } from '../ports/pull-request.ts'

/**
 * What was seen of a pull request: checks, reviews and commits of others go to `github_events` when they have changed,
 * an end or a reopening to the order. A repetition changes nothing.
 */
export async function recordSighting(db: Kysely<Database>, sighting: Sighting, now: Date): Promise<void> {
  const { of, pullRequest } = sighting
  const isAsKnown = pullRequest.state === of.known.state
  // A closed one that stays closed is only followed in case it is reopened.
  if (isAsKnown && of.known.state !== 'open' && !of.isAwaited) return
  await recordChanges(db, sighting, now)
  if (isAsKnown && of.known.state === 'open') return
  await recordPullRequest(db, { ...of, pullRequest }, now)
}

async function recordChanges(db: Kysely<Database>, { of, pullRequest, checks, review }: Sighting, now: Date) {
  await db.transaction().execute(async (transaction) => {
    const seen = { seen_head_sha: pullRequest.headSha, checks, review }
    const before = await noteSeen(transaction, of, { ...seen, seen_at: now })
    if (before === null) return
    const common = { workOrderId: of.workOrderId, number: of.number, branch: pullRequest.branch }
    const changes: NewGitHubEvent[] = []
    if (before.checks !== checks) changes.push({ ...common, type: 'status', status: checks })
    if (before.review !== review) changes.push({ ...common, type: 'pull_request_review', status: review })
    // Moose pushes a branch once: another commit on it is somebody else's.
    if (before.seen_head_sha !== pullRequest.headSha) {
      changes.push({ ...common, type: 'push', status: pullRequest.headSha })
    }
    for (const change of changes) await recordGitHubEvent(transaction, change)
  })
}
