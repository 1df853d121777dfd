import assert from 'node:assert/strict'
import { test } from 'node:test'
import { usualForge } from './usual-forge.ts'

test('a repository on GitHub has its pull requests there, any other has them here', () => {
  for (const repository of [
    'https://github.com/acme/shop',
    'git@github.com:acme/shop.git',
    'https://GHE.example/a/b',
  ]) {
    assert.equal(usualForge(repository, 'ghe.example'), 'github', repository)
  }
  for (const repository of ['/srv/shop.git', 'https://gitlab.com/acme/shop', 'https://github.com.evil.example/a/b']) {
    assert.equal(usualForge(repository, null), 'local', repository)
  }
  assert.equal(usualForge('https://ghe.example/a/b', null), 'local')
})
