import { countIn, type ReportReader, reportOf } from './report-reader.ts'

/** The short summary, which pytest prints unless it is told not to. @see https://docs.pytest.org/en/stable/how-to/output.html */
export function pytest(): ReportReader {
  const names: string[] = []
  let counted = 0
  let stopped = false
  return {
    line(text) {
      // With -x or --maxfail: what comes behind was not run.
      if (/^!+ stopping after \d+ failures !+$/.test(text)) stopped = true
      const [, what, rest] = /^(FAILED|ERROR|SUBFAILED\S*) ([^\s(].*)$/.exec(text) ?? []
      if (what !== undefined && rest !== undefined) names.push(`pytest: ${what} ${nodeId(rest)}`)
      if (/^(?:=+ )?\d+ [a-z]+(?:, \d+ [a-z]+)* in \d[\d.]*s\b/.test(text))
        counted += countIn(text, /(?<!\d)(\d+) failed\b/) + countIn(text, /(?<!\d)(\d+) errors?\b/)
    },
    report: () => reportOf(names, !stopped && names.length === counted, counted),
  }
}

/** What stands before the message; the parameters in brackets may look like one. */
export function nodeId(text: string): string {
  const end = text.indexOf(' - ')
  const bracket = text.indexOf('[')
  if (bracket === -1 || (end !== -1 && end < bracket)) return end === -1 ? text : text.slice(0, end)
  const close = text.indexOf('] - ', bracket)
  return close === -1 ? text : text.slice(0, close + 1)
}

/** @see https://docs.python.org/3/library/unittest.html */
export function unittest(): ReportReader {
  const names: string[] = []
  let counted = 0
  let isHeading = false
  return {
    line(text) {
      if (isHeading && /^(?:FAIL|ERROR): ./.test(text)) names.push(`unittest: ${text}`)
      isHeading = /^={70}$/.test(text)
      if (text.startsWith('FAILED ('))
        counted +=
          countIn(text, /\bfailures=(\d+)/) + countIn(text, /\berrors=(\d+)/) + countIn(text, /successes=(\d+)/)
    },
    report: () => reportOf(names, names.length === counted, counted),
  }
}

/**
 * mypy, ruff and flake8. The last counts nothing.
 *
 * @see https://mypy.readthedocs.io/en/stable/command_line.html
 * @see https://docs.astral.sh/ruff/settings/#output-format
 */
export function pythonLint(): ReportReader {
  const names: string[] = []
  let counted = 0
  let heading = ''
  return {
    line(text) {
      const [, place, message] = /^(\S[^:]*:\d+)(?::\d+)?: (error: .*|[A-Z]{1,5}\d+ .*)$/.exec(text) ?? []
      if (message !== undefined) names.push(`lint: ${place}: ${message}`)
      const [, below] = /^ +--> (\S[^:]*:\d+):\d+$/.exec(text) ?? []
      if (below !== undefined && /^[A-Z]{1,5}\d+ /.test(heading)) names.push(`lint: ${below}: ${heading}`)
      heading = text
      counted += countIn(text, /^Found (\d+) errors?(?:\.| in \d+ files? \()/)
    },
    report: () => reportOf(names, counted === 0 || counted === names.length),
  }
}

/** `black --check` and `ruff format --check`. */
export function pythonFormat(): ReportReader {
  const names: string[] = []
  let counted = 0
  let heading = ''
  return {
    line(text) {
      const [, file] = /^would reformat:? (\S.*)$/i.exec(text) ?? []
      const [, place] = /^ +--> (\S[^:]*):\d+:\d+$/.exec(text) ?? []
      if (file !== undefined) names.push(`format: ${file}`)
      if (place !== undefined && heading === 'unformatted: File would be reformatted') names.push(`format: ${place}`)
      heading = text
      counted += countIn(text, /^(\d+) files? would be reformatted\b/)
    },
    report: () => reportOf(names, names.length === counted, counted),
  }
}
