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
  /** Where its proxy is, on 127.0.0.1. */
  proxyPort: number
  /** Whether it is a check that can reach no host: what it needs is in the caches. */
  offline: boolean
}

/**
 * The whole environment of a child that runs foreign code: an allow-list, so that no key, token or database URL of
 * ours can be in it. HOME and TMPDIR are empty, and new for every child: none can leave something there for the next, but
 * in the attempt's own copies of the folders of `cache` in HOME, which every child of the attempt finds there.
 *
 * @param attemptFolder absolute path of the folder that holds the attempt's tree
 */
export async function childSetting(attemptFolder: string, wishes: ChildWishes): Promise<ChildSetting> {
  const { toolchains, config, proxyPort, offline } = wishes
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
      ...proxyVariables(proxyPort),
      ...(offline ? OFFLINE : {}),
      ...config.env,
      JAVA_TOOL_OPTIONS: javaOptions(home, { proxyPort, given: config.env['JAVA_TOOL_OPTIONS'] }),
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
 * uv installs a project of the tree anew in every folder, and cargo resolves one without a lock file anew: both ask the
 * registry first unless they are told that there is none, and then do with what is cached.
 *
 * @see https://docs.astral.sh/uv/reference/environment/#uv_offline and
 *   https://doc.rust-lang.org/cargo/reference/config.html#netoffline
 */
const OFFLINE: Readonly<Record<string, string>> = { UV_OFFLINE: '1', CARGO_NET_OFFLINE: 'true' }

const LOOPBACK = '127.0.0.1'

/**
 * What programs read of a proxy. Java is told by `javaOptions`, npm and yarn by names of their own too; pip, uv, poetry, Go,
 * cargo, git and curl go by these alone.
 *
 * @see https://everything.curl.dev/usingcurl/proxies/env.html, https://docs.npmjs.com/cli/using-npm/config#https-proxy and
 *   https://yarnpkg.com/configuration/yarnrc#httpsProxy
 */
function proxyVariables(port: number): Record<string, string> {
  const proxy = `http://${LOOPBACK}:${port}`
  const direct = `localhost,${LOOPBACK},::1`
  const named = ['HTTP_PROXY', 'HTTPS_PROXY', 'ALL_PROXY'].flatMap((name) => [name, name.toLowerCase()])
  const others = ['npm_config_proxy', 'npm_config_https_proxy', 'YARN_HTTP_PROXY', 'YARN_HTTPS_PROXY']
  return {
    ...Object.fromEntries([...named, ...others].map((name) => [name, proxy])),
    NO_PROXY: direct,
    no_proxy: direct,
    npm_config_noproxy: direct,
  }
}

/**
 * Java asks neither HOME where it is at home nor the variables for a proxy. This variable is the one that every JVM reads and
 * that can hold a path with a blank; it is told on stderr whenever one starts. The last two are for Maven from 3.9 on.
 *
 * @see https://docs.oracle.com/en/java/javase/21/docs/specs/jvmti.html#the-java_tool_options-environment-variable,
 *   https://docs.oracle.com/en/java/javase/21/docs/api/java.base/java/net/doc-files/net-properties.html and
 *   https://maven.apache.org/resolver/configuration.html
 */
function javaOptions(home: string, { proxyPort, given }: { proxyPort: number; given: string | undefined }): string {
  const quote = home.includes("'") ? '"' : "'"
  const options = {
    'user.home': /[\s"']/.test(home) ? `${quote}${home}${quote}` : home,
    'http.proxyHost': LOOPBACK,
    'http.proxyPort': proxyPort,
    'https.proxyHost': LOOPBACK,
    'https.proxyPort': proxyPort,
    'aether.connector.http.useSystemProperties': true,
    'aether.transport.apache.useSystemProperties': true,
  }
  const ours = Object.entries(options).map(([name, value]) => `-D${name}=${value}`)
  return [...ours, ...(given === undefined ? [] : [given])].join(' ')
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
