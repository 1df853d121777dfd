import { Box, Text } from 'ink'
import { createElement as h, type ReactElement } from 'react'
import { eventLine, isRepetition } from '../pages/event-line.ts'
import { shortId, usd, withLocalTimes } from '../pages/humanize.ts'
import { stateOf } from '../pages/order-state.ts'
import type { Output, Paint } from '../pages/output.ts'
import { LONGEST_TITLE, oneLine } from '../pages/terminal-text.ts'
import type { Entry } from './entries.ts'
import type { Size } from './layout.ts'
import { wordOf } from './list-lines.ts'
import type { OrderLog } from './order-log.ts'
import { selectedEntry, type WatchState } from './watch-state.ts'

export type OrderPaneProps = {
  state: WatchState
  size: Size
  now: Date
  output: Pick<Output, 'paint' | 'hint'>
  /** Whether it has the screen for itself. */
  whole: boolean
}

/** Characters of one piece of evidence, and of the answer why. */
const LONGEST = 500

/** What is known of the selected entry: why it stands there, what to type, and the end of its log. */
export function OrderPane(props: OrderPaneProps): ReactElement {
  const { state, size, whole } = props
  const entry = selectedEntry(state)
  const known = entry === null ? [] : aboutLines(entry, props)
  // The log is what moves: it keeps half of the room at least.
  const most = whole || size.rows > 20 ? Math.floor(size.rows / 2) : Math.floor(size.rows / 3)
  const shown = known.slice(0, Math.max(2, most))
  return h(
    Box,
    { flexDirection: 'column', width: size.columns, height: size.rows, flexShrink: 0, overflow: 'hidden' },
    h(
      Box,
      { flexDirection: 'column', flexShrink: 0, maxHeight: Math.max(2, most), overflow: 'hidden' },
      ...shown.map((line, index) =>
        h(Box, { key: index, flexShrink: 0 }, h(Text, { wrap: index === 1 ? 'wrap' : 'truncate' }, line)),
      ),
    ),
    h(LogHead, props),
    state.log === null
      ? null
      : h(LogTail, { ...props, log: state.log, back: state.back, rows: size.rows - Math.max(2, most) - 1 }),
  )
}

function aboutLines(entry: Entry, { state: { why }, now, output: { paint, hint } }: OrderPaneProps): string[] {
  const { order } = entry
  const known = why !== null && order !== null && why.orderId === order.id ? why.why : null
  const sentence = known === null ? entry.sentence : known.sentence
  const next = known === null ? entry.next : known.next
  const evidence = known === null ? [] : known.evidence
  return [
    order === null ? wordOf(entry, paint) : headOf(order, paint),
    hint(oneLine(withLocalTimes(sentence, now), LONGEST)),
    ...next.map((command) => `  ${paint.bold('$')} ${hint(oneLine(command, LONGEST))}`),
    ...evidence.map(
      ({ name, text }) => `  ${paint.dim(oneLine(name, 40))}  ${oneLine(withLocalTimes(text, now), LONGEST)}`,
    ),
  ]
}

function headOf(order: NonNullable<Entry['order']>, paint: Paint): string {
  const parts = [
    paint.bold(shortId(order.id)),
    stateOf(order, paint),
    ...(order.project === null ? [] : [oneLine(order.project, 20)]),
    ...(order.github_pr_number === null ? [] : [`#${order.github_pr_number}`]),
    ...(order.actual_cost === null ? [] : [usd(order.actual_cost)]),
    oneLine(order.title, LONGEST_TITLE),
  ]
  return parts.join('  ')
}

function LogHead({ state, output: { paint } }: OrderPaneProps): ReactElement {
  const { log, back } = state
  const words =
    log === null
      ? ''
      : `Log${log.state === 'reading' ? ' (reading …)' : log.state === 'broken' ? ' (could not be read)' : ''}`
  const above = back === 0 ? '' : `, ${back} below; G follows`
  return h(
    Box,
    { height: 1, flexShrink: 0 },
    h(Text, { wrap: 'truncate' }, `── ${paint.bold(words)}${above} `),
    h(Box, {
      flexGrow: 1,
      height: 1,
      borderStyle: 'single',
      borderBottom: false,
      borderLeft: false,
      borderRight: false,
    }),
  )
}

type LogTailProps = OrderPaneProps & {
  log: OrderLog
  back: number
  /** That it has at least. */
  rows: number
}

/** More lines than any terminal has rows are not laid out. */
const MOST_LINES = 300

function LogTail({ log, back, rows, size, whole, output: { paint } }: LogTailProps): ReactElement {
  const seen = log.events.slice(0, log.events.length - back).slice(-MOST_LINES)
  const lines = seen
    .filter((event) => !isRepetition(event))
    .flatMap((event) => eventLine(event, paint, { time: true }).split('\n'))
    .slice(-MOST_LINES)
  const isLonger = lines.reduce((sum, line) => sum + (whole ? mostRows(line, size.columns) : 1), 0) > rows
  return h(
    Box,
    {
      flexDirection: 'column',
      flexGrow: 1,
      flexBasis: 0,
      justifyContent: isLonger ? 'flex-end' : 'flex-start',
      overflow: 'hidden',
    },
    ...lines.map((line, index) =>
      h(
        Box,
        { key: index, flexShrink: 0 },
        h(Text, { wrap: whole ? 'wrap' : 'truncate' }, line === '' ? ' ' : line.replaceAll('\t', '    ')),
      ),
    ),
  )
}

/** Rows that a line takes at most, when every character of it is a wide one. */
function mostRows(line: string, columns: number): number {
  return Math.max(1, Math.ceil((line.length * 2) / columns))
}
