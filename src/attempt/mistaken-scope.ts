import { Fault } from '../faults/fault.ts'
import type { BaseTree } from '../ports/proposal.ts'
import { isInScope } from '../work-order/scope.ts'

/**
 * Refuses a scope that means another thing than it says of the base commit, before anything is paid: a folder named as a
 * file, a file named as a folder, a name that differs from what is there only in case or Unicode normalization, or a
 * pattern. Where the rest of the scope lets the one take the place of the other, it is meant.
 *
 * @throws {Fault} `work_order_invalid` with what to name instead; `scope_unreadable` for a link or a submodule that is
 *   named as a folder
 */
export async function refuseMistakenScope(base: BaseTree, scope: readonly string[]): Promise<void> {
  const paths = await base.list()
  const known = { scope, paths, files: new Set(paths), folders: foldersOf(paths) }
  const problems: string[] = []
  for (const entry of scope) {
    const name = withoutSlash(entry)
    if (entry !== name && known.files.has(name)) await base.read(name)
    const problem = mistakeIn(entry, known)
    if (problem !== null) problems.push(`"${entry}" ${problem}`)
  }
  if (problems.length === 0) return
  const told = problems.join('; ')
  const message = `files_in_scope does not fit the base commit: ${told}. Correct it, approve it again and retry.`
  throw new Fault('work_order_invalid', message, { base_sha: base.sha, problems: told })
}

type Known = {
  scope: readonly string[]
  paths: readonly string[]
  files: ReadonlySet<string>
  folders: ReadonlyMap<string, ReadonlySet<string>>
}

/** Completes `"entry" …`; null: nothing is wrong. */
function mistakeIn(entry: string, { scope, paths, files, folders }: Known): string | null {
  const name = withoutSlash(entry)
  if (files.has(name)) return entry === name || scope.includes(name) ? null : `is a file; name it "${name}"`
  if (folders.has(name)) {
    if (entry !== name || isAllInScope(name, { paths, scope })) return null
    return `is a folder; name it "${name}/" to have all files in it in scope`
  }
  const file = foldersAbove(name).find((folder) => files.has(folder))
  if (file !== undefined) return scope.includes(file) ? null : `lies below "${file}", which is a file`
  const twin = twinOf(name, folders)
  if (twin !== null && !scope.some((other) => withoutSlash(other) === twin)) {
    const rest = name.split('/').slice(twin.split('/').length)
    const meant = `${[twin, ...rest].join('/')}${entry.slice(name.length)}`
    return `is not there, but "${twin}" is, which some systems take for the same; name it "${meant}"`
  }
  return entry.includes('*') ? 'is not there, and no pattern; name the files, or a folder with a / at its end' : null
}

/** A file may take the place of a folder all of which may go. */
function isAllInScope(folder: string, { paths, scope }: Pick<Known, 'paths' | 'scope'>): boolean {
  return paths.filter((path) => path.startsWith(`${folder}/`)).every((path) => isInScope(path, scope))
}

/** What stands where the name first leads to nothing, if it differs only so; null: nothing does. */
function twinOf(name: string, folders: Known['folders']): string | null {
  const segments = name.split('/')
  for (const [depth, segment] of segments.entries()) {
    const parent = segments.slice(0, depth).join('/')
    const inside = folders.get(parent)
    if (inside === undefined) return null
    if (inside.has(segment)) continue
    const twin = inside.values().find((other) => folded(other) === folded(segment))
    return twin === undefined ? null : [...segments.slice(0, depth), twin].join('/')
  }
  return null
}

/** The names in each folder, by its path; the root's is empty. */
function foldersOf(paths: readonly string[]): Map<string, Set<string>> {
  const folders = new Map<string, Set<string>>()
  for (let path of paths) {
    while (path !== '') {
      const slash = path.lastIndexOf('/')
      const parent = path.slice(0, Math.max(slash, 0))
      const known = folders.get(parent)
      if (known === undefined) folders.set(parent, new Set([path.slice(slash + 1)]))
      else known.add(path.slice(slash + 1))
      // Its own folders were entered with the first name in it.
      path = known === undefined ? parent : ''
    }
  }
  return folders
}

function foldersAbove(name: string): string[] {
  const segments = name.split('/')
  return segments.slice(1).map((_, index) => segments.slice(0, index + 1).join('/'))
}

function withoutSlash(entry: string): string {
  return entry.replace(/\/$/, '')
}

function folded(name: string): string {
  return name.normalize('NFC').toLowerCase()
}
