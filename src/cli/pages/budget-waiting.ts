import type { BudgetView } from '../../contract/budget.ts'
import { counted, shortId } from './humanize.ts'
import type { Paint } from './output.ts'
import { harmless, LONGEST_TITLE, oneLine } from './terminal-text.ts'

export type PageStyle = {
  paint: Paint
  /** Spells commands as they have to be typed here. */
  hint: (text: string) => string
  /** Of the terminal; null: there is none. */
  columns: number | null
}

type Waiting = BudgetView['waiting'][number]

const SHOWN_ORDERS = 10

/** What rests, one paragraph for each thing it waits for, with what to do about that; empty when nothing rests. */
export function waitingSection(waiting: readonly Waiting[], { paint, hint }: PageStyle): string {
  const causes = Map.groupBy(waiting, ({ code, scope, of }) => JSON.stringify([code, scope, of]))
  const paragraphs = [...causes.values()].map((orders) => {
    const [first] = orders
    const rows = orders
      .slice(0, SHOWN_ORDERS)
      .map(({ id, title }) => `  ${paint.bold(shortId(id))}  ${oneLine(title, LONGEST_TITLE)}`)
    const more = orders.length - rows.length
    const message = first === undefined ? '' : `  ${paint.yellow(hint(harmless(`${first.code}: ${first.message}`)))}`
    return [...rows, ...(more === 0 ? [] : [`  and ${counted(more, 'more order')}`]), message].join('\n')
  })
  return paragraphs.length === 0 ? '' : [paint.dim('Waiting'), ...paragraphs].join('\n')
}
