import { ID_OR_PREFIX } from './uuid.ts'

/** An order that may wait for others. */
type Dependent = { title: string; depends_on?: readonly string[] | undefined }

/** An order another one waits for: one of the same list, by its place, or one that is filed, by its id or a prefix of it. */
export type NamedOrder = { at: number } | { id: string }

/** `entry`: its place in `depends_on`; null: all of it together. */
export type DependencyProblem = { order: number; entry: number | null; reason: string }

/** Named in one sentence. */
const MOST_NAMED = 10

/** What the orders of one list wait for. A title of the list counts before an id. */
export function dependenciesWithin(orders: readonly Dependent[]): {
  named: NamedOrder[][]
  problems: DependencyProblem[]
} {
  const places = Map.groupBy(orders.keys(), (index) => String(orders[index]?.title))
  const problems: DependencyProblem[] = []
  const named = orders.map(({ depends_on: entries = [] }, index) =>
    entries.flatMap((text, entry) => {
      const found = namedBy(text, places.get(text))
      if (typeof found !== 'string') return [found]
      problems.push({ order: index, entry, reason: found })
      return []
    }),
  )
  const edges = new Map(named.map((some, index) => [index, some.flatMap((one) => ('at' in one ? [one.at] : []))]))
  const circle = anyCircle(edges)
  if (circle !== null) {
    const titles = circle.map((at) => String(orders[at]?.title))
    problems.push({ order: Number(circle[0]), entry: null, reason: `makes a circle: ${circleInWords(titles)}` })
  }
  return { named, problems }
}

/** A text: why it is none. */
function namedBy(text: string, places: readonly number[] | undefined): NamedOrder | string {
  const [at, second] = places === undefined ? [] : places
  if (at !== undefined && second !== undefined)
    return `"${text}" is the title of ${places?.length} orders filed with it`
  if (at !== undefined) return { at }
  if (ID_OR_PREFIX.test(text)) return { id: text.toLowerCase() }
  return `"${text}" is neither the title of an order filed with it nor the id of one that is there`
}

/** Titles around a circle, the first of them also at its end. */
export function circleInWords(titles: readonly string[]): string {
  const [first, ...others] = titles.map((title) => `"${title}"`)
  const told = others.slice(0, MOST_NAMED)
  const more = others.length > told.length ? `, and so on for ${others.length - told.length} more` : ''
  return `${first} waits for ${told.join(', which waits for ')}${more}`
}

type Edges<Key> = ReadonlyMap<Key, readonly Key[]>

/** The way from a key back to itself, with it at both ends; null: there is none. */
export function circleFrom<Key>(start: Key, edges: Edges<Key>): Key[] | null {
  const cameFrom = new Map<Key, Key>()
  const next = [start]
  for (const key of next) {
    for (const other of othersOf(edges, key)) {
      if (other === start) return wayTo(start, key, cameFrom)
      if (cameFrom.has(other)) continue
      cameFrom.set(other, key)
      next.push(other)
    }
  }
  return null
}

function wayTo<Key>(start: Key, last: Key, cameFrom: ReadonlyMap<Key, Key>): Key[] {
  const way = [start]
  for (let key: Key | undefined = last; key !== undefined && key !== start; key = cameFrom.get(key)) way.unshift(key)
  return [start, ...way]
}

/** One circle between places, from its lowest, if there is any; in time that grows with the edges. */
function anyCircle(edges: Edges<number>): number[] | null {
  const left = new Map([...edges.keys()].map((key) => [key, 0]))
  for (const others of edges.values()) for (const other of others) left.set(other, Number(left.get(other)) + 1)
  // What none waits for is in no circle, and then neither is what only such orders wait for.
  const free = [...left].flatMap(([key, count]) => (count === 0 ? [key] : []))
  for (const key of free) {
    left.delete(key)
    for (const other of othersOf(edges, key)) {
      const count = Number(left.get(other)) - 1
      left.set(other, count)
      if (count === 0) free.push(other)
    }
  }
  const before = new Map<number, number>()
  for (const key of left.keys()) for (const other of othersOf(edges, key)) before.set(other, key)
  return backwards(before)
}

/** Of the orders that are left, one waits for each: going back from any of them comes around. */
function backwards(before: ReadonlyMap<number, number>): number[] | null {
  const [some] = before.keys()
  const way: number[] = []
  const places = new Map<number, number>()
  for (let key = some; key !== undefined; key = before.get(key)) {
    const place = places.get(key)
    if (place !== undefined) {
      const around = way.slice(place).toReversed()
      const lowest = around.indexOf(Math.min(...around))
      return [...around.slice(lowest), ...around.slice(0, lowest), Number(around[lowest])]
    }
    places.set(key, way.length)
    way.push(key)
  }
  return null
}

function othersOf<Key>(edges: Edges<Key>, key: Key): readonly Key[] {
  const others = edges.get(key)
  return others === undefined ? [] : others
}
