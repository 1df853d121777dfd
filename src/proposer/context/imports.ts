/** What a file imports is looked for in so much of it. */
const MOST_LINES = 3_000
const MOST_OF_LINE = 500
const MOST_OF_FILE = 300
/** Paths of one file's imports that are looked for: an import that is not there has the most. */
const MOST_CANDIDATES = 20_000

/** A file of the scope with its text. */
export type Importer = { path: string; lines: readonly string[] }

/** The files of the base commit, as imports are resolved against them. */
export type KnownFiles = {
  has: (path: string) => boolean
  /** The paths whose last segment is this name. */
  named: (name: string) => readonly string[]
  /** The files right in a folder, which ends with `/` or is empty. */
  inFolder: (folder: string) => readonly string[]
  /** Of each folder with a `go.mod`, the longest first: the path its module is imported by. */
  goModules: readonly { folder: string; module: string }[]
}

/** Paths in which an import may be found; the first that is there is meant. Several lists: several files are meant. */
type Candidates = readonly (readonly string[])[]
type Import = {
  /** Equal for the same import of one file: it is resolved once. */
  name: string
  resolve: () => Candidates
}
type Language = (line: string, from: string, files: KnownFiles) => readonly Import[]

/** The files that others name in their imports, most often named first, then the nearest, then by name. */
export function importedFiles(importers: readonly Importer[], files: KnownFiles): string[] {
  const own = new Set(importers.map(({ path }) => path))
  const found = new Map<string, { times: number; distance: number }>()
  for (const importer of importers) {
    for (const path of importsOf(importer, files)) {
      if (own.has(path)) continue
      const { times, distance } = found.get(path) ?? { times: 0, distance: Number.POSITIVE_INFINITY }
      found.set(path, { times: times + 1, distance: Math.min(distance, distanceOf(importer.path, path)) })
    }
  }
  const ranked = [...found].toSorted(
    ([left, one], [right, other]) =>
      other.times - one.times || one.distance - other.distance || (left < right ? -1 : 1),
  )
  return ranked.map(([path]) => path)
}

/**
 * Linear in the text: each line is looked at so far, by patterns without nested repetition, and what its names may mean is
 * bounded for the whole file.
 */
function importsOf({ path, lines }: Importer, files: KnownFiles): Set<string> {
  const language = LANGUAGES.find(({ ending }) => ending.test(path))
  const found = new Set<string>()
  if (language === undefined) return found
  const resolved = new Set<string>()
  let left = MOST_CANDIDATES
  for (const line of lines.slice(0, MOST_LINES)) {
    for (const { name, resolve } of language.read(line.slice(0, MOST_OF_LINE), path, files)) {
      if (resolved.has(name)) continue
      resolved.add(name)
      for (const candidates of resolve()) {
        left -= candidates.length
        const meant = candidates.find((candidate) => files.has(candidate))
        if (meant !== undefined) found.add(meant)
      }
      if (left <= 0 || found.size >= MOST_OF_FILE) return found
    }
  }
  return found
}

/** Folders to leave and to enter on the way from one file to another. */
function distanceOf(from: string, to: string): number {
  const [one, other] = [from.split('/').slice(0, -1), to.split('/').slice(0, -1)]
  const index = one.findIndex((segment, depth) => segment !== other[depth])
  const shared = index === -1 ? one.length : index
  return one.length + other.length - 2 * shared
}

const folderOf = (path: string) => path.slice(0, path.lastIndexOf('/') + 1)

/** `./` and `../` resolved against a folder; null: it leads out of the repository. */
function joined(folder: string, relative: string): string | null {
  const segments = folder.split('/').slice(0, -1)
  for (const segment of relative.split('/')) {
    if (segment === '' || segment === '.') continue
    if (segment !== '..') segments.push(segment)
    else if (segments.pop() === undefined) return null
  }
  return segments.join('/')
}

const SCRIPT_IMPORT = /(?:\bfrom|\bimport|\brequire) {0,4}\(? {0,4}(['"])([^'"]{1,300})\1/g
const SCRIPT_ENDINGS = ['.ts', '.tsx', '.d.ts', '.mts', '.cts', '.js', '.jsx', '.mjs', '.cjs', '.vue', '.svelte']
/** What a path with the ending of the output stands for in the source. */
const SOURCE_OF: Readonly<Record<string, readonly string[]>> = {
  '.js': ['.ts', '.tsx', '.jsx'],
  '.mjs': ['.mts'],
  '.cjs': ['.cts'],
  '.jsx': ['.tsx'],
}

const scripts: Language = (line, from) =>
  [...line.matchAll(SCRIPT_IMPORT)].map(([, , specifier = '']) => ({
    name: specifier,
    resolve() {
      const alias = /^[@~]\/(.+)$/.exec(specifier)?.[1]
      const bases = specifier.startsWith('.')
        ? [joined(folderOf(from), specifier)]
        : alias === undefined
          ? []
          : [`src/${alias}`, alias]
      return [bases.flatMap((base) => (base === null ? [] : scriptPaths(base)))]
    },
  }))

function scriptPaths(base: string): string[] {
  const ending = /\.[cm]?jsx?$/.exec(base)?.[0]
  const sources = ending === undefined ? undefined : SOURCE_OF[ending]
  const bare = ending === undefined ? base : base.slice(0, -ending.length)
  return [
    base,
    ...(sources === undefined ? [] : sources.map((source) => `${bare}${source}`)),
    ...SCRIPT_ENDINGS.map((one) => `${base}${one}`),
    ...SCRIPT_ENDINGS.map((one) => `${base === '' ? '' : `${base}/`}index${one}`),
  ]
}

const PYTHON_FROM = /^\s{0,80}from (\.{0,20})([\w.]{0,300}) import ([\w, ()*]{1,400})/
const PYTHON_IMPORT = /^\s{0,80}import ([\w., ]{1,400})/

const python: Language = (line, from) => {
  const [, dots, module = '', names = ''] = PYTHON_FROM.exec(line) ?? []
  if (dots !== undefined) {
    const parts = module.split('.').filter((part) => part !== '')
    const imported = names.split(/[,() ]/).filter((name) => /^\w+$/.test(name) && name !== 'as')
    const modules = [...imported.map((name) => [...parts, name]), ...(parts.length === 0 ? [] : [parts])]
    return modules.map((one) => pythonImport(one, from, dots))
  }
  const listed = PYTHON_IMPORT.exec(line)?.[1]
  if (listed === undefined) return []
  const modules = listed.split(',').map((name) => String(name.trim().split(' ')[0]))
  return modules.map((name) => pythonImport(name.split('.'), from, ''))
}

function pythonImport(parts: readonly string[], from: string, dots: string): Import {
  return {
    name: `${dots}${parts.join('.')}`,
    resolve() {
      const roots = dots === '' ? pythonRoots(from) : [folderAbove(folderOf(from), dots.length - 1)]
      return [roots.flatMap((root) => pythonPaths(root, parts))]
    },
  }
}

const MOST_FOLDERS_ABOVE = 6

/** Where a module that is named from the top may begin: the folders above, the nearest first, then the top and `src/`. */
function pythonRoots(from: string): string[] {
  const segments = from.split('/').slice(0, -1)
  const above = segments
    .slice(0, MOST_FOLDERS_ABOVE)
    .map((_, index) => `${segments.slice(0, segments.length - index).join('/')}/`)
  return [...above, '', 'src/']
}

function folderAbove(folder: string, levels: number): string {
  const segments = folder.split('/').slice(0, -1)
  const kept = segments.slice(0, Math.max(0, segments.length - levels))
  return kept.length === 0 ? '' : `${kept.join('/')}/`
}

function pythonPaths(root: string, parts: readonly string[]): string[] {
  const base = `${root}${parts.join('/')}`
  return [`${base}.py`, `${base}.pyi`, `${base}/__init__.py`]
}

const GO_IMPORT = /^\s{0,20}(?:import )?(?:[\w.]{1,80} )?"([^"]{1,300})"\s*(?:\/\/.*)?$/

/** A package is a folder; of its files those that are no tests are meant. */
const go: Language = (line, _from, { goModules, inFolder }) => {
  const imported = GO_IMPORT.exec(line)?.[1]
  const own = goModules.find(({ module }) => imported === module || imported?.startsWith(`${module}/`) === true)
  if (imported === undefined || own === undefined) return []
  const rest = imported.slice(own.module.length + 1)
  const folder = `${own.folder}${rest === '' ? '' : `${rest}/`}`
  const resolve = () => inFolder(folder).flatMap((path) => (/(?<!_test)\.go$/.test(path) ? [[path]] : []))
  return [{ name: imported, resolve }]
}

const RUST_MOD = /^\s{0,40}(?:pub(?:\([\w: ]{1,80}\))? )?mod (\w{1,100});/
const RUST_USE = /^\s{0,40}(?:pub(?:\([\w: ]{1,80}\))? )?use ((?:crate|self|super)(?:::\w{1,100}){1,20})/

const rust: Language = (line, from) => {
  const module = RUST_MOD.exec(line)?.[1]
  if (module !== undefined)
    return [{ name: `mod ${module}`, resolve: () => [rustPaths(`${rustFolder(from)}${module}`)] }]
  const used = RUST_USE.exec(line)?.[1]
  return used === undefined ? [] : [{ name: used, resolve: () => rustUsed(used, from) }]
}

function rustUsed(used: string, from: string): Candidates {
  const [start, ...parts] = used.split('::')
  let folder = start === 'crate' ? crateRoot(from) : rustFolder(from)
  if (start === 'super') folder = folderAbove(folder, 1)
  while (start === 'super' && parts[0] === 'super') {
    parts.shift()
    folder = folderAbove(folder, 1)
  }
  // The last parts are items of the module, as far as there is no file for them.
  return [parts.flatMap((_, index) => rustPaths(`${folder}${parts.slice(0, parts.length - index).join('/')}`))]
}

const rustPaths = (base: string) => [`${base}.rs`, `${base}/mod.rs`]

/** Where the modules of a file are: beside `mod.rs`, `lib.rs` and `main.rs`, else in a folder of its name. */
function rustFolder(from: string): string {
  return /(?:^|\/)(?:mod|lib|main)\.rs$/.test(from) ? folderOf(from) : `${from.slice(0, -'.rs'.length)}/`
}

function crateRoot(from: string): string {
  const at = from.lastIndexOf('src/')
  return at === -1 ? '' : from.slice(0, at + 'src/'.length)
}

const JAVA_IMPORT = /^\s{0,20}import (static )?([\w.]{1,300})(?:;|$)/

const java: Language = (line, from, { named }) => {
  const [, isStatic, name = ''] = JAVA_IMPORT.exec(line) ?? []
  const parts = name.split('.').slice(0, isStatic === undefined ? undefined : -1)
  const own = /\.\w{1,10}$/.exec(from)?.[0]
  const type = parts.at(-1)
  if (type === undefined || type === '' || parts.length < 2) return []
  const endings = own === '.java' ? ['.java', '.kt'] : ['.kt', '.java']
  const resolve = () => [
    endings.flatMap((ending) => {
      const tail = `${parts.join('/')}${ending}`
      return named(`${type}${ending}`).filter((path) => path === tail || path.endsWith(`/${tail}`))
    }),
  ]
  return [{ name: parts.join('.'), resolve }]
}

const LANGUAGES: readonly { ending: RegExp; read: Language }[] = [
  { ending: /\.(?:[cm]?[jt]sx?|vue|svelte)$/, read: scripts },
  { ending: /\.pyi?$/, read: python },
  { ending: /\.go$/, read: go },
  { ending: /\.rs$/, read: rust },
  { ending: /\.(?:java|kt)$/, read: java },
]
