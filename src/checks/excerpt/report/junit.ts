import { SaxesParser } from 'saxes'
import { type Block, detail, isForeign, key, type Line, type ReportedFailures } from '../failure-format.ts'
import { KnownFailures, ReportedBlocks } from '../kept-failures.ts'

/** Behind it no more is taken up. Nothing is cut here: a secret has to be whole to be taken out. */
const MOST_OF_TEXT = 8_000
const MOST_LINES = 60
const KEY_LINES = 8
/** Written by some for what was expected to fail, or was not run. */
const FAILING = new Set(['failure', 'error'])

/** `place`: where it is, which a change may move. */
type Named = { called: readonly string[]; place: string }
type Case = Named & { message: string; text: string }

/**
 * The failures of a report in the form of JUnit. Nothing is fetched, and no entity that the file declares is put in: where
 * one is used the file is not well-formed, and what stands before it counts.
 *
 * @param before what fails on the base: it takes no room from the others
 * @see https://github.com/testmoapp/junitxml
 */
export function junitFailures(xml: string, before = new KnownFailures([])): ReportedFailures {
  const blocks = new ReportedBlocks(before)
  const names: string[] = []
  let counted = 0
  let countedAt = Number.POSITIVE_INFINITY
  const parser = new SaxesParser()
  let named: Named = { called: [], place: '' }
  let failing: Case | null = null
  let depth = 0
  parser.on('error', (error) => {
    throw new NotRead(error.message)
  })
  parser.on('opentag', ({ name, attributes }) => {
    depth += 1
    if (depth > MOST_DEPTH) throw new NotRead(`its elements are nested more than ${MOST_DEPTH} deep`)
    if (name === 'testcase' || name === 'testsuite') named = namedBy(attributes)
    // Suites within one that counts are counted there.
    if (attributes['failures'] !== undefined && depth <= countedAt) {
      countedAt = depth
      counted += numberIn(attributes['failures']) + numberIn(attributes['errors'])
    }
    if (!FAILING.has(name)) return
    const { message = '', type = '' } = attributes
    failing = { ...named, message: message === '' ? type : message, text: '' }
  })
  const onText = (text: string): void => {
    if (failing !== null && failing.text.length < MOST_OF_TEXT) failing.text += text
  }
  parser.on('text', onText)
  parser.on('cdata', onText)
  parser.on('closetag', ({ name }) => {
    depth -= 1
    if (failing === null || !FAILING.has(name)) return
    const block = blockOf(failing)
    blocks.push(block)
    if (names.length <= MOST_NAMES)
      names.push(...block.flatMap(({ called }) => (called === undefined ? [] : called.slice(0, 1))))
    failing = null
  })
  const problem = whyNotRead(() => parser.write(xml).close())
  const isWhole = problem === null && names.length >= counted && names.length <= MOST_NAMES
  return { blocks: blocks.kept, names: isWhole ? names : null, problem }
}

const MOST_DEPTH = 100
/** More are not compared. */
const MOST_NAMES = 2_000

function numberIn(attribute: string | undefined): number {
  return attribute !== undefined && /^\d{1,9}$/.test(attribute) ? Number(attribute) : 0
}

/** Ends the reading at the first of what is wrong: a file may have a million such places. */
class NotRead extends Error {}

function whyNotRead(read: () => void): string | null {
  try {
    read()
    return null
  } catch (error) {
    if (error instanceof NotRead) return error.message
    throw error
  }
}

function namedBy({ classname = '', name = '', file = '', line = '' }: Record<string, string>): Named {
  const place = file === '' ? '' : ` (${file}${line === '' ? '' : `:${line}`})`
  return { called: [[classname, name].filter((part) => part !== '').join(' › '), name], place }
}

function blockOf({ called: [title = '', name = ''], place, message, text }: Case): Block {
  const told = text.trim()
  const lines = told
    .split('\n')
    .slice(0, MOST_LINES)
    .filter((line) => line.trim() !== '' && !isForeign(line))
  // Most tools begin the text with the message.
  const said = message
    .trim()
    .split('\n')
    .slice(0, KEY_LINES)
    .filter((line) => line.trim() !== '' && !told.includes(line.trim()))
  const first = { ...key(`${title}${place}`), called: [`junit: ${title}`, name] }
  return [first, ...said.map(key), ...lines.map((line, at): Line => (at < KEY_LINES ? key(line) : detail(line)))]
}
