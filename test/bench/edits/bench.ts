import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import { applyEdits } from '../../../src/edits/apply-edits.ts'
import { parseEdits } from '../../../src/edits/parse-edits.ts'
import { Fault } from '../../../src/faults/fault.ts'
import { numbersFrom } from '../numbers.ts'
import { type Figure, report } from '../report.ts'

type Work = { file: string; answer: string; scope?: readonly string[] }

/** Of the largest work: an answer of about 1 MB, and a file of 50,000 lines. */
const LARGEST = 8
const MOST_GROWTH = 2.2
/** So long the runs that are measured as one take about, in ms. */
const BATCH_MS = 400
const SCOPE = ['f', 'src/']

const lineOf = (index: number) => `    line ${index} of a file with some words\n`
const linesOf = (count: number, make: (index: number) => string) =>
  Array.from({ length: count }, (_, at) => make(at)).join('')
const fileOf = (count: number) => linesOf(count, lineOf)
const pair = (search: string, replace: string) => `<<<<<<< SEARCH\n${search}=======\n${replace}>>>>>>> REPLACE\n`
/** Lines of a file out of order, each once. */
const scattered = (index: number, count: number) => lineOf((index * 7919) % count)

const WORKS: Readonly<Record<string, (size: number) => Work>> = {
  'pairs all over a file': (size) => ({
    file: fileOf(6_250 * size),
    answer: `### edit f\n${linesOf(250 * size, (at) => pair(scattered(at, 6_250 * size), `${'x'.repeat(400)}${at}\n`))}`,
  }),
  'pairs that make the file longer': (size) => ({
    file: fileOf(6_250 * size),
    answer: `### edit f\n${linesOf(250 * size, (at) => pair(scattered(at, 6_250 * size), `${'x'.repeat(400)}\n${at}\n`))}`,
  }),
  'one pair of many lines': (size) => ({
    file: fileOf(6_250 * size),
    answer: `### edit f\n${pair(fileOf(1_500 * size), fileOf(1_500 * size).replaceAll('some', 'other'))}`,
  }),
  'a diff of many hunks': (size) => ({
    file: fileOf(6_250 * size),
    answer: `--- a/f\n+++ b/f\n${linesOf(250 * size, (at) => `@@ -${at * 25 + 1} +${at * 25 + 1} @@\n-${lineOf(at * 25)}+${'x'.repeat(400)}${at}\n`)}`,
  }),
  'a whole file': (size) => ({
    file: fileOf(6_250 * size),
    answer: `### write f\n\`\`\`\`\n${fileOf(3_000 * size).replaceAll('some', 'other')}\`\`\`\`\n`,
  }),
  'long prose': (size) => ({
    file: fileOf(6_250 * size),
    answer: `${linesOf(1_500 * size, (at) => `The file \`f\` is as src/a${at}.ts is, and docs/a.md has more.\n\n`)}### edit f\n${pair(lineOf(1), 'y\n')}`,
  }),
  'one long heading': (size) => ({
    file: fileOf(6_250 * size),
    answer: `# a ${'x -> '.repeat(25_000 * size)}\rx\n### edit f\n${pair(lineOf(1), 'y\n')}`,
  }),
  'many fences': (size) => ({
    file: fileOf(6_250 * size),
    answer: `${linesOf(4_000 * size, (at) => `Example ${at}:\n\n\`\`\`ts\nf(${at})\n\`\`\`\n\n`)}### edit f\n${pair(lineOf(1), 'y\n')}`,
  }),
  'pairs that are not found': (size) => ({
    file: fileOf(6_250 * size),
    answer: linesOf(20, (at) => `### edit f\n${pair(`another line ${at} of a file\n`, '')}`),
  }),
  // With as many files in scope as an order may name.
  'blocks out of scope': (size) => ({
    file: fileOf(6_250 * size),
    answer: linesOf(1_000 * size, (at) => `### delete src/None${at}.ts\n`),
    scope: Array.from({ length: 200 }, (_, at) => `src/none${at}.js`),
  }),
}

/** How the time of reading and applying an answer grows where both the answer and the file are twice as long. */
export async function benchEdits(args: readonly string[]): Promise<void> {
  const { rounds } = numbersFrom(args, { rounds: 12 })
  const figures: Figure[] = []
  for (const [what, make] of Object.entries(WORKS)) {
    const [half, whole] = await leastMs([make(LARGEST / 2), make(LARGEST)], rounds)
    figures.push({ what, value: Number(whole), unit: 'ms' })
    figures.push({
      what: `${what}, of half as much`,
      value: Number(whole) / Number(half),
      unit: '×',
      target: { atMost: MOST_GROWTH },
    })
  }
  report({
    bench: 'edits',
    settings: { rounds },
    figures,
    notes: [
      "The processor's time of one thread, the least of all rounds, so that a busy machine makes little difference.",
    ],
  })
}

setFlagsFromString('--expose-gc')
/** What another work has left lying about would be paid for by the next. */
const collect: () => void = runInNewContext('gc')

/**
 * In turns, so that what else the machine does meets all of them. Linux counts a thread's time in steps of some
 * milliseconds: several runs are measured as one.
 */
async function leastMs(works: readonly Work[], rounds: number): Promise<number[]> {
  const least = works.map(() => Number.POSITIVE_INFINITY)
  let once = 1
  for (const work of works) once = Math.max(once, await runMs(work, 1))
  const runs = Math.ceil(BATCH_MS / once)
  for (let round = 0; round < rounds; round += 1) {
    for (const [index, work] of works.entries()) least[index] = Math.min(Number(least[index]), await runMs(work, runs))
  }
  return least
}

/** The processor's time of one run. */
async function runMs(work: Work, runs: number): Promise<number> {
  collect()
  const before = process.threadCpuUsage()
  for (let run = 0; run < runs; run += 1) await apply(work)
  const { user, system } = process.threadCpuUsage(before)
  return (user + system) / 1_000 / runs
}

/** A refusal takes its time too. */
async function apply({ file, answer, scope = SCOPE }: Work): Promise<void> {
  const bytes = Buffer.from(file)
  const read = async (path: string) => (path === 'f' ? bytes : null)
  try {
    await applyEdits(parseEdits(answer, scope), { read, scope })
  } catch (thrown) {
    if (!(thrown instanceof Fault)) throw thrown
  }
}
