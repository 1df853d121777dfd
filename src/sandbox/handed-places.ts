import { readdir, readlink, realpath } from 'node:fs/promises'
import path from 'node:path'
import { isNotListed } from '../files/names-in.ts'
import { holds } from './program-places.ts'
import type { Toolchains } from './toolchains.ts'

/** Of one folder of certificates; further links are not followed. */
const MOST_LINKS = 1_000

/**
 * What children have to read of the operator's: toolchains, and the files and folders that variables name, such as those of
 * certificates. A folder of certificates is made of links, so what these lead to comes too.
 *
 * @returns absolute paths; some of them may not be there
 */
export async function placesOf({ found, variables }: Pick<Toolchains, 'found' | 'variables'>): Promise<string[]> {
  const { SSL_CERT_DIR: folders = '', ...others } = variables
  const named = folders.split(path.delimiter).filter(path.isAbsolute)
  const linked = await Promise.all(named.map(linkedFrom))
  return [
    ...found.map(({ where }) => where),
    ...Object.values(others).filter(path.isAbsolute),
    ...named,
    ...linked.flat(),
  ]
}

/** Where the links in a folder lead outside of it. */
async function linkedFrom(folder: string): Promise<string[]> {
  const entries = await readdir(folder, { withFileTypes: true }).catch((error: unknown) => {
    if (isNotListed(error)) return []
    throw error
  })
  const links = entries.filter((entry) => entry.isSymbolicLink()).slice(0, MOST_LINKS)
  const places = await Promise.all(links.map(({ name }) => outside(folder, path.join(folder, name))))
  return [...new Set(places.flat())]
}

/** As the link says it, and where that really is. */
async function outside(folder: string, link: string): Promise<string[]> {
  const next = path.resolve(folder, await readlink(link).catch(() => '.'))
  if (holds(folder, next)) return []
  return [next, await realpath(next).catch(() => next)]
}
