import { mkdirSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import path from 'node:path'
import { z } from 'zod'

export const knownProcess = z.object({ pid: z.int().positive(), startTime: z.int().nonnegative() })

/** What is written down of a child that runs foreign code, while it runs. */
export const childRecordSchema = z.object({
  /** Stands in the environment of the child and of what it starts; no secret. */
  marker: z.uuid(),
  what: z.string(),
  /** Its working folder, which names the order and the attempt. */
  cwd: z.string(),
  /** The boot it runs in. */
  bootId: z.string(),
  /** Null for the moment between the writing and the start. */
  leader: knownProcess.nullable(),
  /** The Moose that started it, and that ends it as long as it lives itself. */
  writer: knownProcess,
})

export type ChildRecord = z.infer<typeof childRecordSchema>

/** Where the records of a home are, one file per running child. */
export function recordsFolder(home: string): string {
  return path.join(home, 'children')
}

/** Writes a record whole or not at all; again: in place of the earlier one. It is to survive us, not the machine. */
export function writeRecord(home: string, record: ChildRecord): void {
  const folder = recordsFolder(home)
  mkdirSync(folder, { recursive: true, mode: 0o700 })
  const draft = path.join(folder, `${record.marker}.draft`)
  writeFileSync(draft, JSON.stringify(record), { mode: 0o600 })
  renameSync(draft, recordFile(home, record.marker))
}

export function removeRecord(home: string, marker: string): void {
  rmSync(recordFile(home, marker), { force: true })
}

function recordFile(home: string, marker: string): string {
  return path.join(recordsFolder(home), `${marker}.json`)
}
