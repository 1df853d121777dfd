import { createHash } from 'node:crypto'

/** Numbers from 0 up to, but not including, 1. */
export type Chance = () => number

/**
 * The same numbers for the same parts, unrelated ones for others: sfc32 (https://pracrand.sourceforge.net/RNG_engines.txt)
 * begun from a hash of the parts. Not for secrets.
 */
export function seededChance(...parts: readonly (string | number)[]): Chance {
  const digest = createHash('sha256').update(JSON.stringify(parts)).digest()
  let [a, b, c, counter] = [digest.readInt32LE(0), digest.readInt32LE(4), digest.readInt32LE(8), 1]
  return () => {
    const sum = (a + b + counter) | 0
    counter = (counter + 1) | 0
    a = b ^ (b >>> 9)
    b = (c + (c << 3)) | 0
    c = (((c << 21) | (c >>> 11)) + sum) | 0
    return (sum >>> 0) / 2 ** 32
  }
}
