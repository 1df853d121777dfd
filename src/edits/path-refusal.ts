import { pathProblem } from '../work-order/scope.ts'
import type { ScopeNames } from './scope-names.ts'

/** Why a block may not touch a path. `outOfScope`: the path itself is fine, the order just does not name it. `hint`: how it may be meant. */
type PathRefusal = { reason: string; outOfScope: boolean; hint?: string }

/** Whether a block may touch a path; null when it may. */
export function pathRefusal(path: string, names: ScopeNames): PathRefusal | null {
  const problem = path.endsWith('/') ? 'names a folder; a block names a file' : pathProblem(path)
  if (problem !== null) return { reason: problem, outOfScope: false }
  if (names.covers(path)) return null
  const several = names.endingIn(path)
  if (several.length > 1)
    return {
      reason: `could be ${several.map((name) => `"${name}"`).join(' or ')}. Write the whole path`,
      outOfScope: false,
    }
  const twin = names.twinOf(path)
  if (twin === null) {
    const whole = names.inFolders(path).map((name) => `"${name}"`)
    const hint = `Where it is to stand in a folder of files_in_scope, write the whole path, as ${whole.join(' or ')}.`
    return { reason: 'is outside files_in_scope', outOfScope: true, ...(whole.length === 0 ? {} : { hint }) }
  }
  const reason = `is outside files_in_scope, which names "${twin.entry}": they differ only in ${twin.difference}. Copy that name exactly`
  return { reason, outOfScope: false }
}
