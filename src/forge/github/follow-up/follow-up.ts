import { faultPoint } from '../../../faults/fault-point.ts'
import type { FollowUpForge } from '../../../ports/pull-request-facts.ts'
import { revertsOnBase } from '../../reverts-on-base.ts'
import type { GitHubForgeParts } from '../pulls.ts'
import { failureOfCheck, rerunFailed, type TellFailure } from './actions.ts'
import { mergeWhenReady, withdrawMerge } from './auto-merge.ts'
import { factsOfPulls } from './facts.ts'
import { createAllowance } from './read-on.ts'
import { createWriters } from './writers.ts'
import { keepOneComment, replyToThread } from './written.ts'

/** What GitHub knows of a pull request after it was opened, and does to it. */
export function createGitHubFollowUp(parts: GitHubForgeParts & { tellFailure: TellFailure }): FollowUpForge {
  const { gh, clock } = parts
  const facts = {
    forge: parts,
    writers: createWriters(gh, clock),
    allowance: createAllowance(clock),
    large: new Set<string>(),
  }
  return {
    factsOf: (pulls, signal, unread) => factsOfPulls(facts, pulls, signal, unread),
    failureOf: (of, check, signal) => failureOfCheck(parts, { of, check, signal }),
    rerunFailed: (of, check, signal) => faultPoint('rerun', () => rerunFailed(parts, { of, check, signal })),
    replyTo: (of, reply, signal) => faultPoint('reply', () => replyToThread(parts, { of, ...reply }, signal)),
    keepComment: (of, text, signal) => faultPoint('comment', () => keepOneComment(parts, { of, text }, signal)),
    mergeWhenReady: (of, what, signal) => mergeWhenReady(parts, { of, ...what }, signal),
    withdrawMerge: (of, signal) => withdrawMerge(parts, of, signal),
    revertsOf: (project, changes, since, signal) => revertsOnBase(parts.mirrors, { project, changes, since, signal }),
  }
}
