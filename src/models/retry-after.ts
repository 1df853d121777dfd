/**
 * When the provider wants to be asked again: `retry-after-ms`, or `retry-after` in seconds or as a date. Null when it
 * does not say, or says what cannot be read.
 * @see https://www.rfc-editor.org/rfc/rfc9110#name-retry-after
 */
export function readRetryAfter(headers: Record<string, string> | undefined, now: Date): number | null {
  if (headers === undefined) return null
  const { 'retry-after-ms': milliseconds, 'retry-after': seconds } = headers
  if (milliseconds !== undefined && /^\d+(\.\d+)?$/.test(milliseconds)) return Math.ceil(Number(milliseconds))
  if (seconds === undefined) return null
  if (/^\d+(\.\d+)?$/.test(seconds)) return Math.ceil(Number(seconds) * 1000)
  const date = Date.parse(seconds)
  return Number.isNaN(date) ? null : Math.max(0, date - now.getTime())
}
