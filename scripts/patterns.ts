/**
 * The gate `patterns`: every regular expression in src/ is tried on texts made to take it long (`attacks.ts`), and one
 * whose time grows faster than the text fails. What counts is the processor's time of this thread, so that a busy machine
 * makes no difference. A pattern that is put together at run time is not seen here; `test/tools/linear-time.test.ts`
 * has the functions that use one.
 */
import { globSync, readFileSync } from 'node:fs'
import ts from 'typescript'
import { type Attack, attacksOn } from './attacks.ts'

/** Behind an attack: what ends a line or does not, and nothing. */
const ENDS = ['', '\0', '!', '\u2028x', '\nx']
/** From short to long, with what is far too much for a text of this length; more of it would not end. */
const TRIED = [
  { length: 24, suspectMs: 50 },
  { length: 300, suspectMs: 12 },
  { length: 20_000, suspectMs: 12 },
] as const
/** Of a text four times as long: 4 is linear, 16 quadratic. */
const MOST_GROWTH = 8
const LEAST_MS = 0.5
const SHOWN = 80

type Pattern = { place: string; source: string; flags: string }

function patternsIn(file: string): Pattern[] {
  const tree = ts.createSourceFile(file, readFileSync(file, 'utf8'), ts.ScriptTarget.Latest, true)
  const found: Pattern[] = []
  const look = (node: ts.Node): void => {
    if (ts.isRegularExpressionLiteral(node)) {
      const { line } = tree.getLineAndCharacterOfPosition(node.getStart())
      const end = node.text.lastIndexOf('/')
      found.push({ place: `${file}:${line + 1}`, source: node.text.slice(1, end), flags: node.text.slice(end + 1) })
    }
    ts.forEachChild(node, look)
  }
  look(tree)
  return found
}

function cpuMs(run: () => void): number {
  const before = process.threadCpuUsage()
  run()
  const { user, system } = process.threadCpuUsage(before)
  return (user + system) / 1_000
}

/** Tries a pattern on a text of about this length, everywhere in it. */
function tried(pattern: RegExp, { before, repeated }: Attack, end: string, length: number): number {
  const text = before + repeated.repeat(Math.ceil(length / repeated.length)) + end
  return cpuMs(() => void text.replace(pattern, ''))
}

/** What takes a pattern more than linear time; null: nothing that was tried. */
function weaknessOf({ source, flags }: Pattern): string | null {
  const pattern = new RegExp(source, flags)
  for (const attack of attacksOn(source, flags)) {
    for (const end of ENDS) {
      const suspect = TRIED.find(({ length, suspectMs }) => tried(pattern, attack, end, length) > suspectMs)
      if (suspect !== undefined && growsTooFast(pattern, attack, end, suspect.length))
        return `${shown(attack.before)}, then ${shown(attack.repeated)} over and over, then ${shown(end)}`
    }
  }
  return null
}

/** The least of three, because something else may have taken the time. */
function growsTooFast(pattern: RegExp, attack: Attack, end: string, length: number): boolean {
  const least = (of: number) => Math.min(...[1, 2, 3].map(() => tried(pattern, attack, end, of)))
  return least(length) > MOST_GROWTH * Math.max(LEAST_MS, least(length / 4))
}

function shown(text: string): string {
  return JSON.stringify(text.length > SHOWN ? `${text.slice(0, SHOWN)}…` : text)
}

const files = globSync('src/**/*.ts').filter((file) => !file.endsWith('.test.ts'))
const patterns = files.toSorted().flatMap(patternsIn)
for (const pattern of patterns) {
  const weakness = weaknessOf(pattern)
  if (weakness === null) continue
  console.log(`${pattern.place}: /${pattern.source}/${pattern.flags} takes more than linear time on ${weakness}`)
  process.exitCode = 1
}
console.log(`${patterns.length} patterns`)
