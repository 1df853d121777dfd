import { rm } from 'node:fs/promises'
import path from 'node:path'
import { unreferencedAttempts } from '../db/attempts/attempt-leftovers.ts'
import { unknownMirrors } from '../db/projects.ts'
import { lstatOrNull } from '../files/lstat-or-null.ts'
import { namesIn } from '../files/names-in.ts'
import { LOCK_ABANDONED_AFTER_MS, locksBelow } from '../git/git-lock.ts'
import type { Mirror } from '../git/mirror.ts'
import { removeTree } from '../sandbox/remove-tree.ts'
import { UUID } from '../work-order/uuid.ts'
import { folderBytes } from './folder-bytes.ts'
import type { Leftover } from './leftover.ts'
import { putAside } from './put-aside.ts'
import type { RetentionDeps } from './retention-deps.ts'

const NAME = new RegExp(`^(${UUID})\\.git$`)
/** A fetch writes its pack into such a file, for no longer than a git may run. */
const PACK_IS_OLD_MS = 24 * 60 * 60_000

export type FoundMirror = { mirrorId: string; dir: string }

/** The mirrors on this disk. */
export async function mirrorsIn(home: string): Promise<FoundMirror[]> {
  const root = path.join(home, 'mirrors')
  return (await namesIn(root)).flatMap((name) => {
    const [, mirrorId] = NAME.exec(name) ?? []
    return mirrorId === undefined ? [] : [{ mirrorId, dir: path.join(root, name) }]
  })
}

/** What is left over in the mirrors, and mirrors that are left over themselves. */
export async function mirrorLeftovers(deps: RetentionDeps, keptDays: number): Promise<Leftover[]> {
  const { db, mirrors, clock } = deps
  const found = await mirrorsIn(deps.config.home)
  const ids = found.map(({ mirrorId }) => mirrorId)
  const unknown = new Set(await unknownMirrors(db, ids))
  const leftovers: Leftover[] = []
  for (const { mirrorId, dir } of found) {
    if (unknown.has(mirrorId)) leftovers.push(await goneMirror(deps, { mirrorId, dir }))
    else {
      leftovers.push(...(await deadFiles(dir, clock.now())))
      leftovers.push(...(await commits(deps, mirrors.at(mirrorId), keptDays)))
    }
  }
  return leftovers
}

async function goneMirror({ db, config: { home } }: RetentionDeps, { mirrorId, dir }: FoundMirror): Promise<Leftover> {
  return {
    kind: 'mirrors',
    name: mirrorId,
    bytes: await folderBytes(dir),
    async remove() {
      if ((await unknownMirrors(db, [mirrorId])).length === 0) return false
      const aside = await putAside(home, dir)
      if (aside === null) return false
      await removeTree(aside)
      return true
    },
  }
}

async function commits({ db }: RetentionDeps, mirror: Mirror, keptDays: number): Promise<Leftover[]> {
  const args = ['for-each-ref', '--format=%(objectname) %(refname)', '--', 'refs/moose/']
  // One that a crash left half made is no repository yet, and holds nothing.
  const { stdout } = await mirror.run(args, { signal: null })
  const kept = stdout
    .text()
    .split('\n')
    .flatMap((line) => {
      const [, sha, ref, workOrderId, attempt] = REF.exec(line) ?? []
      if (sha === undefined || ref === undefined || workOrderId === undefined) return []
      return [{ sha, ref, workOrderId, attempt: Number(attempt) }]
    })
  return (await unreferencedAttempts(db, kept, keptDays)).map((commit) => ({
    kind: 'commits',
    name: `${commit.workOrderId}/${commit.attempt}`,
    bytes: null,
    // A failed or ended attempt is never resumed, and its number is not used again.
    remove: () => mirror.deleteRef(commit.ref, commit.sha),
  }))
}

const REF = new RegExp(`^([0-9a-f]{40}) (refs/moose/(${UUID})/(\\d{1,9}))$`)

/** Locks and half written packs that a killed git has left. */
async function deadFiles(dir: string, now: Date): Promise<Leftover[]> {
  const leftovers: Leftover[] = []
  for (const file of await locksBelow(dir)) leftovers.push(...(await deadFile(file, now, LOCK_ABANDONED_AFTER_MS)))
  const packs = path.join(dir, 'objects', 'pack')
  for (const name of await namesIn(packs)) {
    if (!name.startsWith('tmp_')) continue
    leftovers.push(...(await deadFile(path.join(packs, name), now, PACK_IS_OLD_MS)))
  }
  return leftovers
}

async function deadFile(file: string, now: Date, oldMs: number): Promise<Leftover[]> {
  const found = await lstatOrNull(file)
  if (found === null || now.getTime() - found.mtimeMs < oldMs) return []
  return [
    {
      kind: 'git files',
      name: file,
      bytes: found.size,
      async remove() {
        const again = await lstatOrNull(file)
        if (again === null || again.mtimeMs !== found.mtimeMs) return false
        await rm(file, { force: true })
        return true
      },
    },
  ]
}
