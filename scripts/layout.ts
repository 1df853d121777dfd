/**
 * The gate `layout`: no slivers and no crowded folders in src/. A sliver is a file under 60 lines with one importer, in
 * its own folder, and no test beside it; it belongs into its importer, unless that would pass 300 lines.
 */
import { globSync, readFileSync } from 'node:fs'
import path from 'node:path'
import ts from 'typescript'

const SHORT_LINES = 60
const MOST_LINES = 300
const MOST_FILES = 30
/** One file each by their nature: a command, a migration, a part of the contract. */
const EXEMPT_FOLDERS = ['src/cli/commands/', 'src/contract/', 'src/db/migrations/']
/** Files that stay apart, with the reason. */
const EXCEPTIONS: Readonly<Record<string, string>> = {}

const files = globSync('src/**/*.ts').toSorted()
const modules = files.filter((file) => !file.endsWith('.test.ts'))

function linesOf(file: string): number {
  return readFileSync(file, 'utf8').split('\n').length - 1
}

/** The importers of every file, by its path. */
function importersByFile(): Map<string, Set<string>> {
  const importers = new Map<string, Set<string>>(modules.map((file) => [file, new Set()]))
  for (const importer of modules) {
    for (const { fileName } of ts.preProcessFile(readFileSync(importer, 'utf8')).importedFiles) {
      if (fileName.startsWith('.')) importers.get(path.join(path.dirname(importer), fileName))?.add(importer)
    }
  }
  return importers
}

function slivers(): string[] {
  const found: string[] = []
  for (const [file, importers] of importersByFile()) {
    const [importer, ...others] = importers
    if (importer === undefined || others.length > 0 || path.dirname(importer) !== path.dirname(file)) continue
    const isApart = EXEMPT_FOLDERS.some((folder) => file.startsWith(folder)) || Object.hasOwn(EXCEPTIONS, file)
    const lines = linesOf(file)
    const isTested = files.includes(file.replace(/\.ts$/, '.test.ts'))
    if (isApart || isTested || lines >= SHORT_LINES || lines + linesOf(importer) > MOST_LINES) continue
    found.push(`${file}: ${lines} lines and one importer beside it; join it with ${importer}`)
  }
  return found
}

function crowdedFolders(): string[] {
  const folders = Map.groupBy(modules, (file) => path.dirname(file))
  return [...folders].flatMap(([folder, { length }]) =>
    length > MOST_FILES ? [`${folder}: ${length} files; at most ${MOST_FILES} lie beside each other`] : [],
  )
}

function staleExceptions(): string[] {
  const stale = Object.keys(EXCEPTIONS).filter((file) => !modules.includes(file))
  return stale.map((file) => `${file}: an exception for a file that does not exist`)
}

const problems = [...slivers(), ...crowdedFolders(), ...staleExceptions()]
for (const problem of problems) console.log(problem)
console.log(`${modules.length} files`)
process.exitCode = problems.length === 0 ? 0 : 1
