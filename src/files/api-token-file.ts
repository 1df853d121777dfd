import { randomUUID } from 'node:crypto'
import { link, mkdir, readFile, rename, rm, writeFile } from 'node:fs/promises'
import path from 'node:path'
import { errorCode, isMissing } from '../faults/error-code.ts'
import { Fault } from '../faults/fault.ts'
import { isToken } from '../redaction/token-form.ts'
import { closeToOthers } from './close-to-others.ts'

/** The token of a home: whoever can read this file may do everything there. */
export function tokenFileOf(home: string): string {
  return path.join(home, 'api-token')
}

/** The token; null where there is none, or what is there is none. @throws {Fault} `config_invalid` where it may not be read */
export async function readTokenFile(home: string): Promise<string | null> {
  const file = tokenFileOf(home)
  try {
    const token = (await readFile(file, 'utf8')).trim()
    await closeToOthers(file, 0o600)
    return isToken(token) ? token : null
  } catch (error) {
    if (isMissing(error) || errorCode(error) === 'ENOTDIR') return null
    const message = `The token of the API cannot be read from ${file} (${errorCode(error)}). Set MOOSE_API_TOKEN, or run this as the user whose home it is.`
    throw new Fault('config_invalid', message, {}, error)
  }
}

/**
 * Writes the token aside and moves it into place: a reader never sees half of it, and it was never open to others.
 *
 * @param replaced what was read there; null: nothing, and where another process has written one meanwhile, that one stays
 * @returns the token that is there now
 */
export async function writeTokenFile(home: string, token: string, replaced: string | null): Promise<string> {
  const file = tokenFileOf(home)
  const draft = `${file}.${randomUUID()}`
  await mkdir(home, { recursive: true, mode: 0o700 })
  await writeFile(draft, `${token}\n`, { mode: 0o600, flag: 'wx' })
  try {
    if (replaced === null) await link(draft, file)
    else await rename(draft, file)
    return token
  } catch (error) {
    if (errorCode(error) !== 'EEXIST') throw error
    const other = await readTokenFile(home)
    if (other !== null) return other
    // What is there is no token.
    await rename(draft, file)
    return token
  } finally {
    await rm(draft, { force: true })
  }
}
