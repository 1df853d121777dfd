import { detail, type FailureFormat, key, type Line, type Opening, single, type Worth } from '../failure-format.ts'

/** TypeScript's compiler, plain and pretty. */
export function tsc(): FailureFormat {
  return (text) => {
    if (!text.includes('error TS') || !TSC.test(text)) return null
    const next = (line: string): Worth | null => {
      if (line.trim() === '') return 'none'
      if (/^\s+~+\s*$/.test(line)) return 'context'
      if (/^\d+ /.test(line)) return 'context'
      return /^\s/.test(line) ? 'detail' : null
    }
    return { kind: 'failure', lines: [key(text)], next, settled: () => 'failure' }
  }
}

const TSC = /^(?:\S[^(]*\(\d+,\d+\): |\S[^:]*:\d+:\d+ - )?error TS\d+: /

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
      return { kind: 'failure', lines: [key(file), key(text)], next: worthInFile, settled: () => 'failure' }
    }
    if (warnings.length < MOST_WARNINGS) {
      if (file !== warned) warnings.push(detail(file))
      warnings.push(key(text))
    }
    warned = file
    return single('noise', text)
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
        next: (line, at) => (/^\s+\S/.test(line) && at <= 6 ? 'detail' : null),
        settled: () => 'failure',
      }
    return /^[A-Z]{1,4}\d{3,4} (?:\[\*\] )?\S/.test(text) ? ruff(text) : null
  }
}

/** The place stands in the line behind it. */
function ruff(text: string): Opening {
  const next = (line: string, at: number): Worth | null => {
    if (at === 1) return /^ *--> \S/.test(line) ? 'key' : null
    return /^ *(?:\d+ *)?[|=]/.test(line) ? 'context' : null
  }
  return { kind: 'failure', lines: [key(text)], next, settled: ({ length }) => (length > 1 ? 'failure' : 'noise') }
}
