import type { Kysely } from 'kysely'
import type { Clock } from '../clock.ts'
import { getProposerConfig, type ProposerConfig } from '../db/proposer-configs.ts'
import type { Database } from '../db/schema.ts'
import { applyEdits } from '../edits/apply-edits.ts'
import { parseEdits } from '../edits/parse-edits.ts'
import { isOf } from '../faults/families.ts'
import { Fault } from '../faults/fault.ts'
import { MAX_OUTPUT_TOKENS, type ModelAnswer, type ModelMessage } from '../models/model-answer.ts'
import type { Models } from '../models/models.ts'
import { NO_USD } from '../money.ts'
import type { BaseTree, ProposeInput, Proposer, ProposerRequest, ProposerResponse, Said } from '../ports/proposal.ts'
import type { PromptPart, RefuseSecrets } from '../redaction/prompt-secrets.ts'
import { buildPrompt, refinementMessage } from './prompt.ts'
import { repairConversation, repairRefinement } from './repair-message.ts'
import { readScopeFiles, type ScopeFile } from './scope-files.ts'

/** The first answer and three refinements. */
const MAX_CALLS = 4
/** The same of a repair. */
const MAX_REPAIR_CALLS = 2
const SHOWN_REASON = 300
const KEPT_REASON = 1_000

export type ProposerOptions = {
  db: Kysely<Database>
  models: Pick<Models, 'call' | 'remember'>
  /** Bytes of file content one proposal may carry. */
  contextMaxBytes: number
  clock: Clock
  refuseSecrets: RefuseSecrets
}

/**
 * Our own Proposer: shows a model the files in scope and has it answer in edits. An answer that cannot be applied to
 * the base commit goes back to it with the exact reason.
 */
export function createProposer(options: ProposerOptions): Proposer {
  return {
    async propose(input) {
      const startedAt = options.clock.now().getTime()
      const config = await getProposerConfig(options.db, input.proposer)
      const { request, base } = input
      const files = await readScopeFiles(base, request.context, options.contextMaxBytes)
      const paths = await base.list()
      options.refuseSecrets(partsOf(request, files, paths))
      const prompt = buildPrompt(request, files, paths, input)
      const refined = await refine(options, config, input, prompt)
      return toResponse(config, refined, options.clock.now().getTime() - startedAt)
    },
  }
}

/** What the first prompt is made of, but for an earlier failure, which is told without secrets. */
function partsOf(request: ProposerRequest, files: readonly ScopeFile[], paths: readonly string[]): PromptPart[] {
  const texts = files.flatMap((file) =>
    file.kind === 'text' ? [{ place: file.path, text: file.lines.join('\n'), hasLines: true }] : [],
  )
  const names = { place: "the names of the repository's files", text: paths.join('\n') }
  return [{ place: 'the task', text: request.task_description }, ...texts, names]
}

/** Answers and why they were sent back, oldest first; the last answer is the proposal, `said` what came before it. */
type Refinement = { answers: ModelAnswer[]; faults: Fault[]; said: Said[]; format: 'edits' | 'text' }

async function refine(
  { models }: Pick<ProposerOptions, 'models'>,
  proposer: ProposerConfig,
  input: ProposeInput,
  prompt: readonly ModelMessage[],
): Promise<Refinement> {
  const { workOrderId, attempt, title, signal, onProgress } = input
  const { repair } = input
  const said = repair === null ? [] : repairConversation(repair)
  const most = repair === null ? MAX_CALLS : MAX_REPAIR_CALLS
  const memory = await models.remember(workOrderId)
  const answers: ModelAnswer[] = []
  const faults: Fault[] = []
  for (let turn = 1; turn <= most; turn += 1) {
    await onProgress(callingMessage(proposer, turn, most))
    const call = { proposer, messages: [...prompt, ...said], maxOutputTokens: MAX_OUTPUT_TOKENS, signal }
    const answer = await models.call({ ...call, workOrderId, attempt, turn, task: taskOf(title, repair), memory })
    if (answer.remembered) await onProgress(`the order has been given answer ${turn} before; nothing is paid for it`)
    answers.push(answer)
    const judged = answer.unclear === null ? await judge(answer.text, input) : answer.unclear
    if (!(judged instanceof Fault)) return { answers, faults, said, format: judged }
    faults.push(judged)
    const next = turn < most ? 'asking again' : 'giving up'
    await onProgress(`answer ${turn} does not apply: ${cut(judged.message, SHOWN_REASON)}; ${next}`)
    if (turn === most) break
    const again = repair === null ? refinementMessage(judged.message) : repairRefinement(judged.message)
    said.push({ role: 'assistant', content: answer.text }, again)
  }
  const last = faults.at(-1)?.code
  const isText = last !== 'change_out_of_scope' && last !== 'reasoning_unclear'
  if (repair === null && input.wanted === 'edits_or_text' && isText) return { answers, faults, said, format: 'text' }
  throw exhausted(proposer, faults)
}

/** What an answer counts as; a Fault: as nothing yet. */
async function judge(text: string, { base, request, wanted, repair }: ProposeInput): Promise<'edits' | 'text' | Fault> {
  if (repair !== null) return (await faultOfEdits(text, repair.changed, request.context)) ?? 'edits'
  const fault = await faultOfEdits(text, base, request.context)
  if (fault === null) return 'edits'
  const isText = wanted === 'text' || (wanted === 'edits_or_text' && fault.code === 'edits_missing')
  return isText ? 'text' : fault
}

/** A repair has recordings of its own. */
function taskOf(title: string, repair: ProposeInput['repair']): string {
  return repair === null ? title : `${title} (repair ${repair.number})`
}

function callingMessage({ name, provider }: ProposerConfig, turn: number, most: number): string {
  const what = provider === 'replay' ? `reading the recorded answer of ${name}` : `calling ${name}`
  return turn === 1 ? `${what} …` : `${what}, refinement ${turn - 1} of ${most - 1} …`
}

/** A change that stays outside of the scope to the end says so itself: it names the files a human may want to add. */
function exhausted(proposer: ProposerConfig, faults: readonly Fault[]): Fault {
  const last = faults.at(-1)
  if (last?.code === 'change_out_of_scope') return last
  const reasons = faults.map(({ message }, index) => `answer ${index + 1}: ${cut(message, KEPT_REASON)}`)
  const message =
    `None of the ${faults.length} answers of ${proposer.name} can be applied. Make the work order more precise or ` +
    `let another proposer do it.\n${reasons.join('\n')}`
  return new Fault('proposal_rejected', message, { proposer: proposer.name, answers: faults.length }, last)
}

function cut(text: string, length: number): string {
  const line = text.replace(/\s+/g, ' ').trim()
  return line.length > length ? `${line.slice(0, length)}…` : line
}

function toResponse(
  { name, model }: ProposerConfig,
  { answers, faults, said, format }: Refinement,
  executionTimeMs: number,
): ProposerResponse {
  return {
    content: answers
      .slice(-1)
      .map(({ text }) => text)
      .join(''),
    proposer_used: name,
    model,
    ...addUp(answers),
    execution_time_ms: executionTimeMs,
    refinement_metadata: { cycles: answers.length, rejections: faults.map(({ message }) => message) },
    ...(said.length === 0 ? {} : { said_before: said }),
    format,
  }
}

/** What the answers of one proposal cost together, as the specification's response states it. */
function addUp(answers: readonly ModelAnswer[]): Required<Pick<ProposerResponse, 'cost' | 'token_usage' | 'replayed'>> {
  const sum = (tokens: (answer: ModelAnswer) => number) => answers.reduce((total, answer) => total + tokens(answer), 0)
  return {
    cost: answers.reduce((total, { costUsd }) => total.plus(costUsd), NO_USD).toNumber(),
    token_usage: {
      input: sum(({ usage }) => usage.input),
      output: sum(({ usage }) => usage.output),
      total: sum(({ usage }) => usage.total),
    },
    replayed: answers.some(({ replayed }) => replayed),
  }
}

/** Why an answer cannot be applied to the base commit; null when it can. Nothing is written. */
export async function faultOfEdits(text: string, base: BaseTree, scope: readonly string[]): Promise<Fault | null> {
  try {
    await applyEdits(parseEdits(text), { read: (path) => base.read(path), scope })
    return null
  } catch (error) {
    if (error instanceof Fault && isOf('correctable', error.code)) return error
    throw error
  }
}
