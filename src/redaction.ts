import type { Config } from './config.ts'

/** Takes every known secret out of a JSON text; the text stays JSON. */
export type Redaction = (json: string) => string

const SHORTEST_SECRET = 8

export type Secretive = Pick<Config, 'secrets' | 'githubSecrets' | 'databaseUrl' | 'tracing'>

/** Every secret the configuration holds, as it may turn up in a text. */
export function secretsOf({ secrets, githubSecrets, databaseUrl, tracing }: Secretive): string[] {
  // As the driver gets it, and as it stands in the URL.
  const password = databaseUrl === null ? '' : new URL(databaseUrl).password
  const headers = tracing === null ? [] : Object.values(tracing.headers)
  const all = [...Object.values(secrets), ...Object.values(githubSecrets), ...headers]
  return [...all, decodeURIComponent(password), password].filter((text) => text !== null)
}

/** @param secrets those shorter than 8 characters are left: too much else would look like them */
export function createRedaction(secrets: readonly string[]): Redaction {
  const known = secrets.filter((text) => text.length >= SHORTEST_SECRET)
  const escaped = known.map((text) => JSON.stringify(text).slice(1, -1))
  return (json) => escaped.reduce((text, secret) => text.replaceAll(secret, '[redacted]'), json)
}
