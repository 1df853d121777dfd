/** A line that opens or closes a fence. */
export type FenceLine = { indent: string; mark: string; info: string }

/** What a line is in a pair of SEARCH and REPLACE. `foreign`: it is meant as a marker, and it cannot be told of what. */
export type Marker = { role: 'open' | 'divider' | 'close' | 'foreign'; size: number }

/** Files whose text may have fences of its own. */
export const MARKUP = /\.(?:md|mdx|markdown|rst|adoc|txt)$|(?:^|\/)[^./]+$/i
const FENCE = /^(\s*)(`{3,}|~{3,})/
/** Shorter runs stand in texts of all kinds. */
const FEWEST_MARKS = 5
const MOST_MARKS = 100
const OLD_SIDE = /^(?:search|original|head|old|before|find|current)>?$/i
const NEW_SIDE = /^[\w./-]*>?$/
/** Behind the mark of a quote or of a list. */
const DECORATED = /^(?:[\s*+|\d.)-]|>(?!>))*(?:<{5,} ?(?:search|original|head)|>{5,} ?(?:replace|updated))\b/i
/** Markers as they stand in other kinds of text, or with fewer signs. */
const ESCAPED =
  /^\s*(?:(?:&[lg]t;){2,}|\\[<>]{2,}|[«»‹›]{2,}|[<>]{2,4})\s*(?:search|replace|original|updated)\b|^\s*[<[]\/?(?:SEARCH|REPLACE)[\]>]/i
const QUOTED = /^\s*>(?!>)\s*(?:={5,}\s*$|(?:-{5,} ?search|\+{5,} ?replace)\b)/i

/** A line as a fence; null where it is none. */
export function fenceOf(line: string): FenceLine | null {
  const [start, indent, mark] = FENCE.exec(line) ?? []
  if (start === undefined || indent === undefined || mark === undefined || mark.length > MOST_MARKS) return null
  const info = line.slice(start.length).trim()
  return info.includes('`') ? null : { indent, mark, info }
}

/** A line as a marker of a pair, in whatever form a model may have written it; null where it is none. */
export function markerOf(line: string): Marker | null {
  const text = line.trim()
  const [first] = text
  const size = first === undefined || !'<->=+'.includes(first) ? 0 : runOf(text, first)
  if (first === undefined || size < FEWEST_MARKS) return isForeign(line, first) ? FOREIGN : null
  const word = text.slice(size).trimStart()
  switch (first) {
    case '<':
      return OLD_SIDE.test(word) && size <= MOST_MARKS ? { role: 'open', size } : openLike(word)
    case '-':
      return /^search>?$/i.test(word) ? { role: 'open', size } : null
    case '=':
      return word === '' ? { role: 'divider', size } : null
    case '+':
      return /^replace>?$/i.test(word) ? { role: 'close', size } : null
    default:
      return NEW_SIDE.test(word) ? { role: 'close', size } : null
  }
}

const FOREIGN_FORMS = [DECORATED, QUOTED, ESCAPED]
/** The characters that a line of one of these forms may start with. */
const FOREIGN_FIRST = '<>&\\«»‹›[*+|.)-0123456789'
const FOREIGN: Marker = { role: 'foreign', size: 0 }

function isForeign(line: string, first = ''): boolean {
  return first !== '' && FOREIGN_FIRST.includes(first) && FOREIGN_FORMS.some((form) => form.test(line))
}

function openLike(word: string): Marker | null {
  return word === '' || /^(?:search|original|head)\b/i.test(word) ? FOREIGN : null
}

/** Number of `<` of a line `<<<<<<< SEARCH`, 7 to 100, as the format has it; null for any other line. */
export function searchMarkerSize(line: string): number | null {
  const [, arrows] = /^(<{7,100}) SEARCH\s*$/.exec(line) ?? []
  return arrows === undefined ? null : arrows.length
}

/** How often a character stands at the start of a text. */
function runOf(text: string, character: string): number {
  let length = 0
  while (text[length] === character) length += 1
  return length
}

/**
 * Whether a line is code rather than words: it is indented and no list, has the signs of most languages at an end, or is a
 * statement of one without such signs.
 */
export function looksLikeCode(line: string): boolean {
  return /^(?:\s{2,}|\t)(?![-*+\s]|\d{1,3}[.)])/.test(line) || hasSignsOfCode(line) || isStatement(line)
}

const ASSIGNS = /^[\w$@][\w.$[\]'"]{0,200}(?::\s?[\w.[\]]{1,80})?\s*(?:[-+*/|&%:?]|\|\||&&)?=(?![=>])\s*\S/
const DECLARES =
  /^(?:import [\w.*]+(?: as \w+)?|from \S+ import \S.*|(?:async )?def \w.*|class \w.*:|(?:raise|yield|await|return) \S+|end|pass|elif .*:|@\w[\w.]*)$/

/** Whether a line is an assignment, an import or a declaration of a language without `;` and braces. */
export function isStatement(line: string): boolean {
  const text = line.trim()
  return ASSIGNS.test(text) || DECLARES.test(text)
}

/** Whether a line starts or ends with the signs of most languages, or is a call. */
export function hasSignsOfCode(line: string): boolean {
  return /^[}\])]|[;{}]$|^[\w.$]+\(.*\)$/.test(line.trim())
}

/** Whether a line is an item of a list. */
export function isListItem(line: string): boolean {
  return /^\s*(?:[-*+]|\d{1,3}[.)])\s/.test(line)
}

/** Whether a line is one word that ends no sentence. */
export function isOneWord(line: string): boolean {
  return /^(?:>\s*)?\S*[^\s.:!]$/.test(line.trim())
}
