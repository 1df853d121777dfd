/**
 * Runs every test, or those whose path contains one of the arguments: `npm run test:run -- workspace`
 *
 * With `--tools` first, those of `test/e2e`, `test/tools` and `test/hostile`, with `--hostile` the last alone, and with `--faults` the
 * long runs of `test/faults`, instead:
 * `npm run test:faults -- disk`
 *
 * The tests get a folder of their own for temporary files, in memory where there is room (`TMPDIR` says otherwise): their
 * databases are some hundred files each. What is left in it afterwards, or still runs with it, fails the run as a failed test
 * does. What Node compiles is kept between runs, as `moose` itself keeps it.
 */
import { spawnSync } from 'node:child_process'
import { chmodSync, existsSync, globSync, mkdtempSync, readFileSync, rmSync, statfsSync, statSync } from 'node:fs'
import { availableParallelism, freemem, tmpdir } from 'node:os'
import path from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { leftovers } from './leftovers.ts'

/** Files that are run by one call of Node's runner. */
type Group = { globs: readonly string[]; options: readonly string[] }

/**
 * Each file in a process of its own, twice as many at once as the machine has processors: a test that waits for a lease or a
 * timer leaves its processor to another.
 */
const APART = [`--test-concurrency=${availableParallelism() * 2}`, '--test-timeout=240000']

const REPORTERS = ['spec', path.join(import.meta.dirname, 'slowest-files.ts')].flatMap((reporter) => [
  `--test-reporter=${reporter}`,
  '--test-reporter-destination=stdout',
])

/** More than twice what all tests have ever lying about at once. */
const ROOM_BYTES = 8 * 1024 ** 3

const KINDS: Record<'usual' | 'tools' | 'hostile' | 'faults', readonly Group[]> = {
  usual: [
    // Pure code: to start a process for each file would take longer than the tests.
    { globs: ['src/**/*.test.ts'], options: ['--test-isolation=none'] },
    { globs: ['test/integration/*.test.ts'], options: APART },
  ],
  tools: [{ globs: ['test/e2e/*.test.ts', 'test/tools/*.test.ts', 'test/hostile/*.test.ts'], options: APART }],
  hostile: [{ globs: ['test/hostile/*.test.ts'], options: APART }],
  // What a test that prints its progress says must be seen at once: only one file may speak.
  faults: [{ globs: ['test/faults/*.fault.ts'], options: ['--test-concurrency=1', '--test-timeout=3600000'] }],
}

const [first = '', ...others] = process.argv.slice(2)
const kind = kindOf(first)
const wanted = kind === 'usual' ? process.argv.slice(2) : others
const groups = KINDS[kind]
  .map(({ globs, options }) => ({
    options,
    files: globSync([...globs])
      .filter(isWanted)
      .toSorted(longestFirst),
  }))
  .filter(({ files }) => files.length > 0)
if (groups.length === 0) {
  console.error(`No test file matches ${wanted.join(', ')}.`)
  process.exit(1)
}

const folder = mkdtempSync(path.join(temporaryFolder(), 'moose-tests-'))
const compiled = path.join(import.meta.dirname, '../node_modules/.cache/moose')
const env = { ...process.env, TMPDIR: folder, NODE_COMPILE_CACHE: compiled }
// As /tmp itself: tests start programs as other users too.
chmodSync(folder, 0o1777)
const passed = groups.map(({ options, files }) => {
  const runner = ['--test', ...REPORTERS, ...options, ...files]
  return spawnSync(process.execPath, runner, { stdio: 'inherit', env }).status === 0
})

// The Postgres all tests share is stopped by the last of them and takes a moment.
await delay(1_000)
// So does the package, which is packed and installed once for all of them.
for (const name of ['moose-test', 'moose-packed'])
  rmSync(path.join(folder, `${name}-${process.getuid?.()}`), { recursive: true, force: true })
const left = leftovers(folder)
if (left.length > 0) console.error(`The tests left behind:\n${left.join('\n')}`)
else rmSync(folder, { recursive: true })
process.exitCode = passed.every(Boolean) && left.length === 0 ? 0 : 1

function kindOf(option: string): keyof typeof KINDS {
  if (option === '--tools') return 'tools'
  if (option === '--hostile') return 'hostile'
  return option === '--faults' ? 'faults' : 'usual'
}

/** In memory, where that has room for all tests and programs may be started from it. */
function temporaryFolder(): string {
  const inMemory = '/dev/shm'
  if (process.env['TMPDIR'] !== undefined || !existsSync(inMemory)) return tmpdir()
  const { bavail, bsize } = statfsSync(inMemory)
  const hasRoom = bavail * bsize > ROOM_BYTES && freemem() > ROOM_BYTES
  const isExecutable = !/^\S+ \/dev\/shm \S+ \S*\bnoexec\b/m.test(readFileSync('/proc/mounts', 'utf8'))
  return hasRoom && isExecutable ? inMemory : tmpdir()
}

/** A long file takes long, as a rule: begun first, none is left alone at the end. */
function longestFirst(one: string, other: string): number {
  return statSync(other).size - statSync(one).size
}

function isWanted(file: string): boolean {
  return wanted.length === 0 || wanted.some((part) => file.includes(part))
}
