import { existsSync } from 'node:fs'
import path from 'node:path'
import { Fault } from '../../faults/fault.ts'

/** What git would call it: an address as it is, a folder as its absolute path, one within a checkout as that checkout. */
export function locateRepository(cwd: string, repository: string): string {
  const isUrl = /^[a-z][a-z0-9+.-]*:\/\//i.test(repository)
  // As git has it: a colon before the first slash, unless something on the disk is called so.
  const isSsh = /^[^/\\:]+:[^:]/.test(repository) && !existsSync(path.resolve(cwd, repository))
  if (isUrl || isSsh) return repository
  const folder = path.resolve(cwd, repository)
  const isRepository = !existsSync(folder) || existsSync(path.join(folder, 'HEAD'))
  const around = isRepository ? null : checkoutAround(folder)
  return around === null ? folder : around
}

/** The checkout around a folder; null: there is none. */
export function checkoutAround(cwd: string): string | null {
  for (let folder = cwd; ; folder = path.dirname(folder)) {
    if (existsSync(path.join(folder, '.git'))) return folder
    if (folder === path.dirname(folder)) return null
  }
}

/** @throws {Fault} `request_invalid` outside of a checkout */
export function enclosingRepository(cwd: string): string {
  const checkout = checkoutAround(cwd)
  if (checkout !== null) return checkout
  const message = `${cwd} is not inside a git repository. Change into one, or name it: moose init URL-OR-FOLDER`
  throw new Fault('request_invalid', message)
}
