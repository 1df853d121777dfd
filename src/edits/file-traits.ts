import type { ScopeNames } from './scope-names.ts'

/** What a block says of a file beside its text. What it does not say stays; a new file is plain and ends in a newline. */
export type Traits = {
  executable?: boolean
  finalNewline?: boolean
}

const PROGRAM = '(?:file|script|program|binary)'
const MODE = '(?:(?:file )?mode:? |chmod )?'
/** What stands in the brackets behind a path; the first that fits. */
const WORDS: readonly (readonly [words: RegExp, traits: Traits])[] = [
  [new RegExp(`^(?:executable(?: ${PROGRAM})?|${MODE}(?:[au]?\\+x|(?:100|0)?755))$`), { executable: true }],
  [new RegExp(`^(?:(?:not |non-)executable(?: ${PROGRAM})?|${MODE}(?:[au]?-x|(?:100|0)?644))$`), { executable: false }],
  [
    /^(?:no|without(?: a)?) (?:(?:final|trailing) newline|newline at(?: the)? end(?: of(?: the)? file)?)$/,
    { finalNewline: false },
  ],
  [/^(?:(?:with )?a )?(?:final|trailing) newline$/, { finalNewline: true }],
]
/** What begins like one of them and says something else. */
const LIKE_THEM =
  /^(?:(?:not |non-)?executable|chmod|(?:file )?mode:? \d+|[au]?[+-]x|(?:0|100)[0-7]{3}$|[67][0-7]{2}$|(?:no|without(?: a)?) (?:final|trailing) (?:new ?line|line|eol|lf|cr)\w*)\b/

/** A text in two parts: a path, and what stands in brackets behind it. `unclear`: words in them that look like traits. */
export type WithTraits = { path: string; traits: Traits; unclear: string | null }

/** More brackets than anything is said in. */
const MOST_BRACKETS = 4

/**
 * Takes traits off a path: `bin/run (executable)`, `a.txt (executable, no final newline)`. Other remarks stay on it, and so
 * does all of a name that the scope has. Behind more than four brackets the path is unclear. Linear.
 */
export function splitTraits(text: string, names: ScopeNames): WithTraits {
  let split: WithTraits = { path: text, traits: {}, unclear: null }
  for (let brackets = 0; ; brackets += 1) {
    const next = splitLast(split.path, names)
    if (next === null) return split
    const behind = text
      .slice(next.path.length)
      .trim()
      .replace(/^\(|\)$/g, '')
    if (brackets === MOST_BRACKETS) return { ...split, unclear: behind }
    const isOdd = contradicts(split.traits, next.traits)
    const unclear = isOdd ? behind : (split.unclear ?? next.unclear)
    split = { path: next.path, traits: { ...next.traits, ...split.traits }, unclear }
  }
}

/** Takes the last brackets off a path; null: they say no traits, or there are none. */
function splitLast(text: string, names: ScopeNames): WithTraits | null {
  const open = text.lastIndexOf('(')
  if (open < 1) return null
  const close = text.indexOf(')', open)
  const tail = text.slice(close + 1)
  if (close === -1 || !/^[\s:*_`]*$/.test(tail) || names.namesFile(text.trim())) return null
  const traits: Traits = {}
  let unclear: string | null = null
  let isTold = false
  for (const part of text.slice(open + 1, close).split(/[,;]| and /)) {
    const words = part.trim().toLowerCase()
    const found = WORDS.find(([known]) => known.test(words))
    if (found !== undefined && contradicts(traits, found[1])) unclear = text.slice(open + 1, close).trim()
    else if (found !== undefined) Object.assign(traits, found[1])
    else if (LIKE_THEM.test(words)) unclear = part.trim()
    isTold ||= found !== undefined
  }
  if (!isTold && unclear === null) return null
  return { path: `${text.slice(0, open).trimEnd()}${tail.trim()}`, traits, unclear }
}

/** Whether two say the opposite of each other. */
export function contradicts(one: Traits, other: Traits): boolean {
  return (['executable', 'finalNewline'] as const).some(
    (trait) => one[trait] !== undefined && other[trait] !== undefined && one[trait] !== other[trait],
  )
}

/** Whether anything is said. */
export function saysTraits({ executable, finalNewline }: Traits): boolean {
  return executable !== undefined || finalNewline !== undefined
}

/** The traits alone of something that has them. */
export function traitsOf({ executable, finalNewline }: { [Trait in keyof Traits]: Traits[Trait] | undefined }): Traits {
  return {
    ...(executable === undefined ? {} : { executable }),
    ...(finalNewline === undefined ? {} : { finalNewline }),
  }
}
