import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { readdir, readFile, rm, writeFile } from 'node:fs/promises'
import path from 'node:path'
import { test } from 'node:test'
import { defaultBranchOf } from '../../src/git/default-branch.ts'
import { Mirrors } from '../../src/git/mirrors.ts'
import { faultOf } from '../support/fault-of.ts'
import { createGitRemote, type GitRemote, gitIn } from '../support/git-remote.ts'

/** States of a project's repository in which its base branch cannot be had, and git says nothing or little of them. */
type State = {
  /** @returns the project's repository, made beside the remote */
  make: (remote: GitRemote) => Promise<string>
  branch?: string
  code: string
  /** What is wrong, and how to mend it. */
  says: RegExp
  /** Whether it shows where a project is set up; otherwise at the first order. */
  atInit: boolean
}

const place = (remote: GitRemote, name: string) => path.join(remote.folder, name)

/** As an operator types it. */
async function cloned(remote: GitRemote, name: string, ...how: string[]): Promise<string> {
  const folder = place(remote, name)
  await gitIn(remote.folder, 'clone', '--quiet', ...how, `file://${remote.path}`, folder)
  return folder
}

const shallow = /is a shallow clone: .*--unshallow/

const STATES: Record<string, State> = {
  'a shallow bare clone': {
    make: (remote) => cloned(remote, 'shallow.git', '--bare', '--depth', '1'),
    code: 'repository_refused',
    says: shallow,
    atInit: true,
  },
  'a shallow clone, named by a URL': {
    make: async (remote) => `file://${await cloned(remote, 'shallow.git', '--bare', '--depth', '1')}`,
    code: 'repository_refused',
    says: shallow,
    atInit: true,
  },
  'a shallow clone in a folder whose name a shell would carry out': {
    make: (remote) => cloned(remote, 'a $(touch PWN) b.git', '--bare', '--depth', '1'),
    code: 'repository_refused',
    says: /git -C '\S+\/a \$\(touch PWN\) b\.git' fetch --unshallow/,
    atInit: true,
  },
  'a shallow checkout': {
    async make(remote) {
      const folder = await cloned(remote, 'shallow', '--depth', '1')
      await gitIn(folder, 'remote', 'remove', 'origin')
      return folder
    },
    code: 'repository_refused',
    says: shallow,
    atInit: true,
  },
  'objects named by SHA-256': {
    async make(remote) {
      const folder = place(remote, 'long')
      await gitIn(remote.folder, 'init', '--quiet', '--object-format=sha256', '--initial-branch=main', folder)
      await gitIn(folder, 'commit', '--quiet', '--allow-empty', '--message', 'x')
      return folder
    },
    code: 'repository_refused',
    says: /SHA-256.*--object-format=sha1/,
    atInit: true,
  },
  'a partial clone': {
    async make(remote) {
      await remote.git('config', 'uploadpack.allowFilter', 'true')
      return cloned(remote, 'partial.git', '--bare', '--filter=blob:none')
    },
    code: 'repository_refused',
    says: /is a partial clone: .*without --filter/,
    atInit: false,
  },
  'a file that is gone': {
    async make(remote) {
      const folder = place(remote, 'damaged.git')
      await gitIn(remote.folder, 'init', '--quiet', '--bare', '--initial-branch=main', folder)
      const whole = await cloned(remote, 'whole.git', '--bare')
      for (const name of await readdir(path.join(whole, 'objects/pack'))) {
        const input = await readFile(path.join(whole, 'objects/pack', name))
        if (name.endsWith('.pack')) execFileSync('git', ['unpack-objects', '-q'], { cwd: folder, input })
      }
      await gitIn(folder, 'update-ref', 'refs/heads/main', await gitIn(whole, 'rev-parse', 'main'))
      const id = await gitIn(whole, 'rev-parse', 'main:a')
      await rm(path.join(folder, 'objects', id.slice(0, 2), id.slice(2)))
      return folder
    },
    code: 'repository_refused',
    says: /is damaged: .*fsck/,
    atInit: false,
  },
  'borrowed objects that are gone': {
    async make(remote) {
      const lender = await cloned(remote, 'lender.git', '--bare')
      const folder = place(remote, 'borrower.git')
      await gitIn(remote.folder, 'clone', '--quiet', '--bare', '--shared', lender, folder)
      await rm(lender, { recursive: true })
      return folder
    },
    code: 'repository_refused',
    says: /is damaged: .*alternate.*fsck/,
    atInit: false,
  },
  'a branch that stands at a tag': {
    async make(remote) {
      await remote.git('tag', '--annotate', '--message', 'x', 'v1', 'main')
      await writeFile(path.join(remote.path, 'refs/heads/odd'), `${await remote.git('rev-parse', 'v1')}\n`)
      return remote.path
    },
    branch: 'odd',
    code: 'base_branch_missing',
    says: /"odd".* stands at no commit/,
    atInit: false,
  },
  'no commit at all': {
    async make(remote) {
      const folder = place(remote, 'empty.git')
      await gitIn(remote.folder, 'init', '--quiet', '--bare', '--initial-branch=main', folder)
      return folder
    },
    code: 'base_branch_missing',
    says: /has no branch "main"/,
    atInit: true,
  },
  'no such branch': {
    make: async (remote) => remote.path,
    branch: 'release',
    code: 'base_branch_missing',
    says: /has no branch "release"/,
    atInit: true,
  },
}

for (const [name, { make, branch = 'main', code, says, atInit }] of Object.entries(STATES)) {
  test(`life A5: a repository in an odd state is refused by name: ${name}`, async () => {
    await using remote = await createGitRemote({ a: '1\n' })
    await remote.commit('main', { a: '2\n' })
    const project = remote.project({ repository: await make(remote), defaultBranch: branch })
    const mirrors = new Mirrors(place(remote, 'moose'))
    const fetched = () => mirrors.of(project).fetchBranch(project, { branch, into: `refs/heads/${branch}` }, null)
    if (atInit) {
      const fault = await faultOf(defaultBranchOf(mirrors.git, project, branch))
      assert.equal(fault.code, code, fault.message)
      assert.match(fault.message, says)
    } else {
      assert.equal(await defaultBranchOf(mirrors.git, project, branch), branch)
    }
    if (code === 'base_branch_missing' && atInit) return assert.equal(await fetched(), null)
    const fault = await faultOf(fetched())
    assert.equal(fault.code, code, fault.message)
    assert.match(fault.message, says)
  })
}

test('life E1: a repository of another user is named with what opens it to Moose, at init and at an order', {
  skip: process.getuid?.() === 0 ? false : 'only root can give a repository to another user',
}, async () => {
  await using remote = await createGitRemote({ a: '1\n' })
  const repository = await cloned(remote, 'theirs.git', '--bare')
  execFileSync('chown', ['-R', '65534', repository])
  const project = remote.project({ repository })
  const mirrors = new Mirrors(place(remote, 'moose'))
  const asked = [
    () => defaultBranchOf(mirrors.git, project, 'main'),
    () => mirrors.of(project).fetchBranch(project, { branch: 'main', into: 'refs/heads/main' }, null),
  ]
  for (const ask of asked) {
    const fault = await faultOf(ask())
    assert.equal(fault.code, 'repository_refused')
    assert.match(
      fault.message,
      /belongs to another user.* A safe\.directory of yours does not change that.*chown -R "\$\(id -un\)"/,
    )
    assert.doesNotMatch(fault.message, /git config/)
  }
  execFileSync('chown', ['-R', String(process.getuid?.()), repository])
  assert.equal(await asked[0]?.(), 'main')
})

test('a repository that became shallow gives no old commit for a new one', async () => {
  await using remote = await createGitRemote({ a: '1\n' })
  const mirrors = new Mirrors(place(remote, 'moose'))
  const project = remote.project({ repository: place(remote, 'moved.git') })
  const fetched = () => mirrors.of(project).fetchBranch(project, { branch: 'main', into: 'refs/heads/main' }, null)
  const before = await cloned(remote, 'moved.git', '--bare')
  assert.equal(await fetched(), await gitIn(before, 'rev-parse', 'main'))
  await remote.commit('main', { a: '2\n' })
  await rm(before, { recursive: true })
  await cloned(remote, 'moved.git', '--bare', '--depth', '1')
  const fault = await faultOf(fetched())
  assert.equal(fault.code, 'repository_refused', fault.message)
  await gitIn(project.repository, 'fetch', '--quiet', '--unshallow', 'origin')
  assert.equal(await fetched(), await remote.git('rev-parse', 'main'))
})
