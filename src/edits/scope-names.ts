import { eachWordOf, withoutSigns } from './answer/words-of-line.ts'
import { isDecorated, plainNames } from './written-path.ts'

/** Another spelling of an entry of the scope, and in what it differs. */
export type Twin = { entry: string; difference: string }

const FOLDS = [
  { difference: 'Unicode normalization (NFC, NFD)', fold: (text: string) => text.normalize('NFC') },
  { difference: 'upper and lower case', fold: (text: string) => text.normalize('NFC').toLowerCase() },
] as const

/** An order's `files_in_scope`, to be asked for many paths: each takes time by its own length. */
export class ScopeNames {
  readonly #entries: ReadonlySet<string>
  /** Files that the scope names, or that are known to lie in its folders. */
  readonly #files = new Set<string>()
  /** Files by their last part, as it stands and without regard to case; null: nothing has asked for it. */
  #byLast: { exact: Map<string, string[]>; folded: Map<string, string[]> } | null = null
  /** The endings of files; null: nothing has asked for them. */
  #kinds: Set<string> | null = null
  readonly #matched = new Map<string, readonly string[]>()
  /** In which entries stand. */
  readonly #folders = new Set<string>()
  #folded: readonly { difference: string; entries: ReadonlyMap<string, string>; fold: (text: string) => string }[] = []

  /** @param files the files of the base, of which those in folders of the scope count */
  constructor(scope: readonly string[], files: Iterable<string> = []) {
    this.#entries = new Set(scope)
    for (const entry of this.#entries) {
      coveredBy(entry, (folder) => {
        this.#folders.add(folder)
        return false
      })
      if (!entry.endsWith('/')) this.#files.add(entry)
    }
    for (const file of files) if (this.covers(file)) this.#files.add(file)
  }

  /** A scope may hold every file of a repository, and most answers name theirs in full. */
  #lasts(): { exact: Map<string, string[]>; folded: Map<string, string[]> } {
    if (this.#byLast !== null) return this.#byLast
    const lasts = { exact: new Map<string, string[]>(), folded: new Map<string, string[]>() }
    for (const path of this.#files) {
      const last = lastOf(path)
      addTo(lasts.exact, last, path)
      addTo(lasts.folded, folded(last), path)
    }
    this.#byLast = lasts
    return lasts
  }

  /** Whether no file and no folder is in scope. */
  get isEmpty(): boolean {
    return this.#entries.size === 0
  }

  /** Whether a path is known as that of a file: the scope names it, or it lies in a folder of the scope. */
  namesFile(path: string): boolean {
    return this.#files.has(path)
  }

  /** Whether a file is known that ends as a name does. */
  hasKind(name: string): boolean {
    this.#kinds ??= new Set(Array.from(this.#files, (path) => kindOf(lastOf(path))))
    return this.#kinds.has(kindOf(name))
  }

  /** A bare name of a kind that is known as a path in each of the first three folders in scope. */
  inFolders(name: string): string[] {
    if (name.includes('/') || !this.hasKind(name)) return []
    const folders = [...this.#entries].filter((entry) => entry.endsWith('/'))
    return folders.slice(0, 3).map((folder) => `${folder}${name}`)
  }

  /** The known files that a pattern of a shell means; null: it is one of another kind, or too many were asked for. */
  matching(pattern: string): readonly string[] | null {
    const known = this.#matched.get(pattern)
    if (known !== undefined) return known
    if (pattern.length > LONGEST_PATTERN || pattern.includes('**') || this.#matched.size >= MOST_PATTERNS) return null
    const parts = pattern.replace(/\{[^{}]*\}|\[[^[\]]*\]/g, '*').split('/')
    const found = [...this.#files].filter((file) => {
      const names = file.split('/')
      return names.length === parts.length && parts.every((part, at) => fits(String(names[at]), part))
    })
    this.#matched.set(pattern, found)
    return found
  }

  /** The files whose last part a name has, in whatever case; at most three. */
  likeLast(name: string): readonly string[] {
    return (this.#lasts().folded.get(folded(lastOf(name))) ?? []).slice(0, 3)
  }

  /** As `isInScope`. */
  covers(path: string): boolean {
    return this.#entries.has(path) || coveredBy(path, (folder) => this.#entries.has(folder))
  }

  /** Whether files in scope may stand in a folder, whose name ends in a slash. */
  reaches(folder: string): boolean {
    return this.#folders.has(folder) || this.covers(folder)
  }

  /**
   * The one path in scope that a text means: itself, without its decoration, or by a bare file name. Null: none, or it
   * could be several.
   *
   * @param plain the text without its decoration, where that is known
   */
  meantBy(text: string, plain?: string): string | null {
    const names = plainNames(text, plain)
    const [written] = names
    if (written === undefined) return null
    if (this.namesFile(written)) return written
    const files = names.filter((name) => this.namesFile(name))
    if (files.length > 0) return files.length === 1 ? String(files[0]) : null
    const covered = names.find((name) => !name.endsWith('/') && this.covers(name) && !isDecorated(name))
    if (covered !== undefined) return covered
    const [only, ...others] = names.flatMap((name) => this.endingIn(name))
    return only === undefined || others.length > 0 ? null : only
  }

  /** The same of a word of a line, which may have signs of emphasis, of a mention or of a list around it. */
  meantByWord(word: string): string | null {
    const meant = this.meantBy(word)
    const bare = meant === null ? withoutSigns(word) : word
    return bare === word ? meant : this.meantBy(bare)
  }

  /** The files in scope that a bare file name may mean; at most three. */
  endingIn(name: string): readonly string[] {
    return (this.#lasts().exact.get(name) ?? []).slice(0, 3)
  }

  /** The files in scope that a line of prose names. */
  mentionedIn(line: string): string[] {
    if (!MAY_NAME.test(line)) return []
    const found = new Set<string>()
    const isHeading = HEADING.test(line)
    const quoted = new Set(Array.from(line.matchAll(/`([^`\s]+)`/g), ([, word]) => word))
    for (const { word } of eachWordOf(line)) {
      // A word without a dot or a slash is a word, whatever files there are, but where a heading names one.
      const isName = quoted.has(word) || (isHeading && this.namesFile(word))
      const mayName = /[./\\]/.test(word.slice(0, -1)) || isName
      if (!mayName) continue
      const path = this.meantByWord(word)
      if (path !== null && (this.namesFile(path) || /\.\w+$/.test(path))) found.add(path)
    }
    return [...found]
  }

  /** An entry that covers a path but for its case or normalization; null: there is none. */
  twinOf(path: string): Twin | null {
    if (this.#folded.length === 0) this.#fold()
    for (const { difference, entries, fold } of this.#folded) {
      let entry = entries.get(fold(path))
      coveredBy(fold(path), (folder) => {
        entry ??= entries.get(folder)
        return entry !== undefined
      })
      if (entry !== undefined) return { entry, difference }
    }
    return null
  }

  #fold(): void {
    this.#folded = FOLDS.map(({ difference, fold }) => {
      const entries = new Map<string, string>()
      for (const entry of this.#entries) if (!entries.has(fold(entry))) entries.set(fold(entry), entry)
      return { difference, entries, fold }
    })
  }
}

/** What no line lacks that names a file. */
const MAY_NAME = /[./\\`#]/
/** Also one that is quoted, or an item of a list. */
const HEADING = /^\s{0,3}(?:(?:[-*+>]|\d{1,3}[.)])\s+){0,4}#/

const MOST_PATTERNS = 50
const LONGEST_PATTERN = 200

function kindOf(name: string): string {
  return name.slice(name.lastIndexOf('.') + 1).toLowerCase()
}

/** Whether a name fits a pattern with `*` and `?`. It takes at most the product of their lengths. */
function fits(name: string, pattern: string): boolean {
  let [at, place, star, tried] = [0, 0, -1, 0]
  while (at < name.length) {
    if (pattern[place] === '*') {
      star = place
      tried = at
      place += 1
    } else if (pattern[place] === '?' || pattern[place] === name[at]) {
      place += 1
      at += 1
    } else if (star === -1) return false
    else {
      place = star + 1
      tried += 1
      at = tried
    }
  }
  return /^\**$/.test(pattern.slice(place))
}

function folded(name: string): string {
  return name.normalize('NFC').toLowerCase()
}

export function lastOf(path: string): string {
  return path.slice(path.lastIndexOf('/') + 1)
}

function addTo(names: Map<string, string[]>, name: string, path: string): void {
  const known = names.get(name)
  if (known === undefined) names.set(name, [path])
  else known.push(path)
}

function coveredBy(path: string, has: (folder: string) => boolean): boolean {
  for (let at = path.indexOf('/'); at !== -1; at = path.indexOf('/', at + 1)) {
    if (has(path.slice(0, at + 1))) return true
  }
  return false
}
