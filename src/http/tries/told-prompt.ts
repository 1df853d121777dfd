import { failureSummary } from '../../attempt/failure-summary.ts'
import { toldBefore } from '../../attempt/told-before.ts'
import { shownFault } from '../../contract/work-orders.ts'
import { selectAttempt } from '../../db/attempts/attempts.ts'
import { askedUpTo, type FoundTry, proposalsOf } from '../../db/attempts/model-tries.ts'
import { projectOf } from '../../db/projects.ts'
import { listProposers } from '../../db/proposer-configs.ts'
import { isFaultCode, toFault } from '../../faults/fault.ts'
import type { ModelMessage } from '../../models/model-answer.ts'
import { answerTextOf } from '../../models/remembered-answers.ts'
import { type AskedCall, type Beginnings, rebuildPrompt } from '../../proposer/rebuild-prompt.ts'
import type { SecretSettings } from '../../redaction/redaction.ts'
import { createPublishedSanitizer } from '../../redaction/sanitize-output.ts'
import { contextFilesOf, WorkOrderContent } from '../../work-order/content.ts'
import type { HttpDeps } from '../http-deps.ts'

export type ToldDeps = Pick<HttpDeps, 'db'> & {
  adapters: Pick<HttpDeps['adapters'], 'workspaces' | 'bases' | 'buildProposerRequest'>
  config: Pick<HttpDeps['config'], 'contextMaxBytes' | 'extraContextTokens'> & SecretSettings
}

/** What the model was told, or why that cannot be shown. */
export type Told = { messages: readonly ModelMessage[] } | { reason: string }

const OUTSIDE = 'It was asked outside of an attempt, and what it was told is not kept.'
const AIDER =
  'Aider asked this and composed it by itself. Moose keeps of what Aider asks no copy, only the SHA-256, by which an answer is found again.'
const NOT_ASKED = 'What was asked is not known: a foreign Proposer asked, or the process ended before the answer came.'
const NO_BASE =
  'What was told is not kept, and cannot be made again here: the base commit is not in the mirror of the home that answers. The ' +
  'next order of the project fetches it.'
const REPAIR =
  'It was asked to repair a change: what it was told, the conversation of the proposal with the failure and the diff, is not kept, ' +
  'and is not made again.'
const OTHERWISE =
  'What was told is not kept, and what Moose would tell now is something else: the proposer was changed, another ' +
  'version of Moose asked, the base branch moved during the attempt, or an answer before it is not kept any more.'

/** Made again of what is kept, never guessed: what has another key than what was sent is not shown. */
export async function toldPrompt(deps: ToldDeps, found: FoundTry): Promise<Told> {
  const { attempt, requestKey, repairs, step } = found
  if (attempt === null) return { reason: OUTSIDE }
  if (step === 'apply') return { reason: AIDER }
  if (requestKey === null) return { reason: NOT_ASKED }
  if (repairs) return { reason: REPAIR }
  try {
    const beginnings = await beginningsOf(deps, { workOrderId: found.workOrderId, attempt })
    const messages = beginnings === null ? null : await rebuildPrompt(await callsUpTo(deps, found), beginnings)
    return messages === null ? { reason: OTHERWISE } : { messages }
  } catch (error) {
    const { code, message } = toFault(error)
    if (code === 'internal' || code.startsWith('database_')) throw error
    if (code === 'command_failed') return { reason: NO_BASE }
    return { reason: `What was told is not kept, and cannot be made again: ${message}` }
  }
}

/** Null: nothing of the attempt is kept that a prompt could be made of. */
async function beginningsOf(
  { db, adapters: { workspaces, bases, buildProposerRequest }, config }: ToldDeps,
  key: { workOrderId: string; attempt: number },
): Promise<Beginnings | null> {
  const attempt = await selectAttempt(db, key).selectAll().executeTakeFirst()
  const order = WorkOrderContent.safeParse(attempt?.content)
  if (attempt === undefined || !order.success) return null
  const project = await projectOf(db, attempt.project_id)
  const proposals = await proposalsOf(db, key)
  const shas = new Set([attempt.base_sha, ...proposals.map(({ base }) => base)])
  const published = createPublishedSanitizer(config)
  const before = await toldBefore({ db, workspaces, published }, key)
  const failures = proposals.map(({ error }) => summaryOf(shownFault(error)))
  return {
    request: buildProposerRequest(order.data),
    bases: await Promise.all(
      [...shas]
        .filter((sha) => sha !== null)
        .map(async (sha) => {
          const contextFiles = contextFilesOf(await bases.configOf(project, sha), order.data)
          return { tree: workspaces.tree(project, sha), contextFiles }
        }),
    ),
    failures: [...new Set([null, ...(before === null ? [] : [before.failure, before.withChange]), ...failures])],
    limits: config,
  }
}

function summaryOf(shown: ReturnType<typeof shownFault>): string | null {
  if (shown === null || !isFaultCode(shown.code)) return null
  return failureSummary({ ...shown, code: shown.code })
}

async function callsUpTo({ db }: ToldDeps, found: FoundTry): Promise<AskedCall[]> {
  const { proposers } = await listProposers(db)
  const calls = await askedUpTo(db, found)
  return calls.flatMap(({ id, proposer: name, provider, model, request_key: requestKey }) => {
    if (requestKey === null) return []
    const configured = proposers.find((proposer) => proposer.name === name)
    const settings = configured === undefined ? { baseUrl: null, contextTokens: null } : configured
    const { baseUrl, contextTokens } = settings
    const proposer = { name, provider, model, baseUrl, contextTokens }
    return [{ proposer, requestKey, answer: () => answerTextOf(db, id) }]
  })
}
