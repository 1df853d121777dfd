import { calledOnce, type FailureFormat, isForeign, key, type Opening, single, type Worth } from '../failure-format.ts'

/** Maven's compiler and Surefire, and Gradle's tests. @see https://maven.apache.org/surefire/maven-surefire-plugin/ */
export function java(): FailureFormat {
  let isSummary = false
  return (text) => {
    if (text.startsWith('[ERROR]')) {
      const told = text.slice('[ERROR]'.length).trim()
      if (/^(?:Failures|Errors): *$/.test(told)) isSummary = true
      if (
        /^Tests run:|^COMPILATION ERROR|^(?:Failures|Errors):|^\[Help|^(?:To see|Re-run|For more|See |After correcting|-> \[Help)/.test(
          told,
        ) ||
        told === ''
      )
        return single('noise', text)
      if (/ <<< (?:FAILURE|ERROR)!/.test(told)) return failure(told)
      const [, file, line, message] = /^(\S[^:]*):\[(\d+),\d+\] (.*)$/.exec(told) ?? []
      if (file !== undefined) return { ...compileError(told), called: calledOnce(`javac: ${file}:${line}: ${message}`) }
      if (told.startsWith('Failed to execute goal ')) return single('mention', told)
      return isSummary && /^\[ERROR\] {3}/.test(text) ? single('name', told) : null
    }
    if (text.startsWith('[INFO]')) {
      if (text.trim() !== '[INFO]') isSummary = false
      return single('noise', text)
    }
    if (!text.endsWith('!') && !text.endsWith('FAILED')) return null
    if (/ {2}Time elapsed: .{1,40} <<< (?:FAILURE|ERROR)!$/.test(text) && !text.startsWith('Tests run:'))
      return failure(text)
    return text.endsWith(' FAILED') && text.includes(' > ') && /^\S/.test(text) ? failure(text) : null
  }
}

function failure(title: string): Opening {
  const next = (text: string, at: number): Worth | null => {
    if (/^\[[A-Z]+\]/.test(text) || (text.trim() === '' && at > 1)) return null
    if (/^\s+at /.test(text)) return isForeign(text) ? 'none' : 'detail'
    if (/^\s*\.\.\. \d+ more$/.test(text)) return 'none'
    return /^\s*Caused by: /.test(text) || at <= KEY_LINES ? 'key' : 'detail'
  }
  const [name = ''] = title.split(' Time elapsed: ')
  const called = title.endsWith(' FAILED')
    ? `gradle: ${title.slice(0, -' FAILED'.length)}`
    : `maven: ${name.trimEnd().replace(/ --$/, '')}`
  return {
    kind: 'failure',
    lines: [key(String(title.split(' -- Time elapsed: ')[0]))],
    called: calledOnce(called),
    next,
  }
}

const KEY_LINES = 4

/** With the symbol that is missing, which the compiler tells in lines of its own. */
function compileError(title: string): Opening {
  const next = (text: string) =>
    /^(?:\[ERROR\])?\s+(?:symbol|location|required|found|reason):/.test(text) ? 'detail' : null
  return { kind: 'failure', lines: [key(title)], next, settled: () => 'failure' }
}
