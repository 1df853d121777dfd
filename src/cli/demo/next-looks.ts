import type { DemoPlaces } from '../../demo/demo-places.ts'
import { shortId } from '../pages/humanize.ts'
import type { DemoResult } from './result.ts'

/** Commands that show more of what the demo left, each complete and ready for a shell; most telling first. */
export function demoLooks({ home, remote }: DemoPlaces, orders: readonly DemoResult[]): string[] {
  const moose = `./moose --home ${quoted(home)}`
  const opened = orders.filter(({ pull_request }) => pull_request !== null).map(({ id }) => shortId(id))
  const stopped = orders.filter(({ outcome }) => outcome === 'failed').map(({ id }) => shortId(id))
  return [
    ...opened.slice(0, 1).map((id) => `${moose} show ${id} --diff`),
    ...stopped.slice(0, 1).map((id) => `${moose} logs ${id}`),
    ...opened.slice(0, 1).map((id) => `${moose} merge ${id}`),
    `git --git-dir=${quoted(remote)} log --all --oneline --graph`,
    `${moose} up`,
  ]
}

/** A path as one word of a shell. */
function quoted(path: string): string {
  return /^[\w@%+=:,./-]+$/.test(path) ? path : `'${path.replaceAll("'", `'\\''`)}'`
}
