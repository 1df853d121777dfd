import { type FailingCheck, type FollowUpCount, failingLines, reactionsText } from '../contract/evidence/follow-up.ts'
import { howLastEnded, type LastReaction, notDoneSentences } from '../contract/evidence/last-reaction.ts'
import type { WorkOrderView } from '../contract/work-orders.ts'
import { shownUsd, type Usd } from '../money.ts'

/** Of a text that others have written. */
const MOST_OF_TEXT = 600
/** What stopped it has the advice at its end. */
const MOST_OF_CAUSE = 2_000

/**
 * What a human has to know of an order that is stopped, a line each: what was asked, what was tried, what stopped it, what it
 * cost, and what is there.
 */
export function storyOf(
  order: Pick<
    WorkOrderView,
    | 'title'
    | 'project'
    | 'files_in_scope'
    | 'risk_level'
    | 'attempts'
    | 'proposer'
    | 'status'
    | 'phase'
    | 'status_reason'
    | 'github_pr_url'
    | 'github_pr_number'
  >,
  known: {
    spent: Usd
    cap: Usd | null
    hasCommit: boolean
    sentence: string
    cause: string
    /** What was done about its open pull requests, and the most of each kind. */
    reactions: readonly FollowUpCount[]
    /** What was last done about them; null: nothing. */
    last: LastReaction | null
    /** The proposer that a human has wanted instead of the one that made the change; null: none. */
    wanted: string | null
    /** Its red checks. */
    failing: readonly FailingCheck[]
    /** Its latest pull request; null: it has none. */
    pull: { state: 'open' | 'merged' | 'closed' } | null
  },
): string[] {
  const { title, project, files_in_scope: files, attempts, proposer, status, phase, status_reason: reason } = order
  const scope = `${files.length} ${files.length === 1 ? 'file' : 'files'}, filed as ${order.risk_level} risk`
  const where = project === null ? '' : `${project}: `
  const isOther = known.wanted !== null && known.wanted !== proposer
  const by =
    proposer === null
      ? ''
      : isOther
        ? `, by ${proposer}; ${known.wanted} was wanted since`
        : `, the last by ${proposer}`
  const tried = attempts === 0 ? 'No attempt was begun' : `${attempts} ${attempts === 1 ? 'attempt' : 'attempts'}${by}`
  const followed = known.reactions.length === 0 ? '' : `; ${reactionsText(known.reactions)}`
  const ended = known.last === null ? null : howLastEnded(known.last)
  const how = ended === null ? '' : `; ${ended}`
  const isInReview = phase === 'in_review'
  const code = isInReview ? `in review, ${known.cause}` : reason === null ? status : `${status}, ${reason.code}`
  const of = known.cap === null ? '' : ` of ${shownUsd(known.cap)}`
  const commit = known.hasCommit ? 'its last attempt left a commit' : 'its last attempt left no commit'
  const pull = pullText(order)
  const stands = known.pull === null ? '' : known.pull.state === 'open' ? ', which is open' : ', not open any more'
  return [
    inOneLine(`Asked: ${where}${title} (${scope})`),
    inOneLine(`Tried: ${tried}${followed}${how}`, MOST_OF_CAUSE),
    inOneLine(`Stopped: ${code}: ${joined([known.sentence, ...leftOf(known)].join('\n'))}`, MOST_OF_CAUSE),
    inOneLine(`Cost: ${shownUsd(known.spent)}${of}`),
    inOneLine(`There: ${attempts === 0 ? 'nothing' : isInReview ? pull : `${commit}; ${pull}${stands}`}`),
  ]
}

/** What the model did not do, and what is red: what a human decides by. */
function leftOf({ last, failing }: { last: LastReaction | null; failing: readonly FailingCheck[] }): string[] {
  const notDone = last === null ? [] : notDoneSentences(last).map((line) => `${line}.`)
  return [...notDone, ...failingLines(failing).map((line) => `Failed check: ${line}`)]
}

/** Lines of a message are facts, or ways out with their commands, of their own: they stay apart in the one line. */
function joined(sentence: string): string {
  const lines = sentence.split('\n').map((line) => line.trim())
  const between = (line: string) => (line === '' || /[.!?:;,]$/.test(line) ? ' ' : '; ')
  return lines
    .filter((line) => line !== '')
    .reduce((line, next) => `${line}${between(line)}${next}`, '')
    .trimStart()
}

/** On the forge `local` it has no address. */
function pullText({
  github_pr_url: url,
  github_pr_number: number,
}: {
  github_pr_url: string | null
  github_pr_number: number | null
}) {
  if (url === null) return 'no pull request'
  return url.startsWith('local:') && number !== null ? `pull request #${number}` : `pull request ${url}`
}

function inOneLine(text: string, most = MOST_OF_TEXT): string {
  const line = text.replaceAll(/\s+/g, ' ').trim()
  if (line.length <= most) return line
  const kept = line.slice(0, most).toWellFormed()
  const end = kept.lastIndexOf(' ')
  // One long word is cut within it.
  return `${end < most / 2 ? kept : kept.slice(0, end + 1)}…`
}
