/**
 * Has checks leave folders without write permission in a work tree, and restores it after each: for a process that is not
 * root, whom permissions stop. Prints what the tree then has, as JSON.
 */
import { chmod, mkdir, readdir, readFile, writeFile } from 'node:fs/promises'
import path from 'node:path'
import { Mirrors } from '../../src/git/mirrors.ts'
import { createWorkspaces } from '../../src/workspace/workspaces.ts'
import { createGitRemote } from './git-remote.ts'

const { signal } = new AbortController()
await using remote = await createGitRemote({ 'src/a.txt': 'one\n' })
const workspaces = createWorkspaces({ root: remote.folder, mirrors: new Mirrors(remote.folder) })
const project = remote.project()
const sha = await workspaces.fetchBase(project, signal)
const workOrderId = '00000000-0000-4000-8000-0000000000aa'
await using workspace = await workspaces.open({ project, workOrderId, attempt: 1, sha, signal })
const at = (...names: string[]) => path.join(workspace.path, ...names)

const left: Record<string, string[]> = {}
async function check(name: string, leave: () => Promise<void>): Promise<void> {
  await leave()
  await workspace.restore()
  const files = (await readdir(workspace.path, { recursive: true })).filter((file) => !file.startsWith('.git'))
  left[name] = [...files.sort(), await readFile(at('src/a.txt'), 'utf8')]
}

await workspace.restore()
await check('an untracked folder', async () => {
  await mkdir(at('out', 'deep'), { recursive: true })
  await writeFile(at('out', 'deep', 'x'), 'x')
  await chmod(at('out', 'deep'), 0o555)
  await chmod(at('out'), 0o555)
})
await check('a tracked folder', async () => {
  await writeFile(at('src', 'a.txt'), 'two\n')
  await writeFile(at('src', 'b.txt'), 'new\n')
  await chmod(at('src'), 0o555)
})
await check('the tree itself', async () => {
  await writeFile(at('x'), 'x')
  await chmod(workspace.path, 0o555)
})
console.log(JSON.stringify(left))
