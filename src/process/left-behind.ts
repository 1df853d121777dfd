import { readdir, readFile, rm } from 'node:fs/promises'
import path from 'node:path'
import type { Log } from '../log.ts'
import { type ChildRecord, childRecordSchema, isOurs, recordsFolder } from './child-record.ts'
import { Offspring } from './offspring.ts'
import { bootId, lookAtProcess } from './process-table.ts'

/**
 * Ends what an earlier process of this home was killed over: checks, Aider, and whatever these started. A process that
 * was given the pid of one of them since is left alone: the start time tells them apart, and the boot id a machine that
 * was restarted. Only for whoever owns the home.
 */
export async function endLeftBehind(home: string, log: Log): Promise<void> {
  const folder = recordsFolder(home)
  for (const name of await namesIn(folder)) {
    const file = path.join(folder, name)
    const record = name.endsWith('.json') ? parse(await readFile(file, 'utf8')) : null
    if (record === null) log.debug({ file }, 'half a record of a child; nothing was started with it')
    else if (isOurs(record.marker)) continue
    else if (record.bootId === bootId() && !(await endRecorded(record, log))) continue
    await rm(file, { force: true })
  }
}

async function namesIn(folder: string): Promise<string[]> {
  try {
    return await readdir(folder)
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return []
    throw error
  }
}

function parse(content: string): ChildRecord | null {
  try {
    return childRecordSchema.parse(JSON.parse(content))
  } catch {
    // Written whole or not at all, so somebody else's, or of a Moose to come; it names nobody to be ended.
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
