import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { Fault } from '../faults/fault.ts'
import {
  parseRepositoryUrl,
  shownRepository,
  withoutCredentials,
  withoutHttpUser,
  withoutWww,
} from './repository-url.ts'

const accepted = [
  'https://github.com/o/r.git',
  'http://127.0.0.1:8080/r',
  'ssh://git@host:22/o/r.git',
  'git@github.com:o/r.git',
  'file:///srv/r.git',
  '/srv/a repo',
  'ssh://git:@host/o/r',
  'ssh://git%2Bci@host/o/r',
  'https://host/o/a@b.git',
  '/srv/http://ada@host',
]
const refused = [
  '',
  'ext::sh -c "touch /tmp/pwned"',
  'EXT::sh',
  'fd::3',
  '--upload-pack=touch /tmp/pwned',
  '-u',
  'relative/path',
  './r',
  '~/r',
  'git://host/r',
  'ftp://host/r',
  'javascript:alert(1)',
  'ssh://-oProxyCommand=touch/x',
  'ssh://%2doProxyCommand=x/r',
  'git@-oProxyCommand=x:r',
  'ssh://$(id)@host/r',
  'ssh://host`id`/r',
  'ssh://a%3Bid@host/r',
  'git@host:-r',
  '-x@host:r',
  'host:path',
  'https:///r',
  'https:host',
  'https://host/r\n',
  '/srv/\0',
  'http://ada:s3cret@host/r',
  'https://:s3cret@host/r',
  'ssh://git:s3cret@host/r',
  'https://ada:%73@host/r',
  'http://ghp_t0ken@host/r',
  'https://ghp_t0ken:@host/r',
  'https://%67hp_t0ken@host/r',
  'HTTPS://ghp_t0ken@host/r',
  'https://@host/r',
  'https://ghp_t0ken\\@host/r',
  'https://host\\@evil/r',
  'https://host/r?private_token=t0ken',
  'https://host/r#t0ken',
  'ssh://git%3As3cret@host/r',
  'ssh://%2doProxyCommand=x@host/r',
  'git:s3cret@host:o/r',
  'ssh://%zz/x',
  'ssh://%zz@host/x',
  'ssh://git:%zz@host/x',
  'ssh://host/%zz',
  'ssh://%E0%A4%A/x',
  'https://%zz/x',
  'https://host/%zz',
  'file://%zz/x',
  'file:///%zz',
]

for (const url of accepted) {
  test(`opens ${url}`, () => assert.equal(parseRepositoryUrl(url).url, url))
}
for (const url of refused) {
  test(`refuses ${JSON.stringify(url)}`, () => {
    assert.throws(
      () => parseRepositoryUrl(url),
      (error) => error instanceof Fault && error.code === 'repository_refused',
    )
  })
}

test('a password never shows, accepted or refused', () => {
  const secret = fc.stringMatching(/^[a-zA-Z0-9%:@!$&'()*+,;=_.~-]{6,20}$/)
  fc.assert(
    fc.property(secret, fc.constantFrom('https', 'ftp', 'ssh'), (password, protocol) => {
      const url = `${protocol}://ada:${password}SECRET@host/o/r`
      assert.ok(!withoutCredentials(`fatal: unable to access '${url}/': 401`).includes('SECRET'))
      for (const text of [url, `ada:${password}SECRET@host:o/r`, `x ${password}SECRET@host`]) {
        assert.ok(!shownRepository(text).includes('SECRET'), shownRepository(text))
        assert.throws(
          () => parseRepositoryUrl(text),
          (error) => error instanceof Fault && !error.message.includes('SECRET'),
        )
      }
    }),
    { examples: [["@aa_$)'", 'ssh']] },
  )
})

test('in any text what stands between a scheme and the last @ of its host is blanked', () => {
  const pieces = ['https://', 'a+1://', '1://', '://', '@', '/', ' ', 'ada', ':', '-', 'X']
  const text = fc.array(fc.constantFrom(...pieces), { maxLength: 20 }).map((some) => some.join(''))
  const inWords = (said: string) => said.replace(/([a-z][a-z0-9+.-]*:\/\/)[^/\s]*@/gi, '$1***@')
  fc.assert(
    fc.property(text, (said) => assert.equal(withoutCredentials(said), inWords(said))),
    { numRuns: 2_000 },
  )
})

test('a token, a password or a broken % is refused with what it is and what to do instead', () => {
  const https = /holds a user name, password or token.*without it, as https:\/\/HOST\/.*gh auth login/s
  assert.throws(() => parseRepositoryUrl('https://ada:s3cret@host/o/r'), https)
  assert.throws(() => parseRepositoryUrl('https://t0ken@host/o/r'), https)
  assert.throws(() => parseRepositoryUrl('ssh://git:s3cret@host/o/r'), /holds a password.*without it.*ssh/)
  assert.throws(() => parseRepositoryUrl('ssh://%zz/x'), /a % that begins no percent-encoded character/)
})

test('what is accepted is shown as it is, what is refused without what may be a secret', () => {
  for (const url of accepted) assert.equal(shownRepository(url), url)
  assert.equal(shownRepository('https://t0ken@host/o/r'), 'https://***@host/o/r')
  assert.equal(shownRepository('https://host/o/r?token=t0ken'), 'https://host/o/r?***')
  assert.equal(shownRepository('git:s3cret@host:o/r'), '***@host:o/r')
})

test('what stands before the host of an http(s) URL is taken off, and nothing else', () => {
  for (const user of ['t0ken', 'ada:s3cret', ':s3cret', '%67hp', 'ada:', '', 'a@b', 't0ken\\'])
    assert.equal(withoutHttpUser(`https://${user}@host:8443/o/a@b.git`), 'https://host:8443/o/a@b.git', user)
  assert.equal(withoutHttpUser('HTTP://t0ken@host'), 'HTTP://host')
  for (const url of accepted) assert.equal(withoutHttpUser(url), url)
})

test('the page of GitHub is GitHub, whichever of its names an address has', () => {
  assert.equal(withoutWww('https://www.github.com/acme/shop'), 'https://github.com/acme/shop')
  for (const other of ['https://github.com/a/b', 'https://www.example.com/a/b', 'https://www.github.com.example/a/b'])
    assert.equal(withoutWww(other), other)
})
