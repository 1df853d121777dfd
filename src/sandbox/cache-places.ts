import { lstat, mkdir } from 'node:fs/promises'
import path from 'node:path'
import { lstatOrNull } from '../files/lstat-or-null.ts'

/** A folder of `cache`: where it is, and its path from there, without a slash at its end. */
export type CachePlace = { within: 'tree' | 'home'; path: string }

/**
 * The folders of `cache` in their order, each once and none that lies in another of them.
 *
 * @param cache paths below the tree, or below HOME (`~/…`), as `moose.yaml` names them
 */
export function cachePlaces(cache: readonly string[]): CachePlace[] {
  const places = cache.map((entry): CachePlace => {
    const path = entry.replace(/(?<!\/)\/$/, '')
    return path.startsWith('~/') ? { within: 'home', path: path.slice(2) } : { within: 'tree', path }
  })
  return places.filter(
    (place, index) => !places.some((other, at) => holds(other, place) || (at < index && same(other, place))),
  )
}

function same(one: CachePlace, other: CachePlace): boolean {
  return one.within === other.within && one.path === other.path
}

function holds(outer: CachePlace, inner: CachePlace): boolean {
  return outer.within === inner.within && inner.path.startsWith(`${outer.path}/`)
}

/** What lies in the folder of an attempt. */
export const treeIn = (folder: string): string => path.join(folder, 'tree')
export const homeIn = (folder: string): string => path.join(folder, 'home')
/** git's index of the tree, which is Moose's own. */
export const indexIn = (folder: string): string => path.join(folder, 'index')
/** The caches of HOME while nothing runs: a HOME is new for every child. */
export const restingIn = (folder: string): string => path.join(folder, 'caches')

/**
 * Where a cache lies while no child runs: its root, which is Moose's own, and its path from there.
 *
 * @param folder absolute path, of the attempt
 * @param index of the place among `cachePlaces`
 */
export function restingPlace(folder: string, place: CachePlace, index: number): { root: string; path: string } {
  return place.within === 'tree'
    ? { root: treeIn(folder), path: place.path }
    : { root: restingIn(folder), path: String(index) }
}

/**
 * The absolute path of what stands at a path below a folder and is reached through no link; null when there is no such
 * thing.
 */
export async function reached(root: string, below: string): Promise<string | null> {
  const parts = below.split('/')
  for (const [index] of parts.entries()) {
    const found = await lstatOrNull(path.join(root, ...parts.slice(0, index)))
    if (found?.isDirectory() !== true) return null
  }
  const place = path.join(root, ...parts)
  const found = await lstatOrNull(place)
  return found === null || found.isSymbolicLink() ? null : place
}

/**
 * Where a place is that a child is given: of the attempt's folder only what is reached through no link, as an earlier child may
 * have made one, to anywhere; null: it is not.
 *
 * @param folder absolute path, of the attempt
 */
export async function givenPlace(folder: string, place: string): Promise<string | null> {
  return place.startsWith(`${folder}/`) ? await reached(folder, place.slice(folder.length + 1)) : place
}

/**
 * Makes the folders on the way to a path below a folder.
 *
 * @returns the absolute path, at which nothing stands; null when something does, or a link or a file is on the way
 */
export async function madeWay(root: string, below: string): Promise<string | null> {
  const parts = below.split('/')
  for (const [index] of parts.entries()) {
    const folder = path.join(root, ...parts.slice(0, index))
    if ((await lstatOrNull(folder)) === null) await mkdir(folder, { mode: 0o700 })
    if (!(await lstat(folder)).isDirectory()) return null
  }
  const place = path.join(root, ...parts)
  return (await lstatOrNull(place)) === null ? place : null
}
