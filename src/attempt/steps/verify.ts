import { toldPart } from '../../checks/output-tail.ts'
import type { BaseCheck } from '../../contract/base-checks.ts'
import { usefulLine } from '../../contract/evidence/useful-line.ts'
import { Fault, type FaultRecord } from '../../faults/fault.ts'
import { faultPoint } from '../../faults/fault-point.ts'
import type { KnownBase } from '../../ports/base-checks.ts'
import type { CheckResult } from '../../ports/execution.ts'
import type { CarriedSecret } from '../../ports/secret-search.ts'
import type { ChangedFile } from '../../ports/workspace.ts'
import { branchNames } from '../../work-order/naming.ts'
import { type Verification, verificationOf } from '../../work-order/proves.ts'
import { isInScope } from '../../work-order/scope.ts'
import type { Adapters, AttemptContext } from '../context.ts'
import type { Applied } from './apply.ts'
import { openChecked } from './checked-workspace.ts'
import { knowBase } from './prepare.ts'
import type { Proposed } from './propose.ts'
import type { Routed } from './route.ts'

/** The result of verifying one commit, kept whether or not it passed. */
export type Verified = {
  headSha: string
  /** What git says has changed since the base. */
  files: ChangedFile[]
  /** In the order they ran; empty when the project has none. */
  checks: CheckResult[]
  /** What `proves` of a check names that is no criterion of the order. */
  unmatched: Verification['unmatched']
  /** Null: everything passed, or fails as it did on the base commit. */
  failure: FaultRecord | null
}

/**
 * Verifies the commit that would be pushed: whether it changes anything, its scope, then whether it contains a secret of Moose, then the
 * project's checks as the base commit has them, compared with what they do there.
 *
 * @throws {Fault} those of `BaseChecks.know`, where another home takes the attempt over or what is known was forgotten; a
 *   change without effect, a failed scope or check, and a secret are results
 */
export async function verify(context: AttemptContext, done: Done, adapters: Parts): Promise<Verified> {
  const { project, order, shortId } = done.routed
  const { headSha } = done.applied
  const { workspaces } = adapters
  const files = await workspaces.changedFiles(project, done.proposed.baseSha, headSha)
  const outside = files.map(({ path }) => path).filter((path) => !isInScope(path, order.files_in_scope))
  const unchecked = { headSha, files, checks: [], unmatched: [] }
  const isOurs = done.applied.byHand !== true
  if (isOurs && files.length === 0) return { ...unchecked, failure: withoutEffect(shortId).toRecord() }
  if (isOurs && outside.length > 0) return { ...unchecked, failure: outOfScope(outside).toRecord() }
  const secret = await adapters.secretSearch.find({
    project,
    baseSha: done.proposed.baseSha,
    headSha,
    branches: branchNames({ pattern: project.branchPattern, shortId, title: order.title, attempt: context.attempt }),
    signal: context.signal,
  })
  if (secret !== null) return { ...unchecked, failure: secretInChange(secret, shortId).toRecord() }
  const base = await knowBase(context, project, done.proposed.baseSha, adapters)
  const { config } = base
  if (config.checks.length === 0) {
    await context.note('the project has no checks (moose.yaml)')
    return { ...unchecked, failure: null }
  }
  const { checks, isSetUpAgain } = await runChecks(context, done, adapters, base)
  const failure = checkFailure(checks)
  // With set-up on top of its base's, it is not yet known what the commit does as a base.
  if (failure === null && !isSetUpAgain) await adapters.bases.keep(project, { sha: headSha, config }, checks)
  const { unmatched } = verificationOf(config.checks, order.acceptance_criteria)
  return { headSha, files, checks, unmatched, failure }
}

type Done = { routed: Routed; proposed: Pick<Proposed, 'baseSha'>; applied: Applied }
type Parts = Pick<Adapters, 'workspaces' | 'secretSearch' | 'checkRunner' | 'setUp' | 'bases'>

/** @returns set-up alone where the change needs another one than its base, and that fails */
async function runChecks(
  context: AttemptContext,
  done: Done,
  adapters: Parts,
  base: KnownBase,
): Promise<{ checks: CheckResult[]; isSetUpAgain: boolean }> {
  const { signal, output } = context
  const { project, order } = done.routed
  const { config } = base
  await using opened = await openChecked(context, { ...done, headSha: done.applied.headSha }, adapters, base)
  const { workspace, setUpAgain } = opened
  const isSetUpAgain = setUpAgain !== null
  if (setUpAgain !== null && setUpAgain.outcome !== 'passed') return { checks: [setUpAgain], isSetUpAgain }
  const change = await changeFor(done, adapters, base)
  const results: CheckResult[] = []
  for (const check of config.checks) {
    const criteria = order.acceptance_criteria
    const before = base.checks.find(({ name }) => name === check.name)
    const ofBase = before === undefined ? {} : { base: { check: before, change } }
    const options = {
      workspace,
      project,
      use: 'checks',
      criteria,
      signal,
      onOutput: output,
      config,
      ...ofBase,
    } as const
    const result = await faultPoint('check', () => adapters.checkRunner.run(check, options))
    await context.note(noteOf(result, before))
    results.push(result)
  }
  return { checks: results, isSetUpAgain }
}

/** The whole change as a diff, where it decides what of a failing check is old; null: it is longer than is read. */
async function changeFor(
  { routed: { project }, proposed, applied }: Done,
  { workspaces }: Pick<Adapters, 'workspaces'>,
  { checks }: KnownBase,
): Promise<string | null> {
  if (checks.every(({ outcome }) => outcome === 'passed')) return ''
  const diff = await workspaces.diff(project, proposed.baseSha, applied.headSha, MOST_OF_DIFF)
  return Buffer.byteLength(diff) < MOST_OF_DIFF ? diff : null
}

function noteOf({ name, outcome, durationMs, baseline }: CheckResult, before: BaseCheck | undefined): string {
  const known = baseline ? ', only in what failed before this change as well' : ''
  const mended = outcome === 'passed' && before !== undefined && before.outcome !== 'passed'
  const how = `${outcome.replace('_', ' ')}${known}${mended ? ', which failed before this change' : ''}`
  return `check ${name} ${how} in ${(durationMs / 1000).toFixed(1)}s`
}

/** A repair or a `fix` may take back what the change had done; so may the base, where it has the change by now. */
function withoutEffect(shortId: string): Fault {
  const message =
    'The commit leaves every file as its base has it, so there is nothing to open a pull request of. See what the model ' +
    `answered: moose show ${shortId} --tries   Then describe the change more precisely: moose edit ${shortId}   and: moose retry ${shortId}`
  return new Fault('change_without_effect', message, { for_model: 'The commit leaves every file as its base has it.' })
}

function outOfScope(paths: readonly string[]): Fault {
  const message = `The change touches ${paths.join(', ')}, outside files_in_scope. Widen the scope and approve it again, or retry.`
  return new Fault('change_out_of_scope', message, { files: paths.join(', ') })
}

/** The fault is not told to a model. What Moose tells one is searched before, so the secret came from elsewhere. */
function secretInChange({ name, ...where }: CarriedSecret, shortId: string): Fault {
  const message =
    `The change holds a secret Moose was given (${name}): ${where.place}. Nothing was pushed. Renew it, because ` +
    'a model has seen it, and find where: neither the order nor the files that Moose shows a model hold it. ' +
    `To correct the order: moose edit ${shortId}   Then: moose retry ${shortId}`
  return new Fault('secret_in_change', message, { secret: name, ...where })
}

/** Whether a check did not pass, in other ways than on the base commit. */
export function isNewFailure({ outcome, baseline }: CheckResult): boolean {
  return outcome !== 'passed' && !baseline
}

/** The fault of the first check that did not pass; null when all passed, or fail as they did on the base commit. */
export function checkFailure(results: readonly CheckResult[]): FaultRecord | null {
  const failed = results.find(isNewFailure)
  if (failed === undefined) return null
  const message = `Check "${failed.name}" (${failed.run}) ${endingOf(failed)}`
  return new Fault('check_failed', message, {
    check: failed.name,
    outcome: failed.outcome,
    exit_code: failed.exitCode,
    ...(failed.told === undefined ? {} : { said: usefulLine(failed.told) }),
  }).toRecord()
}

function endingOf(failed: CheckResult): string {
  // It passed by its exit code, and what is told says why that does not count.
  if (failed.outcome === 'failed' && failed.exitCode === 0 && failed.told !== undefined)
    return failed.told.replace(/^It /, '')
  const how =
    failed.outcome === 'failed' ? `failed with exit code ${failed.exitCode}` : failed.outcome.replace('_', ' ')
  return `${how}. ${againstBase(failed)}${toldPart(failed)}`
}

/** What is new is said first: it is what a repair has to mend. */
function againstBase({ newFailures, failures, failedBefore }: CheckResult): string {
  if (!failedBefore) return ''
  if (newFailures === null)
    return 'It fails before this change as well, and what fails cannot be told apart, so nothing of it counts as old. '
  const old = (failures === null ? 0 : failures.length) - newFailures.length
  const names = newFailures.slice(0, MOST_NAMES).map((name) => name.slice(0, MOST_OF_NAME))
  const more = newFailures.length > MOST_NAMES ? `, and ${newFailures.length - MOST_NAMES} more` : ''
  return `New with this change: ${names.join(', ')}${more}. Before it ${old} of the others failed as well. `
}

const MOST_OF_DIFF = 8 * 1024 * 1024
/** Failures named in a message. */
const MOST_NAMES = 20
const MOST_OF_NAME = 200
