import { withoutComments } from './comments.ts'

/**
 * What a text holds that its reader does not see, or takes for something else.
 *
 * - `direction`: controls that turn the direction of what follows
 * - `invisible`: characters without width, tags and the like
 * - `comment`: an HTML comment, which no page shows
 * - `look_alike`: a word of Latin letters with letters of another script that look the same
 */
export const HIDDEN_KINDS = ['direction', 'invisible', 'comment', 'look_alike'] as const
export type HiddenKind = (typeof HIDDEN_KINDS)[number]

export type HiddenText = { kind: HiddenKind; count: number }

/** @see https://www.unicode.org/reports/tr9/#Directional_Formatting_Characters */
const DIRECTION = /[\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069]/gu
/**
 * Joiners within emoji and in scripts that are written with them, and the selectors of emoji, have a use of their own.
 *
 * @see https://www.unicode.org/reports/tr51/#def_emoji_zwj_sequence
 * @see https://www.unicode.org/reports/tr31/#Layout_and_Format_Control_Characters
 */
const JOINED =
  /(?<=[\p{Extended_Pictographic}\p{Emoji_Modifier}\ufe0f])\u200d(?=\p{Extended_Pictographic})|(?<=[\p{Script=Arab}\p{Script=Syrc}\p{Script=Deva}\p{Script=Beng}\p{Script=Guru}\p{Script=Gujr}\p{Script=Orya}\p{Script=Taml}\p{Script=Telu}\p{Script=Knda}\p{Script=Mlym}\p{Script=Sinh}\p{Script=Khmr}\p{Script=Mymr}])[\u200c\u200d]|(?<=[\p{Extended_Pictographic}\d#*])\ufe0f/gu
/** What has no width and no use here; the controls of direction are looked for before. */
const INVISIBLE = /\p{Default_Ignorable_Code_Point}|[\ufff9-\ufffb\u2028\u2029\u2800]/gu
const COMMENT = /<!--/g
/** A word that has letters of Latin and of a script with letters that look like them. */
const WORD = /\p{L}{2,200}/gu
const LATIN = /\p{Script=Latn}/u
const ALIKE = /[\p{Script=Cyrl}\p{Script=Grek}\p{Script=Armn}\p{Script=Cher}]/u

/** What of a text is hidden, each kind once. Linear. */
export function hiddenIn(text: string): HiddenText[] {
  const visible = text.replace(JOINED, '')
  const counts: Record<HiddenKind, number> = {
    direction: countOf(visible, DIRECTION),
    invisible: countOf(visible.replace(DIRECTION, ''), INVISIBLE),
    comment: countOf(visible, COMMENT),
    look_alike: [...visible.matchAll(WORD)].filter(([word]) => LATIN.test(word) && ALIKE.test(word)).length,
  }
  return HIDDEN_KINDS.flatMap((kind) => (counts[kind] === 0 ? [] : [{ kind, count: counts[kind] }]))
}

function countOf(text: string, pattern: RegExp): number {
  return text.match(pattern)?.length ?? 0
}

/**
 * A text as a model is told it: without what its reader does not see. A comment stays where the reader does see it, within
 * code (`withoutComments`).
 */
export function withoutHidden(text: string): string {
  const kept = text.replace(KEPT_OR_HIDDEN, (match, joined: string | undefined) => (joined === undefined ? '' : match))
  return withoutComments(kept)
}

const KEPT_OR_HIDDEN = new RegExp(`(${JOINED.source})|${DIRECTION.source}|${INVISIBLE.source}`, 'gu')
const KEPT_OR_UNSEEN = new RegExp(`${KEPT_OR_HIDDEN.source}|\\p{Cc}`, 'gu')

/** A text on one line in which what its reader would not see, or be misled by, stands as `\u{202e}`. */
export function spelt(text: string): string {
  return text.replace(KEPT_OR_UNSEEN, (match, joined: string | undefined) =>
    joined === undefined ? `\\u{${Number(match.codePointAt(0)).toString(16)}}` : match,
  )
}

/**
 * Letters that look like Latin ones, as rules about words read them.
 *
 * @see https://www.unicode.org/Public/security/latest/confusables.txt
 */
const LOOK_ALIKES: ReadonlyMap<string, string> = new Map(
  [
    ['a', 'аαɑ'],
    ['b', 'ЬвВβΒ'],
    ['c', 'сϲС'],
    ['d', 'ԁɗ'],
    ['e', 'еєεЕΕ'],
    ['g', 'ɡց'],
    ['h', 'һнНΗ'],
    ['i', 'іıιɩІΙӏ'],
    ['j', 'јϳЈ'],
    ['k', 'кКκΚ'],
    ['l', 'ⅼǀ'],
    ['m', 'мМμΜ'],
    ['n', 'ոηΝ'],
    ['o', 'оοօОΟσ'],
    ['p', 'рρРΡ'],
    ['q', 'ԛ'],
    ['s', 'ѕЅ'],
    ['t', 'тТτΤ'],
    ['u', 'υսЦ'],
    ['v', 'ѵν'],
    ['w', 'ԝω'],
    ['x', 'хχХΧ'],
    ['y', 'уγүУΥ'],
    ['z', 'ᴢΖ'],
  ].flatMap(([latin, letters]) => Array.from(String(letters), (letter) => [letter, String(latin)] as const)),
)

/** A text as rules about words look at it: hidden characters and accents gone, look-alikes as the letters they look like. */
export function foldedWords(text: string): string {
  const plain = text.normalize('NFKD').replace(/[\p{M}\p{Default_Ignorable_Code_Point}]/gu, '')
  return plain.replace(/[^\p{ASCII}]/gu, (letter) => LOOK_ALIKES.get(letter) ?? letter)
}
