import { cp } from 'node:fs/promises'
import path from 'node:path'
import { Git } from '../git/git.ts'
import { DEMO_CONTENT, type DemoPlaces } from './demo-places.ts'

const AUTHOR = {
  GIT_AUTHOR_NAME: 'Tally',
  GIT_AUTHOR_EMAIL: 'tally@localhost',
  GIT_COMMITTER_NAME: 'Tally',
  GIT_COMMITTER_EMAIL: 'tally@localhost',
}

/**
 * Makes the repository of the demo as a developer would: a checkout with one commit, pushed to a bare remote. Neither
 * folder may exist.
 *
 * @throws {Fault} `command_missing` without git, `command_failed`
 */
export async function makeRepository({ home, checkout, remote }: DemoPlaces, signal: AbortSignal): Promise<void> {
  await cp(path.join(DEMO_CONTENT, 'repository'), checkout, { recursive: true })
  const git = new Git(path.join(home, 'git-home'))
  const init = ['init', '--quiet', '--template=', '--initial-branch=main']
  await git.succeed([...init, '--bare', '--', remote], { signal })
  await git.succeed([...init, '--', checkout], { signal })
  const commands = [
    ['add', '--all'],
    ['commit', '--quiet', '--message=Work out and print small invoices'],
    ['remote', 'add', 'origin', remote],
    ['push', '--quiet', '--set-upstream', 'origin', 'main'],
  ]
  for (const args of commands) await git.succeed(args, { signal, cwd: checkout, env: AUTHOR })
}
