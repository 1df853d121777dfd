/**
 * Runs every test, or those whose path contains one of the arguments:
 * `npm run test:run -- workspace`
 *
 * With `--faults` first, the long runs of `test/faults` instead, one file after the other: `npm run test:faults -- disk`
 *
 * The tests get a folder of their own for temporary files. What is left in it afterwards, or still runs with it, fails
 * the run as a failed test does. What Node compiles is kept between runs, as `moose` itself keeps it.
 */
import { spawnSync } from 'node:child_process'
import { chmodSync, globSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { leftovers } from './leftovers.ts'

const FAULTS = '--faults'
/** What a test that prints its progress says must be seen at once: only one file may speak. */
const KINDS = {
  usual: { globs: ['src/**/*.test.ts', 'test/**/*.test.ts'], concurrency: 2, timeoutMs: 240_000 },
  faults: { globs: ['test/faults/**/*.fault.ts'], concurrency: 1, timeoutMs: 3_600_000 },
}

const kind = process.argv[2] === FAULTS ? KINDS.faults : KINDS.usual
const wanted = process.argv.slice(2).filter((argument) => argument !== FAULTS)
const files = globSync(kind.globs)
  .filter((file) => wanted.length === 0 || wanted.some((part) => file.includes(part)))
  .toSorted()
if (files.length === 0) {
  console.error(`No test file matches ${wanted.join(', ')}.`)
  process.exit(1)
}

const folder = mkdtempSync(path.join(tmpdir(), 'moose-tests-'))
const compiled = path.join(import.meta.dirname, '../node_modules/.cache/moose')
// As /tmp itself: tests start programs as other users too.
chmodSync(folder, 0o1777)
const { status } = spawnSync(
  process.execPath,
  [
    '--test',
    `--test-concurrency=${kind.concurrency}`,
    `--test-timeout=${kind.timeoutMs}`,
    '--test-reporter=spec',
    ...files,
  ],
  { stdio: 'inherit', env: { ...process.env, TMPDIR: folder, NODE_COMPILE_CACHE: compiled } },
)

// The Postgres all tests share is stopped by the last of them and takes a moment.
await delay(1_000)
rmSync(path.join(folder, `moose-test-${process.getuid?.()}`), { recursive: true, force: true })
const left = leftovers(folder)
if (left.length > 0) console.error(`The tests left behind:\n${left.join('\n')}`)
else rmSync(folder, { recursive: true })
process.exitCode = status === 0 && left.length === 0 ? 0 : 1
