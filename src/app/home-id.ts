import { randomUUID } from 'node:crypto'
import { link, mkdir, readFile, rm, writeFile } from 'node:fs/promises'
import path from 'node:path'
import { closeToOthers } from '../process/close-to-others.ts'

/**
 * What this home is called by the engine: made once and kept, so that a restarted process takes up the attempts its
 * predecessor left, and no other home's.
 */
export async function executorIdOf(home: string): Promise<string> {
  const file = path.join(home, 'executor-id')
  const draft = `${file}.${randomUUID()}`
  await mkdir(home, { recursive: true, mode: 0o700 })
  await writeFile(draft, `${randomUUID()}\n`, { mode: 0o600 })
  try {
    // Fails when the file is there: of two processes that begin at once, both read the first one's.
    await link(draft, file)
  } catch (error) {
    if (!(error instanceof Error && 'code' in error && error.code === 'EEXIST')) throw error
  } finally {
    await rm(draft)
  }
  await closeToOthers(file, 0o600)
  return (await readFile(file, 'utf8')).trim()
}
