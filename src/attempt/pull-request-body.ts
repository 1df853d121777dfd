import type { ModelCallTotals } from '../db/model-calls.ts'
import { closedIssues } from '../work-order/closes.ts'
import { spelt } from '../work-order/hidden-text.ts'
import { clipped, fenced, neutralised } from '../work-order/markdown.ts'
import { filledTemplate } from '../work-order/pull-request-template.ts'
import type { Risk } from '../work-order/risk.ts'
import { firstCharacters } from '../work-order/words.ts'
import type { AttemptContext } from './context.ts'
import type { Evidence } from './evidence.ts'
import { proposerMetadata } from './proposer-metadata.ts'
import { closingLine, type FirstFold, firstFold } from './pull-request/first-fold.ts'
import { recordComment } from './pull-request/record.ts'
import type { AllowedChange } from './pull-request/sections.ts'
import * as sections from './pull-request/sections.ts'

/**
 * Characters a section may have. With the record and what is bounded by itself they stay below the 65,536 that GitHub takes,
 * whatever an order, a model or a check says.
 */
const MOST = {
  Description: 9_000,
  'Acceptance Criteria': 11_000,
  Checks: 5_000,
  'Files Modified': 8_000,
  'Allowed by a Human': 3_000,
  'Work Order': 1_500,
  'Routing Decision': 2_000,
  Metadata: 5_000,
  template: 6_000,
}

export type BodyParts = {
  /** What all model calls of the attempt, and of the one whose commit it verifies, add up to. */
  spent: ModelCallTotals
  /** What a human had to allow, and did. */
  allowed: readonly AllowedChange[]
  /** By the Director's rules. */
  risk: Risk
  /** The repository's template for pull requests; null: it has none. */
  template: string | null
  /** The attempt that has opened the pull request; missing: this one does. */
  openedBy?: number
}

/**
 * What was changed and what of it was proved, in a few words; folded below it the specification's sections, filled with facts:
 * the files git says have changed, and a tick only where a check that proves the criterion passed on this commit; then what else
 * the repository's template asks for. The texts are without the secrets that may not stand in a change; the marker by which the
 * pull request is found again is never changed.
 */
export function pullRequestBody(context: AttemptContext, whole: Evidence, parts: BodyParts): string {
  const evidence = context.published(whole)
  const closes = closedIssues(evidence.routed.order.description)
  const template = filled(evidence, closes, context.published(parts.template))
  const { workOrderId, attempt } = context
  const marked = parts.openedBy === undefined ? attempt : parts.openedBy
  const texts = [
    template.above,
    template.fold.summary,
    template.fold.verdict,
    ...folds(context, evidence, parts),
    clipped(template.below, MOST.template),
    '---',
    'Made by Moose.',
    recordComment({ context, evidence, spentUsd: parts.spent.costUsd, closes, risk: parts.risk }),
    `<!-- moose:wo=${workOrderId} attempt=${marked} -->`,
  ]
  return texts.filter((text) => text !== '').join('\n\n')
}

function filled(
  evidence: Evidence,
  closes: readonly number[],
  template: string | null,
): { above: string; below: string; fold: FirstFold } {
  const plain = firstFold(evidence, { closes, above: '' })
  if (template === null) return { above: '', below: '', fold: plain }
  const { above, below } = filledTemplate(template, {
    summary: plain.summary,
    checks: sections.checksInShort(evidence),
    issues: closes.length === 0 ? null : closingLine(closes),
  })
  return { above, below, fold: firstFold(evidence, { closes, above }) }
}

function folds(context: AttemptContext, evidence: Evidence, { spent, allowed, risk }: BodyParts): string[] {
  const { order } = evidence.routed
  const changed = evidence.verified.files
  const used = firstCharacters(evidence.proposed.response.proposer_used, 60)
  const whole = { spentUsd: spent.costUsd, risk: context.published(risk) }
  const human = sections.allowedChanges(context.published(allowed))
  return [
    fold('Criteria and checks', [
      section('Acceptance Criteria', sections.criteria(evidence, MOST['Acceptance Criteria'])),
      section('Checks', sections.checks(evidence)),
    ]),
    fold(`Allowed by a human: ${allowed.length}`, [section('Allowed by a Human', human)]),
    fold(`Files: ${sections.filesTold(changed)}`, [
      section('Files Modified', sections.files(changed, order.files_in_scope, MOST['Files Modified'])),
    ]),
    fold(`Cost and model: $${spent.costUsd.toFixed(4)}, ${used}`, [
      section('Work Order', sections.workOrder(context, evidence, whole), `Work Order: ${context.workOrderId}`),
    ]),
    fold('The order in full', [
      section('Description', sections.description(order.description.trim(), MOST.Description)),
    ]),
    fold('Routing and metadata', [
      section('Routing Decision', sections.routing(evidence)),
      section('Metadata', metadata(context, evidence, spent)),
    ]),
  ]
}

function section(name: keyof typeof MOST, text: string, heading: string = name): string {
  return text === '' ? '' : `## ${heading}\n\n${clipped(text, MOST[name])}`
}

/** @param title shown while it is closed; plain text */
function fold(title: string, texts: readonly string[]): string {
  const inside = texts.filter((text) => text !== '')
  if (inside.length === 0) return ''
  const plain = neutralised(spelt(title.replaceAll(/\s+/g, ' ')))
    .replaceAll('&', '&amp;')
    .replaceAll('<', '&lt;')
  return `<details>\n<summary>${plain}</summary>\n\n${inside.join('\n\n')}\n\n</details>`
}

/** Refinements that are told, the last ones. */
const MOST_REJECTIONS = 3
const MOST_OF_REJECTION = 300

/** The specification's JSON; without what a foreign service added where it would be too long to read. */
function metadata(context: AttemptContext, { routed, proposed }: Evidence, spent: ModelCallTotals): string {
  const summed = proposerMetadata(proposed.response, spent)
  const { refinement_metadata: refinement } = summed
  const { complexity_score, hard_stop_required } = routed.decision.routing_metadata
  const refined = {
    cycles: refinement.cycles,
    rejections: refinement.rejections.slice(-MOST_REJECTIONS).map((text) => firstCharacters(text, MOST_OF_REJECTION)),
  }
  const whole = {
    work_order_id: context.workOrderId,
    routing_metadata: routed.decision.routing_metadata,
    proposer_metadata: summed,
  }
  const short = {
    ...whole,
    routing_metadata: { complexity_score, hard_stop_required },
    proposer_metadata: { ...whole.proposer_metadata, refinement_metadata: refined },
  }
  const text = jsonBlock(whole)
  return text.length > MOST.Metadata ? jsonBlock(short) : text
}

function jsonBlock(value: object): string {
  const safe = (_: string, part: unknown) => {
    if (typeof part === 'string') return neutralised(seen(part))
    return typeof part !== 'object' || part === null || Array.isArray(part) ? part : withSafeNames(part)
  }
  return fenced('json', JSON.stringify(value, safe, 2))
}

/** Line by line: JSON escapes their ends itself. */
function seen(text: string): string {
  return text.split('\n').map(spelt).join('\n')
}

/** A foreign service may add fields of its own. */
function withSafeNames(part: object): object {
  return Object.fromEntries(Object.entries(part).map(([name, value]) => [neutralised(seen(name)), value]))
}
