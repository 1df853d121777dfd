/** What the stand-in says to one request. */
export type Answer = { status: number; headers?: Record<string, string>; body: Buffer | string | object | null }
