import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { KINDS_OF_CHANGE, type KindOfChange, kindOfChange } from './kind-of-change.ts'

const FILES: Record<KindOfChange, readonly string[]> = {
  docs: ['README.md', 'docs/guide.rst', 'docs/logo.svg', 'LICENSE', 'notes.txt', 'test/README.md'],
  tests: [
    'src/login.test.ts',
    'tests/login.py',
    'pkg/login_test.go',
    'test_login.py',
    'test/fixtures/a.json',
    'src/__tests__/a.tsx',
  ],
  style: ['web/main.css', 'src/theme.SCSS'],
  config: [
    'package.json',
    '.github/workflows/ci.yml',
    '.env.example',
    'Dockerfile',
    'vite.config.ts',
    'requirements-dev.txt',
    'Cargo.lock',
  ],
  code: ['src/login.ts', 'Login.java', 'src/latest/contest.ts', 'bin/run', 'src/docsify.ts'],
}

for (const kind of KINDS_OF_CHANGE) {
  test(`each of ${FILES[kind].join(', ')} is ${kind}`, () => {
    for (const file of FILES[kind]) assert.equal(kindOfChange([file]), kind, file)
    assert.equal(kindOfChange(FILES[kind]), kind)
  })
}

test('of several kinds the most demanding counts, in whatever order', () => {
  assert.equal(kindOfChange(['src/login.test.ts', 'src/login.ts']), 'code')
  assert.equal(kindOfChange(['README.md', 'package.json']), 'config')
  assert.equal(kindOfChange(['docs/a.md', 'test/a.ts', 'web/a.css']), 'tests')
})

test('no file at all is code', () => {
  assert.equal(kindOfChange([]), 'code')
})

test('any text is a path of some kind, and the order of the paths does not matter', () => {
  fc.assert(
    fc.property(fc.array(fc.string()), (files) => {
      assert.equal(kindOfChange(files), kindOfChange(files.toReversed()))
    }),
  )
})
