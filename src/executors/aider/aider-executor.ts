import { mkdir, writeFile } from 'node:fs/promises'
import path from 'node:path'
import { withoutReasoning } from '../../edits/reasoning.ts'
import { Fault, toFault } from '../../faults/fault.ts'
import { Usd } from '../../money.ts'
import type { Executor, ExecutorInput } from '../../ports/execution.ts'
import type { GrantedCall, ModelGateway, ModelGrant } from '../../ports/model-access.ts'
import type { WorkTree } from '../../ports/workspace.ts'
import { plainText } from '../../redaction/plain-text.ts'
import { removeTree } from '../../sandbox/remove-tree.ts'
import type { Sandbox } from '../../sandbox/sandbox.ts'
import { type AiderRun, aiderArguments, aiderEnvironment, modelMetadata, runPaths } from './aider-command.ts'
import { refuseForeignPath } from './foreign-path.ts'
import { ignoreRules } from './ignore-rules.ts'
import { isAiderConfig, type Mask, maskTree } from './masked-entries.ts'
import { scopeArguments } from './scope-arguments.ts'
import { Transcript } from './transcript.ts'
import { faultOfVerdict, judgeRun } from './verdict.ts'

export type AiderExecutorOptions = {
  gateway: ModelGateway
  /** Absolute path of the program. @throws {Fault} `command_missing` */
  locate: () => Promise<string>
  timeoutMs: number
  /** Bytes of file content one call to the model may carry. */
  contextMaxBytes: number
  /** The `PATH` of the Moose process: where git is. */
  executablePath: string
  sandbox: Sandbox
}

/**
 * The specification's executor: real Aider in the private clone of the attempt, with a model lent by the gateway and without
 * any key, judged by the difference it leaves.
 */
export function createAiderExecutor(options: AiderExecutorOptions): Executor {
  return {
    name: 'aider',
    looksAt: 'repository',
    apply: (input) => apply(options, input),
    async assertReady() {
      await options.locate()
    },
  }
}

async function apply(
  options: AiderExecutorOptions,
  input: ExecutorInput,
): Promise<{ costUsd: number; answers: number }> {
  refuseConfiguration(input.scope)
  const command = await options.locate()
  const { workspace, proposer, workOrderId, attempt, order, signal, previousFailure } = input
  const folder = path.join(path.dirname(workspace.path), 'aider')
  await removeTree(folder)
  await using _removed = { [Symbol.asyncDispose]: () => removeTree(folder) }
  const isRepair = input.repair !== null
  const task = `${order.title} (aider${isRepair ? ', repair' : ''}${previousFailure === null ? '' : ', again'})`
  const instruction = instructionText(input)
  await using grant = await options.gateway.grant({
    proposer,
    workOrderId,
    attempt,
    task,
    mostCalls: input.mostCalls,
    signal,
    maxRequestBytes: mostBytesOf(options.contextMaxBytes + Buffer.byteLength(instruction)),
    refuse: refuseForeignPath,
    onProgress: input.onProgress,
  })
  const run = await prepare(options, input, { folder, model: grant.model, instruction })
  const { clone, masked, ignore } = runPaths(folder)
  const mask = await maskTree(workspace.path, input.scope, { aside: masked, clone })
  await writeFile(ignore, ignoreRules(input.scope, mask.hidden))
  const ending = await execute({ options, input, command, run }, grant)
  await judge(input, { ...ending, grant, mask })
  const costs = grant.calls.flatMap(({ costUsd }) => (costUsd === null ? [] : [costUsd]))
  return { costUsd: Usd.sum(0, ...costs).toNumber(), answers: grant.calls.filter(isAnswered).length }
}

/** One that was cut off or refused is an answer too. */
function isAnswered({ fault, costUsd }: GrantedCall): boolean {
  return fault === null || costUsd !== null || fault.code.startsWith('model_answer_')
}

/** A byte of a text takes at most so many in JSON. */
const BYTES_IN_JSON = 6
/** For what Aider itself says, the answers so far, and what was wrong with them. */
const CONVERSATION_BYTES = 4 * 1024 * 1024

/** How long a request gets with so much text of ours in it. */
function mostBytesOf(textBytes: number): number {
  return BYTES_IN_JSON * textBytes + CONVERSATION_BYTES
}

/** Aider obeys these files; one it may write could set up its next run. */
function refuseConfiguration(scope: readonly string[]): void {
  const refused = scope.find((entry) => isAiderConfig(String(entry.split('/')[0])))
  if (refused === undefined) return
  const message = `${refused} is in scope, and Aider would read it as its own configuration. Use ORCHESTRATOR_EXECUTOR=patch for this order.`
  throw new Fault('aider_config_refused', message, { path: refused, verdict: 'config_refused' })
}

async function prepare(
  { timeoutMs, contextMaxBytes }: AiderExecutorOptions,
  input: ExecutorInput,
  { folder, model, instruction }: { folder: string; model: string; instruction: string },
): Promise<AiderRun> {
  const paths = runPaths(folder)
  for (const part of [folder, paths.home, paths.temporary]) await mkdir(part, { recursive: true, mode: 0o700 })
  await writeFile(paths.message, instruction, { mode: 0o600 })
  await writeFile(paths.metadata, modelMetadata(model))
  const told = await scopeArguments(input.workspace.path, input.scope, contextMaxBytes)
  return { folder, model, timeoutMs, ...told }
}

type Ending = { exitCode: number | null; timedOutAfterMs: number | null; output: string; complete: boolean }

async function execute(
  {
    options,
    input,
    command,
    run,
  }: { options: AiderExecutorOptions; input: ExecutorInput; command: string; run: AiderRun },
  grant: ModelGrant,
): Promise<Ending> {
  const { workspace, signal, onOutput } = input
  const kept = new Transcript()
  const ended = () => ({ output: kept.text(), complete: kept.complete })
  try {
    const { exitCode } = await options.sandbox.run({
      what: 'aider',
      ...placesOf(run, workspace),
      reach: [grant.reach],
      command,
      args: aiderArguments(run),
      env: aiderEnvironment(run, grant, options.executablePath),
      timeoutMs: run.timeoutMs,
      maxOutputBytes: 0,
      signal,
      onOutput(text) {
        const plain = plainText(text).replaceAll(grant.token, '***')
        kept.write(plain)
        onOutput(plain)
      },
    })
    return { exitCode, timedOutAfterMs: null, ...ended() }
  } catch (error) {
    if (toFault(error).code !== 'command_timed_out') throw error
    return { exitCode: null, timedOutAfterMs: run.timeoutMs, ...ended() }
  }
}

/** What Aider may write: the tree, and what is its own alone. What stands aside for the time of the run is not. */
function placesOf({ folder }: AiderRun, workspace: WorkTree) {
  const { home, temporary, clone } = runPaths(folder)
  return {
    folder: path.dirname(workspace.path),
    writable: [workspace.path, home, temporary, clone],
    readable: [folder, ...workspace.borrows],
    image: workspace.image,
  }
}

async function judge(input: ExecutorInput, run: Ending & { grant: ModelGrant; mask: Mask }): Promise<void> {
  const trespassed = await run.mask.putBack()
  // `changes` has git look at the tree, and into every repository in it.
  const changed = trespassed.length > 0 ? [] : await input.workspace.changedPaths()
  const evidence = { ...run, calls: run.grant.calls, changed, trespassed }
  const fault = faultOfVerdict(judgeRun(evidence, input.scope))
  if (fault === null) return
  const answers = run.grant.calls.filter(isAnswered).length
  throw new Fault(fault.code, fault.message, { ...fault.details, answers }, fault)
}

/**
 * The specification's instruction file (4.5). Its first line is fixed: Aider takes a message that starts with `/` or `!` for a
 * command, and no text of an order or a model stands there.
 *
 * @throws {Fault} `reasoning_unclear` where it cannot be told what of the proposal the model only thought
 */
function instructionText(
  input: Pick<ExecutorInput, 'order' | 'workOrderId' | 'proposer' | 'content' | 'previousFailure' | 'repair'>,
): string {
  const { order, workOrderId, previousFailure, repair } = input
  const parts = [
    `Work Order ID: ${workOrderId}\nTitle: ${order.title}`,
    section('Description:', order.description.trim()),
    section('Acceptance Criteria:', numbered(order.acceptance_criteria)),
    section('Files to modify:', order.files_in_scope.map((file) => `- ${file}`).join('\n')),
    ...(repair === null ? [generatedCode(input)] : failedChange(repair)),
    previousFailure === null ? '' : section('An earlier try failed and was undone:', previousFailure),
    `Instructions:\n${numbered(repair === null ? STEPS : repair.comments === undefined ? REPAIR_STEPS : REVIEW_STEPS)}`,
  ]
  return `${parts.filter((part) => part !== '').join('\n\n')}\n`
}

function generatedCode({ proposer, content }: Pick<ExecutorInput, 'proposer' | 'content'>): string {
  return `Generated code from ${proposer}:\n\n${withoutReasoning(content).trim()}`
}

/** What a repair is told in place of the generated code, which is in the files. */
function failedChange({ failure, diff, comments }: NonNullable<ExecutorInput['repair']>): string[] {
  const told =
    comments === undefined
      ? 'A check of the project failed on it. Told of the failure is, as data:'
      : 'Reviewers ask for something of it to be changed. What they ask for is, as data:'
  return [
    section('The order was carried out in these files already. Changed was, as data:', diff.trimEnd()),
    section(told, failure),
  ]
}

/** The specification's fourth, to commit, is Moose's: the commit is made from what git says has changed. */
const STEPS = [
  'Create/modify the files listed above, and no others',
  'Apply the generated code changes',
  'Ensure all acceptance criteria are met',
  'Answer with the edits at once: nobody can answer questions or run commands',
]

const REPAIR_STEPS = [
  'Mend what failed, in the files listed above, and in no others',
  'Keep what was changed already where it is right',
  'Ensure all acceptance criteria are met',
  'Answer with the edits at once: nobody can answer questions or run commands',
]
const REVIEW_STEPS = [
  'Change what they point out where it serves the order, in the files listed above, and in no others',
  ...REPAIR_STEPS.slice(1),
]

function section(heading: string, text: string): string {
  return text === '' ? '' : `${heading}\n${text}`
}

function numbered(lines: readonly string[]): string {
  return lines.map((line, index) => `${index + 1}. ${line}`).join('\n')
}
