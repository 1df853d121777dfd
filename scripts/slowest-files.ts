import path from 'node:path'
import type { TestEvent } from 'node:test/reporters'

const TOLD = 10

/**
 * A reporter for Node's test runner that says at the end which files took longest. Files that share a process are not told
 * apart.
 *
 * @see https://nodejs.org/api/test.html#custom-reporters
 */
// oxlint-disable-next-line import/no-default-export -- by it Node takes a reporter.
export default async function* slowestFiles(events: AsyncIterable<TestEvent>): AsyncGenerator<string> {
  const files: { name: string; ms: number }[] = []
  for await (const { type, data } of events) {
    if (type !== 'test:summary' || data.file === undefined) continue
    files.push({ name: path.relative(process.cwd(), data.file), ms: data.duration_ms })
  }
  const slowest = files.toSorted((one, other) => other.ms - one.ms).slice(0, TOLD)
  if (slowest.length < 2) return
  const lines = slowest.map(({ name, ms }) => `${(ms / 1_000).toFixed(1).padStart(7)} s  ${name}`)
  yield `The files that took longest:\n${lines.join('\n')}\n`
}
