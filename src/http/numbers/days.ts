import { MOST_DAYS, type NumbersQuery } from '../../contract/numbers.ts'
import { Fault } from '../../faults/fault.ts'

const MINUTE_MS = 60_000
const DAY_MS = 24 * 60 * MINUTE_MS
/** No zone has ever been farther from UTC. */
const FARTHEST_MS = 16 * 60 * MINUTE_MS
const USUAL_DAYS = 30
/** What lies outside is a slip of the pen. */
const [FIRST_DAY, LAST_DAY] = ['2000-01-01', '2199-12-31'] as const

/** Days of a time zone, each `YYYY-MM-DD`; the last is in the range. */
export type DayRange = {
  tz: string
  days: readonly string[]
  /** When each day begins, and after them when the last one ends. */
  starts: readonly Date[]
}

/**
 * The days that are asked for. Which instants they are is worked out here, so that it does not depend on what time zones the
 * database knows.
 *
 * @throws {Fault} `request_invalid` for a zone there is not, and a range that is none or too long
 */
export function daysOf({ from, to, tz }: Pick<NumbersQuery, 'from' | 'to' | 'tz'>, now: Date): DayRange {
  const dayAt = dayIn(tz)
  const last = to === undefined ? latest(dayAt(now), from) : to
  const first = from === undefined ? plusDays(last, 1 - USUAL_DAYS) : from
  const count = (Date.parse(last) - Date.parse(first)) / DAY_MS + 1
  if (count < 1) throw refused(`The range ends on ${last}, before it begins on ${first}.`)
  if (count > MOST_DAYS) throw refused(`The range has ${count} days; at most ${MOST_DAYS} are counted at once.`)
  if (first < FIRST_DAY || last > LAST_DAY) throw refused(`The range must lie between ${FIRST_DAY} and ${LAST_DAY}.`)
  const days = Array.from({ length: count }, (_, index) => plusDays(first, index))
  return { tz, days, starts: [...days, plusDays(last, 1)].map((day) => startOf(day, dayAt)) }
}

/** The day after, or before: the calendar alone, without a zone. */
export function plusDays(day: string, count: number): string {
  return new Date(Date.parse(day) + count * DAY_MS).toISOString().slice(0, 'YYYY-MM-DD'.length)
}

/** A range that begins in the future ends there too, and not today. */
function latest(today: string, from: string | undefined): string {
  return from !== undefined && from > today ? from : today
}

/** Which day it is there at an instant. */
function dayIn(tz: string): (at: Date) => string {
  try {
    // Swedish writes days as ISO 8601 does.
    const format = new Intl.DateTimeFormat('sv-SE', { timeZone: tz, dateStyle: 'short' })
    return (at) => format.format(at)
  } catch (error) {
    if (!(error instanceof RangeError)) throw error
    throw refused(`There is no time zone "${tz}". Name one such as UTC or Europe/Berlin.`)
  }
}

/** The first minute of a day: zones change their clocks also at midnight, and have left days out. */
function startOf(day: string, dayAt: (at: Date) => string): Date {
  let before = Date.parse(day) - FARTHEST_MS
  let after = Date.parse(day) + FARTHEST_MS
  while (after - before > MINUTE_MS) {
    const middle = before + Math.floor((after - before) / MINUTE_MS / 2) * MINUTE_MS
    if (dayAt(new Date(middle)) >= day) after = middle
    else before = middle
  }
  return new Date(after)
}

function refused(message: string): Fault {
  return new Fault('request_invalid', message)
}
