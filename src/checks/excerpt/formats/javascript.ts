import { nestedName } from '../../reports/report-reader.ts'
import {
  calledOnce,
  type FailureFormat,
  isDifference,
  key,
  type Line,
  type Opening,
  single,
  type Worth,
  worthOfFrame,
} from '../failure-format.ts'

const FIRST = 10
const SAYS_WHY =
  /\b(?:[Ee]xpected|[Rr]eceived|expect\(|thrown|Cannot find|[A-Za-z]*Error|Exceeded timeout|Snapshot)\b|[!=]==/
/** Of a piece of source that is shown around a place. */
const SOURCE = /^\s*(?:(>)\s*)?(?:\d+\s*)?\|/

/** What a line in the account of a failed assertion is worth. */
function worthIn(text: string, at: number): Worth {
  if (text.trim() === '') return 'none'
  const frame = worthOfFrame(text)
  if (frame !== null) return frame
  const source = SOURCE.exec(text)
  if (source !== null) return source[1] === undefined ? 'context' : 'detail'
  if (SAYS_WHY.test(text) && at <= 4 * FIRST) return 'key'
  if (isDifference(text)) return 'detail'
  return at <= FIRST ? 'detail' : 'context'
}

/** @see https://jestjs.io/docs/cli */
export function jest(): FailureFormat {
  let file = ''
  return (text) => {
    if (!' F'.includes(text.charAt(0))) return null
    const [, failing] = /^ ?FAIL +(\S.*?)(?: \([\d.]+ m?s\))?$/.exec(text) ?? []
    if (failing !== undefined && !VITEST_FAIL.test(text)) {
      file = failing
      return single('name', text)
    }
    if (/^ {2}console\.\w+$|^ {2}● Console$/.test(text))
      return { ...single('noise', text), next: (line) => (JEST_ENDS.test(line) ? null : 'none') }
    const [, title] = /^ {2}● (\S.*)$/.exec(text) ?? []
    if (title === undefined || file === '') return null
    return {
      kind: 'failure',
      lines: [key(`${file} ● ${title}`)],
      called: calledOnce(`jest: ${file}: ${title}`),
      next: (line, at) => (JEST_ENDS.test(line) ? null : worthIn(line, at)),
    }
  }
}

const JEST_ENDS =
  /^ ?(?:PASS|FAIL|RUNS) |^Test Suites: |^Summary of all failing tests|^-+\||^Snapshot Summary|^ {2}[✓✕○] | {2}console\.\w+$/

/** @see https://vitest.dev/guide/reporters */
export function vitest(): FailureFormat {
  return (text) => {
    if (!' ⎯s'.includes(text.charAt(0))) return null
    if (VITEST_FAIL.test(text))
      return { ...accountOfVitest(text.trim()), called: calledOnce(`vitest: ${text.slice(' FAIL  '.length)}`) }
    if (/^⎯+ (?:Uncaught Exception|Unhandled (?:Rejection|Error)) ⎯+$/.test(text))
      return accountOfVitest(text.replaceAll('⎯', '').trim())
    if (/^⎯{5,}/.test(text) || /^(?:stdout|stderr) \| /.test(text)) return single('noise', text)
    const [, name] = /^ +× (\S.*?)(?: \d+ms)?$/.exec(text) ?? []
    if (name === undefined) return null
    return { ...single('name', text), called: calledOnce(name), next: (line) => (/^ +→ /.test(line) ? 'key' : null) }
  }
}

/** With a test or a file; Jest has a file alone. */
const VITEST_FAIL = /^ FAIL {2}\S.* (?:> |\[ )/

function accountOfVitest(title: string): Opening {
  return {
    kind: 'failure',
    lines: [key(title)],
    next: (line, at) => (/^⎯{5,}|^ FAIL {2}/.test(line) ? null : worthIn(line, at)),
  }
}

/** The reporter `spec`, which tells at the end what failed. @see https://nodejs.org/api/test.html#test-reporters */
export function nodeSpec(): FailureFormat {
  let place = ''
  return (text) => {
    if (SPEC_SUMMARY.test(text)) return single('noise', text)
    if (!text.startsWith('test at ') && !text.includes('✖')) return null
    const [, at] = /^test at (\S.*:\d+:\d+)$/.exec(text) ?? []
    if (at !== undefined) place = at
    if (at !== undefined || text === '✖ failing tests:') return single('noise', text)
    const [, indent = '', name] = /^( *)✖ (\S.*)$/.exec(text) ?? []
    if (name === undefined || !/ \(\d[\d.]*ms\)/.test(name)) return null
    const isAccount = place !== '' && indent === ''
    const called = calledOnce(name.slice(0, name.lastIndexOf(' (')))
    const lines = [key(`✖ ${name}${isAccount ? ` at ${place}` : ''}`)]
    place = ''
    return isAccount
      ? { kind: 'failure', lines, called, next: worthInSpec(), settled: kindOfSpec }
      : { ...single('name', text), lines, called }
  }
}

const SPEC_SUMMARY = /^ℹ (?:tests|suites|pass|fail|cancelled|skipped|todo|duration_ms) \d/
const OWN_WORDS = /^\s+(?:generatedMessage|code|operator|diff|failureType|name):/

function worthInSpec(): Opening['next'] {
  let isOfError = false
  return (text, at) => {
    if (/^\S/.test(text)) return null
    if (isOfError) return /^ +(?:actual|expected): .*[^[{]$/.test(text) ? 'context' : 'none'
    // Its properties follow its stack.
    if (/^\s+at .* \{$/.test(text)) isOfError = true
    return OWN_WORDS.test(text) ? 'none' : worthIn(text, at)
  }
}

/** A file that ended before its tests were told says no more. */
function kindOfSpec(lines: readonly Line[]): 'failure' | 'name' {
  return lines.some(({ text }, index) => index > 0 && !/^\s*'(?:test failed|\d+ subtests? failed)'$/.test(text))
    ? 'failure'
    : 'name'
}

/** @see https://testanything.org/tap-version-14-specification.html */
export function tap(): FailureFormat {
  const parents: string[] = []
  return (text) => {
    if (TAP_SUMMARY.test(text)) return single('noise', text)
    if (!text.includes('not ok') && !text.includes('# Subtest: ')) return null
    const [, indent = '', begin, name = ''] = /^( *)(not ok\b|# Subtest: )(.*)$/.exec(text) ?? []
    if (begin === undefined) return null
    parents.length = Math.min(parents.length, Math.floor(indent.length / 4))
    if (begin !== 'not ok') parents.push(name)
    if (begin !== 'not ok' || / # (?:todo|skip)\b/i.test(name)) return null
    const inside = new RegExp(`^ {${indent.length + 2},}\\S|^ *$|^ *#(?! Subtest)`)
    const called = calledOnce(nestedName('tap', [...parents, name.replace(/^(?: +\d+)?(?: +-)? */, '')]))
    return { kind: 'failure', lines: [key(text.trim())], called, next: worthInTap(inside), settled: kindOfTap }
  }
}

/** What the end of an output counts, and how long it took. */
const TAP_SUMMARY = /^(?:# (?:tests|suites|pass|fail|cancelled|skipped|todo|duration_ms) +\d|1\.\.\d+$)/

function worthInTap(inside: RegExp): Opening['next'] {
  let isDone = false
  let isStack = false
  return (text, at) => {
    if (isDone || !inside.test(text)) return null
    const told = text.trim()
    if (told === '...') {
      isDone = true
      return 'none'
    }
    if (/^(?:---|duration_ms:|type:|code:|name:|operator:|severity:)/.test(told) || told === '') return 'none'
    if (told.startsWith('stack:')) isStack = true
    if (isStack) return /:\d+:\d+\)?$/.test(told) && worthOfFrame(`at ${told}`) === 'detail' ? 'detail' : 'none'
    if (/^(?:error|message|location|failureType):/.test(told)) return 'key'
    return at <= 2 * FIRST ? 'key' : isDifference(text) ? 'detail' : 'context'
  }
}

function kindOfTap(lines: readonly Line[]): 'failure' | 'name' {
  return lines.length === 1 || lines.some(({ text }) => text.includes("failureType: 'subtestsFailed'"))
    ? 'name'
    : 'failure'
}

/** @see https://mochajs.org/#spec */
export function mocha(): FailureFormat {
  let isAccount = false
  return (text) => {
    if (!text.startsWith('  ')) return null
    if (/^ {2}\d+ failing$/.test(text)) isAccount = true
    const [, title] = /^ {2}(\d+\) \S.*)$/.exec(text) ?? []
    if (title === undefined || !isAccount) return null
    return {
      kind: 'failure',
      lines: [key(title)],
      called: calledInMocha(),
      next: (line, at) => (/^\S/.test(line) && at > FIRST ? null : worthIn(line, at)),
    }
  }
}

/** A line for each suite, and one for the test, which ends in a colon. */
function calledInMocha(): NonNullable<Opening['called']> {
  const parts: string[] = []
  let isNamed = false
  return (text, at) => {
    if (isNamed || at > FIRST) return null
    isNamed = text.endsWith(':')
    parts.push(
      text
        .trim()
        .replace(/^\d+\) /, '')
        .replace(/:$/, ''),
    )
    return isNamed ? nestedName('mocha', parts) : null
  }
}

/** What Node prints of an error that ends it: the place, the line, and the error. */
export function nodeCrash(): FailureFormat {
  return (text) => {
    if (!/\d$/.test(text.slice(-1)) || !/^(?:node:\S+|\S+\.[cm]?[jt]sx?):\d+$/.test(text)) return null
    let isTold = false
    const next = (line: string, at: number): Worth | null => {
      if (/^Node\.js v\d/.test(line) || at > 40 || (at > 6 && !isTold)) return null
      if (line.trim() === '') return 'none'
      const frame = worthOfFrame(line)
      if (frame !== null) return frame
      if (!isTold && /^\s*(?:\w+Error|Error|Uncaught)\b/.test(line)) {
        isTold = true
        return 'key'
      }
      return isTold && /^\S/.test(line) ? null : 'detail'
    }
    return { kind: 'failure', lines: [key(text)], next, settled: () => (isTold ? 'failure' : 'noise') }
  }
}
