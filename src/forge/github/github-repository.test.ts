import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Fault } from '../../faults/fault.ts'
import { githubRepositoryOf } from './github-repository.ts'

const of = (repository: string, forgeHost: string | null = null) =>
  githubRepositoryOf({ name: 'shop', repository, forgeHost })

const ACCEPTED: readonly (readonly [string, string])[] = [
  ['https://github.com/acme/shop', 'github.com acme shop'],
  ['https://github.com/acme/shop.git', 'github.com acme shop'],
  ['https://GitHub.com/acme/shop.js/', 'github.com acme shop.js'],
  ['https://ghe.example:8443/acme/shop', 'ghe.example:8443 acme shop'],
  ['ssh://git@github.com/acme/shop.git', 'github.com acme shop'],
  ['ssh://git@ghe.example:2222/acme/shop.git', 'ghe.example acme shop'],
  ['git@github.com:acme/shop.git', 'github.com acme shop'],
  ['git@github.com:/acme/shop', 'github.com acme shop'],
  // Another host is that host, never github.com: its token is another one.
  ['https://github.com.evil.example/acme/shop', 'github.com.evil.example acme shop'],
]

for (const [repository, expected] of ACCEPTED) {
  test(`${repository} is ${expected}`, () => {
    const { host, owner, name } = of(repository)
    assert.equal(`${host} ${owner} ${name}`, expected)
  })
}

const REFUSED = [
  '/srv/shop.git',
  'file:///srv/acme/shop.git',
  'http://github.com/acme/shop',
  'https://ghp_token@github.com/acme/shop',
  'https://x:ghp_token@github.com/acme/shop',
  'https://github.com/acme',
  'https://github.com/acme/shop/tree/main',
  'https://github.com/acme/..',
  'https://github.com/-R/shop',
  'https://github.com/acme/shop?x=1',
  'https://github.com/ac%2fme/shop',
  'ext::sh -c id',
]

for (const repository of REFUSED) {
  test(`${repository} is refused without showing a token`, () => {
    assert.throws(
      () => of(repository),
      (error) => error instanceof Fault && error.code === 'repository_refused' && !error.message.includes('ghp_token'),
    )
  })
}
