/** What a text says as JSON; null where it is none: that fits no schema of anything, and the reader of it says what it means. */
export function jsonOrNull(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return null
  }
}

/** Levels of JSON of foreign making. What walks through a value, as `JSON.stringify` does, has an end to its stack. */
export const DEEPEST_JSON = 100

/** Whether a JSON value has at most so many levels. */
export function isNestedWithin(value: unknown, levels: number): boolean {
  let level: unknown[] = [value]
  for (let left = levels; level.length > 0; left -= 1) {
    if (left < 0) return false
    const next: unknown[] = []
    for (const part of level) {
      if (typeof part !== 'object' || part === null) continue
      for (const inner of Object.values(part)) if (typeof inner === 'object' && inner !== null) next.push(inner)
    }
    level = next
  }
  return true
}
