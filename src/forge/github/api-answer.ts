export type ApiRequest = {
  host: string
  method: 'GET' | 'POST' | 'PUT' | 'PATCH'
  /** Below the API's root, without a leading slash: `repos/o/r/pulls?state=all`. */
  path: string
  body?: unknown
  signal: AbortSignal | null
}

export type ApiAnswer = {
  status: number
  /** By lower-case name. */
  headers: ReadonlyMap<string, string>
  /** Parsed JSON as it came; null when there is none. */
  body: unknown
  /** A text of the body as it may be shown. */
  shown: (text: string) => string
}
