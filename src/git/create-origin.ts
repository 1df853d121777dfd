import { mkdir, rename, rm } from 'node:fs/promises'
import path from 'node:path'
import { Fault } from '../faults/fault.ts'
import { lstatOrNull } from '../files/lstat-or-null.ts'
import { type Git, gitFailed } from './git.ts'
import { isCheckout } from './origin.ts'

/**
 * Makes a bare repository with the branches and tags of a checkout, which is only read. What stands at the folder then is
 * whole, or nothing is.
 *
 * @param checkout absolute path
 * @param folder absolute path of what is not there yet
 * @throws {Fault} `repository_refused`: it is no checkout, has no commit, or the folder is there; `command_failed`
 */
export async function createOrigin(git: Git, checkout: string, folder: string): Promise<void> {
  if (!(await isCheckout(checkout))) throw refused(`${checkout} is no checkout. Name the folder with the work tree.`)
  if ((await lstatOrNull(folder)) !== null)
    throw refused(`${folder} is there already. Name another folder; or, if it is a repository: moose init ${folder}`)
  const source = path.join(checkout, '.git')
  const branch = await git.run(['--git-dir', source, 'symbolic-ref', '--quiet', '--short', 'HEAD'], { signal: null })
  const draft = `${folder}.${process.pid}`
  try {
    await mkdir(path.dirname(folder), { recursive: true })
    await git.succeed(['init', '--quiet', '--bare', '--template=', '--', draft], { signal: null })
    const fetch = ['--git-dir', draft, 'fetch', '--quiet', '--no-write-fetch-head', '--', checkout]
    const refs = ['+refs/heads/*:refs/heads/*', '+refs/tags/*:refs/tags/*']
    const result = await git.run([...fetch, ...refs], { signal: null })
    if (result.exitCode !== 0) throw gitFailed(['fetch'], result)
    if (branch.exitCode === 0)
      await git.succeed(['--git-dir', draft, 'symbolic-ref', 'HEAD', `refs/heads/${branch.stdout.text().trim()}`], {
        signal: null,
      })
    const head = ['--git-dir', draft, 'rev-parse', '--verify', '--quiet', 'HEAD^{commit}']
    if ((await git.run(head, { signal: null })).exitCode !== 0)
      throw refused(
        `The branch that is checked out in ${checkout} has no commit yet. Commit something, then try again.`,
      )
    await rename(draft, folder)
  } finally {
    await rm(draft, { recursive: true, force: true })
  }
}

function refused(message: string): Fault {
  return new Fault('repository_refused', message)
}
