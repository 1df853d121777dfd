import { type FailureFormat, type Opening, single, type Worth, worthOfFrame } from '../failure-format.ts'

const AFTER = 3

/** Lines that say what went wrong, by the words and marks of the usual tools. */
const SAYS_FAILURE =
  /\b(?:FAIL(?:ED|URE|URES)?|ERRORS?|[A-Za-z]*Error|[A-Za-z]*Exception|panic(?:ked)?|Traceback|not ok|[Aa]ssertion|[Ee]xpected|[Aa]ctual|[Rr]eceived)\b|\berror(?:\[|:| TS)|[✗✖×❌]|^E {3}/
/** Counts and summaries of what went well. */
const SAYS_NONE =
  /\b(?:0|no|zero) (?:fail|error|problem|warning)|\b(?:fail|failed|failures|errors?):? 0\b|passed successfully/i

/** By its words alone. */
export function saysFailure(text: string): boolean {
  return SAYS_FAILURE.test(text) && !SAYS_NONE.test(text)
}

/** Files that a formatter would change: Prettier, Black and Ruff. */
export function formatters(): FailureFormat {
  return (text) =>
    /^(?:would reformat \S|Would reformat: \S|\[warn\] \S|unformatted: \S)/.test(text) ? single('failure', text) : null
}

/** `TypeError: message` and the stack below it, as most runtimes print an error that nothing has caught. */
export const errorWithStack: FailureFormat = (text) => {
  if (
    !/^\s*(?:Uncaught |Caused by: |Exception in thread "[^"]*" )?(?:[\w$]+\.)*[A-Z]?\w*(?:Error|Exception)(?: \[\w+\])?(?::|$)/.test(
      text,
    )
  )
    return null
  return { kind: 'trace', lines: [{ text, worth: 'key' }], next: worthInStack }
}

function worthInStack(text: string, at: number): Worth | null {
  const frame = worthOfFrame(text)
  if (frame !== null) return frame
  if (/^\s*Caused by: /.test(text)) return 'key'
  return /^\s+\S/.test(text) && at <= 10 ? 'context' : null
}

/** A line that says so, and the few behind it. */
export const mention: FailureFormat = (text) => {
  if (!saysFailure(text)) return null
  const next: Opening['next'] = (line, at) => {
    if (at > AFTER) return null
    return saysFailure(line) ? 'key' : 'context'
  }
  return { kind: 'mention', lines: [{ text, worth: 'key' }], next, settled: () => 'mention' }
}
