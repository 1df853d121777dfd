import { stringify } from 'yaml'
import type { OrderEvidence } from '../../contract/evidence/evidence.ts'
import type { AttemptView, StepView, WorkOrderDetail, WorkOrderView } from '../../contract/work-orders.ts'
import { isFaultCode, NEXT_MOVE } from '../../faults/fault.ts'
import { notByRule, riskText } from './approval-terms.ts'
import {
  criterionLine,
  evidenceNow,
  evidenceSections,
  isReplay,
  REPLAY,
  shownSections,
  tellsFailing,
} from './attempt-evidence.ts'
import { actorText } from './audit-page.ts'
import { ago, duration, shortId, usd, withLocalTimes } from './humanize.ts'
import { dependsOn, stateOf } from './order-state.ts'
import type { Paint } from './output.ts'
import {
  checkRunsOf,
  followedOf,
  mergingOf,
  nextForReview,
  placeOf,
  revertText,
  reviewsOf,
  seenOnGitHub,
  sinceMerged,
  unverifiedText,
} from './seen-pull-request.ts'
import { table } from './table.ts'
import { barred, harmless, harmlessLines, LONGEST_TITLE, messageLines, oneLine } from './terminal-text.ts'
import { hiddenNotes, protectionNotes, verificationNotes } from './verification-notes.ts'

/** Characters of a step's input or output on the page; all of it is in `--json`. */
const MAX_STEP_DATA = 8_000
/** For a word that a newer version or a foreign program has written. */
const LONGEST_WORD = 40

export type PageOptions = {
  paint: Paint
  /** Spells commands as they have to be typed here. */
  hint: (text: string) => string
  now: Date
  /** What has to happen before an order that was begun continues; null: nothing has to. */
  waits: string | null
  /** With what went into each step and what came out. */
  steps: boolean
}

/** Everything about one order, for people. */
export function orderPage(order: WorkOrderDetail, options: PageOptions): string {
  const { paint } = options
  const evidence = evidenceNow(order)
  const next = options.waits === null ? nextStep(order) : options.waits
  const sections = [
    `${paint.bold(`WO-${shortId(order.id)}`)}  ${paint.bold(oneLine(order.title, LONGEST_TITLE))}`,
    table(facts(order, reasonOf(order, evidence), options)),
    order.description.trim() === '' ? '' : barred(order.description.trim()),
    listed(paint.dim('Acceptance criteria'), criteria(order, evidence)),
    listed(paint.dim('Files in scope'), order.files_in_scope),
    listed(paint.dim('Files to read'), toBeRead(order)),
    ...order.attempt_history.map((attempt) => attemptSection(attempt, order.status_reason, options)),
    ...(evidence === null ? [] : evidenceSections(evidence, paint)),
    ...shownSections(order, paint),
    next === null ? '' : `${paint.bold('Next:')} ${options.hint(next)}`,
  ]
  return sections.filter((section) => section !== '').join('\n\n')
}

/** Ticked where a check of the last attempt proved it, unless another commit was merged. */
function criteria(order: WorkOrderDetail, evidence: OrderEvidence | null): string[] {
  if (evidence === null) return order.acceptance_criteria.map((criterion) => `[ ] ${criterion}`)
  const { pull_request: pull } = order
  return evidence.criteria.map((criterion) => criterionLine(criterion, pull?.merged_unverified ?? null))
}

/** The files to read, with what no model is shown of them. */
function toBeRead({ context, missing_context: missing = [], attempt_history: attempts }: WorkOrderDetail): string[] {
  const asked = attempts.findLast(({ shown = [] }) => shown.length > 0)
  const shown = new Set((asked?.shown ?? []).map(({ path }) => path))
  return context.map((path) => {
    if (missing.includes(path)) return `${path} — not in the base commit, so no model is shown it`
    const wasLeftOut = asked !== undefined && !path.endsWith('/') && !shown.has(path)
    return wasLeftOut ? `${path} — not shown to the model: it has no text, or there was no room` : path
  })
}

type Reason = WorkOrderDetail['status_reason']

/** Without what is told below under the name of the check. */
function reasonOf({ status_reason: reason }: WorkOrderDetail, evidence: OrderEvidence | null): string | null {
  if (reason === null) return null
  const { code, message, details = {} } = reason
  const whole = `${code}: ${message}`
  if (code !== 'check_failed' || !tellsFailing(evidence, details['check'])) return whole
  const [line] = whole.split('\n', 1)
  const { unrepaired } = details
  const why = typeof unrepaired === 'string' ? ` It was not repaired further: ${unrepaired}.` : ''
  return `${String(line).replace(/ (?:What failed|Its last lines):$/, '')}${why}`
}

function facts(order: WorkOrderDetail, reason: string | null, { paint, hint, now }: PageOptions): string[][] {
  const { pull_request: local, github_pr_url: url } = order
  const merging = mergingOf(order)
  const state = local === null ? '' : ` (${oneLine(local.state, LONGEST_WORD)}${sinceMerged(local)})`
  const rows: [string, string | null][] = [
    ['id', order.id],
    ['status', stateOf(order, paint)],
    ['reason', reason === null ? null : messageLines(hint(reason), order.status_reason?.details)],
    ['approved', approvalText(order, now)],
    ['hidden', hiddenText(order)],
    ['checks', unverified(order, hint)],
    ['protected', protectedScope(order, hint)],
    ['depends on', order.depends_on.length === 0 ? null : dependsOn(order)],
    ['project', shown(order.project)],
    ['risk', riskOf(order)],
    ['by rule', notByRule(order)],
    ['proposer', shown(order.proposer)],
    ['branch', shown(order.github_branch)],
    ['pull request', shown(url === null ? null : `#${order.github_pr_number}${state}${placeOf(order)}`)],
    ['not verified', unverifiedText(order)],
    ['reverted', revertText(order, now)],
    [order.pull_request?.url === null ? 'on its branch' : 'on GitHub', shown(seenOnGitHub(order))],
    ['reviews', shown(reviewsOf(order))],
    ['merging', merging === null ? null : shown(withLocalTimes(merging, now))],
    ['check runs', shown(checkRunsOf(order))],
    ['follow-up', shown(followedOf(order))],
    ['cost', costText(order, paint)],
    ['page', shown(order.page_url === undefined ? null : order.page_url)],
    ['added', addedText(order, now, paint)],
  ]
  return rows.flatMap(([name, value]) => (value === null ? [] : [[paint.dim(name), value]]))
}

/** By the Director's rules, and as what it was filed where that differs. */
function riskOf(order: WorkOrderDetail): string {
  const judged = riskText(order)
  return judged === null ? `filed as ${harmless(order.risk_level)}` : judged
}

function approvalText({ approved, approval }: WorkOrderDetail, now: Date): string {
  if (!approved) return 'no'
  if (approval === undefined || approval === null) return 'yes'
  return `by ${actorText(approval.actor)}, ${ago(new Date(approval.at), now)}`
}

function addedText({ created_at: at, filed_by: by }: WorkOrderDetail, now: Date, paint: Paint): string {
  const who = by === null || by === undefined ? '' : ` by ${oneLine(by, LONGEST_TITLE)}`
  return `${ago(new Date(at), now)}${who} ${paint.dim(`(${at})`)}`
}

/** What the checks will not say of an order that has not begun; null: nothing is missing. */
function unverified(order: WorkOrderDetail, hint: PageOptions['hint']): string | null {
  const notes = verificationNotes(order)
  return notes.length === 0 ? null : hint(notes.join(' '))
}

/** What a reader of its texts does not see; null: nothing. */
function hiddenText(order: WorkOrderDetail): string | null {
  const [note] = hiddenNotes(order)
  return note === undefined ? null : note
}

/** What of its scope a human has to allow, before it has begun; null: nothing. */
function protectedScope(order: WorkOrderDetail, hint: PageOptions['hint']): string | null {
  const notes = protectionNotes(order)
  return notes.length === 0 ? null : hint(notes.join(' '))
}

/** Null before the first attempt, while nothing is reserved. */
function costText(
  { actual_cost: cost, estimated_cost: expected, budget }: WorkOrderDetail,
  paint: Paint,
): string | null {
  const { cap_usd: cap, reserved_usd: reserved, unresolved_usd: unresolved } = budget
  const underWay = reserved > unresolved
  if (cost === null && reserved === 0) return null
  const parts = [
    ...(expected === null ? [] : [`estimated ${usd(expected)}`]),
    ...(cap === null ? [] : [`cap ${usd(cap)}`]),
    ...(underWay ? [`${usd(reserved)} reserved`] : []),
    ...(unresolved === 0 ? [] : [`${usd(unresolved)} unresolved, see moose budget`]),
  ]
  return `${usd(cost)}${parts.length === 0 ? '' : paint.dim(` (${parts.join(', ')})`)}`
}

/** A value of the database as it may stand in a row of the page. */
function shown(value: string | null): string | null {
  return value === null ? null : harmless(value)
}

function listed(head: string, entries: readonly string[]): string {
  return entries.length === 0 ? '' : [head, ...entries.map((entry) => `  - ${harmless(entry)}`)].join('\n')
}

function attemptSection(attempt: AttemptView, reason: Reason, options: PageOptions): string {
  const { paint, now } = options
  const took = attempt.ended_at === null ? `claimed ${ago(new Date(attempt.claimed_at), now)}` : elapsed(attempt)
  const cost = attempt.cost_usd === 0 ? '' : `, ${usd(attempt.cost_usd)}`
  const replay = isReplay(attempt) ? `  ${paint.yellow(`(${REPLAY})`)}` : ''
  const { verifies } = attempt
  const of = verifies === null || verifies === undefined ? '' : `  verifies what attempt ${verifies} began`
  const head = `${paint.dim('Attempt')} ${attempt.number}  ${oneLine(attempt.status, LONGEST_WORD)}, ${took}${cost}${of}${replay}`
  const rows = attempt.steps.map((step) => stepRow(step, reason, options))
  const data = options.steps ? attempt.steps.map((step) => stepData(step, paint)) : []
  return [head, ...(rows.length === 0 ? [] : [indented(table(rows), '  ')]), ...data].join('\n')
}

/** @param reason of the order: what stands there is not told again */
function stepRow(step: StepView, reason: Reason, { paint, hint }: PageOptions): string[] {
  const symbols = new Map([
    ['running', paint.cyan('…')],
    ['succeeded', paint.green('✓')],
    ['failed', paint.red('✗')],
  ])
  const symbol = symbols.get(step.status)
  const runs = step.runs === 1 ? '' : `begun ${step.runs} times`
  const choice = step.summary === undefined || step.summary === null ? '' : harmless(step.summary)
  const error = step.error === null ? '' : messageLines(hint(errorOf(step.error, reason)), step.error.details)
  const cost = step.cost_usd === 0 ? '' : usd(step.cost_usd)
  const took = step.ended_at === null ? '' : duration(Date.parse(step.ended_at) - Date.parse(step.started_at))
  const mark = symbol === undefined ? `${oneLine(step.status, LONGEST_WORD)}:` : symbol
  return [`${mark} ${nameOf(step)}`, took, cost, [runs, choice, error].filter((note) => note !== '').join(' · ')]
}

function errorOf({ code, message }: NonNullable<Reason>, reason: Reason): string {
  return message !== '' && reason?.message.includes(message) === true ? code : message
}

function nameOf({ name, try: number }: StepView): string {
  return number === 1 ? harmless(name) : `${harmless(name)}, try ${number}`
}

function elapsed({ claimed_at, ended_at }: AttemptView): string {
  return duration(Date.parse(String(ended_at)) - Date.parse(claimed_at))
}

function stepData(step: StepView, paint: Paint): string {
  if (step.left_out === true) return `  ${paint.dim(`${nameOf(step)}: too much went in and came out to be shown`)}`
  const parts = [
    [`${nameOf(step)} input`, step.input],
    [`${nameOf(step)} output`, step.output],
  ] as const
  return parts
    .filter(([, value]) => value !== null && value !== undefined)
    .map(([name, value]) => `  ${paint.dim(name)}\n${indented(cut(harmlessLines(stringify(value))), '    ')}`)
    .join('\n')
}

function cut(text: string): string {
  const rest = text.length - MAX_STEP_DATA
  return rest <= 0 ? text.trimEnd() : `${text.slice(0, MAX_STEP_DATA)}\n… ${rest} more characters; see them with --json`
}

function indented(text: string, indent: string): string {
  return text
    .split('\n')
    .map((line) => `${indent}${line}`.trimEnd())
    .join('\n')
}

/** What a person does next with an order, by where it stands; null when there is nothing to do. */
export function nextStep(order: WorkOrderDetail): string | null {
  const id = shortId(order.id)
  const again = order.approved ? '' : `moose approve ${id}   `
  const decide = order.escalated === true ? `what can be done: moose decide ${id}   or ` : ''
  switch (order.status) {
    case 'pending':
      return order.approved ? `moose run ${id}   or, with a service: moose logs -f ${id}` : `moose approve ${id}`
    case 'in_progress':
      return order.phase === 'in_review' ? nextForReview(order) : `moose logs -f ${id}`
    case 'failed':
      return `moose logs ${id}   ${decide}correct it: moose edit ${id}   then: ${again}moose retry ${id}`
    case 'blocked':
      return `${decide}${remedyOf(order)}${isSuspended(order) ? 'a running service then resumes it; or' : 'then'}: ${again}moose retry ${id}`
    case 'cancelled':
      return `moose retry ${id}`
    case 'completed':
      return null
  }
}

/** Its attempt is suspended, and is resumed when its condition is met. */
function isSuspended({ status_reason: reason, approved }: WorkOrderDetail): boolean {
  return reason !== null && approved && isFaultCode(reason.code) && NEXT_MOVE[reason.code] === 'suspend'
}

/** What `moose retry` says already. */
const AGAIN = /(?:, then| and) (?:retry|retry the order|try again)\.$/

/** Reasons end with what to do about them. */
function remedyOf({ status_reason: reason }: WorkOrderView): string {
  if (reason === null) return ''
  const sentences = reason.message.trim().split(/(?<=[.!?])\s+/)
  return `${harmless(String(sentences.at(-1)).replace(AGAIN, '.'))}   `
}
