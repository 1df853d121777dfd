/**
 * The gate `documents`: what a document points to must exist. It looks at every *.md file of the working folder, for
 * relative links, with the heading they name, and for paths below src/, test/, scripts/ and docs/ in backticks. What
 * stands in a fenced block is an example and is not looked at. README.md and ARCHITECTURE.md have a limit of lines.
 */
import { existsSync, globSync, readFileSync, statSync } from 'node:fs'
import path from 'node:path'

/** Documents that are data: the demo's repository and the fixtures of tests. */
const NOT_OURS = ['**/node_modules/**', '.moose/**', 'demo/repository/**', 'test/fixtures/**']
const MOST_LINES: Readonly<Record<string, number>> = { 'README.md': 150, 'ARCHITECTURE.md': 200 }

const FENCED = /^ *(`{3,}|~{3,}).*?^ *\1[`~]* *$/gms
const CODE = /`([^`\n]+(?:\n[^`\n]+)*)`/g
const LINK = /\]\(([^()\s]+)\)/g
/** A path of this repository, perhaps with wildcards; `:12` behind it is a line. */
const REPOSITORY_PATH = /^(?:src|test|scripts|docs)\/[^…<:]*/

/** A dead end of a document. */
type DeadEnd = { target: string; why: string }

let checked = 0
const documents = globSync('**/*.md', { exclude: NOT_OURS }).toSorted()
for (const document of documents) {
  const text = readFileSync(document, 'utf8')
  const lines = text.trimEnd().split('\n').length
  const most = MOST_LINES[document] ?? Number.POSITIVE_INFINITY
  if (lines > most) fail(document, `has ${lines} lines; at most ${most} are allowed`)
  const prose = text.replace(FENCED, '')
  for (const { target, why } of [...deadLinks(document, prose), ...deadPaths(prose)]) fail(document, `${target} ${why}`)
}
console.log(`${checked} links and paths in ${documents.length} documents`)

function fail(document: string, problem: string): void {
  console.log(`${document}: ${problem}`)
  process.exitCode = 1
}

function deadLinks(document: string, prose: string): DeadEnd[] {
  const targets = Array.from(prose.replace(CODE, '').matchAll(LINK), ([, target]) => String(target))
  const relative = targets.filter((target) => !/^[a-z][a-z+.-]*:/i.test(target))
  checked += relative.length
  return relative.flatMap((target) => {
    const [file = '', heading] = target.split('#')
    const found = file === '' ? document : path.join(path.dirname(document), decodeURIComponent(file))
    if (!existsSync(found)) return [{ target, why: 'is a dead link: there is no such file' }]
    if (heading === undefined || statSync(found).isDirectory() || headingsOf(found).has(heading)) return []
    return [{ target, why: `is a dead link: ${found} has no such heading` }]
  })
}

function deadPaths(prose: string): DeadEnd[] {
  const words = Array.from(prose.matchAll(CODE), ([, code]) => String(code).split(/\s+/)).flat()
  const paths = words.flatMap((word) => REPOSITORY_PATH.exec(word) ?? [])
  checked += paths.length
  const isThere = (name: string) => existsSync(name) || globSync(name).length > 0
  return paths.filter((name) => !isThere(name)).map((target) => ({ target, why: 'does not exist' }))
}

/** The headings of a document as GitHub names them in a link. */
function headingsOf(document: string): Set<string> {
  const prose = readFileSync(document, 'utf8').replace(FENCED, '')
  const headings = Array.from(prose.matchAll(/^#{1,6} +(.+)$/gm), ([, heading]) => slugOf(String(heading)))
  // The second of the same name is called name-1.
  return new Set(
    headings.flatMap((slug, index) => [
      slug,
      `${slug}-${headings.slice(0, index).filter((one) => one === slug).length}`,
    ]),
  )
}

function slugOf(heading: string): string {
  return heading
    .replace(/\]\([^)]*\)/g, '')
    .toLowerCase()
    .replace(/[^\p{L}\p{N}\s_-]/gu, '')
    .trim()
    .replace(/\s/g, '-')
}
