import { withoutReasoning } from '../../edits/reasoning.ts'
import type { ExecutorInput } from '../../ports/execution.ts'

/**
 * The seed's instruction file (4.5). Its first line is fixed: Aider takes a message that starts with `/` or `!` for a
 * command, and no text of an order or a model stands there.
 *
 * @throws {Fault} `reasoning_unclear` where it cannot be told what of the proposal the model only thought
 */
export function instructionText(
  input: Pick<ExecutorInput, 'order' | 'workOrderId' | 'proposer' | 'content' | 'previousFailure'>,
): string {
  const { order, workOrderId, proposer, content, previousFailure } = input
  const parts = [
    `Work Order ID: ${workOrderId}\nTitle: ${order.title}`,
    section('Description:', order.description.trim()),
    section('Acceptance Criteria:', numbered(order.acceptance_criteria)),
    section('Files to modify:', order.files_in_scope.map((file) => `- ${file}`).join('\n')),
    `Generated code from ${proposer}:\n\n${withoutReasoning(content).trim()}`,
    previousFailure === null ? '' : section('An earlier try failed and was undone:', previousFailure),
    `Instructions:\n${numbered(STEPS)}`,
  ]
  return `${parts.filter((part) => part !== '').join('\n\n')}\n`
}

/** The seed's fourth, to commit, is Moose's: the commit is made from what git says has changed. */
const STEPS = [
  'Create/modify the files listed above, and no others',
  'Apply the generated code changes',
  'Ensure all acceptance criteria are met',
  'Answer with the edits at once: nobody can answer questions or run commands',
]

function section(heading: string, text: string): string {
  return text === '' ? '' : `${heading}\n${text}`
}

function numbered(lines: readonly string[]): string {
  return lines.map((line, index) => `${index + 1}. ${line}`).join('\n')
}
