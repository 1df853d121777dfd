import type { Kysely } from 'kysely'
import type { Clock } from '../clock.ts'
import { getProposerConfig, type ProposerConfig } from '../db/proposer-configs.ts'
import type { Database } from '../db/schema.ts'
import { applyEdits } from '../edits/apply-edits.ts'
import type { FileChange } from '../edits/edited-tree.ts'
import { parseEdits } from '../edits/parse-edits.ts'
import { isOf } from '../faults/families.ts'
import { Fault, toldToModel } from '../faults/fault.ts'
import { MAX_OUTPUT_TOKENS, type ModelAnswer, type ModelCall, type ModelMessage } from '../models/model-answer.ts'
import type { Models } from '../models/models.ts'
import { NO_USD } from '../money.ts'
import type { BaseTree, ProposeInput, Proposer, ProposerResponse, Said } from '../ports/proposal.ts'
import type { RefuseSecrets } from '../redaction/prompt-secrets.ts'
import { withWaysOut } from '../work-order/ways-out.ts'
import { conflictRefinement, conflictText, markerLeft, partsOfConflict } from './conflict-message.ts'
import { buildPrompt, refinementMessage } from './prompt.ts'
import { carriesOutNone, repairConversation, repairRefinement } from './repair-message.ts'
import { lookAt, notShown, partsOf, type Sight, type SightLimits, shownFiles } from './sight.ts'

const SHOWN_REASON = 300
const KEPT_REASON = 1_000

export type ProposerOptions = SightLimits & {
  db: Kysely<Database>
  models: Pick<Models, 'call' | 'remember'>
  clock: Clock
  refuseSecrets: RefuseSecrets
}

/**
 * Our own Proposer: shows a model the files in scope, with what is to be read beside them, and has it answer in edits. An
 * answer that cannot be applied to the base commit goes back to it with the exact reason.
 */
export function createProposer(options: ProposerOptions): Proposer {
  return {
    async propose(input) {
      const startedAt = options.clock.now().getTime()
      const { config, sight, ...prompt } = await firstQuestion(options, input)
      options.refuseSecrets([...partsOf(input.request, sight), ...partsOfConflict(input.repair)])
      const missing = notShown(sight, input.contextFiles)
      // Before a repair it was said already.
      if (missing !== null && input.repair === null) await input.onProgress(missing)
      const shown = shownFiles(sight)
      await input.onShown(shown)
      const refined = await refine(options, config, input, prompt)
      const durationMs = options.clock.now().getTime() - startedAt
      return { ...toResponse(config, refined, durationMs), shown }
    },
  }
}

type Asking = Pick<ProposeInput, 'proposer' | 'request' | 'base' | 'contextFiles' | 'wanted' | 'previousFailure'>

/** What a proposal begins with: the proposer as it is configured now, and what it is told. @throws {Fault} those of `lookAt` */
export async function firstQuestion(
  options: SightLimits & Pick<ProposerOptions, 'db'>,
  input: Asking,
): Promise<{ config: ProposerConfig; sight: Sight; messages: ModelMessage[]; offersTools: boolean }> {
  const config = await getProposerConfig(options.db, input.proposer)
  const sight = await lookAt(input.base, input, options, config.contextTokens)
  const form = input.wanted === 'text' ? 'text' : config.answerForm
  const messages = buildPrompt(input.request, sight, { form, previousFailure: input.previousFailure })
  return { config, sight, messages, offersTools: form === 'tools' }
}

/** Answers and why they were sent back, oldest first; the last answer is the proposal, `said` what came before it. */
type Refinement = { answers: ModelAnswer[]; faults: Fault[]; said: Said[]; format: 'edits' | 'text' }

async function refine(
  { models }: Pick<ProposerOptions, 'models'>,
  proposer: ProposerConfig,
  input: ProposeInput,
  prompt: Required<Pick<ModelCall, 'messages' | 'offersTools'>>,
): Promise<Refinement> {
  const { workOrderId, attempt, title, signal, onProgress, mostCalls, repair } = input
  const said = repair === null ? [] : toldOf(repair)
  const memory = await models.remember({ workOrderId, attempt })
  const answers: ModelAnswer[] = []
  const faults: Fault[] = []
  for (let turn = 1; turn <= mostCalls; turn += 1) {
    await onProgress(callingMessage(proposer, turn, mostCalls))
    const call = {
      ...prompt,
      proposer,
      messages: [...prompt.messages, ...said],
      maxOutputTokens: MAX_OUTPUT_TOKENS,
      signal,
    }
    const answer = await models
      .call({ ...call, workOrderId, attempt, turn, task: taskOf(title, repair), memory })
      .catch((error: unknown) => {
        throw error instanceof Fault ? withAnswers(error, answers.length) : error
      })
    if (answer.remembered) await onProgress(`answer ${turn} was given before; nothing is paid for it`)
    answers.push(answer)
    const judged = answer.unclear === null ? await judge(answer.text, input) : answer.unclear
    if (!(judged instanceof Fault)) return { answers, faults, said, format: judged }
    const none = carriesOutNone(answer.text, judged, input)
    if (none !== null) throw withAnswers(none, answers.length)
    faults.push(judged)
    const next = turn < mostCalls ? 'asking again' : 'giving up'
    await onProgress(`answer ${turn} does not apply: ${cut(judged.message, SHOWN_REASON)}; ${next}`)
    if (turn === mostCalls) break
    const again = repair === null ? refinementMessage(toldToModel(judged)) : refinementOf(repair, toldToModel(judged))
    said.push({ role: 'assistant', content: answer.text }, again)
  }
  const last = faults.at(-1)?.code
  const isText = last !== 'change_out_of_scope' && last !== 'reasoning_unclear'
  if (repair === null && input.wanted === 'edits_or_text' && isText) return { answers, faults, said, format: 'text' }
  throw exhausted(proposer, faults, input)
}

/** What an answer counts as; a Fault: as nothing yet. */
async function judge(text: string, { base, request, wanted, repair }: ProposeInput): Promise<'edits' | 'text' | Fault> {
  if (repair !== null) {
    const allows = 'conflict' in repair ? (changes: readonly FileChange[]) => markerLeft(repair, changes) : () => null
    return (await faultOfEdits(text, repair.changed, request.context, allows)) ?? 'edits'
  }
  const fault = await faultOfEdits(text, base, request.context)
  if (fault === null) return 'edits'
  const isText = wanted === 'text' || (wanted === 'edits_or_text' && fault.code === 'edits_missing')
  return isText ? 'text' : fault
}

/** A repair has recordings of its own. */
function taskOf(title: string, repair: ProposeInput['repair']): string {
  if (repair === null) return title
  return 'conflict' in repair ? `${title} (conflict)` : `${title} (repair ${repair.number})`
}

const toldOf = (repair: NonNullable<ProposeInput['repair']>): Said[] =>
  'conflict' in repair ? [{ role: 'user', content: conflictText(repair) }] : repairConversation(repair)

const refinementOf = (repair: NonNullable<ProposeInput['repair']>, reason: string): Said =>
  'conflict' in repair ? conflictRefinement(reason) : repairRefinement(reason)

/** An answer that was cut off or refused is one too. */
function withAnswers({ code, message, details, cause }: Fault, before: number): Fault {
  const answers = before + (code.startsWith('model_answer_') ? 1 : 0)
  return new Fault(code, message, { ...details, answers }, cause)
}

function callingMessage({ name, provider }: ProposerConfig, turn: number, mostCalls: number): string {
  const what = provider === 'replay' ? `reading the recorded answer of ${name}` : `calling ${name}`
  return turn === 1 ? `${what} …` : `${what}, refinement ${turn - 1} of ${mostCalls - 1} …`
}

/**
 * A change that stays outside of the scope to the end says so itself: it names the files a human may want to add. People are
 * told each reason once; what helps against a conflict or a failed check is said by who asked for that to be mended.
 */
function exhausted(
  proposer: ProposerConfig,
  faults: readonly Fault[],
  { workOrderId, repair }: Pick<ProposeInput, 'workOrderId' | 'repair'>,
): Fault {
  const last = faults.at(-1)
  if (last?.code === 'change_out_of_scope') return withAnswers(last, faults.length)
  const which = faults.length === 1 ? 'The answer' : `None of the ${faults.length} answers`
  const said = `${which} of ${proposer.name} can${faults.length === 1 ? 'not' : ''} be applied.`
  const id = workOrderId === null ? null : workOrderId.slice(0, 8)
  const how =
    id === null
      ? '.'
      : `, and have it asked anew: moose edit ${id}   then: moose approve ${id}   then: moose retry ${id} --fresh`
  const advice = repair === null ? [`Make the work order more precise${how}`] : []
  const reasons = faults.map((fault, index) => `answer ${index + 1}: ${cut(toldToModel(fault), KEPT_REASON)}`)
  const told = withWaysOut([said, ...reasonsOnce(faults)].join('\n'), advice)
  const details = {
    proposer: proposer.name,
    answers: faults.length,
    for_model: `${said}\n${reasons.join('\n')}`,
    ...(advice.length === 0 ? {} : told.details),
  }
  return new Fault('proposal_rejected', told.message, details, last)
}

/** Such as `answers 1, 2: The edits do not apply: …`. */
function reasonsOnce(faults: readonly Fault[]): string[] {
  const numbered = faults.map(({ message }, index) => ({ reason: cut(message, SHOWN_REASON), number: index + 1 }))
  return [...Map.groupBy(numbered, ({ reason }) => reason)].map(
    ([reason, of]) => `answer${of.length === 1 ? '' : 's'} ${of.map(({ number }) => number).join(', ')}: ${reason}`,
  )
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
    refinement_metadata: { cycles: answers.length, rejections: faults.map(toldToModel) },
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
      cache_read: sum(({ usage: { cache_read = 0 } }) => cache_read),
      cache_write: sum(({ usage: { cache_write = 0 } }) => cache_write),
    },
    replayed: answers.some(({ replayed }) => replayed),
  }
}

/**
 * Why an answer cannot be applied to the base commit; null when it can. Nothing is written.
 *
 * @param refused of changes that can be applied, why they do not count all the same; null: they do
 */
export async function faultOfEdits(
  text: string,
  base: BaseTree,
  scope: readonly string[],
  refused: (changes: readonly FileChange[]) => Fault | null = () => null,
): Promise<Fault | null> {
  try {
    const read = (path: string) => base.read(path)
    const isExecutable = (path: string) => base.isExecutable(path)
    const files = scope.some((entry) => entry.endsWith('/')) ? await base.list() : []
    return refused(await applyEdits(parseEdits(text, scope, files), { read, isExecutable, scope, files }))
  } catch (error) {
    if (error instanceof Fault && isOf('correctable', error.code)) return error
    throw error
  }
}
