import { unifiedDiff } from '../git/diff.ts'
import type { Mirror } from '../git/mirror.ts'
import type { PublishInput } from '../ports/pull-request.ts'

const MAX_DIFF_BYTES = 1024 * 1024

/** What an attempt changes, as it is kept with its pull request. */
export async function attemptDiff(mirror: Mirror, { baseSha, headSha }: PublishInput): Promise<string> {
  const diff = await unifiedDiff(mirror, baseSha, headSha, MAX_DIFF_BYTES)
  // Postgres holds no NUL in a text; git shows one when it comes late in a file.
  return diff.replaceAll('\0', '\ufffd')
}
