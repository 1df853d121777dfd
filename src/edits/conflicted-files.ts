import { isInScope } from '../work-order/scope.ts'
import { namedFiles } from '../work-order/ways-out.ts'
import { isUtf8Text } from './text-file.ts'

/** A file that git could not merge. */
export type ConflictedFile = {
  path: string
  /** As the change has it. */
  ours: string
  /** As git has merged it, with its markers. */
  marked: string
}

/** Of which commit or tree a file is read: the base, the branch, or what git has made of both. */
export type Side = 'base' | 'head' | 'marked'

/** `first`: the commit that the first line of git's markers names. */
type Conflict = { files: readonly string[]; scope: readonly string[]; first: string }

/** What a model that resolves a conflict is told of it, at most; in bytes. */
const MOST_TOLD = 200_000

/**
 * What a model is told to resolve a conflict; `byHand`: why none can, as a sentence.
 *
 * @param read a file of one side; null: there is none, or it cannot be read
 */
export async function conflictedFiles(
  { files, scope, first }: Conflict,
  read: (side: Side, path: string) => Promise<Buffer | null>,
): Promise<{ told: ConflictedFile[] } | { byHand: string }> {
  const outside = files.filter((path) => !isInScope(path, scope))
  if (outside.length > 0) return { byHand: `A model may change files_in_scope alone, and not ${namedFiles(outside)}.` }
  const textOf = async (side: Side, path: string): Promise<string | null> => {
    const bytes = await read(side, path)
    return bytes === null || !isUtf8Text(bytes) ? null : bytes.toString('utf8')
  }
  const told: ConflictedFile[] = []
  let bytes = 0
  for (const path of files) {
    const base = await textOf('base', path)
    const ours = await textOf('head', path)
    const marked = await textOf('marked', path)
    const isMarked = marked !== null && marked.includes(`<<<<<<< ${first}`)
    if (base === null || ours === null || marked === null || !isMarked)
      return { byHand: `A model can resolve what is text on both sides, and ${path} is not.` }
    bytes += Buffer.byteLength(ours) + Buffer.byteLength(marked)
    if (bytes > MOST_TOLD) return { byHand: `The files are longer than the ${MOST_TOLD} bytes a model is told.` }
    told.push({ path, ours, marked })
  }
  return { told }
}
