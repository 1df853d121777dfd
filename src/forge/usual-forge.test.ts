import assert from 'node:assert/strict'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { after, before, test } from 'node:test'
import { faultOf } from '../../test/support/fault-of.ts'
import { Git } from '../git/git.ts'
import { sshTargetOf } from '../git/ssh-host.ts'
import { githubRepositoryOf } from './github/github-repository.ts'
import { forgeOf } from './usual-forge.ts'

let folder: string
before(async () => {
  folder = await mkdtemp(path.join(tmpdir(), 'moose-forge-'))
})
after(() => rm(folder, { recursive: true, force: true }))

const usual = (repository: string, enterpriseHost: string | null) =>
  forgeOf(new Git(path.join(folder, 'git-home')), repository, { forge: null, enterpriseHost })

test('a repository on GitHub has its pull requests there, any other has them here', async () => {
  for (const repository of [
    'https://github.com/acme/shop',
    'git@github.com:acme/shop.git',
    'ssh://git@ssh.github.com:443/acme/shop.git',
    'ssh://git@github.com:22/acme/shop.git',
    'org-1234@GitHub.com:acme/shop.git',
    'https://github.com:443/acme/shop',
    'https://GHE.example/a/b',
  ]) {
    assert.deepEqual(await usual(repository, 'ghe.example'), { forge: 'github', forgeHost: null }, repository)
  }
  for (const repository of ['/srv/shop.git', 'https://gitlab.com/acme/shop', 'https://github.com.evil.example/a/b']) {
    assert.deepEqual(await usual(repository, null), { forge: 'local', forgeHost: null }, repository)
  }
  assert.deepEqual(await usual('https://ghe.example/a/b', null), { forge: 'local', forgeHost: null })
})

test('life C2: an alias of ssh is where ssh says it leads, and its address stays as it is', async () => {
  const config = path.join(folder, 'ssh-config')
  const hosts = [
    'Host github-work\n  HostName github.com\n  User git\n  IdentityFile ~/.ssh/work',
    'Host github-443\n  HostName ssh.github.com\n  Port 443',
    'Host inside\n  HostName ghe.example',
    'Host elsewhere\n  HostName git.example',
  ]
  await writeFile(config, hosts.join('\n'))
  const git = new Git(path.join(folder, 'git-home'))
  const asked = { forge: null, enterpriseHost: 'ghe.example', sshOptions: ['-F', config] }
  for (const [repository, forge, host] of [
    ['git@github-work:acme/shop.git', 'github', 'github.com'],
    ['ssh://git@github-work/acme/shop.git', 'github', 'github.com'],
    ['git@github-443:acme/shop.git', 'github', 'github.com'],
    ['ssh://git@github-work:22/acme/shop.git', 'github', 'github.com'],
    ['git@github-work:/acme/shop', 'github', 'github.com'],
    ['git@inside:acme/shop.git', 'github', 'ghe.example'],
    ['git@elsewhere:acme/shop.git', 'local', null],
  ] as const) {
    const found = await forgeOf(git, repository, asked)
    assert.deepEqual(found, { forge, forgeHost: host }, repository)
    if (host === null) continue
    assert.deepEqual(githubRepositoryOf({ name: 'shop', repository, ...found }), { host, owner: 'acme', name: 'shop' })
  }
  const alias = { host: 'github-work', user: null }
  assert.deepEqual(await sshTargetOf(git, alias, asked.sshOptions), { host: 'github.com', user: 'git' })
})

test('life C2: where ssh cannot tell, the forge is asked for and never taken for local', async () => {
  const git = new Git(path.join(folder, 'git-home'))
  const asked = { enterpriseHost: null, sshOptions: ['-F', path.join(folder, 'no-such-config')] }
  const ask = (forge: 'github' | null) => forgeOf(git, 'git@github-work:acme/shop.git', { ...asked, forge })
  const fault = await faultOf(ask(null))
  assert.equal(fault.code, 'request_invalid')
  assert.match(fault.message, /ssh cannot tell where the host "github-work".*--forge github or --forge local/)
  assert.deepEqual(await ask('github'), { forge: 'github', forgeHost: null })
})
