import { Box, Text } from 'ink'
import { createElement as h, type ReactElement } from 'react'
import { budgetText } from '../pages/budget-line.ts'
import { duration } from '../pages/humanize.ts'
import type { Output } from '../pages/output.ts'
import { harmless, oneLine } from '../pages/terminal-text.ts'
import type { Question } from './acts.ts'
import { layoutOf, type Size, windowOf } from './layout.ts'
import { type ListLine, listLines } from './list-lines.ts'
import { OrderPane } from './order-pane.ts'
import { entriesIn, type WatchState } from './watch-state.ts'

export type ScreenProps = {
  state: WatchState
  size: Size
  now: Date
  output: Pick<Output, 'paint' | 'hint'>
}

/** They fit into 80 columns. */
const KEYS = [
  ['j/k', 'enter'],
  ['a', 'approve'],
  ['x', 'cancel'],
  ['r', 'retry'],
  ['m', 'merge'],
  ['o', 'open'],
  ['/', 'search'],
  ['?', 'help'],
  ['q', 'quit'],
] as const
const MOST_QUESTION_ROWS = 7
const LONGEST_SAID = 500

/** What the first line counts; they fit into 80 columns. */
const COUNTED = [
  ['running', 'running'],
  ['waiting', 'waiting'],
  ['review', 'in review'],
  ['unapproved', 'to approve'],
  ['blocked', 'blocked'],
  ['failed', 'failed'],
] as const

const HELP: readonly (readonly [keys: string, does: string])[] = [
  ['j k, arrows', 'the next and the one before; in the log of an order, down and up'],
  ['PgUp PgDn, g G', 'ten at a time; to the first and the last'],
  ['enter, esc', 'the order with its whole log; back to the list'],
  ['a', 'approve, as the order stands there now'],
  ['x', 'cancel'],
  ['r', 'retry: make it pending again'],
  ['m', 'merge its pull request'],
  ['o', 'open its pull request'],
  ['/', 'search: words of id, title, project, state or reason; esc shows all again'],
  ['?', 'this page'],
  ['q, Ctrl-C', 'quit'],
]

/** Everything that is seen, in exactly the rows and columns of the terminal. */
export function Screen(props: ScreenProps): ReactElement {
  const { state, size, output } = props
  const question = state.question === null ? [] : questionLines(state.question, size.columns, output)
  const layout = layoutOf(size, question.length)
  if (layout.shape === 'tiny') return h(Text, { wrap: 'truncate' }, 'too small')
  const body = state.view === 'help' ? h(Help, props) : h(Body, { ...props, footRows: question.length })
  return h(
    Box,
    { flexDirection: 'column', width: size.columns, height: size.rows, overflow: 'hidden' },
    h(Head, props),
    body,
    ...question.map((line, index) => h(Text, { key: index, wrap: 'truncate' }, line)),
    h(Foot, props),
  )
}

function Head({ state, now, output }: ScreenProps): ReactElement {
  const { paint } = output
  const [first, second] = state.lost === null ? standing(state, output) : lostLines(state.lost, now, output)
  return h(
    Box,
    { flexDirection: 'column', height: 2, flexShrink: 0 },
    h(Text, { wrap: 'truncate' }, `${paint.bold('Moose')}  ${first}`),
    h(Text, { wrap: 'truncate' }, second),
  )
}

function standing({ facts }: WatchState, { paint, hint }: ScreenProps['output']): [string, string] {
  if (facts === null) return ['', 'Looking …']
  const { polling, states, budget } = facts.status
  const counts = COUNTED.flatMap(([state, word]) => {
    const count = states[state]
    if (count === 0 && state !== 'running') return []
    const text = `${count} ${word}`
    return [state === 'failed' && count > 0 ? paint.red(text) : text]
  })
  const taking = polling ? paint.green('on') : paint.yellow(hint('takes no orders on: moose start'))
  const spent =
    budget === null ? paint.yellow(hint('The budget cannot be read: moose status')) : `Spent ${budgetText(budget)}`
  return [`${taking}  ${counts.join(', ')}`, spent]
}

function lostLines(
  { sinceMs, reason }: NonNullable<WatchState['lost']>,
  now: Date,
  { paint, hint }: ScreenProps['output'],
): [string, string] {
  const since = duration(Math.max(1_000, now.getTime() - sinceMs))
  return [paint.red(`reconnecting: no answer since ${since}`), paint.yellow(hint(oneLine(reason, LONGEST_SAID)))]
}

function Body(props: ScreenProps & { footRows: number }): ReactElement {
  const { state, size, footRows } = props
  const { shape, list, side } = layoutOf(size, footRows)
  if (state.view === 'order')
    return h(OrderPane, {
      ...props,
      size: { columns: size.columns, rows: list.rows + (shape === 'wide' ? 0 : side.rows) },
      whole: true,
    })
  return h(
    Box,
    {
      flexDirection: shape === 'wide' ? 'row' : 'column',
      height: list.rows + (shape === 'wide' ? 0 : side.rows),
      flexShrink: 0,
    },
    h(List, { ...props, size: list }),
    side.rows === 0 ? null : h(OrderPane, { ...props, size: side, whole: false }),
  )
}

function List({ state, size, now, output }: ScreenProps): ReactElement {
  const { paint } = output
  const leftOut = state.facts === null ? 0 : state.facts.leftOut
  const lines = listLines(entriesIn(state), { paint, now, leftOut, search: state.search })
  const at = lines.findIndex((line) => line.type === 'entry' && line.key === state.selected)
  const [from, to] = windowOf(lines.length, at, size.rows)
  const entries = lines.filter((line) => line.type === 'entry')
  const widths = {
    cost: Math.max(0, ...entries.map(({ cost }) => cost.length)),
    since: Math.max(0, ...entries.map(({ since }) => since.length)),
  }
  return h(
    Box,
    {
      flexDirection: 'column',
      width: size.columns,
      height: size.rows,
      flexShrink: 0,
      overflow: 'hidden',
      paddingRight: 1,
    },
    ...lines
      .slice(from, to)
      .map((line, index) => h(Line, { key: index, line, isSelected: from + index === at, widths, output })),
  )
}

type LineProps = {
  line: ListLine
  isSelected: boolean
  widths: { cost: number; since: number }
  output: ScreenProps['output']
}

function Line({ line, isSelected, widths, output: { paint, hint } }: LineProps): ReactElement {
  if (line.type === 'heading') return h(Text, { wrap: 'truncate' }, paint.bold(line.text))
  if (line.type === 'empty') return h(Text, { wrap: 'truncate' }, `  ${paint.dim(line.text)}`)
  const text = hint(line.text)
  return h(
    Box,
    { height: 1, flexShrink: 0 },
    cell(isSelected ? paint.inverse('›') : ' ', 2),
    cell(line.word, 11),
    cell(paint.bold(line.id), 9),
    h(Box, { flexGrow: 1, flexBasis: 0 }, h(Text, { wrap: 'truncate' }, isSelected ? paint.bold(text) : text)),
    cell(line.cost, widths.cost === 0 ? 0 : widths.cost + 1, 'flex-end'),
    cell(paint.dim(line.since), widths.since + 1, 'flex-end'),
  )
}

function cell(text: string, width: number, justifyContent: 'flex-start' | 'flex-end' = 'flex-start'): ReactElement {
  return h(Box, { width, flexShrink: 0, justifyContent }, h(Text, { wrap: 'truncate' }, text))
}

/** Rows of a question, none longer than the terminal is wide. */
function questionLines({ lines }: Question, columns: number, { paint, hint }: ScreenProps['output']): string[] {
  const rows = lines.flatMap((line, index) => (index === 0 ? [line] : folded(hint(line), columns - 2)))
  const seen = rows.slice(0, MOST_QUESTION_ROWS)
  return seen.map((row, index) => (index === 0 ? paint.bold(paint.yellow(row)) : paint.yellow(`  ${row}`)))
}

/** A text as rows, broken between words. */
function folded(text: string, columns: number): string[] {
  const rows: string[] = []
  for (const word of text.split(' ')) {
    const last = rows.at(-1)
    if (last !== undefined && last.length + 1 + word.length <= columns) rows[rows.length - 1] = `${last} ${word}`
    else rows.push(word)
  }
  return rows
}

function Foot({ state, output }: ScreenProps): ReactElement {
  return h(Text, { wrap: 'truncate' }, footText(state, output))
}

function footText({ question, typing, search, said }: WatchState, { paint, hint }: ScreenProps['output']): string {
  if (question !== null) return `${paint.bold('y')} yes   any other key: no`
  if (typing) return `/${harmless(search)}${paint.inverse(' ')}   enter keeps it, esc shows all`
  if (said !== null) {
    const text = hint(oneLine(said.text, LONGEST_SAID))
    return said.tone === 'good' ? paint.green(text) : said.tone === 'bad' ? paint.red(text) : text
  }
  const keys = KEYS.map(([key, does]) => `${paint.bold(key)} ${paint.dim(does)}`).join(' ')
  return `${search === '' ? '' : `${paint.yellow(`/${harmless(search)}`)}  `}${keys}`
}

function Help({ size, output: { paint } }: ScreenProps): ReactElement {
  const rows = HELP.map(([keys, does], index) =>
    h(Box, { key: index, height: 1, flexShrink: 0 }, cell(paint.bold(keys), 17), h(Text, { wrap: 'truncate' }, does)),
  )
  const last =
    'What costs or destroys is asked before. Closing this page leaves all runs alone: the service carries them out.'
  return h(
    Box,
    { flexDirection: 'column', flexGrow: 1, overflow: 'hidden', width: size.columns },
    ...rows,
    h(Text, { key: 'last' }, `\n${last}`),
  )
}
