import { existsSync } from 'node:fs'
import { readFile } from 'node:fs/promises'
import path from 'node:path'
import type { ProjectView } from '../../contract/projects.ts'
import { errorCode } from '../../faults/error-code.ts'
import { Fault } from '../../faults/fault.ts'

/** The folder of the repository that one is in. @throws {Fault} `request_invalid` */
export function enclosingRepository(cwd: string): string {
  for (let folder = cwd; ; folder = path.dirname(folder)) {
    if (existsSync(path.join(folder, '.git'))) return folder
    if (folder === path.dirname(folder)) break
  }
  const message = `${cwd} is not inside a git repository. Change into one, or name it: moose init URL-OR-FOLDER`
  throw new Fault('request_invalid', message)
}

/** The folder of the repository one is in; null: in none. */
export function checkoutOf(cwd: string): string | null {
  try {
    return enclosingRepository(cwd)
  } catch (error) {
    if (error instanceof Fault) return null
    throw error
  }
}

/** Whether a folder is the repository of a project, or its origin is. */
export async function isCheckoutOf(checkout: string, { repository }: ProjectView): Promise<boolean> {
  if (repository === checkout || repository === path.join(checkout, '.git')) return true
  const config = await readOrNull(path.join(checkout, '.git', 'config'))
  const url = config === null ? null : originIn(config)
  return url !== null && plainUrl(url) === plainUrl(repository)
}

/** @see https://git-scm.com/docs/git-config#_syntax */
function originIn(config: string): string | null {
  let isOrigin = false
  for (const line of config.split('\n').map((each) => each.trim())) {
    if (line.startsWith('[')) isOrigin = line === '[remote "origin"]'
    else if (isOrigin && /^url ?=/.test(line)) return line.slice(line.indexOf('=') + 1).trim()
  }
  return null
}

/** Without a login and without the endings that mean the same. */
function plainUrl(url: string): string {
  return url.replace(/^(https?:\/\/)[^/@]*@/, '$1').replace(/(?:\/|\.git|\.git\/)$/, '')
}

/** Null: there is none. */
export async function readOrNull(file: string): Promise<string | null> {
  try {
    return await readFile(file, 'utf8')
  } catch (error) {
    const code = errorCode(error)
    if (code === 'ENOENT' || code === 'ENOTDIR') return null
    throw error
  }
}
