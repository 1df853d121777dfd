import { shownUsd, statedUsd } from '../../money.ts'
import { ShownUsd } from '../amounts.ts'
import { z } from '../zod.ts'
import { FOLLOW_UP_KINDS, type FollowUpKind } from './follow-up.ts'

/** What Moose last did about the pull request of an order, and what is left of what it was about. */
export const LastReaction = z
  .object({
    kind: z.enum(FOLLOW_UP_KINDS),
    /** Null: it is none of its own, or was not begun. */
    attempt: z.number().int().nullable(),
    /** Why it was begun. */
    because: z.string(),
    /** `succeeded`, or the code of what ended it; null: it is under way. */
    outcome: z.string().nullable(),
    /** Why it came to nothing, in a sentence; null: it did not, or nothing says so. */
    said: z.string().nullable(),
    /** USD; null: it has no attempt, or has not ended. */
    cost_usd: ShownUsd.nullable(),
    /** What the model says it did not carry out of the review that still asks for it; `path` null: it is on no file. */
    not_done: z.array(z.object({ comment: z.number().int(), path: z.string().nullable(), reason: z.string() })),
  })
  .openapi('LastReaction')
export type LastReaction = z.infer<typeof LastReaction>

const REACTION: Record<FollowUpKind, string> = {
  base: 'merge of the base',
  rerun: 'run of the checks',
  checks: 'repair',
  review: 'review round',
}

/** Codes that say nothing by themselves of what is wrong with the change. */
const EXPLAINED: Readonly<Record<string, string>> = {
  attempt_unstable: 'its processes ended before it did, which says nothing against the change',
}

/** `the last repair, attempt 4, ended with proposal_rejected and cost $0.0210: …`; null: it is under way. */
export function howLastEnded({ kind, attempt, outcome, said, cost_usd: cost }: LastReaction): string | null {
  if (outcome === null || kind === 'rerun') return null
  const which = `the last ${REACTION[kind]}${attempt === null ? '' : `, attempt ${attempt},`}`
  const how = outcome === 'succeeded' ? 'succeeded' : `ended with ${outcome}`
  const paid = cost === null || cost === 0 ? '' : ` and cost ${shownUsd(statedUsd(cost))}`
  const explained = EXPLAINED[outcome]
  const why = [said, explained].filter((text) => typeof text === 'string').join(' ')
  return `${which} ${how}${paid}${why === '' ? '' : `: ${why}`}`
}

/** The same with what a human reads of it: a line each. */
export const ToldReaction = LastReaction.extend({ told: z.array(z.string()) }).openapi('ToldReaction')

export function toldReaction(last: LastReaction): z.infer<typeof ToldReaction> {
  const ended = howLastEnded(last)
  return { ...last, told: [...(ended === null ? [] : [ended]), ...notDoneSentences(last)] }
}

export function notDoneSentences(last: Pick<LastReaction, 'not_done'>): string[] {
  return notDoneLines(last).map((line) => `Not done, as the model says: ${line}`)
}

/** What the model did not carry out, and why: `comment 2 (a.txt): "…"`, a line each. */
export function notDoneLines({ not_done: left }: Pick<LastReaction, 'not_done'>): string[] {
  return left.map(({ comment, path, reason }) => `comment ${comment}${path === null ? '' : ` (${path})`}: "${reason}"`)
}
