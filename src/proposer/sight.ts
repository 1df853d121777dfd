import { FEWEST_BYTES_PER_TOKEN } from '../models/context-size.ts'
import { MAX_OUTPUT_TOKENS } from '../models/model-answer.ts'
import { type BaseTree, MOST_SHOWN, type ProposerRequest, type ShownFile } from '../ports/proposal.ts'
import type { PromptPart } from '../redaction/prompt-secrets.ts'
import { type ContextFile, readContext } from './context/read-context.ts'
import { readScopeFiles, type ScopeFile } from './scope-files.ts'

/** What of the base commit a model is shown. */
export type Sight = {
  files: readonly ScopeFile[]
  context: readonly ContextFile[]
  /** Every path of the tree; some are listed. */
  paths: readonly string[]
}

/** What an operator allows a proposal to carry. */
export type SightLimits = {
  /** Bytes of the files in scope. */
  contextMaxBytes: number
  /** Tokens of what is shown beside them. */
  extraContextTokens: number
}

/** Of the system message, the task and the list of paths. */
const TOKENS_OF_THE_REST = 6_000

/**
 * Looks at the base commit for one proposal. What is shown beside the scope takes no room from the answer: a model with a
 * small context is shown less of it, or nothing.
 *
 * @param modelTokens what the model has room for, prompt and answer together; null: it is not stated
 * @throws {Fault} those of `readScopeFiles`
 */
export async function lookAt(
  base: BaseTree,
  { request, contextFiles }: { request: ProposerRequest; contextFiles: readonly string[] },
  limits: SightLimits,
  modelTokens: number | null,
): Promise<Sight> {
  const scope = request.context
  const files = await readScopeFiles(base, scope, limits.contextMaxBytes)
  const importers = files.flatMap((file) => (file.kind === 'text' ? [file] : []))
  const room =
    modelTokens === null
      ? limits.extraContextTokens
      : modelTokens - MAX_OUTPUT_TOKENS - TOKENS_OF_THE_REST - tokensOf(importers)
  const tokens = Math.max(0, Math.min(limits.extraContextTokens, room))
  const context = await readContext(base, { scope, wanted: contextFiles, importers, tokens })
  return { files, context, paths: await base.list() }
}

function tokensOf(files: readonly { lines: readonly string[] }[]): number {
  return Math.ceil(files.reduce((sum, file) => sum + bytesOf(file.lines), 0) / FEWEST_BYTES_PER_TOKEN)
}

function bytesOf(lines: readonly string[]): number {
  return lines.reduce((sum, line) => sum + Buffer.byteLength(line) + 1, 0)
}

/** The files whose text is shown, in the order of the prompt. */
export function shownFiles({ files, context }: Sight): ShownFile[] {
  const beside = context.map(({ path, why, bytes, isCut }) => {
    return { path, why, bytes, ...(isCut ? { part: 'beginning' as const } : {}) }
  })
  const inScope = files.flatMap((file) =>
    file.kind === 'text' ? [{ path: file.path, why: 'scope' as const, bytes: bytesOf(file.lines) }] : [],
  )
  return [...beside, ...inScope].slice(0, MOST_SHOWN)
}

const MOST_TOLD = 10

/** In words, which of the named files are not among what is shown; null: all are. */
export function notShown({ files, context, paths }: Sight, contextFiles: readonly string[]): string | null {
  const shown = new Set([...files, ...context].map(({ path }) => path))
  const missing = contextFiles.filter((path) => !path.endsWith('/') && !shown.has(path))
  if (missing.length === 0) return null
  const there = new Set(paths)
  const gone = missing.filter((path) => !there.has(path))
  const left = missing.filter((path) => there.has(path))
  const parts = [
    ...(gone.length === 0
      ? []
      : [`${namedOf(gone)}, which ${gone.length === 1 ? 'is' : 'are'} not in the base commit`]),
    ...(left.length === 0 ? [] : [namedOf(left)]),
  ]
  const room = 'What has no text or no room is left out; MOOSE_EXTRA_CONTEXT_TOKENS gives more room.'
  return `not shown to the model, though it was to be read: ${parts.join('; ')}.${left.length === 0 ? '' : ` ${room}`}`
}

function namedOf(paths: readonly string[]): string {
  const more = paths.length > MOST_TOLD ? ` and ${paths.length - MOST_TOLD} more` : ''
  return `${paths.slice(0, MOST_TOLD).join(', ')}${more}`
}

/** What the first prompt is made of, but for an earlier failure, which is told without secrets. */
export function partsOf(request: ProposerRequest, { files, context, paths }: Sight): PromptPart[] {
  const inScope = files.flatMap((file) => (file.kind === 'text' ? [file] : []))
  const texts = [...context, ...inScope].map(({ path, lines }) => {
    return { place: path, text: lines.join('\n'), hasLines: true }
  })
  const names = { place: "the names of the repository's files", text: paths.join('\n') }
  return [{ place: 'the task', text: request.task_description }, ...texts, names]
}
