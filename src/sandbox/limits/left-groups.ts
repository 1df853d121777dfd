import { mkdirSync, readFileSync, rmSync, statfsSync, writeFileSync } from 'node:fs'
import { rm } from 'node:fs/promises'
import path from 'node:path'
import { z } from 'zod'
import { errorCode } from '../../faults/error-code.ts'
import { lstatOrNull } from '../../files/lstat-or-null.ts'
import { namesIn } from '../../files/names-in.ts'
import { readPlainFile } from '../../files/plain-file.ts'
import { jsonOrNull } from '../../json-or-null.ts'
import type { Log } from '../../log.ts'
import { knownProcess } from '../../process/child-record.ts'
import { bootId, lives, lookAtProcess, type ProcessEntry } from '../../process/process-table.ts'
import { ChildGroup, removeFolder } from './child-group.ts'
import type { GroupParent } from './group-parents.ts'

/** The group of one Moose in each hierarchy, as it is noted in the home while children run. */
const note = z.object({ bootId: z.string(), writer: knownProcess, folders: z.array(z.string()).max(16) })
type Note = z.infer<typeof note>

const LONGEST_BYTES = 16_384
/** https://man7.org/linux/man-pages/man2/statfs.2.html: the types of file system of versions 1 and 2. */
const GROUP_FILE_SYSTEMS = [0x27e0eb, 0x63677270]

type Writer = Pick<ProcessEntry, 'pid' | 'startTime'>

/** One name for each process of a boot. */
const nameOf = ({ pid, startTime }: Writer) => `moose-${pid}-${startTime}`
const notesFolder = (home: string) => path.join(home, 'groups')
const noteFile = (home: string, writer: Writer) => path.join(notesFolder(home), `${nameOf(writer)}.json`)

/** This process. @throws {Error} without a /proc, and there are no groups then either */
function self(): ProcessEntry {
  const found = lookAtProcess(process.pid)
  if (found === null) throw new Error('there is no /proc')
  return found
}

/** Before anything is made. */
export function noteGroups(home: string, parents: readonly GroupParent[]): void {
  const { pid, startTime } = self()
  const folders = parents.map(({ folder }) => path.join(folder, nameOf({ pid, startTime })))
  const content: Note = { bootId: String(bootId()), writer: { pid, startTime }, folders }
  mkdirSync(notesFolder(home), { recursive: true, mode: 0o700 })
  writeFileSync(noteFile(home, content.writer), JSON.stringify(content), { mode: 0o600 })
}

/** Moose's own group there, made where it is not yet. @throws {Error} of the system */
export function makeOwn(parent: GroupParent): GroupParent {
  const folder = path.join(parent.folder, nameOf(self()))
  try {
    mkdirSync(folder)
  } catch (error) {
    if (errorCode(error) !== 'EEXIST') throw error
  }
  return parent.version === 2 ? handOn({ ...parent, folder }) : { ...parent, folder }
}

/** @param home null: nothing was noted */
export function removeOwn(home: string | null, parents: readonly GroupParent[]): void {
  const writer = self()
  const areGone = parents.map(({ folder }) => removeFolder(path.join(folder, nameOf(writer)))).every(Boolean)
  if (home !== null && areGone) rmSync(noteFile(home, writer), { force: true })
}

/**
 * Has groups below a group of version 2 get what it has itself.
 *
 * @returns it with what they then limit
 * @throws {Error} of the system, e.g. EBUSY for a group that holds processes
 * @see https://docs.kernel.org/admin-guide/cgroup-v2.html#controlling-controllers
 */
export function handOn(parent: GroupParent): GroupParent {
  const words = (name: string) => readFileSync(path.join(parent.folder, name), 'utf8').trim().split(/\s+/)
  const available = words('cgroup.controllers')
  const wanted = (['memory', 'pids'] as const).filter((name) => available.includes(name))
  if (wanted.length === 0) throw new Error('it has neither memory nor pids')
  const already = words('cgroup.subtree_control')
  const missing = wanted.filter((name) => !already.includes(name))
  if (missing.length > 0) {
    const line = missing.map((name) => `+${name}`).join(' ')
    writeFileSync(path.join(parent.folder, 'cgroup.subtree_control'), line)
  }
  return { ...parent, controllers: [...wanted, 'cpu'] }
}

/**
 * Ends what runs in the groups of a Moose of this home that was killed, and removes them. Those of one that lives stay. A
 * check that is not confined can write notes: only a group of the noted name, on a file system of control groups, is touched.
 *
 * @returns the names of what was removed
 */
export async function endLeftGroups(home: string, log: Log): Promise<string[]> {
  const removed: string[] = []
  for (const name of await namesIn(notesFolder(home))) {
    const file = path.join(notesFolder(home), name)
    const content = await readPlainFile(file, LONGEST_BYTES)
    const left = content === null ? null : parse(content)
    if (left === null) {
      log.debug({ file }, 'no note of control groups')
      continue
    }
    const isOfThisBoot = left.bootId === bootId()
    if (isOfThisBoot && lives(left.writer)) continue
    if (isOfThisBoot && !(await removeNoted(left))) {
      log.warn({ folders: left.folders }, 'control groups of a moose that is gone cannot be removed')
      continue
    }
    if (isOfThisBoot) removed.push(...left.folders)
    await rm(file, { force: true })
  }
  return removed
}

async function removeNoted({ folders, writer }: Note): Promise<boolean> {
  let areGone = true
  for (const folder of folders) {
    if (path.basename(folder) !== nameOf(writer) || !isGroup(folder)) continue
    for (const name of await namesIn(folder)) {
      const child = path.join(folder, name)
      if ((await lstatOrNull(child))?.isDirectory() !== true) continue
      areGone = (await new ChildGroup([{ version: 1, folder: child, controllers: [] }]).remove()) && areGone
    }
    areGone = removeFolder(folder) && areGone
  }
  return areGone
}

function isGroup(folder: string): boolean {
  try {
    return GROUP_FILE_SYSTEMS.includes(statfsSync(folder).type)
  } catch (error) {
    if (['ENOENT', 'ENOTDIR'].includes(String(errorCode(error)))) return false
    throw error
  }
}

/** Null: it was cut short, or something else wrote it; it names no group to end. */
function parse(content: string): Note | null {
  const read = note.safeParse(jsonOrNull(content))
  return read.success ? read.data : null
}
