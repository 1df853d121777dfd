import { z } from 'zod'

/**
 * What is wrong with a key that is sent in a header, so that it completes the sentence "OPENAI_API_KEY …"; null: nothing. Never
 * holds the key, but the one character. A key is visible ASCII; quotes of a word processor and line breaks get into one when it
 * is pasted, and no header can hold them. Quotes around the whole are none of the key either.
 *
 * @see https://www.rfc-editor.org/rfc/rfc9110#section-5.5
 */
export function apiKeyProblem(key: string): string | null {
  const characters = Array.from(key)
  const index = characters.findIndex((character) => !/^[\x21-\x7e]$/.test(character))
  const character = characters[index]
  if (character === undefined) return quoted(key)
  const end = index === 0 ? ', its first' : index === characters.length - 1 ? ', its last' : ''
  return `holds ${named(character)} (character ${index + 1}${end}), which no key has; paste it again without it`
}

/** Files of variables are read with the quotes by programs such as Docker. */
function quoted(key: string): string | null {
  const [, quote] = /^(["'`]).*\1$/.exec(key) ?? []
  if (quote === undefined) return null
  return `is in quotes (${named(quote).replace(/,$/, '')}), which are a part of it here; set it without them`
}

const NAMES: Record<string, string> = { '\n': 'a line break', '\r': 'a carriage return', '\t': 'a tab', ' ': 'a space' }

function named(character: string): string {
  const code = `U+${String(character.codePointAt(0)?.toString(16).toUpperCase()).padStart(4, '0')}`
  const name = NAMES[character]
  if (name !== undefined) return `${name}, ${code}`
  return /^[\p{L}\p{N}\p{P}\p{S}]$/u.test(character) ? `${character}, ${code},` : code
}

/** A key of a provider, as a variable has it. */
export const apiKey = z.string().superRefine((key, context) => {
  const message = apiKeyProblem(key)
  if (message !== null) context.addIssue({ code: 'custom', message })
})
