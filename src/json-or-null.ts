/** What a text says as JSON; null where it is none: that fits no schema of anything, and the reader of it says what it means. */
export function jsonOrNull(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return null
  }
}
