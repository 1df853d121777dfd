import { Fault, type FaultRecord } from '../../faults/fault.ts'
import { faultPoint } from '../../faults/fault-point.ts'
import type { CheckResult, ProjectConfig } from '../../ports/execution.ts'
import type { CarriedSecret } from '../../ports/secret-search.ts'
import type { ChangedFile } from '../../ports/workspace.ts'
import { branchNames } from '../../work-order/naming.ts'
import { isInScope } from '../../work-order/scope.ts'
import type { Adapters, AttemptContext } from '../context.ts'
import type { Applied } from './apply.ts'
import type { Proposed } from './propose.ts'
import type { Routed } from './route.ts'

/** The result of verifying one commit, kept whether or not it passed. */
export type Verified = {
  headSha: string
  /** What git says has changed since the base. */
  files: ChangedFile[]
  /** In the order they ran; empty when the project has none. */
  checks: CheckResult[]
  /** Null: everything passed. */
  failure: FaultRecord | null
}

/**
 * Verifies the commit that would be pushed: its scope, then whether it contains a secret of Moose, then the
 * project's checks as the base commit has them.
 *
 * @throws {Fault} `checks_invalid`; a failed scope or check and a secret are results
 */
export async function verify(
  context: AttemptContext,
  done: { routed: Routed; proposed: Proposed; applied: Applied },
  adapters: Pick<Adapters, 'workspaces' | 'secretSearch' | 'checkRunner' | 'parseMooseYaml'>,
): Promise<Verified> {
  const { project, order, shortId } = done.routed
  const { headSha } = done.applied
  const { workspaces } = adapters
  const files = await workspaces.changedFiles(project, done.proposed.baseSha, headSha)
  const outside = files.map(({ path }) => path).filter((path) => !isInScope(path, order.files_in_scope))
  if (outside.length > 0) return { headSha, files, checks: [], failure: outOfScope(outside).toRecord() }
  const secret = await adapters.secretSearch.find({
    project,
    baseSha: done.proposed.baseSha,
    headSha,
    branches: branchNames({ pattern: project.branchPattern, shortId, title: order.title, attempt: context.attempt }),
    signal: context.signal,
  })
  if (secret !== null) return { headSha, files, checks: [], failure: secretInChange(secret, shortId).toRecord() }
  const mooseYaml = await workspaces.tree(project, done.proposed.baseSha).read('moose.yaml')
  const config = adapters.parseMooseYaml(mooseYaml === null ? null : mooseYaml.toString('utf8'))
  if (config.checks.length === 0) await context.note('the project has no checks (moose.yaml)')
  const results = await runChecks(context, done, adapters, config)
  return { headSha, files, checks: results, failure: checkFailure(results) }
}

async function runChecks(
  context: AttemptContext,
  { routed, proposed, applied }: { routed: Routed; proposed: Proposed; applied: Applied },
  { workspaces, checkRunner }: Pick<Adapters, 'workspaces' | 'checkRunner'>,
  config: ProjectConfig,
): Promise<CheckResult[]> {
  const { checks } = config
  if (checks.length === 0) return []
  const { workOrderId, attempt, signal, output } = context
  await using workspace = await workspaces.open({
    project: routed.project,
    workOrderId,
    attempt,
    sha: applied.headSha,
    base: proposed.baseSha,
    signal,
  })
  const results: CheckResult[] = []
  for (const check of checks) {
    const criteria = routed.order.acceptance_criteria
    const options = { workspace, config, criteria, signal, onOutput: output }
    const result = await faultPoint('check', () => checkRunner.run(check, options))
    await context.note(
      `check ${check.name} ${result.outcome.replace('_', ' ')} in ${(result.durationMs / 1000).toFixed(1)}s`,
    )
    results.push(result)
  }
  return results
}

function outOfScope(paths: readonly string[]): Fault {
  const message = `The change touches ${paths.join(', ')}, outside files_in_scope. Widen the scope and approve it again, or retry.`
  return new Fault('change_out_of_scope', message, { files: paths.join(', ') })
}

/** The fault is not told to a model: the secret came from the order or from a file. */
function secretInChange({ name, ...where }: CarriedSecret, shortId: string): Fault {
  const message =
    `The change holds a secret Moose was given (${name}): ${where.place}. Nothing was pushed. Most likely it stands in ` +
    'the order or in a file that the model was shown: take it out there, and renew it, because a model has seen it. ' +
    `To correct the order: moose edit ${shortId}   Then: moose retry ${shortId}`
  return new Fault('secret_in_change', message, { secret: name, ...where })
}

/** The fault of the first check that did not pass; null when all passed. */
export function checkFailure(results: readonly CheckResult[]): FaultRecord | null {
  const failed = results.find(({ outcome }) => outcome !== 'passed')
  if (failed === undefined) return null
  const how =
    failed.outcome === 'failed' ? `failed with exit code ${failed.exitCode}` : failed.outcome.replace('_', ' ')
  const message = `Check "${failed.name}" (${failed.run}) ${how}. ${lastLines(failed.outputTail)}`
  return new Fault('check_failed', message, {
    check: failed.name,
    outcome: failed.outcome,
    exit_code: failed.exitCode,
  }).toRecord()
}

function lastLines(output: string): string {
  if (output.trim() === '') return 'It printed nothing.'
  return `Its last lines:\n${output.trimEnd().split('\n').slice(-12).join('\n')}`
}
