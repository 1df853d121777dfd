import type { Effort } from '../effort.ts'
import type { Numbers } from './numbers.ts'

/** The lines of a file as numbers, how many lines have each, and an index before which none of those is. */
type Lines = { ids: Numbers; timesOf: (id: number) => number; from: (id: number) => number }

/** Where something stands in a file: how often, and the first indices, from 0 and ascending. */
export type Places = { count: number; first: readonly number[] }

/** Indices that are told. */
const TOLD = 10

export const NOWHERE: Places = { count: 0, first: [] }

/**
 * Where a run of lines occurs, overlapping ones included. No lines occur nowhere.
 *
 * @param search the same numbers as the file's
 */
export function occurrences(lines: Lines, search: readonly number[], effort: Effort): Places {
  if (search.length === 0 || search.length > lines.ids.length) return NOWHERE
  let rarest = 0
  for (const [offset, id] of search.entries())
    if (lines.timesOf(id) < lines.timesOf(Number(search[rarest]))) rarest = offset
  const candidates = lines.timesOf(Number(search[rarest]))
  const comparisons = candidates * search.length
  if (comparisons < lines.ids.length) {
    effort.compare(comparisons)
    effort.move(lines.ids.length)
    return aroundRarest(lines, search, { rarest, candidates })
  }
  effort.compare(lines.ids.length + search.length)
  return everywhere(lines.ids.slice(), Int32Array.from(search))
}

function aroundRarest(
  { ids, from }: Lines,
  search: readonly number[],
  { rarest, candidates }: { rarest: number; candidates: number },
): Places {
  const first: number[] = []
  let count = 0
  let at = from(Number(search[rarest])) - 1
  for (let round = 0; round < candidates; round += 1) {
    at = ids.indexOf(Number(search[rarest]), at + 1)
    const start = at - rarest
    if (start < 0 || !search.every((id, offset) => ids.at(start + offset) === id)) continue
    count += 1
    if (count <= TOLD) first.push(start)
  }
  return { count, first }
}

/** By Knuth, Morris and Pratt: a file and an answer full of equal lines must not take quadratic time. */
function everywhere(ids: Int32Array, search: Int32Array): Places {
  const fallbacks = fallbacksOf(search)
  const first: number[] = []
  let count = 0
  let matched = 0
  for (let index = 0; index < ids.length; index += 1) {
    matched = matchedLength(search, fallbacks, Number(ids[index]), matched)
    if (matched < search.length) continue
    count += 1
    if (count <= TOLD) first.push(index + 1 - matched)
  }
  return { count, first }
}

/** For every prefix of the search, by its length, how much of it still matches when its next line does not. */
function fallbacksOf(search: Int32Array): Int32Array {
  const fallbacks = new Int32Array(search.length + 1)
  for (let length = 1; length < search.length; length += 1)
    fallbacks[length + 1] = matchedLength(search, fallbacks, Number(search[length]), Number(fallbacks[length]))
  return fallbacks
}

/** How many lines of the search match up to and with a further line. */
function matchedLength(search: Int32Array, fallbacks: Int32Array, id: number, matched: number): number {
  let length = matched
  while (length > 0 && search[length] !== id) length = Number(fallbacks[length])
  return search[length] === id ? length + 1 : 0
}
