import {
  calledOnce,
  type FailureFormat,
  isForeign,
  key,
  type Line,
  type Opening,
  type Worth,
} from '../failure-format.ts'

/** Lines of a panic's message that are told before anything else. */
const FIRST = 10
/** Cargo's own words after the errors. */
const SUMMARY =
  /^error: (?:could not compile|aborting due to|test failed|doctest failed|\d+ targets? failed|build failed|process didn't exit)/

/** Cargo: tests, doc tests and compile errors. */
export function rust(): FailureFormat {
  let test = ''
  return (text) => {
    if (!'-tfew'.includes(text.charAt(0))) return null
    const [, name] = /^---- (\S.*) stdout ----$/.exec(text) ?? []
    if (name !== undefined) {
      test = name
      return {
        kind: 'failure',
        lines: [key(text)],
        called: calledOnce(withoutLine(name)),
        next: worthInTest,
        settled: ({ length }) => (length > 1 ? 'failure' : 'noise'),
      }
    }
    const [, thread] = /^thread '(.*)' (?:\(\d+\) )?panicked at /.exec(text) ?? []
    if (thread !== undefined) {
      const lines = thread === test || test === '' ? [key(text)] : [key(`---- ${test} ----`), key(text)]
      return { ...panic(lines), called: calledOnce(withoutLine(test === '' ? thread : test)) }
    }
    if (/^failures:$/.test(text)) test = ''
    if (/^error(?:\[E\d+\])?: ./.test(text) && !SUMMARY.test(text)) return compileError(text)
    if (/^warning: ./.test(text)) return { ...compileError(text), kind: 'noise', settled: () => 'noise' }
    return null
  }
}

/** A test in a comment is named with its line. */
function withoutLine(name: string): string {
  return name.replace(/ \(line \d+\)/, '')
}

/** What a test has printed; one that gave an error back says so there. */
function worthInTest(text: string): Worth | null {
  if (/^(?:---- |failures:$|test result: )/.test(text)) return null
  return text.startsWith('Error: ') ? 'key' : 'none'
}

function panic(lines: readonly Line[]): Opening {
  let isStack = false
  const next = (text: string, at: number): Worth | null => {
    if (/^(?:---- |failures:$|test \S.* \.\.\. |test result: |running \d+ tests?$|note: )/.test(text)) return null
    if (text === 'stack backtrace:') isStack = true
    if (text.trim() === '' || text === 'stack backtrace:') return 'none'
    if (isStack) return /^ +at /.test(text) && !isForeign(text) && !text.includes('::') ? 'detail' : 'none'
    return at <= FIRST ? 'key' : 'context'
  }
  return { kind: 'failure', lines, next, settled: () => 'failure' }
}

function compileError(text: string): Opening {
  const next = (line: string): Worth | null => {
    if (line === '') return null
    if (/^ *--> /.test(line)) return 'key'
    return /^ *(?:\d+ )?[|] .*[\^-]|^\s*\d+ \|/.test(line) ? 'detail' : 'context'
  }
  const settled = (lines: readonly Line[]) => (lines.some((line) => /^ *--> /.test(line.text)) ? 'failure' : 'trace')
  const called = (line: string) => {
    const [, place] = /^ *--> ([^\s:]+:\d+):\d+$/.exec(line) ?? []
    return place === undefined ? null : `rustc: ${place}: ${text}`
  }
  return { kind: 'failure', lines: [key(text)], called, next, settled }
}
