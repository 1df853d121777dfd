import { FailureExcerpt } from './failure-excerpt.ts'

const MOST_TOLD_BYTES = 4_000

/** What is told of checks that ran elsewhere: the same part as of one that ran here, without a tree and without a base. */
export function failureTeller(
  redacted: (text: string) => string,
): (output: string) => { text: string; identity: string | null } {
  return (output) => {
    const excerpt = new FailureExcerpt('/nonexistent', redacted)
    excerpt.add(output)
    return { text: excerpt.read(MOST_TOLD_BYTES), identity: excerpt.identity() }
  }
}
