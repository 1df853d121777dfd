import { nodeId } from '../../reports/python.ts'
import {
  calledOnce,
  detail,
  type FailureFormat,
  isForeign,
  key,
  type Line,
  type Opening,
  single,
  type Worth,
} from '../failure-format.ts'

/** Lines of an explanation that are told before anything else. */
const FIRST = 8
/** Of what was captured while a test ran. */
const CAPTURED = 6

/** pytest with any `--tb`. @see https://docs.pytest.org/en/stable/how-to/output.html */
export function pytest(): FailureFormat {
  let isReport = false
  let isNamed = false
  return (text) => {
    if (!isReport && !'=FSEI'.includes(text.charAt(0))) return null
    if (text.startsWith('=') && /^=+ \S.* =+$/.test(text)) {
      if (/ in \d[\d.]*s\b/.test(text)) return single('mention', text)
      isReport = /^=+ (?:FAILURES|ERRORS) =+$/.test(text)
      isNamed = false
      return single('noise', text)
    }
    if (/^(?:SUB)?FAILED(?:\([^)]*\))? \S|^ERROR \S+\.py\b/.test(text))
      return { ...single('name', text), called: calledOnce(nodeId(text)) }
    if (
      /^(?:ImportError while loading conftest|INTERNALERROR>|ERROR: (?:usage|file or directory not found))/.test(text)
    )
      return pytestFailure(text)
    if (!isReport) return null
    const [, name] = /^_{3,} (\S.*\S|\S) _{3,}$/.exec(text) ?? []
    if (name !== undefined) {
      isNamed = true
      return pytestFailure(name)
    }
    // With --tb=line.
    return !isNamed && /^\S+:\d+: \S/.test(text) ? single('failure', text) : null
  }
}

function pytestFailure(name: string): Opening {
  let explained = 0
  let captured = -1
  const worth = (text: string): Worth => {
    if (/^-{3,} Captured .* -{3,}$/.test(text)) captured = 0
    if (captured >= 0) return (captured += 1) <= CAPTURED ? 'context' : 'none'
    if (/^_(?: _)+$/.test(text) || text.trim() === '' || text === 'Traceback:') return 'none'
    if (/^(?:INTERNALERROR> )?E {2}/.test(text)) {
      explained += 1
      if (explained === 1 || (explained <= FIRST && !/^E\s+(?:Common|Omitting)/.test(text))) return 'key'
      return isDifferenceOfPytest(text) ? 'detail' : 'context'
    }
    if (text.startsWith('>')) return 'key'
    if (/^\S+:\d+:(?: |$)/.test(text)) return isForeign(text) ? 'none' : /: \w+$/.test(text) ? 'key' : 'detail'
    return 'context'
  }
  return { kind: 'failure', lines: [key(name)], called: calledOnce(endOfNodeId(name)), next: worth }
}

/** The heading of an account has the test without its file, and a dot behind the class. */
function endOfNodeId(name: string): string {
  const told = name.replace(/^ERROR (?:at (?:setup|teardown) of|collecting) /, '')
  if (told.endsWith('.py')) return told
  const [test = ''] = /^[^[(]*/.exec(told) ?? []
  const parameters = told.slice(test.length)
  return `${test.trimEnd().replaceAll('.', '::')}${parameters.startsWith('[') ? parameters : ''}`
}

function isDifferenceOfPytest(text: string): boolean {
  if (/^E\s+(?:[-+?] |Differing|At index|Left contains|Right contains|Extra items)/.test(text)) return true
  return text.includes(' != ') || text.includes(' == ')
}

/** `unittest`, and an exception that nothing caught. */
export function python(): FailureFormat {
  let isTest = false
  return (text) => {
    if (/^(?:FAIL|ERROR): \S/.test(text) && text.includes(' (')) isTest = true
    else if (!text.endsWith('Traceback (most recent call last):')) return null
    else if (!isTest) return trace('trace', text)
    // That of the test, which has begun.
    else {
      isTest = false
      return null
    }
    return {
      ...trace('failure', text),
      called: calledOnce(`unittest: ${text}`),
      settled: ({ length }) => (length > 1 ? 'failure' : 'name'),
    }
  }
}

const CHAINED = /^(?:During handling of the above exception|The above exception was the direct cause)/

function trace(kind: 'failure' | 'trace', first: string): Opening {
  let isTold = false
  let isOfForeign = false
  const indent = /^\s*/.exec(first)?.[0] ?? ''
  const next = (line: string): Worth | null => {
    const text = line.startsWith(indent) ? line.slice(indent.length) : line
    if (text.trim() === '' || /^[-=]{20,}$/.test(text))
      return isTold && kind === 'failure' && text.startsWith('=') ? null : 'none'
    if (text.startsWith('Traceback (most')) {
      isTold = false
      return 'none'
    }
    if (CHAINED.test(text)) {
      isTold = false
      return 'context'
    }
    if (/^ {2}File "/.test(text)) {
      isOfForeign = isForeign(text)
      return isOfForeign ? 'none' : 'detail'
    }
    if (/^\s/.test(text)) return isOfForeign ? 'none' : 'detail'
    if (isTold) return kind === 'failure' && !text.startsWith('Ran ') ? 'context' : null
    isTold = true
    return 'key'
  }
  return { kind, lines: [kind === 'failure' ? key(first) : detail(first)], next, settled: kindOfTrace(kind) }
}

/** A trace has its error at the end. */
const kindOfTrace = (kind: 'failure' | 'trace') => (lines: readonly Line[]) =>
  lines.some(({ worth }, index) => index > 0 && worth === 'key') ? kind : 'mention'
