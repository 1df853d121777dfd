import path from 'node:path'
import { lstatOrNull } from '../files/lstat-or-null.ts'
import { namesIn } from '../files/names-in.ts'

/** Of one folder; further ones are not looked at. */
const MOST_ENTRIES = 5_000
const MOST_TOLD = 5

/** Where nothing should change while a check runs: what lies directly in some folders, and when it was last changed. */
export type Outside = ReadonlyMap<string, bigint>

/**
 * Looks at folders of the operator that foreign code has no business in. Only what lies directly in them is seen, and of a
 * folder there only that something came or went: enough to tell a check that keeps its files in the operator's HOME, and
 * no barrier.
 *
 * @param folders absolute paths
 * @param home of Moose, which changes all the time; what holds it is left out
 */
export async function lookOutside(folders: readonly string[], home: string): Promise<Outside> {
  const seen = new Map<string, bigint>()
  for (const folder of folders) {
    const names = (await namesIn(folder)).slice(0, MOST_ENTRIES)
    for (const name of names) {
      const place = path.join(folder, name)
      if (home === place || home.startsWith(`${place}/`)) continue
      const changed = await changedAt(place)
      if (changed !== null) seen.set(place, changed)
    }
  }
  return seen
}

async function changedAt(place: string): Promise<bigint | null> {
  const found = await lstatOrNull(place)
  return found === null ? null : BigInt(Math.round(found.ctimeMs * 1_000))
}

/** What has come, gone or changed, as a sentence about the check that ran meanwhile; null: nothing has. */
export function writtenOutside(before: Outside, after: Outside): string | null {
  const changed = [...after].filter(([place, at]) => before.get(place) !== at).map(([place]) => place)
  const gone = [...before.keys()].filter((place) => !after.has(place))
  const all = [...changed, ...gone]
  if (all.length === 0) return null
  const more = all.length > MOST_TOLD ? `, and ${all.length - MOST_TOLD} more` : ''
  return `while it ran, ${all.slice(0, MOST_TOLD).join(', ')}${more} changed, outside of its tree and HOME: it, or another program, wrote there`
}
