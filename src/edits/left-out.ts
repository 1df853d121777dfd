import { isReplaced, nameIn, type Stretch, stretchesOf, withText } from './whole-file.ts'

const MOST_OF_LINE = 200
const MOST_OF_SENTENCE = 400
const MOST_OF_REMARK = 100
/** What begins a comment, wherever it stands in a line. */
const BEGINS = /\/\/|\/\*|<!--|"""|'''|^\*|(?:^|\s)(?:#|--|;|%|\(\*)/
const IN_BRACKETS = /^(?:\[.*\]|\(.*\)|<[^/<>]*>)[.,;]?$/
const DOTS_IN_BRACES = /\{\s{0,9}(?:\/\*\s{0,9})?(?:\.{3}|…)(?:\s{0,9}\*\/)?\s{0,9}\}[;,)]{0,3}$/
/** What spreads a value is one word. */
const DOTS_BEFORE = /^(?:\.{3}|…) ?[A-Za-z]{1,20}(?: [A-Za-z]{1,20}){1,8}[.:]?$/
const REST = /\b(?:rest|remaining|remainder|(?:everything|all|anything|nothing) else|others?)\b/i
const STATE =
  /\b(?:un(?:changed|modified|touched|altered)|intact|identical|omitted|elided|snip(?:ped)?|truncated|abbreviated|collapsed|left out|brevity|(?:the )?same|as (?:before|is|above|it (?:is|was|stands)|they (?:are|were))|not (?:shown|repeated|changed|touched|modified|listed|included)|no (?:other |further )?(?:changes?|edits?)|stays?|remains?|kept)\b/i
const SURE =
  /\b(?:un(?:changed|modified|touched|altered)|omitted|elided|snip(?:ped)?|truncated|abbreviated|brevity|same as (?:before|above)|as (?:before|is|it (?:is|was|stands)|they (?:are|were))|not (?:shown|repeated)|no (?:other |further )?changes?)\b/i
const LOOSE =
  /\b(?:rest|remaining|remainder|remains?|existing|same|previous(?:ly)?|original|others?|else|keep|kept|stays?|here|below|above|continues?|intact|identical|etc|and so on|code|body|implementation|todo|alone|not change|from before|as you had|follows|skipped|not (?:changed|touched|modified|listed|included)|left out)\b/i
/** A call, or what declares one, with words of its state and without a sign of a comment. */
const CALL_ALONE =
  /^`?(?:(?:export|async|public|private|static|function|def|fn|func|sub) ){0,3}[\w.$#]{1,60}\([^()]{0,80}\)(?: ?\{ ?\})?`?(?::| [-–—])? [a-z ]{2,40}[.;]?$/i
const RULE_ALONE = /^(?:={3,}|-{3,}|\*{3,}|~{3,}) .{1,60}$/
const REST_ALONE = /^\W*(?:the )?(?:rest|remainder|remaining|everything else)\b/i

const FOR_BREVITY =
  /\bbrevity\b|\b(?:is|are|was|were|been|have|has|I|we)(?: \w{1,12})? (?:omitted|left out|elided|truncated|not shown)\b/i

/** How sure it is that words stand for lines: `loosely` where they stand in the place of such lines. */
type Surely = 'surely' | 'loosely'

/** Whether a line is a remark that may stand for lines that are left out. Linear. */
export function standsForLines(line: string, how: Surely): boolean {
  const words = remarkIn(line)
  return words !== null && (isSure(words) || (how === 'loosely' && LOOSE.test(words)))
}

/**
 * The line of a text that stands for lines of the one before it, which the text leaves out; null: there is none. One that
 * stands in the text before is none, and neither is one where each line has another instead. Linear.
 *
 * @param options.isPart whether it is a part of a file: what it takes away is meant to go, so that only words of the rest,
 *   or of something by its name, count
 */
export function leftOutIn(
  before: readonly string[],
  text: readonly string[],
  { isPart }: { isPart: boolean },
): string | null {
  const [old, fresh] = [withText(before), withText(text)]
  const known = new Set(old)
  const remarks = new Map<string, string>()
  for (const line of fresh) {
    const words = known.has(line) ? null : remarkIn(line)
    if (words !== null) remarks.set(line, words)
  }
  if (remarks.size === 0) return null
  const stretches = stretchesOf(old, fresh) ?? [{ gone: old.filter((line) => !fresh.includes(line)), fresh }]
  for (const stretch of stretches) {
    const found = standingIn(stretch, remarks, isPart)
    if (found !== null) return found
  }
  if (isPart) return null
  const sure = new Set([...remarks].flatMap(([line, words]) => (isSure(words) ? [line] : [])))
  const isLost = sure.size > 0 && stretches.some((stretch) => !isReplaced(without(stretch, sure)))
  return isLost ? ([...sure][0] ?? null) : null
}

/** The remark that stands in the place of more lines than there are beside it. */
function standingIn(stretch: Stretch, remarks: ReadonlyMap<string, string>, isPart: boolean): string | null {
  const names = new Set(stretch.gone.flatMap((line) => nameIn(line) ?? []))
  const isNamed = (words: string) => (words.match(/[\p{L}\p{N}_$]+/gu) ?? []).some((word) => names.has(word))
  const here = stretch.fresh.filter((line) => {
    const words = remarks.get(line)
    if (words === undefined) return false
    if (!isPart) return isSure(words) || LOOSE.test(words) || isNamed(words)
    return REST.test(words) ? STATE.test(words) : SURE.test(words) && (/\bbrevity\b/i.test(words) || isNamed(words))
  })
  const { gone, fresh } = without(stretch, new Set(here))
  return gone.length > fresh.length ? (here[0] ?? null) : null
}

function without({ gone, fresh }: Stretch, remarks: ReadonlySet<string>): Stretch {
  const isWorded = (line: string) => /[\p{L}\p{N}_]/u.test(line)
  return { gone: gone.filter(isWorded), fresh: fresh.filter((line) => isWorded(line) && !remarks.has(line)) }
}

function isSure(words: string): boolean {
  return (
    SURE.test(words) || (REST.test(words) && STATE.test(words)) || DOTS_IN_BRACES.test(words) || DOTS_BEFORE.test(words)
  )
}

/** Whether a sentence beside a text says that there is more, which stays as it is. Linear. */
export function tellsOfRest(line: string): boolean {
  const text = line.slice(0, MOST_OF_SENTENCE)
  return (REST.test(text) && STATE.test(text)) || FOR_BREVITY.test(text)
}

/** What a line says beside its code: a comment, something in brackets, or a sentence about the rest. */
function remarkIn(line: string): string | null {
  if (line.length > MOST_OF_LINE) return null
  const text = line.trim()
  if (DOTS_IN_BRACES.test(text) || (DOTS_BEFORE.test(text) && REST.test(text))) return text
  const at = text.search(BEGINS)
  if (at !== -1) {
    const words = text.slice(at)
    // Behind code there stand remarks about that line.
    const isOwn = at === 0 || SURE.test(words) || words.length <= 20
    return isOwn && words.length <= MOST_OF_REMARK ? words : null
  }
  if ((CALL_ALONE.test(text) && STATE.test(text)) || (RULE_ALONE.test(text) && SURE.test(text))) return text
  const isRemark = REST_ALONE.test(text) ? STATE.test(text) : IN_BRACKETS.test(text) && SURE.test(text)
  return isRemark || (IN_BRACKETS.test(text) && REST.test(text) && STATE.test(text)) ? text : null
}
