import { Fault } from '../faults/fault.ts'

/**
 * The text of bytes. Without this, every byte that is no UTF-8 would silently become U+FFFD.
 *
 * @param what is named: `The body`, `order.yaml`
 * @throws {Fault} `request_invalid` with the line that is not UTF-8
 */
export function utf8Text(bytes: Uint8Array, what: string): string {
  try {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes)
  } catch (error) {
    const shown = Buffer.from(bytes).toString('utf8')
    const line = shown.slice(0, shown.indexOf('\ufffd')).split('\n').length
    const message = `${what} is not UTF-8 (line ${line}). Save it as UTF-8 and send it again.`
    throw new Fault('request_invalid', message, { line }, error)
  }
}

/**
 * A name that an object of a JSON text has twice, of which JSON.parse silently takes the last; null: there is none. Linear,
 * and no deeper for a deeper text.
 *
 * @param json what JSON.parse takes
 */
export function nameTwice(json: string): string | null {
  for (const { name, before } of namesIn(json)) {
    if (before.has(name)) return name
    before.add(name)
  }
  return null
}

/** Whether an object of a JSON text has the name `__proto__`, which is silently lost where an object is made of another. */
export function namesPrototype(json: string): boolean {
  return namesIn(json).some(({ name }) => name === '__proto__')
}

/** Every name of every object, in the order of the text, with a set of its object's own. */
function* namesIn(json: string): Generator<{ name: string; before: Set<string> }, undefined> {
  /** The names of each object that is open; null for a list. */
  const open: (Set<string> | null)[] = []
  let isName = false
  for (let at = 0; at < json.length; at += 1) {
    const character = json.charAt(at)
    if (character === '{' || character === '[') open.push(character === '{' ? new Set() : null)
    if (character === '}' || character === ']') open.pop()
    if (character === '{' || character === ',') isName = open.at(-1) instanceof Set
    if (character !== '"') continue
    const end = endOfString(json, at)
    const names = open.at(-1)
    if (isName && names instanceof Set) {
      yield { name: JSON.parse(json.slice(at, end)), before: names }
    }
    isName = false
    at = end - 1
  }
}

/** After the quote that closes the string which begins at `start`. */
function endOfString(json: string, start: number): number {
  let at = start + 1
  while (at < json.length && json.charAt(at) !== '"') at += json.charAt(at) === '\\' ? 2 : 1
  return at + 1
}
