import { createRedaction, type Secretive, secretsOf } from '../redaction.ts'

/** Makes a JSON value fit for storing and showing. What is no JSON, such as undefined, comes back as it is. */
export type Clean = <T>(value: T) => T

/**
 * Takes every secret Moose knows out of what a foreign program, a model or a service said, and what Postgres cannot
 * hold: NUL and halves of characters.
 *
 * @see https://www.postgresql.org/docs/current/datatype-json.html
 */
export function createClean(config: Secretive): Clean {
  const redacted = createRedaction(secretsOf(config))
  return (value) => {
    const json = JSON.stringify(value)
    if (json === undefined) return value
    const storable = json.replace(/(?<!\\)((?:\\\\)*)\\u(?:0000|d[89a-f][0-9a-f]{2})/gi, '$1\ufffd')
    const clean = redacted(storable)
    return clean === json ? value : JSON.parse(clean)
  }
}
