import { chmod, lstat, mkdir, rename } from 'node:fs/promises'
import path from 'node:path'
import { lstatOrNull } from '../files/lstat-or-null.ts'
import { cachePlaces, homeIn, madeWay, reached, restingIn } from './cache-places.ts'
import { removeTree } from './remove-tree.ts'
import type { Toolchains } from './toolchains.ts'

/** What one child is given. */
export type ChildSetting = {
  /** Its whole environment. */
  env: Readonly<Record<string, string>>
  /** Takes the caches out of its HOME, for the next child of the attempt; to be called once when nothing of it runs. */
  takeCaches: () => Promise<void>
}

export type ChildWishes = {
  toolchains: Toolchains
  /** Of `moose.yaml`. */
  config: { cache: readonly string[]; env: Readonly<Record<string, string>> }
}

/**
 * The whole environment of a child that runs foreign code: an allow-list, so that no key, token or database URL of
 * ours can be in it. HOME and TMPDIR are empty, and new for every child: none can leave something there for the next, but
 * in the attempt's own copies of the folders of `cache` in HOME, which every child of the attempt finds there.
 *
 * @param attemptFolder absolute path of the folder that holds the attempt's tree
 */
export async function childSetting(attemptFolder: string, wishes: ChildWishes): Promise<ChildSetting> {
  const { toolchains, config } = wishes
  const home = await emptyFolder(homeIn(attemptFolder))
  const temporary = await emptyFolder(path.join(attemptFolder, 'tmp'))
  const caches = cachePlaces(config.cache).flatMap((place, index) =>
    place.within === 'home' ? [{ path: place.path, index: String(index) }] : [],
  )
  for (const cache of caches) await move([restingIn(attemptFolder), cache.index], [home, cache.path])
  return {
    env: {
      LANG: 'C.UTF-8',
      TERM: 'dumb',
      CI: 'true',
      ...toolchains.variables,
      ...config.env,
      ...javaHome(home, config.env),
      PATH: toolchains.executablePath,
      HOME: home,
      TMPDIR: temporary,
    },
    async takeCaches() {
      if (caches.length === 0) return
      await mkdir(restingIn(attemptFolder), { recursive: true, mode: 0o700 })
      for (const cache of caches) await move([home, cache.path], [restingIn(attemptFolder), cache.index])
    },
  }
}

/**
 * Java does not ask HOME where it is at home but the system, and would write to the operator's own.
 *
 * @see https://maven.apache.org/configure.html and https://docs.gradle.org/current/userguide/directory_layout.html
 */
function javaHome(home: string, { MAVEN_OPTS, GRADLE_USER_HOME }: Readonly<Record<string, string>>) {
  const opts = `-Duser.home=${home}`
  return {
    MAVEN_OPTS: MAVEN_OPTS === undefined ? opts : `${opts} ${MAVEN_OPTS}`,
    GRADLE_USER_HOME: GRADLE_USER_HOME === undefined ? path.join(home, '.gradle') : GRADLE_USER_HOME,
  }
}

/** From below a root to below another, where it is reached through no link and nothing is in its way. */
async function move(from: readonly [string, string], to: readonly [string, string]): Promise<void> {
  if ((await lstatOrNull(from[0])) === null) return
  const found = await reached(...from)
  const place = found === null ? null : await madeWay(...to)
  if (found !== null && place !== null) await moveFolder(found, place)
}

/** A folder that may not be written to cannot get another parent. */
export async function moveFolder(from: string, to: string): Promise<void> {
  const found = await lstat(from)
  if (found.isDirectory() && (found.mode & 0o200) === 0) await chmod(from, found.mode | 0o700)
  await rename(from, to)
}

async function emptyFolder(folder: string): Promise<string> {
  await removeTree(folder)
  await mkdir(folder, { mode: 0o700 })
  return folder
}
