import {
  calledOnce,
  detail,
  type FailureFormat,
  key,
  type Line,
  type Opening,
  single,
  type Worth,
} from '../failure-format.ts'

/** TypeScript's compiler, plain and pretty. */
export function tsc(): FailureFormat {
  return (text) => {
    if (!text.includes('error TS')) return null
    const [, file, line, otherFile, otherLine, message] = TSC.exec(text) ?? []
    if (message === undefined) return null
    const place = file === undefined ? `${otherFile}:${otherLine}` : `${file}:${line}`
    const next = (line: string): Worth | null => {
      if (line.trim() === '') return 'none'
      if (/^\s+~+\s*$/.test(line)) return 'context'
      if (/^\d+ /.test(line)) return 'context'
      return /^\s/.test(line) ? 'detail' : null
    }
    const called = calledOnce(`tsc: ${place}: ${message}`)
    return { kind: 'failure', lines: [key(text)], called, next, settled: () => 'failure' }
  }
}

const TSC = /^(?:(\S[^(]*)\((\d+),\d+\): |(\S[^:]*):(\d+):\d+ - )?error (TS\d+: .*)/

/** Warnings that are kept for a limit of them. */
const MOST_WARNINGS = 20

/** The formatter `stylish`. @see https://eslint.org/docs/latest/use/formatters/#stylish */
export function eslint(): FailureFormat {
  let file = ''
  let isNamed = false
  let warned = ''
  const warnings: Line[] = []
  return (text) => {
    if (text.startsWith('ESLint found too many warnings'))
      return { kind: 'failure', lines: [key(text), ...warnings], next: () => null, settled: () => 'failure' }
    const [, severity] = /^ +\d+:\d+ +(error|warning) +\S/.exec(text) ?? []
    if (severity === undefined) {
      file = /^\S/.test(text) ? text : ''
      isNamed = false
      return null
    }
    // The block of the file goes on.
    if (isNamed) return null
    if (severity === 'error') {
      isNamed = true
      const lines = [key(file), key(text)]
      return { kind: 'failure', lines, called: calledIn(file), next: worthInFile, settled: () => 'failure' }
    }
    if (warnings.length < MOST_WARNINGS) {
      if (file !== warned) warnings.push(detail(file))
      warnings.push(key(text))
    }
    warned = file
    return single('noise', text)
  }
}

function calledIn(file: string): NonNullable<Opening['called']> {
  return (text) => {
    const [, line, problem] = /^ +(\d+):\d+ +error +(\S.*)$/.exec(text) ?? []
    return problem === undefined ? null : `eslint: ${file}:${line}: ${problem.replaceAll(/ {2,}/g, ' ')}`
  }
}

function worthInFile(text: string): Worth | null {
  if (/^ +\d+:\d+ +warning /.test(text)) return 'none'
  return /^ +\d+:\d+ +error /.test(text) ? 'key' : null
}

/** `file:line: error`, as C compilers, javac, mypy, Ruff and Flake8 print it. */
export function located(): FailureFormat {
  return (text) => {
    if (/^[^\s:][^:]*:\d+(?::\d+)?:? (?:fatal )?error: \S|^[^\s:][^:]*\.\w+:\d+:\d+: [A-Z]{1,4}\d{2,4} /.test(text))
      return {
        kind: 'failure',
        lines: [key(text)],
        called: calledByPlace,
        next: (line, at) => (/^\s+\S/.test(line) && at <= 6 ? 'detail' : null),
        settled: () => 'failure',
      }
    return /^[A-Z]{1,4}\d{3,4} (?:\[\*\] )?\S/.test(text) ? ruff(text) : null
  }
}

/** As mypy, Ruff and Flake8 are compared. */
function calledByPlace(text: string, at: number): string | null {
  const [, place, message] = /^(\S[^:]*:\d+)(?::\d+)?: (error: .*|[A-Z]{1,5}\d+ .*)$/.exec(text) ?? []
  return at > 0 || message === undefined ? null : `lint: ${place}: ${message}`
}

/** The place stands in the line behind it. */
function ruff(text: string): Opening {
  const next = (line: string, at: number): Worth | null => {
    if (at === 1) return /^ *--> \S/.test(line) ? 'key' : null
    return /^ *(?:\d+ *)?[|=]/.test(line) ? 'context' : null
  }
  const called = (line: string) => {
    const [, place] = /^ *--> (\S[^:]*:\d+):\d+$/.exec(line) ?? []
    return place === undefined ? null : `lint: ${place}: ${text}`
  }
  const settled: Opening['settled'] = ({ length }) => (length > 1 ? 'failure' : 'noise')
  return { kind: 'failure', lines: [key(text)], called, next, settled }
}
