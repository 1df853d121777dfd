import { isDeepStrictEqual } from 'node:util'
import { parse } from 'smol-toml'
import { DIFF_TREE } from '../git/diff.ts'
import { beforeMergesOf } from '../git/merge.ts'
import type { Mirror } from '../git/mirror.ts'
import type { Mirrors } from '../git/mirrors.ts'
import { readObjects } from '../git/read-objects.ts'
import { fullSha } from '../git/ref-names.ts'
import type { HeldSearch, PublishedCommit } from '../ports/held-search.ts'
import type { HeldChange } from '../work-order/protection/held-change.ts'
import { foldedPath } from '../work-order/protection/path-pattern.ts'
import { type Protection, protectionBy } from '../work-order/protection/protected-paths.ts'
import { tellingLines } from '../work-order/protection/requirement-lines.ts'
import { isGitFolder } from '../work-order/scope.ts'
import { findKeyShapes, type KeyShape, readingsOf } from './key-shapes.ts'
import { type Aliases, aliasesIn } from './link-aliases.ts'
import { recordsOf } from './nul-records.ts'

/** Looks for what a human has to allow in the objects of a commit as they would be pushed. */
export function createHeldSearch(mirrors: Mirrors): HeldSearch {
  return {
    async find(published) {
      const mirror = mirrors.of(published.project)
      const entries = await changedEntries(mirror, published)
      const inText = (await findKeyShapes(published.text)).map((shape) => asHeld(null, shape))
      const ofHead = await heldOf(mirror, entries, published)
      const held = [...ofHead, ...(await keysOnTheWay(mirror, published, ofHead))]
      return [...inText, ...held.filter(isKey), ...held.filter((change) => !isKey(change))]
    },
    async mergedSince({ project, baseSha, headSha, signal }, earlier) {
      const mirror = mirrors.of(project)
      const found = new Map<string, ReadonlySet<string>>()
      for await (const sha of beforeMergesOf(mirror, { base: baseSha, head: headSha })) {
        if (!earlier.has(sha)) continue
        const changed = await changedEntries(mirror, { baseSha: sha, headSha, signal })
        found.set(sha, new Set(changed.map(({ path }) => path)))
        if (found.size === earlier.size) break
      }
      return found
    },
    async diffOf({ project, baseSha, headSha, signal }, paths, maxBytes) {
      if (paths.length === 0) return ''
      const args = [...DIFF_TREE, '--patch', fullSha(baseSha), fullSha(headSha), '--', ...paths.slice(0, MOST_PATHS)]
      const call = { signal, maxOutputBytes: maxBytes, keep: 'head' } as const
      return (await mirrors.of(project).succeed(args, call)).stdout.text()
    },
  }
}

/** Commits between base and head; a repair makes one each. */
const MOST_COMMITS = 100

/** What looks like a key in a commit that is pushed along, and not in the last one any more. */
async function keysOnTheWay(
  mirror: Mirror,
  published: PublishedCommit,
  ofHead: readonly HeldChange[],
): Promise<HeldChange[]> {
  const { baseSha, headSha, signal } = published
  const range = ['--first-parent', `--max-count=${MOST_COMMITS}`, fullSha(headSha), `^${fullSha(baseSha)}`]
  const { stdout } = await mirror.succeed(['rev-list', ...range], { signal })
  const found = new Map<string, HeldChange>()
  for (const sha of stdout.text().split('\n').slice(1)) {
    if (sha === '') continue
    const commit = { ...published, headSha: sha }
    const keys = (await heldOf(mirror, await changedEntries(mirror, commit), commit)).filter(isKey)
    for (const key of keys) found.set(`${key.path} ${key.fingerprint}`, key)
  }
  for (const { path, fingerprint } of ofHead) found.delete(`${path} ${fingerprint}`)
  return [...found.values()].map((key) => ({ ...key, why: `${key.why} (in an earlier commit of the change)` }))
}

/** Of a diff that is shown. */
const MOST_PATHS = 50
const isKey = ({ fingerprint }: HeldChange) => fingerprint !== null

type Entry = { path: string; oldMode: string; newMode: string; was: string; id: string }

const NONE = '000000'
const LINK = '120000'
const SUBMODULE = '160000'
const isFile = (mode: string) => mode === '100644' || mode === '100755'

/** @see https://git-scm.com/docs/git-diff-tree#_raw_output_format */
async function changedEntries(
  mirror: Mirror,
  { baseSha, headSha, signal }: Pick<PublishedCommit, 'baseSha' | 'headSha' | 'signal'>,
): Promise<Entry[]> {
  const args = [...DIFF_TREE, '--raw', '--no-abbrev', '-z', fullSha(baseSha), fullSha(headSha)]
  const records = recordsOf((await mirror.succeed(args, { signal })).stdout.bytes())
  return records.flatMap((record, index) => {
    const [, oldMode, newMode, was, id] = /^:(\d{6}) (\d{6}) ([0-9a-f]{40}) ([0-9a-f]{40}) [A-Z]/.exec(record) ?? []
    const path = records[index + 1]
    if (index % 2 === 1 || oldMode === undefined || newMode === undefined) return []
    if (was === undefined || id === undefined || path === undefined) return []
    return [{ path, oldMode, newMode, was, id }]
  })
}

/** Files whose contents are in memory at once. */
const AT_ONCE = 20
const MEGABYTE = 1024 * 1024
/** What is searched for keys: of a file, and of a change, old and new together. A file beyond is held. */
const MOST_BYTES = 16 * MEGABYTE
const MOST_OF_CHANGE = 256 * MEGABYTE
const TOO_LARGE = 'too large to be searched for keys (over 16 MB, or behind the first 256 MB of the change)'
/** Of a manifest; a longer one is held unread. */
const MOST_OF_MANIFEST = 4 * MEGABYTE

async function heldOf(
  mirror: Mirror,
  entries: readonly Entry[],
  { rules, baseSha, headSha, signal }: Pick<PublishedCommit, 'rules' | 'baseSha' | 'headSha' | 'signal'>,
): Promise<HeldChange[]> {
  const protection = protectionBy(rules)
  const aliases = {
    before: await aliasesIn(mirror, baseSha, signal),
    now: await aliasesIn(mirror, headSha, signal),
  }
  const held: HeldChange[] = []
  const room = { bytes: MOST_OF_CHANGE }
  for (let at = 0; at < entries.length; at += AT_ONCE) {
    const some = entries.slice(at, at + AT_ONCE)
    const contents = await contentsOf(mirror, some, { room, signal })
    for (const entry of some) {
      held.push(...protectedIn(entry, { contents, protection, aliases }))
      if (isFile(entry.newMode) || entry.newMode === LINK) held.push(...(await keysAdded(entry, contents)))
    }
  }
  return [...held, ...(await keysInNames(entries))]
}

/** Whole; what is too large is left out. */
type Contents = ReadonlyMap<string, Buffer>

async function contentsOf(
  mirror: Mirror,
  entries: readonly Entry[],
  { room, signal }: { room: { bytes: number }; signal: AbortSignal },
): Promise<Contents> {
  const ids = entries.flatMap(({ oldMode, newMode, was, id }) => [
    ...(newMode === NONE || newMode === SUBMODULE ? [] : [id]),
    ...(oldMode === NONE || oldMode === SUBMODULE ? [] : [was]),
  ])
  const found = new Map<string, Buffer>()
  const readerOf = (id: string) => {
    let pieces: Uint8Array[] = []
    let bytes = 0
    return {
      write(piece: Uint8Array) {
        bytes += piece.length
        room.bytes -= piece.length
        if (bytes > MOST_BYTES || room.bytes < 0) pieces = []
        else pieces.push(Buffer.from(piece))
      },
      end() {
        if (bytes <= MOST_BYTES && room.bytes >= 0) found.set(id, Buffer.concat(pieces))
      },
    }
  }
  await readObjects(mirror, [...new Set(ids)], { readerOf, signal })
  return found
}

type Judged = { contents: Contents; protection: Protection; aliases: { before: Aliases; now: Aliases } }

/** At most one reason for each file. */
function protectedIn(entry: Entry, judged: Judged): HeldChange[] {
  const { path, newMode } = entry
  const { contents, protection, aliases } = judged
  if (protection.isExcepted(path)) return []
  const unfollowed = newMode === LINK && !aliases.now.isFollowed(path) ? UNFOLLOWED : null
  const whole = protection.whyProtected(path) ?? whyLink(entry, path, protection) ?? oddChange(entry, contents)
  const why =
    whole ?? unfollowed ?? whyPart(entry, path, judged) ?? whyUnread(entry, contents) ?? whyAlias(entry, judged)
  return why === null ? [] : [{ path, why, fingerprint: null }]
}

/** Characters of a path. */
const MOST_SHOWN = 300
const UNFOLLOWED = 'a link that leads too far to be followed, or in a circle'
const MANY_NAMES = 'a file that has more names, by links, than are looked at'

/** What is read by another name, before the change or now, is judged by that too. */
function whyAlias(entry: Entry, { contents, protection, aliases }: Judged): string | null {
  for (const { of } of [aliases.before, aliases.now]) {
    const names = of(entry.path)
    if (names === null) return MANY_NAMES
    for (const name of names) {
      const part = () => whyPart(entry, name, { contents, protection })
      const why = protection.whyProtected(name) ?? whyLink(entry, name, protection) ?? part()
      if (why !== null) return `${why} (as ${name.slice(0, MOST_SHOWN)}, by a link)`
    }
  }
  return null
}

/** A link in the place of a protected folder: what it leads to is then what is in that folder. */
function whyLink({ newMode }: Entry, name: string, protection: Protection): string | null {
  return newMode === LINK ? protection.whyProtected(`${name}/`) : null
}

function whyPart(entry: Entry, name: string, { contents, protection }: Omit<Judged, 'aliases'>): string | null {
  const whyLines = protection.protectedLines(name)
  if (whyLines !== null) return whyLinesChange(entry, contents, whyLines)
  const part = protection.protectedPart(name)
  if (part === null) return null
  const changed = changedKeys({ ...entry, path: name }, contents, part.keys)
  return changed === null ? null : `${part.why} (${changed})`
}

/** Lines that come, go or change places; null: none of those that matter. */
function whyLinesChange({ oldMode, newMode, was, id }: Entry, contents: Contents, why: string): string | null {
  const read = (mode: string, of: string) => {
    const content = mode === NONE ? Buffer.alloc(0) : contents.get(of)
    return content === undefined || content.length > MOST_OF_MANIFEST ? null : tellingLines(content.toString('utf8'))
  }
  const [before, now] = [read(oldMode, was), read(newMode, id)]
  if (now === null) return `${why} (it cannot be read)`
  if (isDeepStrictEqual(before ?? [], now)) return null
  const line = now.find((one) => before?.includes(one) !== true) ?? before?.find((one) => !now.includes(one))
  return line === undefined ? `${why} (the order of options)` : `${why} (${optionIn(line)})`
}

/** Without its value, which may be a password. */
function optionIn(line: string): string {
  return /(?:^|\s)(--?[a-z][a-z-]{0,40})/i.exec(line)?.[1] ?? 'an address or a path'
}

function whyUnread({ newMode, id }: Entry, contents: Contents): string | null {
  return newMode === NONE || newMode === SUBMODULE || contents.has(id) ? null : TOO_LARGE
}

/** What changes of a file beside its content; null: nothing that matters. */
function oddChange({ path, oldMode, newMode, id }: Entry, contents: Contents): string | null {
  if (oldMode === SUBMODULE || newMode === SUBMODULE) return 'a submodule: a pointer to a commit of another repository'
  if (newMode === LINK) {
    const problem = linkProblem(path, String(contents.get(id)))
    if (problem !== null) return problem
  }
  if (oldMode === NONE || newMode === NONE) return null
  if (newMode === LINK && oldMode !== LINK) return 'a link where a file was'
  if (oldMode === LINK && newMode !== LINK) return 'a file where a link was'
  if (oldMode !== newMode) return newMode === '100755' ? 'made executable' : 'no longer executable'
  return null
}

/** Why a link is held; null: it stays within the tree. */
function linkProblem(path: string, target: string): string | null {
  const folded = target.replaceAll('\\', '/')
  if (folded.startsWith('/') || /^[A-Za-z]:/.test(folded)) return 'a link out of the repository'
  const way = path.split('/').slice(0, -1)
  for (const name of folded.split('/')) {
    if (name === '' || name === '.') continue
    if (name === '..' && way.pop() === undefined) return 'a link out of the repository'
    if (name !== '..') way.push(name)
  }
  return way.some(isGitFolder) ? "a link into git's own folder" : null
}

/** The protected keys of a manifest whose values differ, in words; null: none does. */
function changedKeys(
  { path, oldMode, newMode, was, id }: Entry,
  contents: Contents,
  keys: readonly (readonly string[])[],
): string | null {
  const read = (mode: string, of: string) => (mode === NONE ? {} : parsedManifest(path, contents.get(of)))
  const [before, now] = [read(oldMode, was), read(newMode, id)]
  if (now === null) return 'it cannot be read'
  const changed = keys.filter(
    (way) => !isDeepStrictEqual(valueAt(before === null ? {} : before, way), valueAt(now, way)),
  )
  return changed.length === 0 ? null : changed.map((way) => way.join('.')).join(', ')
}

/** Null: it is no manifest that a program could read. */
function parsedManifest(path: string, content: Buffer | undefined): unknown {
  if (content === undefined || content.length > MOST_OF_MANIFEST) return null
  const text = content.toString('utf8').replace(/^\ufeff/, '')
  try {
    return foldedPath(path).endsWith('.toml') ? parse(text) : JSON.parse(text)
  } catch {
    // Whatever is wrong with it: what its scripts are is not known.
    return null
  }
}

function valueAt(manifest: unknown, way: readonly string[]): unknown {
  let value = manifest
  for (const key of way) {
    if (typeof value !== 'object' || value === null || !Object.hasOwn(value, key)) return undefined
    value = Object.entries(value).find(([name]) => name === key)?.[1]
  }
  return value
}

/** Texts that look like keys and did not stand in the file before. */
async function keysAdded({ path, was, id }: Entry, contents: Contents): Promise<HeldChange[]> {
  const content = contents.get(id)
  if (content === undefined) return []
  // One character per byte, so that no encoding hides a key.
  const shapes = await findKeyShapes(content.toString('latin1'))
  if (shapes.length === 0) return []
  const before = contents.get(was)?.toString('latin1')
  const readings = before === undefined ? [] : readingsOf(before)
  const isOld = (value: string) => readings.some((reading) => reading.content.includes(value))
  return shapes.filter(({ value }) => !isOld(value)).map((shape) => asHeld(path, shape))
}

/** Of files that were not there; a name is shown without its key. */
async function keysInNames(entries: readonly Entry[]): Promise<HeldChange[]> {
  const names = entries.filter(({ oldMode }) => oldMode === NONE).map(({ path }) => path)
  const shapes = await findKeyShapes(names.join('\n'))
  return shapes.flatMap((shape) => {
    const name = names.find((path) => path.includes(shape.value))
    return [asHeld(name === undefined ? null : name.replaceAll(shape.value, '***'), shape)]
  })
}

function asHeld(path: string | null, { why, fingerprint }: KeyShape): HeldChange {
  return { path, why, fingerprint }
}
