import assert from 'node:assert/strict'
import { applyEdits } from '../../src/edits/apply-edits.ts'
import { parseEdits } from '../../src/edits/parse-edits.ts'
import { Fault, toldToModel } from '../../src/faults/fault.ts'

export type Files = Readonly<Record<string, string>>

/**
 * What an answer makes of files: those that differ, null for one that is gone; or what the model is told of the fault that
 * refuses it.
 *
 * @param scope the files themselves, where it is left out
 */
export async function outcomeOf(
  files: Files,
  answer: string,
  scope: readonly string[] = Object.keys(files),
): Promise<Record<string, string | null> | string> {
  const paths = Object.keys(files)
  const read = async (path: string) => (Object.hasOwn(files, path) ? Buffer.from(String(files[path])) : null)
  try {
    const changes = await applyEdits(parseEdits(answer, scope, paths), { read, scope, files: paths })
    return Object.fromEntries(changes.map(({ path, content }) => [path, content === null ? null : String(content)]))
  } catch (thrown) {
    if (thrown instanceof Fault) return `${thrown.code}: ${toldToModel(thrown)}`
    throw thrown
  }
}

/** Why an answer is refused; that it is not fails the test. */
export async function refusalOf(files: Files, answer: string, scope?: readonly string[]): Promise<string> {
  const outcome = await outcomeOf(files, answer, scope)
  return typeof outcome === 'string' ? outcome : assert.fail(`applied: ${JSON.stringify(outcome)}`)
}
