import { ago, shortId, usd, withLocalTimes } from '../pages/humanize.ts'
import type { Paint } from '../pages/output.ts'
import { LONGEST_TITLE, oneLine } from '../pages/terminal-text.ts'
import type { Entry, Section } from './entries.ts'

/** A line of the list as it is shown. Cells are painted and harmless. */
export type ListLine =
  | { type: 'heading'; section: Section; text: string }
  | { type: 'empty'; section: Section; text: string }
  | {
      type: 'entry'
      key: string
      word: string
      id: string
      text: string
      cost: string
      since: string
    }

const SECTIONS: readonly (readonly [section: Section, heading: string, empty: string])[] = [
  ['inbox', 'Waits for you', 'Nothing waits for a human.'],
  ['active', 'Runs and waits', 'Nothing runs.'],
  ['ended', 'Ended lately', 'Nothing yet.'],
]

const LONGEST_WHY = 300

/** What an entry is called. */
const WORDS: ReadonlyMap<string, readonly [word: string, paint: (paint: Paint) => (text: string) => string]> = new Map([
  ['stopped', ['stopped', (paint: Paint) => paint.red]],
  ['approval', ['to approve', (paint: Paint) => paint.yellow]],
  ['held_change', ['to allow', (paint: Paint) => paint.magenta]],
  ['merge', ['to merge', (paint: Paint) => paint.green]],
  ['review', ['in review', (paint: Paint) => paint.cyan]],
  ['blocked', ['blocked', (paint: Paint) => paint.magenta]],
  ['failed', ['failed', (paint: Paint) => paint.red]],
  ['paused_project', ['paused', (paint: Paint) => paint.yellow]],
  ['paused_proposer', ['paused', (paint: Paint) => paint.yellow]],
  ['paused_provider', ['paused', (paint: Paint) => paint.yellow]],
  ['budget', ['budget', (paint: Paint) => paint.yellow]],
  ['running', ['running', (paint: Paint) => paint.cyan]],
  ['waiting', ['waiting', (paint: Paint) => paint.yellow]],
  ['completed', ['completed', (paint: Paint) => paint.green]],
  ['cancelled', ['cancelled', (paint: Paint) => paint.dim]],
])

/** What an entry is called, painted. */
export function wordOf({ kind, section }: Pick<Entry, 'kind' | 'section'>, paint: Paint): string {
  const known = WORDS.get(kind)
  if (known === undefined) return oneLine(kind, 10)
  const [word, style] = known
  return style(paint)(kind === 'review' && section === 'inbox' ? 'to look at' : word)
}

/** @param leftOut orders that are not among the entries */
export function listLines(
  entries: readonly Entry[],
  { paint, now, leftOut, search }: { paint: Paint; now: Date; leftOut: number; search: string },
): ListLine[] {
  return SECTIONS.flatMap(([section, heading, empty]): ListLine[] => {
    const own = entries.filter((entry) => entry.section === section)
    const more = section === 'inbox' && leftOut > 0 ? `, ${leftOut} older ones left out` : ''
    const found = search === '' ? empty : 'Nothing that is searched for.'
    return [
      { type: 'heading', section, text: `${heading} (${own.length}${more})` },
      ...(own.length === 0
        ? [{ type: 'empty' as const, section, text: found }]
        : own.map((entry) => lineOf(entry, paint, now))),
    ]
  })
}

function lineOf(entry: Entry, paint: Paint, now: Date): ListLine {
  const { key, order, short, since } = entry
  const why = oneLine(withLocalTimes(short, now), LONGEST_WHY)
  const title = order === null ? '' : oneLine(order.title, LONGEST_TITLE)
  const hidden = order === null || order.hidden_text.length === 0 ? '' : paint.yellow('(hidden text) ')
  const both = [title, why].filter((part) => part !== '')
  return {
    type: 'entry',
    key,
    word: wordOf(entry, paint),
    id: order === null ? '' : shortId(order.id),
    text: hidden + (order === null ? why : [both[0], ...both.slice(1).map((part) => paint.dim(part))].join('  ')),
    cost: order === null || order.actual_cost === null ? '' : usd(order.actual_cost),
    since: since === null ? '' : ago(new Date(since), now).replace(/ ago$/, ''),
  }
}
