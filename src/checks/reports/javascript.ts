import { countIn, nestedName, type ReportReader, reportOf } from './report-reader.ts'

/**
 * The reporter `spec` of Node's test runner. A suite counts apart from tests and is named like one, so that there may be
 * more names than tests.
 *
 * @see https://nodejs.org/api/test.html#test-reporters
 */
export function nodeSpec(): ReportReader {
  const names: string[] = []
  const parents: string[] = []
  let counted = 0
  let isSummary = false
  return {
    line(text) {
      const [, indent = '', mark, title = ''] = /^( *)(▶|✖|✔|ℹ) (.*)$/.exec(text) ?? []
      const end = title.lastIndexOf(' (')
      const isTimed = /^ \(\d[\d.]*ms\)(?: #|$)/.test(title.slice(end))
      const name = isTimed ? title.slice(0, end) : title
      if (mark === 'ℹ') counted += countIn(title, /^(?:fail|cancelled) (\d+)$/)
      if (mark === undefined || mark === 'ℹ') return
      isSummary = mark === '✖' && title === 'failing tests:' ? true : isSummary && mark === '✖'
      parents.length = Math.min(parents.length, indent.length / 2)
      if (mark === '▶') parents.push(name)
      if (mark === '✖' && !isSummary && isTimed) names.push(nestedName('node', [...parents, name]))
    },
    report: () => reportOf(names, counted > 0 && names.length >= counted, counted),
  }
}

/** @see https://testanything.org/tap-version-14-specification.html */
export function tap(): ReportReader {
  const names: string[] = []
  const parents: string[] = []
  let results = 0
  let planned = 0
  return {
    line(text) {
      const [, indent = '', begin] = /^( *)(not ok\b|ok\b|# Subtest: |1\.\.)/.exec(text) ?? []
      if (begin === undefined || indent.length % 4 !== 0) return
      const what = text.slice(indent.length)
      const depth = indent.length / 4
      parents.length = Math.min(parents.length, depth)
      if (what.startsWith('# Subtest: ')) parents.push(what.slice('# Subtest: '.length))
      else if (what.startsWith('1..')) planned += depth === 0 ? countIn(what, /^1\.\.(\d+)/) : 0
      else {
        if (depth === 0) results += 1
        const name = what.replace(/^(?:not )?ok(?: +\d+)?(?: +-)? */, '')
        const isExpected = / # (?:todo|skip)\b/i.test(` ${name}`)
        if (what.startsWith('not ') && !isExpected) names.push(nestedName('tap', [...parents, name]))
      }
    },
    report: () => reportOf(names, planned > 0 && planned === results),
  }
}

const SUITE_FAILED = 'Test suite failed to run'

/** @see https://jestjs.io/docs/cli */
export function jest(): ReportReader {
  const names: string[] = []
  const files = new Set<string>()
  let file = ''
  let suites = 0
  let tests = 0
  let countedSuites = 0
  let isSummary = false
  return {
    line(text) {
      const [, failing] = /^FAIL +(\S.*?)(?: \([\d.]+ m?s\))?$/.exec(text) ?? []
      const [, title] = /^ {2}● (.*)$/.exec(text) ?? []
      if (text === 'Summary of all failing tests') isSummary = true
      if (failing !== undefined) files.add((file = failing))
      if (title !== undefined && title !== 'Console' && file !== '' && !isSummary) {
        names.push(`jest: ${file}: ${title}`)
        if (title === SUITE_FAILED) suites += 1
      }
      countedSuites += countIn(text, /^Test Suites: +(\d+) failed\b/)
      tests += countIn(text, /^Tests: +(\d+) failed\b/)
      if (text.startsWith('Tests: ')) isSummary = false
    },
    report() {
      const isWhole = countedSuites > 0 && names.length - suites === tests && files.size === countedSuites
      return reportOf(names, isWhole, countedSuites)
    },
  }
}

/** @see https://vitest.dev/guide/reporters */
export function vitest(): ReportReader {
  const names: string[] = []
  const files = new Set<string>()
  let tests = 0
  let countedFiles = 0
  let others = 0
  return {
    line(text) {
      const [, title] = /^ FAIL {2}(\S.*)$/.exec(text) ?? []
      if (title !== undefined) {
        names.push(`vitest: ${title}`)
        files.add(String(title.split(/ > | \[ /)[0]))
      }
      countedFiles += countIn(text, /^ Test Files {2}(\d+) failed\b/)
      tests += countIn(text, /^ {6}Tests {2}(\d+) failed\b/)
      others += countIn(text, /^ {5}Errors {2}(\d+) errors?\b/)
    },
    report() {
      const ofTests = names.filter((name) => name.includes(' > ')).length
      return reportOf(names, others === 0 && ofTests === tests && files.size === countedFiles, countedFiles + others)
    },
  }
}

/** @see https://mochajs.org/#spec */
export function mocha(): ReportReader {
  const names: string[] = []
  let counted = 0
  let title: string[] | null = null
  return {
    line(text) {
      counted += countIn(text, /^ {2}(\d+) failing$/)
      const [, first] = /^ {2}\d+\) (.*)$/.exec(text) ?? []
      if (first !== undefined && counted > 0) title = []
      if (title === null) return
      const part = first === undefined ? text.trim() : first
      title.push(part.replace(/:$/, ''))
      if (part === '') title = null
      else if (part.endsWith(':')) {
        names.push(nestedName('mocha', title))
        title = null
      }
    },
    report: () => reportOf(names, names.length === counted, counted),
  }
}

/** TypeScript's compiler; it counts its errors only where it writes for a terminal. */
export function tsc(): ReportReader {
  const names: string[] = []
  let counted = 0
  return {
    line(text) {
      const plain = /^(\S[^(]*)\((\d+),\d+\): error (TS\d+: .*)$/
      const found = plain.exec(text) ?? /^(\S[^:]*):(\d+):\d+ - error (TS\d+: .*)$/.exec(text)
      if (found !== null) names.push(`tsc: ${found[1]}:${found[2]}: ${found[3]}`)
      counted += countIn(text, /^Found (\d+) errors? in /)
    },
    report: () => reportOf(names, counted === 0 || counted === names.length),
  }
}

/** The formatter `stylish`. @see https://eslint.org/docs/latest/use/formatters/#stylish */
export function eslint(): ReportReader {
  const names: string[] = []
  let file = ''
  let counted = 0
  return {
    line(text) {
      if (/^\S/.test(text)) file = text
      const [, line, problem] = /^ +(\d+):\d+ +error +(\S.*)$/.exec(text) ?? []
      if (problem !== undefined) names.push(`eslint: ${file}:${line}: ${problem.replaceAll(/ {2,}/g, ' ')}`)
      counted += countIn(text, /^✖ \d+ problems? \((\d+) errors?, \d+ warnings?\)$/)
    },
    report: () => reportOf(names, names.length === counted, counted),
  }
}

/** `prettier --check`. @see https://prettier.io/docs/cli#--check */
export function prettier(): ReportReader {
  const names: string[] = []
  let counted = 0
  return {
    line(text) {
      const [, file] = /^\[warn\] (.*)$/.exec(text) ?? []
      if (file === undefined) return
      if (file.startsWith('Code style issues found in '))
        counted += file.includes('the above file') ? 1 : countIn(file, /in (\d+) files\b/)
      else names.push(`prettier: ${file}`)
    },
    report: () => reportOf(names, names.length === counted, counted),
  }
}
