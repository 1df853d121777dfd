/** Files in which a repository says how its code is to be written; of one folder the first comes first. */
const GUIDANCE_NAMES = [
  'AGENTS.md',
  'CLAUDE.md',
  'GEMINI.md',
  '.github/copilot-instructions.md',
  '.cursorrules',
  '.windsurfrules',
  'CONVENTIONS.md',
] as const

const MOST_FILES = 20

/**
 * The guidance of the root, then that of the folders above each entry of the scope, the nearest last. The scope of one folder
 * does not say which of its files will change, so that what lies deeper in it is not looked for.
 *
 * @param exists whether the base commit has a file of this path
 */
export function guidancePaths(scope: readonly string[], exists: (path: string) => boolean): string[] {
  const folders = new Set(['', ...scope.flatMap(foldersAbove)])
  const nearestLast = [...folders].toSorted((left, right) => depthOf(left) - depthOf(right) || compare(left, right))
  const paths = nearestLast.flatMap((folder) => GUIDANCE_NAMES.map((name) => `${folder}${name}`))
  return paths.filter(exists).slice(0, MOST_FILES)
}

/** A text that only leads to another of these files, as `@AGENTS.md`, says nothing itself. */
export function onlyRefersToOther(text: string): boolean {
  const said = text.trim()
  return (
    said.length < 100 && GUIDANCE_NAMES.some((name) => [`@${name}`, `@./${name}`, name, `./${name}`].includes(said))
  )
}

/** Of `a/b/c.ts` and of `a/b/`: `a/` and `a/b/`. */
function foldersAbove(entry: string): string[] {
  const segments = entry.split('/').slice(0, -1)
  return segments.map((_, index) => `${segments.slice(0, index + 1).join('/')}/`)
}

function depthOf(folder: string): number {
  return folder.split('/').length
}

function compare(left: string, right: string): number {
  return left < right ? -1 : left > right ? 1 : 0
}
