import type { RoutingRequest } from '../ports/routing.ts'

/** Instructions, edit format and the list of files. */
const PROMPT_TOKENS = 2_500
/** A source file of 8 KB. */
const TOKENS_PER_FILE = 2_000
/** The edits to one file. */
const ANSWER_TOKENS_PER_FILE = 700
const CHARACTERS_PER_TOKEN = 4

/**
 * What one proposal is expected to use, in tokens: enough to compare prices and to tell a cent from a dollar. The
 * Manager sees no file contents, so that every file in scope counts the same.
 */
export function expectedUsage({ task_description: task, context_requirements: files }: RoutingRequest): {
  input: number
  output: number
} {
  const count = Math.max(1, files.length)
  return {
    input: PROMPT_TOKENS + Math.ceil(task.length / CHARACTERS_PER_TOKEN) + count * TOKENS_PER_FILE,
    output: count * ANSWER_TOKENS_PER_FILE,
  }
}
