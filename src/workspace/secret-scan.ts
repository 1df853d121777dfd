import { formsOf, isWorthStopping, type KnownSecret, patternOf } from '../redaction/redaction.ts'

/** What is looked for: the secrets worth stopping for, in all their forms, one character per byte. */
export type SoughtSecrets = {
  pattern: RegExp
  /** By form. */
  names: ReadonlyMap<string, string>
  /** Of the longest form. */
  longestBytes: number
}

/** Where a secret was seen. */
export type SecretPlace = {
  /** From 1; null in what is not text. */
  line: number | null
  /** What stands around it in its line, one character per byte, to tell places apart. */
  around: string
}

/** By the name of the secret: how often it was seen, and the first places. */
export type Sightings = Map<string, { count: number; places: SecretPlace[] }>

/** Looked at in one piece; what is longer is looked at in several, so that memory does not grow with it. */
const PIECE_BYTES = 256 * 1024
/** As git does: a NUL this early says that it is no text. */
const BINARY_WITHIN = 8_000
const KEPT_PLACES = 1_000
const AROUND = 80

/** @returns null: none of them is worth looking for */
export function wantedOf(secrets: readonly KnownSecret[]): SoughtSecrets | null {
  const forms = secrets.filter(({ value }) => isWorthStopping(value)).flatMap(bytesOfForms)
  if (forms.length === 0) return null
  const names = new Map(forms.toReversed())
  const longestBytes = Math.max(...[...names.keys()].map((form) => form.length))
  return { pattern: patternOf([...names.keys()]), names, longestBytes }
}

/** Beside the forms of a text, that of UTF-16, in either order of its bytes. */
function bytesOfForms(secret: KnownSecret): [form: string, name: string][] {
  const wide = Buffer.from(secret.value, 'utf16le').subarray(0, -1).toString('latin1')
  const forms = formsOf(secret).map((form) => Buffer.from(form).toString('latin1'))
  return [...forms, wide].map((form) => [form, secret.name])
}

/** Looks for secrets in bytes that come in pieces; time grows with the bytes, memory does not. */
export class SecretScan {
  readonly sightings: Sightings = new Map()
  readonly #wanted: SoughtSecrets
  #held: Uint8Array[] = []
  #heldBytes = 0
  #line = 1
  #isText: boolean | null = null

  constructor(wanted: SoughtSecrets) {
    this.#wanted = wanted
  }

  write(bytes: Uint8Array): void {
    this.#held.push(bytes)
    this.#heldBytes += bytes.length
    if (this.#heldBytes >= PIECE_BYTES + this.#wanted.longestBytes) this.#look(false)
  }

  end(): Sightings {
    this.#look(true)
    return this.sightings
  }

  /** @param isLast otherwise the end is kept: what begins there may go on in the next piece */
  #look(isLast: boolean): void {
    const piece = Buffer.concat(this.#held)
    this.#isText ??= !piece.subarray(0, BINARY_WITHIN).includes(0)
    const text = piece.toString('latin1')
    const stop = isLast ? text.length : text.length - this.#wanted.longestBytes + 1
    let next = stop
    let counted = 0
    for (const match of text.matchAll(this.#wanted.pattern)) {
      if (match.index >= stop) break
      this.#line += linesIn(piece, counted, match.index)
      counted = match.index
      this.#note(text, match)
      next = Math.max(next, match.index + match[0].length)
    }
    this.#line += linesIn(piece, counted, next)
    this.#held = [piece.subarray(next)]
    this.#heldBytes = piece.length - next
  }

  #note(text: string, match: RegExpExecArray): void {
    const name = String(this.#wanted.names.get(match[0]))
    const known = this.sightings.get(name)
    const seen = known === undefined ? { count: 0, places: [] } : known
    seen.count += 1
    if (seen.places.length < KEPT_PLACES) {
      seen.places.push({ line: this.#isText === true ? this.#line : null, around: around(text, match) })
    }
    this.sightings.set(name, seen)
  }
}

/** The first secret that is there more often than before, and a place where it was not. */
export function addedTo(before: Sightings | undefined, after: Sightings): { name: string; seen: SecretPlace } | null {
  for (const [name, { count, places }] of after) {
    const known = before?.get(name)
    if (known !== undefined && count <= known.count) continue
    const kept = known === undefined ? [] : known.places.map((place) => place.around)
    const isNew = (place: SecretPlace) => {
      const at = kept.indexOf(place.around)
      if (at !== -1) kept.splice(at, 1)
      return at === -1
    }
    const found = places.find(isNew)
    const seen = found === undefined ? places.at(-1) : found
    if (seen !== undefined) return { name, seen }
  }
  return null
}

function around(text: string, { 0: form, index }: RegExpExecArray): string {
  const before = text.slice(Math.max(0, index - AROUND), index)
  const after = text.slice(index + form.length, index + form.length + AROUND)
  const [rest] = after.split('\n', 1)
  return before.slice(before.lastIndexOf('\n') + 1) + form + String(rest)
}

function linesIn(bytes: Buffer, from: number, to: number): number {
  let lines = 0
  for (let at = from; at < to; at += 1) if (bytes[at] === 10) lines += 1
  return lines
}
