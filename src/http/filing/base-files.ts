import type { FilesQuery } from '../../contract/order-check.ts'
import type { Project } from '../../work-order/project.ts'
import type { HttpDeps } from '../http-deps.ts'
import { knownBase } from '../verification.ts'

/** Listings kept; of one commit, because who types asks for it again and again. */
const MOST_KEPT = 4
/** A listing of more files than that is not kept. */
const MOST_KEPT_FILES = 200_000
/** How long a base that was looked at counts as where it stands. */
const LOOKED_AT_MS = 5_000
/** A repository elsewhere that was never fetched is fetched once, for no longer than this. */
const FETCH_MS = 20_000

type Deps = Pick<HttpDeps, 'adapters' | 'clock'>

/** The files of a project's base commit; sorted. */
export type BaseFiles = { commit: string; paths: readonly string[] }

/**
 * Reads what files the base commits of projects have, as their mirrors say.
 *
 * @param mayFetch whether a repository elsewhere that was never fetched is fetched; otherwise null is answered of it
 */
export type ReadBaseFiles = (deps: Deps, project: Project, mayFetch: boolean) => Promise<BaseFiles | null>

export function createBaseFiles(): ReadBaseFiles {
  const listings = new Map<string, Promise<readonly string[]>>()
  const bases = new Map<string, { at: number; commit: Promise<string | null> }>()
  const fetches = new Map<string, Promise<string>>()

  function baseOf(deps: Deps, project: Project): Promise<string | null> {
    const now = deps.clock.now().getTime()
    const key = baseKey(project)
    const before = bases.get(key)
    if (before !== undefined && now - before.at < LOOKED_AT_MS) return before.commit
    const commit = knownBase(deps, project)
    bases.set(key, { at: now, commit })
    // What failed is tried again.
    commit.catch(() => bases.delete(key))
    return commit
  }

  /** Who types on joins in: a repository is not asked once for each key. */
  function fetched({ adapters }: Deps, project: Project): Promise<string> {
    const key = baseKey(project)
    const underWay = fetches.get(key)
    if (underWay !== undefined) return underWay
    const fetching = adapters.workspaces.fetchBase(project, AbortSignal.timeout(FETCH_MS)).finally(() => {
      fetches.delete(key)
      // It is known from now on.
      bases.delete(key)
    })
    fetches.set(key, fetching)
    return fetching
  }

  function listed({ adapters }: Deps, project: Project, commit: string): Promise<readonly string[]> {
    const key = `${project.mirrorId} ${commit}`
    const before = listings.get(key)
    if (before !== undefined) return before
    const paths = adapters.workspaces.tree(project, commit).list()
    listings.set(key, paths)
    const [oldest] = listings.keys()
    if (listings.size > MOST_KEPT && oldest !== undefined) listings.delete(oldest)
    paths.then(
      ({ length }) => length > MOST_KEPT_FILES && listings.delete(key),
      () => listings.delete(key),
    )
    return paths
  }

  return async (deps, project, mayFetch) => {
    const known = await baseOf(deps, project)
    const commit = known === null && mayFetch ? await fetched(deps, project) : known
    return commit === null ? null : { commit, paths: await listed(deps, project, commit) }
  }
}

/** Projects may share a mirror, and each has a base branch of its own. */
function baseKey({ mirrorId, defaultBranch }: Project): string {
  return `${mirrorId} ${defaultBranch}`
}

/**
 * The paths that what is typed may become: of the folder it names those that begin so, folders with a / at the end first; and,
 * where it may stand anywhere, others that have it, those with it in their name first.
 */
export function completed(paths: readonly string[], { prefix, anywhere, limit }: FilesQuery) {
  const folder = prefix.slice(0, prefix.lastIndexOf('/') + 1)
  const next = new Set<string>()
  for (const path of paths) {
    if (!path.startsWith(prefix)) continue
    const slash = path.indexOf('/', folder.length)
    next.add(slash === -1 ? path : path.slice(0, slash + 1))
  }
  const [folders, files] = [[...next].filter(isFolder), [...next].filter((path) => !isFolder(path))]
  const others = anywhere === 'true' && prefix !== '' ? elsewhere(paths, prefix, next) : []
  const all = [...folders, ...files, ...others]
  return { files: all.slice(0, limit), left_out: Math.max(0, all.length - limit) }
}

function isFolder(path: string): boolean {
  return path.endsWith('/')
}

function elsewhere(paths: readonly string[], text: string, known: ReadonlySet<string>): string[] {
  const wanted = text.toLowerCase()
  const found = paths.filter((path) => !known.has(path) && path.toLowerCase().includes(wanted))
  const isInName = (path: string) => path.toLowerCase().indexOf(wanted, path.lastIndexOf('/') + 1) !== -1
  return [...found.filter(isInName), ...found.filter((path) => !isInName(path))]
}

/** Whether an entry of a scope names a file of the base, or a folder that has one; `paths` are sorted. */
export function isThere(paths: readonly string[], entry: string): boolean {
  let [low, high] = [0, paths.length]
  while (low < high) {
    const middle = (low + high) >> 1
    if (String(paths[middle]) < entry) low = middle + 1
    else high = middle
  }
  const found = paths[low]
  return found !== undefined && (isFolder(entry) ? found.startsWith(entry) : found === entry)
}
