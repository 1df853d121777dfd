import { Fault } from '../faults/fault.ts'
import { formsOf, isWorthStopping, knownSecrets, patternOf, type SecretSettings } from './redaction.ts'
import { isToken, TOKEN_PATTERN } from './token-form.ts'

/** A part of what a model would be told. */
export type PromptPart = {
  /** Where it comes from, as a person knows it: a field of the order, a file. */
  place: string
  text: string
  /** The line is told too. */
  hasLines?: boolean
}

/**
 * Refuses to tell a model a secret that Moose was given. Nothing is taken out: what a model is told is what its answer is
 * applied to. A secret that any text may hold by chance is no reason (`isWorthStopping`). Linear.
 *
 * @throws {Fault} `secret_in_prompt`, with the name of the secret and the place
 */
export type RefuseSecrets = (parts: readonly PromptPart[]) => void

export function createPromptGuard(config: SecretSettings): RefuseSecrets {
  const worth = knownSecrets(config).filter(({ value }) => isWorthStopping(value))
  const names = new Map(worth.flatMap((secret) => formsOf(secret).map((form) => [form, secret.name])))
  const pattern = names.size === 0 ? null : patternOf([...names.keys()])
  return (parts) => {
    for (const part of parts) {
      const found = firstIn(part.text, pattern, names)
      if (found !== null) throw secretInPrompt(found.name, placeOf(part, found.index))
    }
  }
}

type Found = { name: string; index: number }

function firstIn(text: string, pattern: RegExp | null, names: ReadonlyMap<string, string>): Found | null {
  const known = pattern === null ? undefined : text.matchAll(pattern).next().value
  if (known !== undefined) return { name: String(names.get(known[0])), index: known.index }
  for (const { 0: token, index } of text.matchAll(API_TOKEN))
    if (isToken(token)) return { name: 'a token of its API', index }
  return null
}

const API_TOKEN = new RegExp(TOKEN_PATTERN, 'g')

function placeOf({ place, text, hasLines }: PromptPart, index: number): string {
  return hasLines === true ? `${place}, line ${text.slice(0, index).split('\n').length}` : place
}

function secretInPrompt(name: string, place: string): Fault {
  const message =
    `A secret Moose was given (${name}) stands in ${place}, which a model would be told. The model was not asked. Take it out ` +
    'there, and renew it if others could read it. An order is corrected with: moose edit ID   Approve it again, then: moose retry ID'
  return new Fault('secret_in_prompt', message, { secret: name, place })
}
