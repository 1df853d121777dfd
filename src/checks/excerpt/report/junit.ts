import { SaxesParser } from 'saxes'
import {
  type Block,
  detail,
  isForeign,
  key,
  type Line,
  MOST_REPORTED,
  type ReportedFailures,
} from '../failure-format.ts'
import { shortened } from '../told-text.ts'

const MOST_OF_TEXT = 8_000
const MOST_LINES = 60
const KEY_LINES = 8
/** Written by some for what was expected to fail, or was not run. */
const FAILING = new Set(['failure', 'error'])

type Case = { title: string; message: string; text: string }

/**
 * The failures of a report in the form of JUnit. Nothing is fetched, and no entity that the file declares is put in: where
 * one is used the file is not well-formed, and what stands before it counts.
 *
 * @see https://github.com/testmoapp/junitxml
 */
export function junitFailures(xml: string): ReportedFailures {
  const blocks: Block[] = []
  const parser = new SaxesParser()
  let title = ''
  let failing: Case | null = null
  let problem: string | null = null
  parser.on('error', (error) => {
    if (problem === null) problem = error.message
  })
  parser.on('opentag', ({ name, attributes }) => {
    if (name === 'testcase' || name === 'testsuite') title = titleOf(attributes)
    if (!FAILING.has(name) || blocks.length >= MOST_REPORTED) return
    const { message = '', type = '' } = attributes
    failing = { title, message: message === '' ? type : message, text: '' }
  })
  const onText = (text: string): void => {
    if (failing !== null && failing.text.length < MOST_OF_TEXT) failing.text += text.slice(0, MOST_OF_TEXT)
  }
  parser.on('text', onText)
  parser.on('cdata', onText)
  parser.on('closetag', ({ name }) => {
    if (failing === null || !FAILING.has(name)) return
    blocks.push(blockOf(failing))
    failing = null
  })
  // In pieces: what comes behind a part that is not well-formed is another file's.
  for (let at = 0; at < xml.length && problem === null; at += PIECE) parser.write(xml.slice(at, at + PIECE))
  if (problem === null) parser.close()
  return { blocks, problem }
}

const PIECE = 64 * 1024

function titleOf({ classname = '', name = '', file = '', line = '' }: Record<string, string>): string {
  const place = file === '' ? '' : ` (${file}${line === '' ? '' : `:${line}`})`
  return `${[classname, name].filter((part) => part !== '').join(' › ')}${place}`
}

function blockOf({ title, message, text }: Case): Block {
  const told = text.trim()
  const lines = told
    .split('\n')
    .slice(0, MOST_LINES)
    .filter((line) => line.trim() !== '' && !isForeign(line))
  // Most tools begin the text with the message.
  const said = message
    .split('\n')
    .slice(0, KEY_LINES)
    .filter((line) => line.trim() !== '' && !told.includes(line.trim()))
  return [
    key(shortened(title, MOST_OF_TITLE)),
    ...said.map(key),
    ...lines.map((line, at): Line => (at < KEY_LINES ? key(line) : detail(line))),
  ]
}

const MOST_OF_TITLE = 300
