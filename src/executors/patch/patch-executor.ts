import { applyEdits } from '../../edits/apply-edits.ts'
import { parseEdits } from '../../edits/parse-edits.ts'
import type { ExecutorInput } from '../../ports/execution.ts'
import { filesBelow, readTreeFile } from './tree-file.ts'
import { writeChanges } from './write-changes.ts'

/**
 * The executor that applies edits in Moose's own format exactly and in process: to the files as they are in the
 * workspace, in memory first, then on disk; all or nothing both times.
 *
 * Besides the port's faults `apply` throws `change_without_effect`, `internal` when the disk refuses, and the reason
 * of the signal when it is aborted before the first byte is written.
 */
export function createPatchExecutor() {
  return { name: 'patch' as const, looksAt: 'scope' as const, apply, assertReady: async () => undefined }
}

/** The bit that git keeps. */
const OWNER_EXECUTES = 0o100

/** All it needs; a part of what every executor is given. */
type PatchInput = Pick<ExecutorInput, 'content' | 'scope' | 'signal'> & { workspace: { readonly path: string } }

async function apply({ workspace, content, scope, signal }: PatchInput): Promise<{ costUsd: number; answers: number }> {
  const folders = await Promise.all(
    scope.filter((entry) => entry.endsWith('/')).map((folder) => filesBelow(workspace.path, folder)),
  )
  const files = folders.flat()
  const edits = parseEdits(content, scope, files)
  const read = async (path: string) => {
    const file = await readTreeFile(workspace.path, path)
    return file === null ? null : file.content
  }
  const isExecutable = async (path: string) => {
    const file = await readTreeFile(workspace.path, path)
    return file !== null && (file.mode & OWNER_EXECUTES) !== 0
  }
  const changes = await applyEdits(edits, { read, isExecutable, scope, files })
  signal.throwIfAborted()
  await writeChanges(workspace.path, changes)
  return { costUsd: 0, answers: 0 }
}
