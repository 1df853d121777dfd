import type { Mirror } from '../git/mirror.ts'
import { readObjects } from '../git/read-objects.ts'
import { fullSha } from '../git/ref-names.ts'
import { foldedPath } from '../work-order/protection/path-pattern.ts'
import { recordsOf } from './nul-records.ts'

/** A longer target is followed nowhere. */
const LONGEST_TARGET = 1_000
/** As many as Linux follows: https://man7.org/linux/man-pages/man7/path_resolution.7.html */
const MOST_HOPS = 40
const DEEPEST = 100
/** Of one path; links to folders above each other could make any number of names. */
const MOST_ALIASES = 100

/** The names that paths of a tree have besides their own, by the links of that tree. */
export type Aliases = {
  /** Also the names of links that lead over the path, where that is a link; null: there are more than are looked for. */
  of(path: string): string[] | null
  /** Whether it is known where a link of the tree leads: not where it is too far, or in a circle. */
  isFollowed(path: string): boolean
}

/** @see https://git-scm.com/docs/git-ls-tree */
export async function aliasesIn(mirror: Mirror, sha: string, signal: AbortSignal): Promise<Aliases> {
  const { stdout } = await mirror.succeed(['ls-tree', '-r', '-z', '--full-tree', fullSha(sha)], { signal })
  const links = recordsOf(stdout.bytes()).flatMap((record) => {
    const [, id, path] = /^120000 blob ([0-9a-f]{40})\t(.*)$/s.exec(record) ?? []
    return id === undefined || path === undefined ? [] : [{ id, path }]
  })
  const targets = await targetsOf(mirror, [...new Set(links.map(({ id }) => id))], signal)
  return aliasesBy(links.map(({ id, path }) => ({ path, target: targets.get(id) ?? null })))
}

async function targetsOf(
  mirror: Mirror,
  ids: readonly string[],
  signal: AbortSignal,
): Promise<ReadonlyMap<string, string>> {
  const targets = new Map<string, string>()
  const readerOf = (id: string) => {
    let target = ''
    return {
      write(piece: Uint8Array) {
        if (target.length <= LONGEST_TARGET) target += Buffer.from(piece).toString()
      },
      end() {
        if (target.length <= LONGEST_TARGET) targets.set(id, target)
      },
    }
  }
  await readObjects(mirror, ids, { readerOf, signal })
  return targets
}

/** @param links of one tree; a target is as the link has it; null: it is too long */
export function aliasesBy(links: readonly { path: string; target: string | null }[]): Aliases {
  const targets: Targets = new Map(
    links.map(({ path, target }) => [foldedPath(path), target === null ? null : foldedPath(target).split('/')]),
  )
  const ways = links.map(({ path }) => ({ path, ...wayOf(path, targets) }))
  const known: Known = {
    leadingTo: Map.groupBy(ways, ({ end }) => end),
    leadingOver: Map.groupBy(
      ways.flatMap(({ path, over }) => over.map((link) => ({ path, link }))),
      ({ link }) => link,
    ),
  }
  const unfollowed = new Set(ways.filter(({ isFollowed }) => !isFollowed).map(({ path }) => path))
  return { of: (path) => namesOf(path, known), isFollowed: (path) => !unfollowed.has(path) }
}

/** By the folded path of each link; null: it is too long. */
type Targets = ReadonlyMap<string, readonly string[] | null>

/** Links by where they end, and by the links they lead over; both folded. */
type Known = {
  leadingTo: ReadonlyMap<string | null, readonly { path: string }[]>
  leadingOver: ReadonlyMap<string, readonly { path: string }[]>
}

/** A link is taken once on a way: one to a folder above itself would make names without end. */
function namesOf(path: string, { leadingTo, leadingOver }: Known): string[] | null {
  const found = new Map<string, readonly string[]>([[path, []]])
  for (const link of leadingOver.get(foldedPath(path)) ?? []) found.set(link.path, [link.path])
  for (const [name, taken] of found) {
    const names = name.split('/')
    for (let length = 0; length <= names.length; length += 1) {
      for (const link of leadingTo.get(foldedPath(names.slice(0, length).join('/'))) ?? []) {
        const other = [link.path, ...names.slice(length)].join('/')
        if (!taken.includes(link.path) && !found.has(other)) found.set(other, [...taken, link.path])
        if (found.size > MOST_ALIASES) return null
      }
    }
  }
  found.delete(path)
  return [...found.keys()]
}

/** `end`: folded; empty: the root; null: out of the tree, or not known. `over`: the links it leads over, folded. */
type Way = { end: string | null; over: readonly string[]; isFollowed: boolean }

/** Where a link leads, through every link on its way. */
function wayOf(path: string, targets: Targets): Way {
  const rest = foldedPath(path).split('/').toReversed()
  const way: string[] = []
  const links: string[] = []
  const ending = (end: string | null, isFollowed: boolean): Way => ({ end, over: links.slice(1), isFollowed })
  for (let name = rest.pop(); name !== undefined; name = rest.pop()) {
    if (name === '' || name === '.') continue
    if (name === '..' && way.pop() === undefined) return ending(null, true)
    if (name === '..') continue
    way.push(name)
    const target = targets.get(way.join('/'))
    if (target === null || links.length > MOST_HOPS || way.length > DEEPEST) return ending(null, false)
    if (target === undefined) continue
    links.push(way.join('/'))
    if (target[0] === '') return ending(null, true)
    way.pop()
    rest.push(...target.toReversed())
  }
  return ending(way.join('/'), true)
}
