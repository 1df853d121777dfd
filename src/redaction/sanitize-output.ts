import type { FaultRecord } from '../faults/fault.ts'
import { createRedaction, isWorthStopping, type KnownSecret, knownSecrets, type SecretSettings } from './redaction.ts'

/**
 * Makes a copy of a JSON value fit for storing and showing. What is no JSON, such as undefined, comes back as it is.
 * Only texts are changed, never names, numbers or structure. Nothing may be applied from such a copy; what is decided by it, such
 * as by the facts of a pull request, is decided by texts that may have gaps.
 */
export type Sanitize = <T>(value: T) => T

/**
 * Takes every secret Moose knows out of what a foreign program, a model or a service said, and what Postgres cannot
 * hold: NUL and halves of characters.
 *
 * @see https://www.postgresql.org/docs/current/datatype-json.html
 */
export function createSanitizer(config: SecretSettings): Sanitize {
  return without(knownSecrets(config))
}

/**
 * The same for the text of a pull request: without the secrets that may not stand in a change. One that may, such as
 * `postgres`, stands in the branch and the commit, and a gap beside them would tell it.
 */
export function createPublishedSanitizer(config: SecretSettings): Sanitize {
  return without(knownSecrets(config).filter(({ value }) => isWorthStopping(value)))
}

function without(secrets: readonly KnownSecret[]): Sanitize {
  const redacted = createRedaction(secrets)
  return (value) => withTexts(value, (text) => redacted(storable(text)))
}

/** Details of a fault from which Moose decides when a suspended order may be resumed. */
const DECIDING: ReadonlySet<string> = new Set(['needed_usd', 'not_before', 'proposer', 'provider', 'head_sha', 'held'])

/**
 * A fault for storing and showing. Its code is as it was, and so is what is decided by, but for the secrets no text has by
 * chance: the name of a proposer is no secret because a password is the same word.
 */
export function shownFault({ code, message, details }: FaultRecord, { sanitize, published }: Sanitizers): FaultRecord {
  if (details === undefined) return { code, message: sanitize(message) }
  const deciding = Object.entries(details).filter(([name]) => DECIDING.has(name))
  return {
    code,
    message: sanitize(message),
    details: { ...sanitize(details), ...published(Object.fromEntries(deciding)) },
  }
}

export type Sanitizers = {
  /** Takes out every secret. */
  sanitize: Sanitize
  /** Takes out those that may not stand in what is published. */
  published: Sanitize
}

function withTexts<T>(value: T, replace: (text: string) => string): T {
  const json = JSON.stringify(value, (_, part: unknown) => {
    if (typeof part === 'string') return replace(part)
    return isObject(part) ? withStorableNames(part) : part
  })
  return json === undefined || json === JSON.stringify(value) ? value : JSON.parse(json)
}

function isObject(part: unknown): part is object {
  return typeof part === 'object' && part !== null && !Array.isArray(part)
}

function withStorableNames(part: object): object {
  const entries = Object.entries(part)
  if (entries.every(([name]) => storable(name) === name)) return part
  return Object.fromEntries(entries.map(([name, value]) => [storable(name), value]))
}

function storable(text: string): string {
  return text.toWellFormed().replaceAll('\0', '\ufffd')
}
