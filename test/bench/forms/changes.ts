import { execFileSync } from 'node:child_process'

/** A file as a commit has changed it, as whole lines. */
export type ChangedFile = { path: string; before: string | null; after: string | null; diff: string }

const git = (repository: string, ...words: string[]) =>
  execFileSync('git', ['-C', repository, ...words], { encoding: 'utf8', maxBuffer: 256 * 1024 * 1024 })

/** Longer changes are no answer of one order. */
const MOST_BYTES = 60_000

/** The newest commits without a merge whose files are text that ends in a newline and keeps its mode. */
export function changesOf(repository: string, commits: number): ChangedFile[][] {
  const ids = git(repository, 'log', '--no-merges', '--format=%H', '-n', String(commits * 3), 'HEAD')
    .trim()
    .split('\n')
  const found: ChangedFile[][] = []
  for (const id of ids) {
    if (found.length === commits) break
    const files = filesOf(repository, id)
    if (files !== null) found.push(files)
  }
  return found
}

/** Null: it is none of those that are compared. */
function filesOf(repository: string, id: string): ChangedFile[] | null {
  const rows = git(repository, 'diff-tree', '-r', '--no-renames', '-z', '--no-commit-id', id).split('\0')
  const files: ChangedFile[] = []
  for (let at = 0; at + 1 < rows.length; at += 2) {
    const [oldMode = '', newMode, , , status] = String(rows[at]).slice(1).split(' ')
    const path = String(rows[at + 1])
    const isPlain = [oldMode, newMode].every((mode) => mode === '000000' || mode === '100644')
    if (!isPlain || /[^\x21-\x7e]/.test(path)) return null
    const before = status === 'A' ? null : git(repository, 'show', `${id}^:${path}`)
    const after = status === 'D' ? null : git(repository, 'show', `${id}:${path}`)
    if ([before, after].some((text) => text !== null && !isPlainText(text))) return null
    files.push({ path, before, after, diff: diffOf(repository, id, path) })
  }
  return files.length > 0 && files.reduce((sum, { diff }) => sum + diff.length, 0) <= MOST_BYTES ? files : null
}

const isPlainText = (text: string) => text.endsWith('\n') && !/[\0\ufffd\r]/.test(text)

/** Without the lines of git that say nothing of the text. */
function diffOf(repository: string, id: string, path: string): string {
  const diff = git(repository, 'diff', '--no-renames', '--no-color', '--no-ext-diff', `${id}^`, id, '--', path)
  return diff.replace(/^(?:diff --git|index|new file mode|deleted file mode) .*\n/gm, '')
}
