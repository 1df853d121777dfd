import { declaredIn, isReplaced, nameIn, type Stretch, stretchesOf, withText } from './whole-file.ts'

const MOST_OF_LINE = 200
const MOST_OF_SENTENCE = 400
const MOST_OF_REMARK = 100
/** What begins a comment, wherever it stands in a line. */
const BEGINS =
  /\/\/|\/\*|<!--|"""|'''|^\*|^#(?!\w+[:;=(])|(?:^|\s)(?:#(?=[#\s])|--(?=[-\s])|;(?=[;\s])|%(?=[%\s])|\(\*)/
const IN_BRACKETS = /^(?:\[.*\]|\(.*\)|<[^/<>]*>)[.,;]?$/
const SIGNS_OF_CODE = /=>|[!=<>]=|&&|\|\||[`{}$]/
const DOTS_IN_BRACES = /\{\s{0,9}(?:\/\*\s{0,9})?(?:\.{3}|…)(?:\s{0,9}\*\/)?\s{0,9}\}[;,)]{0,3}$/
/** What spreads a value is one word. */
const DOTS_BEFORE = /^(?:\.{3}|…) ?[A-Za-z]{1,20}(?: [A-Za-z]{1,20}){1,8}[.:]?$/
const REST = /\b(?:rest|remaining|remainder|(?:everything|all|anything|nothing) else|others?)\b/i
const STATE =
  /\b(?:un(?:changed|modified|touched|altered)|intact|identical|omitted|elided|snip(?:ped)?|truncated|abbreviated|collapsed|left out|brevity|(?:the )?same|as (?:before|is|above|it (?:is|was|stands)|they (?:are|were))|not (?:shown|repeated|changed|touched|modified|listed|included)|no (?:other |further )?(?:changes?|edits?)|stays?|remains?|kept)\b/i
const SURE =
  /\b(?:un(?:changed|modified|touched|altered)|(?<!\b(?:not|never) )(?:omitted|elided|snip(?:ped)?|truncated|abbreviated)|brevity|same as (?:before|above|(?:the )?original)|as (?:before|is|it (?:is|was|stands)|they (?:are|were))|not (?:shown|repeated)|no (?:other |further )?changes?)\b/i
const LOOSE =
  /\b(?:rest|remaining|remainder|remains?|existing|same|previous(?:ly)?|original|others?|else|keep|kept|stays?|here|below|above|continues|intact|identical|etc|and so on|code|body|implementation|todo|leave|not change|from before|as you had|follows|skipped|not (?:changed|touched|modified|listed|included)|left out)\b/i
/** A call, or what declares one, with words of its state and without a sign of a comment. */
const CALL_ALONE =
  /^`?(?:(?:export|async|public|private|static|function|def|fn|func|sub) ){0,3}[\w.$#]{1,60}\([^()]{0,80}\)(?: ?\{ ?\})?`?(?::| [-–—])? [a-z ]{2,40}[.;]?$/i
const RULE_ALONE = /^(?:={3,}|-{3,}|\*{3,}|~{3,}) .{1,60}$/
const REST_ALONE = /^\W*(?:the )?(?:rest|remainder|remaining|everything else)\b/i

/** What words that stand for lines are made of, beside names and words of these lines. */
const OF_REMARKS = new Set(
  `a abbreviated above added after again all alone also altered an and any anything are as be been before below block body both
  brevity but change changed changes class clarity classes code collapsed comment comments component config constants content contents
  continue continues continued current data declarations def definition definitions details did do does each edit edited edits elided
  else end etc everything exactly existing export exports field fields file files fn for from full func function functions further
  go goes had handlers has have helper helpers here how i identical if imple impl implementation implementations import imports in
  include included intact is it its keep keeps kept leave leaves left let like line lines list listed logic make member members
  method methods modified module more my needed no not nothing now of omit omitted on only or original other others out part parts
  previous previously properties props reason remain remainder remaining remains repeated reproduced rest routes s same section see setup shown
  simplicity skipped snip snipped so some space statements stay stayed stays still stuff styles t tests that the their them then there these they
  things this those to todo touched truncated types unaffected unaltered unchanged unmodified untouched variables was we were
  what with without you your`.split(/\s+/),
)

/** The end of a sentence. */
const IS_END = /^\W{1,9}the other\W{0,9}$/i

/** Words of a remark that is short. */
const MOST_SHORT = 8

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
 * @param options.isMarkup whether it is text, in which signs of a comment may as well be a heading or an example
 */
export function leftOutIn(
  before: readonly string[],
  text: readonly string[],
  { isPart, isMarkup }: { isPart: boolean; isMarkup: boolean },
): string | null {
  const [old, fresh] = [withText(before), withText(text)]
  const known = new Set(old)
  const remarks = new Map<string, string>()
  for (const line of fresh) {
    const words = known.has(line) ? null : remarkIn(line)
    if (words !== null && !(isMarkup && /^[/#*]/.test(words) && !isSure(words))) remarks.set(line, words)
  }
  if (remarks.size === 0) return null
  const stays = new Set(fresh)
  const stretches = stretchesOf(old, fresh) ?? [{ gone: old.filter((line) => !stays.has(line)), fresh }]
  for (const stretch of stretches) {
    const found = standingIn(stretch, remarks, isPart)
    if (found !== null) return found
  }
  if (isPart) return null
  const isOfLines = ofLines({ gone: stretches.flatMap(({ gone }) => gone), fresh })
  const sure = new Set([...remarks].flatMap(([line, words]) => (isSure(words) && isOfLines(words) ? [line] : [])))
  const isLost = sure.size > 0 && stretches.some((stretch) => !isReplaced(without(stretch, sure)))
  return isLost ? ([...sure][0] ?? null) : null
}

/** The remark that stands in the place of more lines than there are beside it. */
function standingIn(stretch: Stretch, remarks: ReadonlyMap<string, string>, isPart: boolean): string | null {
  const names = new Set(stretch.gone.flatMap((line) => nameIn(line) ?? []))
  const isNamed = (words: string) => (words.match(/[\p{L}\p{N}_$]+/gu) ?? []).some((word) => names.has(word))
  const isOfLines = ofLines(stretch)
  const here = stretch.fresh.filter((line) => {
    const words = remarks.get(line)
    if (words === undefined || !isOfLines(words)) return false
    if (!isPart) return isSure(words) || LOOSE.test(words) || isNamed(words)
    return REST.test(words) ? STATE.test(words) : SURE.test(words) && (/\bbrevity\b/i.test(words) || isNamed(words))
  })
  const { gone, fresh } = without(stretch, new Set(here))
  return gone.length > fresh.length ? (here[0] ?? null) : null
}

/**
 * Whether words say nothing but that lines are left out: they are of such remarks, or name what these lines declare. Where
 * such a name is lost, a short remark may have words of its own, unless it tells of what stands below it.
 */
function ofLines({ gone, fresh }: Stretch): (words: string) => boolean {
  const namesIn = (lines: readonly string[]) => lines.flatMap((line) => nameIn(line) ?? declaredIn(line) ?? [])
  let known: ReadonlySet<string> | null = null
  let isLost = false
  return (words) => {
    if (isNoProse(words)) return true
    if (known === null) {
      const [names, left] = [namesIn(gone), new Set(namesIn(fresh))]
      known = new Set(names.flatMap(wordsOf))
      isLost = names.some((name) => !left.has(name))
    }
    const said = wordsOf(words)
    const own = said.filter((word) => !OF_REMARKS.has(word) && !OF_REMARKS.has(`${word}s`) && known?.has(word) !== true)
    return own.length === 0 || (isLost && said.length <= MOST_SHORT && own.length <= mostOwn(words))
  }
}

/** Words of other things that a remark may have. */
function mostOwn(words: string): number {
  if (isSure(words)) return /^(?:\/\*\*|\*)/.test(words) && !REST.test(words) ? 0 : 2
  return LOOSE.test(words) ? 1 : 0
}

/** Whether a line of code has dots in place of a block. In a comment they are an example. */
function hasEmptied(text: string): boolean {
  return DOTS_IN_BRACES.test(text) && !/^(?:\/\/|\*|#)/.test(text)
}

function hasDots(words: string): boolean {
  return /\.{3}|…/.test(words)
}

/** What is no sentence that a comment might hold as well. */
function isNoProse(words: string): boolean {
  return !/^(?:\/[/*]|<!--|\*|#|--|;|%|\(\*|"""|''')/.test(words) || hasEmptied(words)
}

/** Words in small letters, without the s of many; those of a name are several. */
function wordsOf(text: string): string[] {
  const words = text.slice(0, MOST_OF_LINE).match(/\p{Lu}?[\p{Ll}\d]+|\p{Lu}+|[\p{L}\d]/gu) ?? []
  return words.map((word) => word.toLowerCase().replace(/(?<=..)s$/, ''))
}

function without({ gone, fresh }: Stretch, remarks: ReadonlySet<string>): Stretch {
  const isWorded = (line: string) => /[\p{L}\p{N}_]/u.test(line)
  return { gone: gone.filter(isWorded), fresh: fresh.filter((line) => isWorded(line) && !remarks.has(line)) }
}

function isSure(words: string): boolean {
  return SURE.test(words) || (REST.test(words) && STATE.test(words)) || hasEmptied(words) || DOTS_BEFORE.test(words)
}

/** Whether a sentence beside a text says that there is more, which stays as it is. Linear. */
export function tellsOfRest(line: string): boolean {
  const text = line.slice(0, MOST_OF_SENTENCE)
  return (REST.test(text) && STATE.test(text)) || FOR_BREVITY.test(text)
}

/** What a line says beside its code: a comment, something in brackets, or a sentence about the rest. */
function remarkIn(line: string): string | null {
  const text = line.trim()
  // That shows what comes out of the line above.
  if (line.length > MOST_OF_LINE || text.startsWith('//=>')) return null
  if (hasEmptied(text) || (DOTS_BEFORE.test(text) && REST.test(text))) return text
  const at = text.search(BEGINS)
  if (at !== -1) {
    const words = text.slice(at)
    // Behind code there stand remarks about that line.
    const isOwn = SURE.test(words) || (at === 0 && (hasDots(words) || !SIGNS_OF_CODE.test(words)))
    return isOwn && words.length <= MOST_OF_REMARK && !IS_END.test(words) ? words : null
  }
  if ((CALL_ALONE.test(text) && STATE.test(text)) || (RULE_ALONE.test(text) && SURE.test(text))) return text
  if (SIGNS_OF_CODE.test(text)) return null
  if (/["'`]\s*,/.test(text)) return null
  const isRemark = REST_ALONE.test(text) ? STATE.test(text) : IN_BRACKETS.test(text) && SURE.test(text)
  return isRemark || (IN_BRACKETS.test(text) && REST.test(text) && STATE.test(text)) ? text : null
}
