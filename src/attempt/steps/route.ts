import { Fault } from '../../faults/fault.ts'
import { describeProblems, fieldProblems } from '../../faults/schema-problems.ts'
import type { RoutingDecision } from '../../ports/routing.ts'
import type { PromptPart } from '../../redaction/prompt-secrets.ts'
import { WorkOrderContent } from '../../work-order/content.ts'
import { withoutHidden } from '../../work-order/hidden-text.ts'
import { branchNames } from '../../work-order/naming.ts'
import type { Project } from '../../work-order/project.ts'
import { assertWantedReady } from '../choose-executor.ts'
import type { Adapters, AttemptContext } from '../context.ts'

export type Routed = {
  shortId: string
  order: WorkOrderContent
  project: Project
  decision: RoutingDecision
  /** The attempt whose commit is verified; missing: the attempt makes a change of its own. */
  verifies?: number
}

/**
 * Checks the order, finds its repository and asks the Manager for a proposer: the one decision of this attempt.
 *
 * @throws {Fault} `work_order_invalid`, `files_in_scope_required`, `project_required`, `command_missing` (the executor),
 *   `sandbox_unavailable`, `secret_in_prompt`,
 *   those of `Forge.assertReady` and `Workspaces.assertReady`, `no_able_proposer`, …
 */
export async function route(
  context: AttemptContext,
  {
    manager,
    executors,
    buildRoutingRequest,
    forges,
    workspaces,
    images,
    refuseSecrets,
  }: Pick<
    Adapters,
    'manager' | 'executors' | 'buildRoutingRequest' | 'forges' | 'workspaces' | 'images' | 'refuseSecrets'
  >,
): Promise<Routed> {
  const content = checkedContent(context)
  refuseSecrets(partsOf(content))
  // Before anything is spent.
  await assertWantedReady(executors)
  const { order, ...ready } = await assertReadyForOrder(context, { forges, workspaces, images })
  const decision = await manager.route(buildRoutingRequest(context.workOrderId, order), context.signal)
  await context.note(`${decision.selected_proposer}: ${decision.reason}`)
  return { ...ready, order, decision }
}

/**
 * Checks the order and finds its repository, and whether an attempt of it could be checked and published there.
 *
 * @throws {Fault} as `route`, but those of executor, Manager and prompt
 */
export async function assertReadyForOrder(
  context: AttemptContext,
  { forges, workspaces, images }: Pick<Adapters, 'forges' | 'workspaces' | 'images'>,
): Promise<Omit<Routed, 'decision'>> {
  const order = checkedContent(context)
  const project = await context.project()
  await images.assertUsable(project.sandboxImage)
  await forges[project.forge].assertReady(project, context.signal)
  const shortId = await context.shortId()
  const named = { pattern: project.branchPattern, shortId, title: order.title, attempt: context.attempt }
  await workspaces.assertReady(project, branchNames(named), context.signal)
  return { shortId, order, project }
}

/** As it stands, and as a model is told it: what is hidden within a secret is taken out there. */
function partsOf({
  title,
  description,
  acceptance_criteria: criteria,
  files_in_scope: files,
}: WorkOrderContent): PromptPart[] {
  const fields = { title, description, acceptance_criteria: criteria.join('\n'), files_in_scope: files.join('\n') }
  return Object.entries(fields).map(([field, text]) => ({
    place: `the order's ${field}`,
    text: `${text}\n\n${withoutHidden(text)}`,
  }))
}

function checkedContent({ content, workOrderId }: AttemptContext): WorkOrderContent {
  const parsed = WorkOrderContent.safeParse(content)
  if (!parsed.success) {
    const problems = describeProblems(fieldProblems(parsed.error))
    const message = `The work order cannot be carried out: ${problems}. Correct it, approve it again and retry.`
    throw new Fault('work_order_invalid', message, { id: workOrderId, problems })
  }
  if (parsed.data.files_in_scope.length === 0) {
    const message = 'files_in_scope required: name the files this order may change, approve it again and retry.'
    throw new Fault('files_in_scope_required', message, { id: workOrderId })
  }
  return parsed.data
}
