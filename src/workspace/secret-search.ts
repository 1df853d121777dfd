import { DIFF_TREE } from '../git/diff.ts'
import type { Mirror } from '../git/mirror.ts'
import type { Mirrors } from '../git/mirrors.ts'
import { readObjects } from '../git/read-objects.ts'
import { fullSha } from '../git/ref-names.ts'
import type { CarriedSecret, OutgoingCommit, SecretSearch } from '../ports/secret-search.ts'
import { createRedaction, type KnownSecret } from '../redaction/redaction.ts'
import { recordsOf } from './nul-records.ts'
import { addedTo, SecretScan, type Sightings, type SoughtSecrets, wantedOf } from './secret-scan.ts'

/** Looks for the secrets that are worth stopping for in the objects of a commit as they would be pushed. */
export function createSecretSearch(mirrors: Mirrors, secrets: readonly KnownSecret[]): SecretSearch {
  const wanted = wantedOf(secrets)
  const shown = createRedaction(secrets)
  return {
    async find(outgoing) {
      if (wanted === null) return null
      const found = await search(mirrors.of(outgoing.project), wanted, outgoing)
      if (found === null) return null
      const { path } = found
      return { ...found, place: shown(found.place), path: path === null ? null : shown(path) }
    },
  }
}

async function search(mirror: Mirror, wanted: SoughtSecrets, outgoing: OutgoingCommit): Promise<CarriedSecret | null> {
  const { headSha, branches, signal } = outgoing
  const files = await changedFiles(mirror, outgoing)
  const now = await scanned(mirror, wanted, { ids: [headSha, ...files.map(({ id }) => id)], signal })
  const inMessage = addedTo(undefined, sightingsOf(now, headSha))
  if (inMessage !== null) return nowhere(inMessage.name, "the commit's message")
  const inBranch = branches.map((branch) => inText(wanted, Buffer.from(branch))).find((name) => name !== null)
  if (typeof inBranch === 'string') return nowhere(inBranch, 'the name of the branch')
  const suspects = files.filter(({ id, was }) => now.has(id) && was !== id)
  const before = await scanned(mirror, wanted, {
    ids: suspects.flatMap(({ was }) => (was === null ? [] : [was])),
    signal,
  })
  for (const file of files) {
    const found = inFile(wanted, file, { now, before })
    if (found !== null) return found
  }
  return null
}

function nowhere(name: string, place: string): CarriedSecret {
  return { name, place, path: null, line: null }
}

type SightingsById = ReadonlyMap<string, Sightings>

function inFile(
  wanted: SoughtSecrets,
  { path, id, was, isNew }: ChangedFile,
  { now, before }: { now: SightingsById; before: SightingsById },
): CarriedSecret | null {
  const inName = isNew ? inText(wanted, Buffer.from(path)) : null
  if (inName !== null) return { name: inName, place: `the name of the file ${path}`, path, line: null }
  if (was === id) return null
  const added = addedTo(was === null ? undefined : sightingsOf(before, was), sightingsOf(now, id))
  if (added === null) return null
  const { line } = added.seen
  return { name: added.name, place: line === null ? path : `${path}, line ${line}`, path, line }
}

function sightingsOf(scanned: SightingsById, id: string): Sightings {
  const sightings = scanned.get(id)
  return sightings === undefined ? new Map() : sightings
}

/** The name of a secret that stands in a short text. */
function inText(wanted: SoughtSecrets, bytes: Buffer): string | null {
  const scan = new SecretScan(wanted)
  scan.write(bytes)
  const [name] = scan.end().keys()
  return name === undefined ? null : name
}

/** What was seen in each object in which anything was. */
async function scanned(
  mirror: Mirror,
  wanted: SoughtSecrets,
  { ids, signal }: { ids: readonly string[]; signal: AbortSignal },
): Promise<SightingsById> {
  const seen = new Map<string, Sightings>()
  const readerOf = (id: string) => {
    const scan = new SecretScan(wanted)
    return {
      write: (bytes: Uint8Array) => scan.write(bytes),
      end() {
        const sightings = scan.end()
        if (sightings.size > 0) seen.set(id, sightings)
      },
    }
  }
  await readObjects(mirror, [...new Set(ids)], { readerOf, signal })
  return seen
}

type ChangedFile = {
  path: string
  /** Of the blob it is now. */
  id: string
  /** Of the blob it was, also under another name; null: it was none. */
  was: string | null
  /** Whether there was nothing of this name. */
  isNew: boolean
}

/** A commit of another repository: there is nothing of it here, and nothing of it is pushed. */
const SUBMODULE = '160000'
const NOTHING = '0'.repeat(40)

/**
 * Files that are in a commit and not, or not so, in its base, sorted by path.
 *
 * @see https://git-scm.com/docs/git-diff-tree#_raw_output_format
 */
async function changedFiles(mirror: Mirror, { baseSha, headSha, signal }: OutgoingCommit): Promise<ChangedFile[]> {
  const args = [...DIFF_TREE, '--raw', '--no-abbrev', '-z', fullSha(baseSha), fullSha(headSha)]
  const records = recordsOf((await mirror.succeed(args, { signal })).stdout.bytes())
  const changes = records.flatMap((record, index) => {
    const [, oldMode, newMode, was, id] = /^:(\d{6}) (\d{6}) ([0-9a-f]{40}) ([0-9a-f]{40}) [A-Z]/.exec(record) ?? []
    const path = records[index + 1]
    if (index % 2 === 1 || was === undefined || id === undefined || path === undefined) return []
    return [{ path, was: oldMode === SUBMODULE ? NOTHING : was, id: newMode === SUBMODULE ? NOTHING : id }]
  })
  const moved = new Set(changes.flatMap(({ was, id }) => (id === NOTHING ? [was] : [])))
  return changes
    .filter(({ id }) => id !== NOTHING)
    .map(({ path, was, id }) => {
      const isNew = was === NOTHING
      // What only has another name now adds nothing.
      return { path, id, was: isNew ? (moved.has(id) ? id : null) : was, isNew }
    })
}
