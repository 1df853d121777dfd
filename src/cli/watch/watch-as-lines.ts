import { type Cli, serviceApi } from '../cli.ts'
import { listenForInterruption } from '../interruption.ts'
import { budgetText } from '../pages/budget-line.ts'
import { isRepetition, printEvent } from '../pages/event-line.ts'
import { counted, shortId, withLocalTimes } from '../pages/humanize.ts'
import { LONGEST_TITLE, oneLine } from '../pages/terminal-text.ts'
import { entriesOf } from './entries.ts'
import type { Facts } from './facts.ts'
import { followService, type Listener } from './follow-service.ts'
import { wordOf } from './list-lines.ts'

const LONGEST_TEXT = 500

/** Prints what waits for a human and what happens, until it is interrupted. */
export async function watchAsLines(cli: Cli): Promise<void> {
  using interruption = listenForInterruption()
  await followService({ open: () => serviceApi(cli), listener: createPrinter(cli), signal: interruption.signal })
  if (interruption.exitCode() !== null) process.exitCode = Number(interruption.exitCode())
}

function createPrinter({ output }: Cli): Listener {
  const told = new Set<string>()
  let isNew = true
  let isLost = false
  let inbox = ''
  return {
    connected() {
      isNew = true
      if (isLost) output.note('The service answers again.')
      isLost = false
    },
    facts(facts) {
      const { status, leftOut: left_out } = facts
      const seen = JSON.stringify(facts.inbox)
      if (isNew) output.document({ type: 'connected', status, inbox: facts.inbox, left_out })
      else if (seen !== inbox) output.document({ type: 'inbox', inbox: facts.inbox, left_out })
      if (isNew && told.size === 0) tellStanding(output, facts)
      tellWaiting(output, facts, told)
      isNew = false
      inbox = seen
    },
    event(event) {
      output.document(event)
      // What a check prints belongs in `moose logs`; here it would drown what happens to the others.
      if (event.type !== 'output' && !isRepetition(event)) printEvent(output, event, { time: true, order: true })
    },
    lost(fault) {
      if (isLost) return
      isLost = true
      output.document({ type: 'lost', error: fault.toRecord() })
      output.note(`${oneLine(fault.message, LONGEST_TEXT)} It is tried again until you end this.`)
    },
  }
}

function tellStanding(output: Cli['output'], { status, inbox }: Facts): void {
  const { states, polling, budget } = status
  const taking = polling ? 'takes orders on' : 'takes no orders on: moose start'
  const counts = `${states.running} running, ${states.waiting} waiting, ${states.review} in review`
  output.line(output.hint(`${taking}  ${counts}, ${counted(inbox.length, 'thing')} for you`))
  if (budget !== null) output.line(`spent ${budgetText(budget)}`)
}

/** Each entry of the inbox once, as long as it stays there. */
function tellWaiting(output: Cli['output'], facts: Facts, told: Set<string>): void {
  const { paint } = output
  const waiting = entriesOf({ inbox: facts.inbox, orders: [] }, '')
  const keyOf = ({ kind, key, since }: (typeof waiting)[number]) => `${kind} ${key} ${since}`
  const keys = new Set(waiting.map(keyOf))
  for (const key of told) if (!keys.has(key)) told.delete(key)
  for (const entry of waiting) {
    if (told.has(keyOf(entry))) continue
    told.add(keyOf(entry))
    const { order, sentence, next } = entry
    const [command] = next
    const named = order === null ? [] : [paint.bold(shortId(order.id)), oneLine(order.title, LONGEST_TITLE)]
    const words = output.hint(
      [
        oneLine(withLocalTimes(sentence, new Date()), LONGEST_TEXT),
        ...(command === undefined ? [] : [`Type: ${oneLine(command, LONGEST_TEXT)}`]),
      ].join('  '),
    )
    output.line([paint.yellow('!'), wordOf(entry, paint), ...named, paint.dim(words)].join('  '))
  }
}
