import type { OrchestratorStatus } from '../../contract/orchestrator.ts'
import type { Paint } from './output.ts'
import { harmless } from './terminal-text.ts'

/** What confines foreign code, as a cell of a table; where nothing does, what that means. */
export function sandboxText({ sandbox }: Pick<OrchestratorStatus, 'sandbox'>, paint: Paint): string {
  if (sandbox !== 'none') return harmless(sandbox)
  return paint.yellow('none: set-ups, checks and Aider can do whatever the user of this Moose can')
}
