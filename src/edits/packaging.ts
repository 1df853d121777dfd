import { fenceOf } from './answer/line-shapes.ts'
import type { Replacement } from './edit.ts'

type Sides = Pick<Replacement, 'search' | 'replace'>

const NUMBERED = /^\s*(\d{1,7})(?: ?[|│:] ?|\t|→)/

/** A line with the number that was copied with it; null: it has none. */
function numbered(line: string): { number: number; text: string } | null {
  const [start, number] = NUMBERED.exec(line) ?? []
  return start === undefined ? null : { number: Number(number), text: line.slice(start.length) }
}

/** The numbers that all lines of a text have, one more each; null: it is not numbered. */
export function numbersOf(lines: readonly string[]): { first: number; texts: string[] } | null {
  const first = numbered(String(lines[0]))
  if (first === null) return null
  const texts: string[] = []
  for (const [index, line] of lines.entries()) {
    const found = numbered(line)
    if (found === null || found.number !== first.number + index) return null
    texts.push(found.text)
  }
  return { first: first.number, texts }
}

/**
 * A pair without line numbers that were copied with its lines: where every line of SEARCH has one, and every line of
 * REPLACE or none has. Null: it is no such pair. `first` is the number the file must prove.
 */
export function withoutNumbers({ search, replace }: Sides): (Sides & { first: number }) | null {
  const found = numbersOf(search)
  if (found === null) return null
  const inReplace = replace.map(numbered)
  const some = inReplace.some((line) => line !== null)
  if (some && inReplace.includes(null)) return null
  const lines = some ? inReplace.map((line) => String(line?.text)) : replace
  return { search: found.texts, replace: lines, first: found.first }
}

/** A pair without a fence around each of its sides, and without the file's name before that; null: it is no such pair. */
export function withoutFences({ search, replace }: Sides, path: string): Sides | null {
  const inner = unfenced(search, path)
  const other = unfenced(replace, path)
  return inner === null || other === null || inner.length === 0 ? null : { search: inner, replace: other }
}

function unfenced(lines: readonly string[], path: string): string[] | null {
  const [first, ...rest] = lines
  const fenced = first?.trim() === path ? rest : lines
  const fence = fenceOf(String(fenced[0]))
  return fence !== null && fenced.length > 1 && fenced.at(-1)?.trim() === fence.mark ? fenced.slice(1, -1) : null
}
