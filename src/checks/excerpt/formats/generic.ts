import { saysFailure } from '../../../contract/evidence/failing-part.ts'
import { calledOnce, type FailureFormat, type Opening, single, type Worth, worthOfFrame } from '../failure-format.ts'

const AFTER = 3

/** Files that a formatter would change: Prettier, Black and Ruff. */
export function formatters(): FailureFormat {
  return (text) => {
    if (!'wWu['.includes(text.charAt(0))) return null
    const [, tool = '', file] = /^(would reformat|Would reformat:|\[warn\]|unformatted:) (\S.*)$/.exec(text) ?? []
    if (file === undefined) return null
    return { ...single('failure', text), called: calledOnce(`${tool === '[warn]' ? 'prettier' : 'format'}: ${file}`) }
  }
}

/** `TypeError: message` and the stack below it, as most runtimes print an error that nothing has caught. */
export const errorWithStack: FailureFormat = (text) => {
  if (!text.includes('rror') && !text.includes('xception')) return null
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
