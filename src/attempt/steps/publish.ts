import { isUtf8Text } from '../../edits/text-file.ts'
import { Fault } from '../../faults/fault.ts'
import type { PublishedCommit } from '../../ports/held-search.ts'
import type { BaseTree } from '../../ports/proposal.ts'
import type { PullRequest } from '../../ports/pull-request.ts'
import { branchNames, pullRequestTitle } from '../../work-order/naming.ts'
import {
  type Allowance,
  allowanceBefore,
  allowanceFor,
  type HeldChange,
  heldCommit,
  heldDetails,
  heldMessage,
} from '../../work-order/protection/held-change.ts'
import { templatePath } from '../../work-order/pull-request-template.ts'
import type { Adapters, AttemptContext } from '../context.ts'
import type { Evidence } from '../evidence.ts'
import type { AllowedChange } from '../pull-request/sections.ts'
import { type BodyParts, pullRequestBody } from '../pull-request-body.ts'

/**
 * Pushes the verified commit and opens the pull request.
 *
 * @throws {Fault} `approval_withdrawn`, `protected_change` for what a human has to allow first, and those of `Forge.publish`
 */
export async function publish(
  context: AttemptContext,
  evidence: Evidence,
  { forges, heldSearch, workspaces }: Pick<Adapters, 'forges' | 'heldSearch' | 'workspaces'>,
): Promise<PullRequest> {
  const { project, order, shortId } = evidence.routed
  const forge = forges[project.forge]
  await assertStillApproved(context)
  const title = context.published(pullRequestTitle(shortId, order.title))
  const risk = await context.risk(evidence.verified)
  const body = await allowedBody(context, evidence, { heldSearch, workspaces }, { title, risk })
  return forge.publish({
    project,
    workOrderId: context.workOrderId,
    attempt: context.attempt,
    branches: branchNames({ pattern: project.branchPattern, shortId, title: order.title, attempt: context.attempt }),
    baseSha: evidence.proposed.baseSha,
    headSha: evidence.verified.headSha,
    title,
    body,
    labels: ['moose', `risk: ${risk.level}`],
    signal: context.signal,
    hold: context.hold,
  })
}

/**
 * The body of the pull request, once everything in the commit that a human has to allow is allowed.
 *
 * @param pull.openedBy the attempt that has opened it; missing: this one does
 * @throws {Fault} as `assertAllowed`
 */
export async function allowedBody(
  context: AttemptContext,
  evidence: Evidence,
  { heldSearch, workspaces }: Pick<Adapters, 'heldSearch' | 'workspaces'>,
  { title, ...pull }: Pick<BodyParts, 'openedBy' | 'risk'> & { title: string },
): Promise<string> {
  const template = await readTemplate(workspaces.tree(evidence.routed.project, evidence.proposed.baseSha))
  const parts: BodyParts = { spent: await context.spent(), allowed: [], template, ...pull }
  const draft = pullRequestBody(context, evidence, parts)
  const allowed = await assertAllowed(context, evidence, `${title}\n\n${draft}`, heldSearch)
  return pullRequestBody(context, evidence, { ...parts, allowed })
}

const MOST_OF_TEMPLATE = 64 * 1024

/** The repository's template for pull requests on the base commit; null: it has none that can be read. */
async function readTemplate(base: BaseTree): Promise<string | null> {
  const path = templatePath(await base.list())
  if (path === null) return null
  const content = await base.read(path).catch((error: unknown) => {
    // A link, a submodule, or too large to be read at all.
    if (error instanceof Fault && (error.code === 'scope_unreadable' || error.code === 'scope_too_large')) return null
    throw error
  })
  if (content === null || content.length > MOST_OF_TEMPLATE || !isUtf8Text(content)) return null
  return content.toString('utf8')
}

/** @throws {Fault} `approval_withdrawn` */
export async function assertStillApproved({ isStillApproved, workOrderId }: AttemptContext): Promise<void> {
  if (await isStillApproved()) return
  const message =
    'The order was edited or its approval withdrawn while it ran; nothing was pushed. Approve it again and retry.'
  throw new Fault('approval_withdrawn', message, { id: workOrderId })
}

/** Bytes of the diff of what is held, as it is shown. */
const MOST_OF_DIFF = 8_000

/**
 * What of the commit is held and was allowed, with who allowed it.
 *
 * @throws {Fault} `protected_change` naming the rest; details: `head_sha`, `held` and `held_count` as `heldFrom` reads them,
 *   and `diff`, the beginning of the diff of what is held, without files that hold what looks like a key
 */
async function assertAllowed(
  context: AttemptContext,
  { routed, proposed, verified }: Evidence,
  text: string,
  heldSearch: Adapters['heldSearch'],
): Promise<AllowedChange[]> {
  const { headSha } = verified
  const commit = { project: routed.project, baseSha: proposed.baseSha, headSha, signal: context.signal }
  const published: PublishedCommit = { ...commit, rules: await context.protection(), text }
  const held = await heldSearch.find(published)
  const judged = await withAllowances(held, { context, commit, heldSearch })
  const waiting = judged.filter(({ by }) => by === undefined).map(({ change }) => change)
  if (waiting.length === 0) return judged.flatMap(({ change, by }) => (by === undefined ? [] : [{ change, by }]))
  const diff = await heldSearch.diffOf(commit, shownPaths(waiting), MOST_OF_DIFF)
  const details = { ...heldDetails(waiting, headSha), diff }
  throw new Fault('protected_change', heldMessage(heldCommit(waiting, headSha), routed.shortId), details)
}

type Judging = {
  context: AttemptContext
  commit: Omit<PublishedCommit, 'rules' | 'text'>
  heldSearch: Adapters['heldSearch']
}

/** Each with what allows it: said of the commit, or of what it was before the base alone was merged in. */
async function withAllowances(held: readonly HeldChange[], { context, commit, heldSearch }: Judging) {
  const { headSha } = commit
  const allowances = held.length === 0 ? [] : await context.allowances()
  const judged: { change: HeldChange; by: Allowance | undefined }[] = held.map((change) => ({
    change,
    by: allowanceFor(change, headSha, allowances),
  }))
  const earlier = new Set(allowances.flatMap((one) => (one.headSha === null ? [] : [one.headSha])))
  if (earlier.size === 0 || judged.every(({ by }) => by !== undefined)) return judged
  const merged = await heldSearch.mergedSince(commit, earlier)
  return judged.map(({ change, by }) => ({
    change,
    by: by === undefined ? allowanceBefore(change, merged, allowances) : by,
  }))
}

function shownPaths(held: readonly HeldChange[]): string[] {
  const withKeys = new Set(held.filter(({ fingerprint }) => fingerprint !== null).map(({ path }) => path))
  return [...new Set(held.flatMap(({ path }) => (path === null || withKeys.has(path) ? [] : [path])))]
}
