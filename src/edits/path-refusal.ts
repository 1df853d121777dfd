import { isInScope, pathProblem } from '../work-order/scope.ts'

/** Why a block may not touch a path. `outOfScope`: the path itself is fine, the order just does not name it. */
export type PathRefusal = { reason: string; outOfScope: boolean }

const SHOWN_CHARACTERS = 200

/** Whether a block may touch a path; null when it may. */
export function pathRefusal(path: string, scope: readonly string[]): PathRefusal | null {
  const problem = path.endsWith('/') ? 'names a folder; a block names a file' : pathProblem(path)
  if (problem !== null) return { reason: problem, outOfScope: false }
  if (isInScope(path, scope)) return null
  const twin = twinInScope(path, scope)
  if (twin === null) return { reason: 'is outside files_in_scope', outOfScope: true }
  const reason = `is outside files_in_scope, which names "${twin.entry}": they differ only in ${twin.difference}. Copy that name exactly`
  return { reason, outOfScope: false }
}

/** A path from an answer as it may stand in a message: bounded, without control characters. */
export function shownPath(path: string): string {
  const visible = path.replace(/\p{Cc}/gu, '\ufffd')
  return visible.length > SHOWN_CHARACTERS ? `${visible.slice(0, SHOWN_CHARACTERS)}…` : visible
}

function twinInScope(path: string, scope: readonly string[]): { entry: string; difference: string } | null {
  const folds = [
    { difference: 'Unicode normalization (NFC, NFD)', fold: (text: string) => text.normalize('NFC') },
    { difference: 'upper and lower case', fold: (text: string) => text.normalize('NFC').toLowerCase() },
  ]
  for (const { difference, fold } of folds) {
    const entry = scope.find((candidate) => isInScope(fold(path), [fold(candidate)]))
    if (entry !== undefined) return { entry, difference }
  }
  return null
}
