import {
  createRedaction,
  formsOf,
  isWorthStopping,
  knownSecrets,
  patternOf,
  type SecretSettings,
} from '../../redaction/redaction.ts'
import { TOKEN_PATTERN } from '../../redaction/token-form.ts'
import { findKeyShapes } from '../../workspace/key-shapes.ts'

/** A text of a model as it may be shown, and how many characters of its end are not in it. */
export type ShownText = { text: string; left_out: number }

/** Beyond the bound, so that a secret at the end of what is shown is seen whole. */
const OVERLAP = 8_192

/**
 * Between two parts of one secret: what has no width, what colours a terminal, and the end of a line with what continues it in
 * a quotation, a diff or a string of several lines.
 */
const GAP =
  // biome-ignore lint/suspicious/noControlCharactersInRegex: the codes for colours begin with one
  /(?:\u001b\[[0-9;]{0,20}[A-Za-z]|[[\p{Default_Ignorable_Code_Point}\p{Cc}]--[\n\t]]|["'`\\+ \t\r]{0,6}\n[\s+>\|"'`]{0,100})+/gv

const REDACTED = '[redacted]'

/**
 * Makes texts of prompts and answers fit to be shown: without the secrets Moose knows, also where one is split over lines or
 * hidden between characters without width, and without what looks like a key. What it gives is for showing, never for use.
 */
export function createTextShower(config: SecretSettings): (text: string, most: number) => Promise<ShownText> {
  const secrets = knownSecrets(config)
  const redacted = createRedaction(secrets)
  const forms = secrets.filter(({ value }) => isWorthStopping(value)).flatMap(formsOf)
  const known = forms.map((form) => form.replaceAll(GAP, '')).filter((form) => form !== '')
  return async (whole, most) => {
    const text = whole.slice(0, most + OVERLAP).toWellFormed()
    const without = redacted(await withoutSplit(text, known))
    const shown = (await withoutShapes(without)).replaceAll('\0', '\ufffd')
    if (whole.length <= most) return { text: shown, left_out: 0 }
    const cut = shown.slice(0, Math.max(0, shown.length - (text.length - most)))
    return { text: cut.toWellFormed(), left_out: whole.length - most }
  }
}

async function withoutShapes(text: string): Promise<string> {
  const values = (await findKeyShapes(text)).map(({ value }) => value)
  return values.length === 0 ? text : text.replace(patternOf(values), REDACTED)
}

/** Without secrets that show only when what splits them is gone. */
async function withoutSplit(text: string, known: readonly string[]): Promise<string> {
  const { joined, gaps } = withoutGaps(text)
  if (gaps.length === 0) return text
  const values = [...known, ...(await findKeyShapes(joined)).map(({ value }) => value)]
  const sources = [...(values.length === 0 ? [] : [patternOf(values).source]), TOKEN_PATTERN]
  const parts: string[] = []
  let done = 0
  for (const { 0: found, index } of joined.matchAll(new RegExp(sources.join('|'), 'g'))) {
    const start = placeOf(gaps, index)
    const end = placeOf(gaps, index + found.length - 1) + 1
    // One that is whole is left to what looks for whole ones, which knows its borders.
    if (end - start === found.length) continue
    parts.push(text.slice(done, start), REDACTED)
    done = end
  }
  return parts.join('') + text.slice(done)
}

/** Where in the joined text something was left out, and how much up to there. */
type Gap = { at: number; skipped: number }

function withoutGaps(text: string): { joined: string; gaps: Gap[] } {
  const gaps: Gap[] = []
  let skipped = 0
  const joined = text.replace(GAP, (gap, index: number) => {
    const at = index - skipped
    skipped += gap.length
    gaps.push({ at, skipped })
    return ''
  })
  return { joined, gaps }
}

/** Where in the text a character of the joined text stands. */
function placeOf(gaps: readonly Gap[], index: number): number {
  let low = 0
  let high = gaps.length
  while (low < high) {
    const middle = (low + high) >> 1
    if (Number(gaps[middle]?.at) <= index) low = middle + 1
    else high = middle
  }
  const last = gaps[low - 1]
  return last === undefined ? index : index + last.skipped
}
