import { readdir, readlink, realpath, stat } from 'node:fs/promises'
import path from 'node:path'
import type { Config } from '../config.ts'
import { lstatOrNull } from '../files/lstat-or-null.ts'

/** Of one folder of the PATH; further programs are found only where their folder holds all that they need. */
const MOST_PROGRAMS = 3_000
const REMEMBERED = 20
/** What programs are installed with, beside the folder they are in. */
const BESIDE = ['lib', 'lib32', 'lib64', 'libexec', 'share', 'include', 'pyvenv.cfg']

export type ProgramPlaces = {
  /** Absolute paths of what the programs of a PATH need to run, without what every system has. */
  of(executablePath: string, command: string): Promise<readonly string[]>
}

/**
 * Where the programs of a PATH lie outside of the system's folders, with what is installed beside them. Below `kept` nothing
 * but the folders of the PATH themselves and what their links lead to is named: beside `~/.local/bin` lies `~/.local/share`
 * with all that is private.
 *
 * @param options.kept absolute paths, as `privateFolders` gives them
 * @param options.isOfSystem whether a path is readable anyway
 */
export function createProgramPlaces(options: PlacesOptions): ProgramPlaces {
  const known = new Map<string, Promise<readonly string[]>>()
  return {
    async of(executablePath, command) {
      const folders = executablePath.split(path.delimiter).filter((folder) => !options.isOfSystem(folder))
      const stamps = await Promise.all(
        folders.map(async (folder) => `${folder} ${(await lstatOrNull(folder))?.mtimeMs}`),
      )
      const key = JSON.stringify([stamps, command])
      const found = known.get(key)
      if (found !== undefined) return await found
      const places = find(options, folders, command)
      if (known.size >= REMEMBERED) known.clear()
      known.set(key, places)
      return await places
    },
  }
}

/** The folders of which nothing is given as a whole: Moose's home, and that of the operator where there is one. */
export function privateFolders({
  home,
  toolchainEnvironment: { HOME: operator },
}: Pick<Config, 'home' | 'toolchainEnvironment'>): string[] {
  return operator === undefined || !path.isAbsolute(operator) ? [home] : [home, operator]
}

export type PlacesOptions = { kept: readonly string[]; isOfSystem: (place: string) => boolean }

async function find(options: PlacesOptions, folders: readonly string[], command: string): Promise<readonly string[]> {
  const places = new Set<string>()
  for (const folder of folders) {
    await addInstallation(options, places, folder)
    // The programs of a virtual environment name the place it really lies at.
    await addInstallation(options, places, await realpath(folder).catch(() => folder))
    for (const name of await linksIn(folder)) await addProgram(options, places, path.join(folder, name))
  }
  if (path.isAbsolute(command) && !options.isOfSystem(command)) {
    // As it is called, and where that leads to.
    if (path.basename(path.dirname(command)) === 'bin') await addInstallation(options, places, path.dirname(command))
    else places.add(command)
    await addProgram(options, places, command)
  }
  return [...places]
}

/** A folder of programs, and what lies beside it where that is no private folder. */
async function addInstallation(options: PlacesOptions, places: Set<string>, folder: string): Promise<void> {
  const { kept, isOfSystem } = options
  if (isOfSystem(folder) || places.has(folder)) return
  places.add(folder)
  const around = path.dirname(folder)
  if (path.basename(around) === 'node_modules') places.add(around)
  const isPrivate = kept.some((place) => holds(around, place) || (holds(place, around) && isUsersOwn(place, around)))
  if (isPrivate && !(await isThere(path.join(around, 'pyvenv.cfg')))) return
  for (const name of BESIDE) if (await isThere(path.join(around, name))) places.add(path.join(around, name))
  // The Python of a virtual environment is a link to that it was made with.
  const python = path.join(folder, 'python')
  if ((await lstatOrNull(python))?.isSymbolicLink() === true) await addProgram(options, places, python)
}

/** `~/.local`, `~/bin`: where programs of many installations and private files lie side by side. */
function isUsersOwn(home: string, around: string): boolean {
  return path.relative(home, around).split(path.sep).length < 2
}

/** What a program needs that lies elsewhere than the link to it. */
async function addProgram(options: PlacesOptions, places: Set<string>, program: string): Promise<void> {
  const target = await realpath(program).catch(() => null)
  if (target === null) return
  // Where a parent of the program is a link, the child finds that parent as a folder: a relative link leads beside it there.
  const link = await readlink(program).catch(() => null)
  const next = link === null ? target : path.resolve(path.dirname(program), link)
  if (next !== target && (await realpath(next).catch(() => null)) === target) await addTarget(options, places, next)
  if (isCovered(options, places, target)) return
  await addTarget(options, places, target)
}

async function addTarget(options: PlacesOptions, places: Set<string>, target: string): Promise<void> {
  if (isCovered(options, places, target)) return
  const modules = target.indexOf('/node_modules/')
  if (modules !== -1) places.add(target.slice(0, modules + '/node_modules'.length))
  else if (path.basename(path.dirname(target)) === 'bin') await addInstallation(options, places, path.dirname(target))
  else places.add(target)
}

function isCovered({ isOfSystem }: PlacesOptions, places: ReadonlySet<string>, target: string): boolean {
  return isOfSystem(target) || [...places].some((place) => holds(place, target))
}

async function linksIn(folder: string): Promise<string[]> {
  const entries = await readdir(folder, { withFileTypes: true }).catch(() => [])
  return entries.slice(0, MOST_PROGRAMS).flatMap((entry) => (entry.isSymbolicLink() ? [entry.name] : []))
}

/** Whether a path is in a folder, or that folder itself. */
export function holds(outer: string, inner: string): boolean {
  return outer === inner || inner.startsWith(outer === '/' ? outer : `${outer}/`)
}

async function isThere(place: string): Promise<boolean> {
  return (await stat(place).catch(() => null)) !== null
}
