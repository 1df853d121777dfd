import { DOING } from '../contract/evidence/follow-up.ts'
import type { CommentedPullRequest } from '../db/notifications/commented-pull-request.ts'
import { shownUsd, Usd } from '../money.ts'

/** What the comment says. Nothing of an order, a model or a check stands in it, so that nothing of theirs can act there. */
export type CommentFacts = Pick<
  CommentedPullRequest,
  | 'status'
  | 'phase'
  | 'state'
  | 'attempts'
  | 'budget_usd'
  | 'code'
  | 'escalation'
  | 'reacting'
  | 'repairs'
  | 'review_rounds'
  | 'spent'
  | 'reverted'
>

/** The one comment on a pull request: phase, cost and link. @param address null: the page has none */
export function commentText(facts: CommentFacts, { shortId, address }: { shortId: string; address: string | null }) {
  const { spent, budget_usd: cap, attempts } = facts
  const most = cap === null ? '' : ` of at most ${shownUsd(new Usd(cap))}`
  const rows = [
    ['Phase', phaseText(facts)],
    ...(facts.escalation === null ? [] : [['To decide', decisionText(facts.escalation, shortId)]]),
    ['Cost', `${shownUsd(new Usd(spent))}${most}`],
    ['Attempts', `${attempts}${followUpText(facts)}`],
    ['Work order', address === null ? `\`${shortId}\`` : `[\`${shortId}\`](${address})`],
  ]
  return ['| Moose | |', '|---|---|', ...rows.map(([name, text]) => `| ${name} | ${text} |`)].join('\n')
}

function phaseText({ status, phase, state, code, reacting, reverted }: CommentFacts): string {
  if (state === 'merged') return reverted ? 'merged, and reverted since' : 'merged'
  // What its order does from then on is about another one.
  if (state === 'closed') return 'closed unmerged'
  if (reacting !== null && status !== 'failed' && status !== 'blocked') return `in review: ${DOING[reacting]}`
  if (status === 'in_progress')
    return phase === 'in_review' ? 'in review' : `at work${phase === null ? '' : `: ${phase}`}`
  const why = code === null || !CODE.test(code) ? '' : ` (\`${code}\`)`
  return `${status.replaceAll('_', ' ')}${why}`
}

function decisionText(cause: string, shortId: string): string {
  const command = `\`moose ${cause === 'hands_off' ? 'adopt' : 'decide'} ${shortId}\``
  return CODE.test(cause) ? `\`${cause}\`: ${command}` : command
}

/** A row may be by plain SQL. */
const CODE = /^[a-z][a-z0-9_]{0,99}$/

function followUpText({ repairs, review_rounds: rounds }: CommentFacts): string {
  const parts = [
    ...(repairs === 0 ? [] : [`${repairs} ${repairs === 1 ? 'repair' : 'repairs'}`]),
    ...(rounds === 0 ? [] : [`${rounds} review ${rounds === 1 ? 'round' : 'rounds'}`]),
  ]
  return parts.length === 0 ? '' : `, of them ${parts.join(' and ')}`
}
