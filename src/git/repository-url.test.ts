import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { Fault } from '../errors.ts'
import { parseRepositoryUrl, withoutCredentials } from './repository-url.ts'

const accepted = [
  'https://github.com/o/r.git',
  'http://127.0.0.1:8080/r',
  'ssh://git@host:22/o/r.git',
  'git@github.com:o/r.git',
  'file:///srv/r.git',
  '/srv/a repo',
  'https://ada@host/o/r',
  'ssh://git:@host/o/r',
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
    fc.property(secret, fc.constantFrom('https', 'ftp'), (password, protocol) => {
      const url = `${protocol}://ada:${password}SECRET@host/o/r`
      assert.ok(!withoutCredentials(`fatal: unable to access '${url}/': 401`).includes('SECRET'))
      try {
        assert.ok(!parseRepositoryUrl(url).shown.includes('SECRET'))
      } catch (error) {
        assert.ok(error instanceof Fault && !error.message.includes('SECRET'), String(error))
      }
    }),
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

test('a password is refused with what to do instead', () => {
  assert.throws(() => parseRepositoryUrl('https://ada:s3cret@host/o/r'), /holds a password.*without.*ssh/)
})
