import { isOf } from '../../faults/families.ts'
import { z } from '../zod.ts'
import { againstMerge, draftText, isOfProject, retargetedText } from './against-merge.ts'
import { type EndedVerification, whatFailed } from './ended-verification.ts'
import {
  APPROVED_BEHIND,
  ASKED_STATES,
  type FollowUpView,
  GIVEN_UP,
  LEFT_BEHIND,
  LOST_STATES,
  RED_OPTIONAL,
} from './follow-up.ts'
import { approvedBeforeText, SeenApproval } from './seen-approval.ts'
import type { SeenConflict } from './seen-conflict.ts'

/** What a person weighs of a pull request while it is open. */
export const OpenAsSeen = z.object({
  /** Threads of people with write access that are not resolved, as last seen. */
  seen_open_threads: z.number().int().optional(),
  /** Whether it was marked as a draft on its forge, as last seen. */
  seen_draft: z.boolean().optional(),
  /** Its base on its forge, as last seen; another than `base` was changed there. Null: not looked at yet. */
  seen_base: z.string().nullish(),
  /** The base of its project now; another than `base` after that was changed, until it is verified with it. */
  project_base: z.string().optional(),
  /** Null: it was not looked at. */
  seen_approval: SeenApproval.nullish(),
  /** Files that it changes outside of the scope of its order, which only people do; as last verified. */
  outside_scope: z.array(z.string()).optional(),
})

/** An open pull request, as it was last seen. */
export type PullInReview = {
  number: number
  base: string
  branch: string
  head_sha: string
  seen_head_sha: string | null
  checks: string | null
  review: string | null
  conflict?: SeenConflict | null | undefined
  tried_resolution?: EndedVerification | null | undefined
  failed_verification?: EndedVerification | null | undefined
  follow_up?: FollowUpView | null | undefined
  /** Threads of people with write access that are not resolved; missing: not known. */
  seen_open_threads?: number | undefined
  /** It is marked as a draft on its forge; missing: not known. */
  seen_draft?: boolean | undefined
  /** The branch it is to be merged into on its forge; null or missing: not known. */
  seen_base?: string | null | undefined
  /** The base of its project now; missing: not known. */
  project_base?: string | undefined
  /** By which its forge calls it approved; null or missing: not known. */
  seen_approval?: SeenApproval | null | undefined
  /** Files that it changes outside of the scope of its order, which only people do; missing: not known. */
  outside_scope?: readonly string[] | undefined
}

/**
 * `weigh`: it can be merged, once a person has weighed what speaks against that. `mend`: what is on the branch was verified, and
 * failed. `by_hand`: it conflicts, and no model is asked any more. `answer`: what a person with write access asks for was not done yet.
 * `lost`: it is not there, or merged elsewhere.
 */
type Needs = 'merge' | 'answer' | 'weigh' | 'verify' | 'mend' | 'resolve' | 'by_hand' | 'human' | 'checks' | 'lost'

export type Review = {
  needs: Needs
  because: string
  /** What helps, where that is more than a command; null: it is not. */
  advice: string | null
  /** `follow_up_exhausted`, `hands_off`, `pull_request_lost`: Moose does no more about it until a human has decided; null: it follows it. */
  code: string | null
  /** A person may have a newer base merged in, which Moose does not do by itself any more. */
  isLeftBehind: boolean
}

/**
 * What an open pull request needs: to be merged, to be verified as it stands now, to be mended, a conflict to be resolved, a
 * human, or only that its checks end.
 */
export function reviewOf(pull: PullInReview | null): Review {
  const standing = standingOf(pull)
  const followUp = pull?.follow_up
  const isLeft = followUp?.state === LEFT_BEHIND || pull?.failed_verification?.code === MERGE_HELD
  const isApproved = followUp?.state === APPROVED_BEHIND && standing.needs === 'merge'
  const isLeftBehind = isApproved || (standing.needs === 'weigh' && (isLeft || followUp?.state === APPROVED_BEHIND))
  if (followUp === undefined || followUp === null || followUp.code === null)
    return { ...standing, code: null, isLeftBehind }
  const { state, code, why } = followUp
  const left = LEFT[code] === undefined ? '' : LEFT[code](beyond(standing, followUp))
  const reason = state === GIVEN_UP && !standing.because.includes(why) ? `; ${why}` : ''
  const because = left === '' ? standing.because : `${standing.because.replace(/\.$/, '')}${reason}${left}`
  const isSaid = standing.because === why && state !== GIVEN_UP
  return { ...standing, because: isSaid ? why : because, code, isLeftBehind }
}

/** Of why Moose does no more what is not said yet; empty: all of it is. */
function beyond({ needs }: Standing, { state, why }: FollowUpView): string {
  if (state !== 'conflict' || !['by_hand', 'resolve'].includes(needs)) return why
  return needs === 'by_hand' ? '' : why.slice(why.indexOf('; ') + 1).trimStart()
}

/** Why Moose does no more about it. */
const LEFT: Readonly<Record<string, (why: string) => string>> = {
  follow_up_exhausted: (why) => `; Moose does no more about it${why === '' ? '' : `: ${why}`}`,
  hands_off: () => '; Moose keeps its hands off it until it is given back',
}

/** Of a merge of the base that Moose has made by itself, and that a human has to allow. */
const MERGE_HELD = 'merge_held'

type Standing = Omit<Review, 'code' | 'isLeftBehind'>

function standingOf(pull: PullInReview | null): Standing {
  if (pull === null) return { needs: 'human', because: 'Moose knows no pull request of it', advice: null }
  const { checks, review, conflict, head_sha: head, failed_verification: failed } = pull
  const ended = endedOf(pull)
  if (ended !== null) return ended
  const moved = movedTo(pull)
  if (moved === null && conflict !== undefined && conflict !== null && conflict.head_sha === head)
    return inConflict(pull, conflict)
  if (failed !== undefined && failed !== null) return afterFailure(pull, failed)
  if (moved !== null) {
    const because = `another push has moved its branch to ${moved.slice(0, 12)}, which Moose did not verify`
    return { needs: 'verify', because, advice: null }
  }
  const is = (needs: Needs, because: string): Standing => ({ needs, because, advice: null })
  const retargeted = retargetedText(pull, 'GitHub')
  if (retargeted !== null) return withOtherBase(pull, retargeted)
  if (pull.follow_up?.code === 'follow_up_exhausted') return is('human', pull.follow_up.why)
  // No attempt has met it yet.
  if (pull.follow_up?.state === 'conflict') return is('resolve', pull.follow_up.why)
  if (checks === 'FAILURE' || checks === 'ERROR') return withRedChecks(checks, pull)
  const asked = pull.follow_up
  if (asked !== undefined && asked !== null && ASKED_STATES.includes(asked.state)) return is('answer', asked.why)
  if (review === 'CHANGES_REQUESTED') return is('human', askedText(pull))
  if (pull.seen_draft === true)
    return { needs: 'human', because: draftText('GitHub'), advice: 'Mark it there as ready for review.' }
  if (checks === 'PENDING' || checks === 'EXPECTED') return is('checks', 'its checks on GitHub have not ended')
  if (review === 'REVIEW_REQUIRED') return is('human', 'it has to be reviewed first')
  const { base, follow_up: followUp } = pull
  const left = followUp?.state === LEFT_BEHIND ? followUp.why : null
  const givenUp = followUp?.state === GIVEN_UP ? [followUp.why] : []
  const unread = followUp?.conversation_hidden === true ? [UNREAD] : []
  const before = approvedBeforeText(pull)
  const against = [...givenUp, left, before, ...unread, ...againstMerge(pull)].filter((one) => one !== null)
  if (against.length === 0) return is('merge', 'it is ready to be merged')
  const advice = left === null ? null : `Merge it as it stands, or have it verified with ${base} merged in.`
  return { needs: 'weigh', because: against.join('; '), advice }
}

/** Of one that has ended on its forge in a way that does not end its order, or not yet; null: it is open there. */
function endedOf({ follow_up: followUp }: PullInReview): Standing | null {
  if (followUp === undefined || followUp === null) return null
  const { state, why, code } = followUp
  const isLost = LOST_STATES.some((lost) => lost === state)
  if (!isLost && state !== 'ended') return null
  if (code === null) return { needs: 'checks', because: why, advice: null }
  const advice =
    'Look at it on its forge. Once it is seen there again it is followed as before; else end the order, which closes nothing there.'
  return { needs: 'lost', because: why, advice }
}

/** Of a pull request of which not all that was said is known. */
export const UNREAD = 'what was said of it on its forge cannot be read, or not all of it; a person reads it there'

/** Of a review that asks for changes: whether a commit has answered it. */
function askedText({ follow_up: followUp }: PullInReview): string {
  const sha = followUp?.answered_with
  const asks = 'a review asks for changes'
  return sha === undefined ? asks : `${asks}; ${sha.slice(0, 12)} answers it, and the reviewer has to look again`
}

function withOtherBase(pull: PullInReview, because: string): Standing {
  const { base, seen_base: seen, project_base: ofProject } = pull
  if (isOfProject(pull)) return { needs: 'verify', because, advice: 'A verification takes that over as its base.' }
  const isOnForge = seen !== undefined && seen !== null && seen !== base
  const advice = isOnForge
    ? 'Change it back there, or close the pull request.'
    : `Where it is on GitHub, change its base there to ${ofProject}; then moose verify takes that over. Else change that of its project back.`
  return { needs: 'human', because, advice }
}

function withRedChecks(checks: string, { base, branch, follow_up: followUp }: PullInReview): Standing {
  const because = `its checks on GitHub say ${checks}`
  if (followUp?.state === RED_OPTIONAL) {
    const advice = `Look at what failed there, and mend it on ${branch}, or merge as it stands.`
    return { needs: 'weigh', because: `${because}: ${followUp.why}`, advice }
  }
  if (followUp === undefined || followUp === null || followUp.state !== 'red_on_base')
    return { needs: 'human', because, advice: null }
  return {
    needs: 'weigh',
    because: `${because}: ${followUp.why}`,
    advice: `What fails on ${base} too is not mended here: mend it on ${base}, which is merged in then, or merge as it stands.`,
  }
}

/** The commit that another push has put on its branch; null: it holds what was verified, or was not looked at. */
function movedTo({ seen_head_sha: seen, head_sha: head }: PullInReview): string | null {
  return seen === head ? null : seen
}

function inConflict(
  { base, branch, tried_resolution: tried, follow_up: followUp }: PullInReview,
  conflict: SeenConflict,
): Standing {
  const { files, since, base_sha: on, seen_base_sha: now, by_hand: left } = conflict
  const isOfNow = now === undefined || now === on
  // Its follow-up has looked at the base as it stands now.
  const isSame = isOfNow || (followUp?.state === 'conflict' && followUp.code === 'follow_up_exhausted')
  const where = files.length === 0 ? '' : ` in ${files.join(', ')}`
  const because = `it conflicts with ${base}${where}, seen at ${since}`
  const byHand =
    `erge ${base} into ${branch} by hand, push that, and have it verified; or close the pull request and retry the order, ` +
    `which makes the change anew on ${base} as it is now.`
  const toPerson = (why: string): Standing => ({
    needs: 'by_hand',
    because: `${because}; ${why}`,
    advice: `M${byHand}`,
  })
  if (tried !== undefined && tried !== null)
    return toPerson(`a model was to resolve that in attempt ${tried.attempt}: ${whatFailed(tried)}`)
  if (left !== undefined && isSame) return toPerson(left)
  return {
    needs: 'resolve',
    because: isOfNow ? because : `${because}; ${base} has moved since`,
    advice: `Have the model that made the change resolve that, or m${byHand}`,
  }
}

function afterFailure(pull: PullInReview, failed: EndedVerification): Standing {
  const { base, branch, head_sha: head } = pull
  const { attempt, head_sha: on, base_sha: baseSha } = failed
  const moved = movedTo(pull)
  const isMerged = moved === null && on !== head && baseSha !== null
  const merged = isMerged ? ` with ${base} at ${baseSha.slice(0, 12)} merged in` : ''
  const what =
    moved === null
      ? `its commit was verified again in attempt ${attempt}${merged}`
      : `another push has moved its branch to ${moved.slice(0, 12)}, which was verified in attempt ${attempt}`
  // Nothing failed, and the pull request stands as it was.
  if (failed.code === MERGE_HELD && failed.said !== null && moved === null)
    return { needs: 'weigh', because: failed.said.replace(/\.$/, ''), advice: null }
  const isOfCommit = failed.check !== null || (failed.code !== null && isOf('worthless', failed.code))
  return {
    needs: isOfCommit ? 'mend' : 'verify',
    because: `${what}: ${whatFailed(failed)}`,
    advice: isOfCommit
      ? `Mend it on ${branch}${isMerged ? ` with ${base} merged in` : ''}, push that, and have it verified; or close the ` +
        'pull request and retry the order.'
      : null,
  }
}

/** The commands to type for an order in review, the most likely first; none of them is refused as it stands. */
export function nextInReview(id: string, { needs, code, isLeftBehind }: Omit<Review, 'because' | 'advice'>): string[] {
  const all = commandsOf(id, needs)
  const commands = isLeftBehind ? all.toSpliced(2, 0, `moose verify ${id}`) : all
  if (code === 'follow_up_exhausted') return [`moose decide ${id}`, ...commands]
  return code === 'hands_off' ? commands.toSpliced(1, 0, `moose adopt ${id}`) : commands
}

function commandsOf(id: string, needs: Needs): string[] {
  const look = `moose show ${id} --diff`
  const close = `moose close ${id}`
  switch (needs) {
    case 'merge':
    case 'weigh':
      return [look, `moose merge ${id}`, close]
    case 'verify':
      return [look, `moose verify ${id}`, close]
    case 'mend':
      return [`moose logs ${id}`, look, `moose verify ${id}`, close]
    case 'resolve':
      return [look, `moose verify ${id} --resolve`, close]
    // A verification of what conflicts is known to fail until somebody has pushed.
    case 'by_hand':
    case 'human':
    case 'answer':
    case 'checks':
      return [look, close]
    case 'lost':
      return [`moose decide ${id}`, `moose cancel ${id}`]
  }
}
