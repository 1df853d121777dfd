import { rm } from 'node:fs/promises'
import path from 'node:path'
import { lstatOrNull } from '../files/lstat-or-null.ts'
import { namesIn } from '../files/names-in.ts'
import { readPlainFile } from '../files/plain-file.ts'
import type { Log } from '../log.ts'
import { type ChildRecord, childRecordSchema, recordsFolder } from './child-record.ts'
import { Offspring } from './offspring.ts'
import { bootId, lives, lookAtProcess } from './process-table.ts'

/** A record is a few hundred bytes; its longest part is a path. */
const LONGEST_BYTES = 16_384
/** A draft is renamed as soon as it is written. */
const DRAFT_IS_OLD_MS = 60_000

/**
 * Ends the children that an earlier, killed process of this home left running: checks, Aider, and what these started.
 * Children of a process that is alive, such as one that works on another database, keep running. The start time and the
 * boot id rule out a pid that was given to another process since. A check, which runs as the same user, can write records:
 * links and pipes among them are not opened. Only for the process that owns the home.
 */
export async function endLeftBehind(home: string, log: Log): Promise<void> {
  const folder = recordsFolder(home)
  const found = await lstatOrNull(folder)
  if (found === null) return
  if (!found.isDirectory()) return log.warn({ folder }, 'the records of children are no folder; remove it by hand')
  for (const name of await namesIn(folder)) {
    const file = path.join(folder, name)
    if (!(await mayGo(file, log))) continue
    const content = await readPlainFile(file, LONGEST_BYTES)
    const record = content === null ? null : parse(content)
    if (record === null) log.debug({ file }, 'no record of a child; nothing is known to have been started with it')
    else if (record.bootId === bootId() && (lives(record.writer) || !(await endRecorded(record, log)))) continue
    await rm(file, { force: true })
  }
}

/** Whether it is one that can be removed: no folder, and no draft that is being written. */
async function mayGo(file: string, log: Log): Promise<boolean> {
  const found = await lstatOrNull(file)
  if (found === null) return false
  if (found.isDirectory()) {
    log.warn({ file }, 'a folder among the records of children; remove it by hand')
    return false
  }
  return !file.endsWith('.draft') || Date.now() - found.mtimeMs > DRAFT_IS_OLD_MS
}

function parse(content: string): ChildRecord | null {
  try {
    return childRecordSchema.parse(JSON.parse(content))
  } catch {
    // Records are written whole or not at all, so this is no record of this Moose; it names no process to end.
    return null
  }
}

/** @returns false when something still lives and the record has to stay */
async function endRecorded({ marker, leader, what, cwd }: ChildRecord, log: Log): Promise<boolean> {
  const same = leader !== null && lookAtProcess(leader.pid)?.startTime === leader.startTime
  const offspring = new Offspring({ marker, leader: same ? leader : null })
  const pids = offspring.look().map(({ pid }) => pid)
  if (pids.length === 0) return true
  const ended = await offspring.end()
  const message = ended
    ? 'ended what a moose that is gone had left running'
    : 'what a moose that is gone had left running cannot be ended; end it by hand'
  log.warn({ what, cwd, pids }, message)
  return ended
}
