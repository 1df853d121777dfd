import { createHash } from 'node:crypto'

/** A text that looks like a key, a token or a password. */
export type KeyShape = {
  value: string
  /** Completes "PATH holds …", e.g. `what looks like a GITHUB_TOKEN`. */
  why: string
  /** By which it is allowed: it tells this text from others and does not tell the text. */
  fingerprint: string
}

/** Looked at in one piece. */
const PIECE_CHARACTERS = 256 * 1024
/** Begins anew before the end of the last piece, so that a key is seen whole. */
const OVERLAP_CHARACTERS = 8 * 1024
/** A comment that would switch the rules off: nothing in a change does. */
const SWITCH = /secretlint-(?=disable|enable)/g

/**
 * Texts that look like keys, in their order, each once: as they stand, then in UTF-16 and in base64. The rules are those that secretlint recommends and maintains; they
 * are updated with the package.
 *
 * @see https://github.com/secretlint/secretlint/tree/master/packages/%40secretlint/secretlint-rule-preset-recommend
 */
export async function findKeyShapes(text: string): Promise<KeyShape[]> {
  const found = new Map<string, KeyShape>()
  for (const { as, content } of readingsOf(text))
    for (const shape of await shapesIn(content))
      if (!found.has(shape.value)) found.set(shape.value, { ...shape, why: `${shape.why}${as}` })
  return [...found.values()]
}

/** A text as some program would read it. */
type Reading = { content: string; as: '' | ' (in UTF-16)' | ' (in base64)' }

const BASE64 = /[A-Za-z0-9+/_-]{24,}/g
/** Within a text in base64 that is broken into lines. */
const BASE64_BREAK = /(?<=[A-Za-z0-9+/_-]{60})\r?\n(?=[A-Za-z0-9+/_-])/g
/** Of what is decoded, the rest is no text. */
const PRINTED = /[\t\r\n -~]{16,}/g
/** A character of base64 is a quarter of three bytes: where a text begins in the middle of other characters is not known. */
const ALIGNMENTS = [0, 1, 2, 3]

/**
 * A text as it stands, and where it is other than that: without what makes UTF-16 of ASCII, and with what stands in it in
 * base64, once, UTF-16 there too. Linear; together at most about four times as long.
 */
export function readingsOf(text: string): Reading[] {
  const plain = text.replaceAll('\0', '')
  const decoded = base64In(plain)
  return [
    { content: text, as: '' },
    ...(plain.length === text.length ? [] : [{ content: plain, as: ' (in UTF-16)' as const }]),
    ...(decoded === '' ? [] : [{ content: decoded, as: ' (in base64)' as const }]),
  ]
}

function base64In(text: string): string {
  const found: string[] = []
  for (const [run] of text.replace(BASE64_BREAK, '').matchAll(BASE64))
    for (const at of ALIGNMENTS) {
      const decoded = Buffer.from(run.slice(at), 'base64').toString('latin1').replaceAll('\0', '')
      const printed = decoded.match(PRINTED)
      if (printed !== null) for (const piece of printed) found.push(piece)
    }
  return found.join('\n')
}

async function shapesIn(text: string): Promise<KeyShape[]> {
  // Only here: what is not published need not load them.
  const [{ lintSource }, { creator }] = await Promise.all([
    import('@secretlint/core'),
    import('@secretlint/secretlint-rule-preset-recommend'),
  ])
  const config = { rules: [{ id: '@secretlint/secretlint-rule-preset-recommend', rule: creator }] }
  const found = new Map<string, KeyShape>()
  for (let at = 0; at < text.length; at += PIECE_CHARACTERS) {
    const content = text.slice(at, at + PIECE_CHARACTERS + OVERLAP_CHARACTERS).replace(SWITCH, 'secretlint ')
    const source = { content, filePath: 'change', ext: '', contentType: 'text' as const }
    const { messages } = await lintSource({ source, options: { config, locale: 'en', noPhysicFilePath: true } })
    for (const { range, ruleId, messageId } of messages) {
      const value = content.slice(...range)
      found.set(value, {
        value,
        why: `what looks like a secret: ${messageId}`,
        fingerprint: fingerprintOf(ruleId, value),
      })
    }
  }
  return [...found.values()]
}

function fingerprintOf(ruleId: string, value: string): string {
  return createHash('sha256').update(`${ruleId}\0${value}`).digest('hex').slice(0, 16)
}
