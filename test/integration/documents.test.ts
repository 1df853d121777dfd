import assert from 'node:assert/strict'
import { test } from 'node:test'
import { judgedBy } from '../support/gate.ts'

const check = (files: Readonly<Record<string, string>>) => judgedBy(['scripts/documents.ts'], files)

const guide = '# Guide\n\n## How to begin\n\nSee [the first page](../README.md).\n'

test('links, headings and paths that exist pass, and each is really looked at', async () => {
  const { passed, said } = await check({
    'README.md': '[guide](docs/guide.md#how-to-begin), `src/db/`, `src/db/*.ts` and `node src/db/a.ts --all`\n',
    'docs/guide.md': guide,
    'src/db/a.ts': '',
  })
  assert.ok(passed, said)
  assert.match(said, /^5 links and paths in 2 documents$/m)
})

test('a planted dead link is refused with the document and its target', async () => {
  const { passed, said } = await check({ 'README.md': '[gone](docs/gone.md)\n', 'docs/guide.md': guide })
  assert.ok(!passed)
  assert.match(said, /^README\.md: docs\/gone\.md is a dead link: there is no such file$/m)
})

test('a link to a heading that does not exist is refused', async () => {
  const { passed, said } = await check({ 'README.md': '[end](docs/guide.md#how-to-end)\n', 'docs/guide.md': guide })
  assert.ok(!passed)
  assert.match(said, /^README\.md: docs\/guide\.md#how-to-end is a dead link: docs\/guide\.md has no such heading$/m)
})

test('a path in backticks that does not exist is refused; an example in a fenced block is none', async () => {
  const planted = { 'docs/a.md': 'In `src/gone.ts` and `test/gone/*.ts`.\n\n```sh\nnode src/example.ts\n```\n' }
  const { passed, said } = await check(planted)
  assert.ok(!passed)
  assert.match(said, /^docs\/a\.md: src\/gone\.ts does not exist$/m)
  assert.match(said, /^docs\/a\.md: test\/gone\/\*\.ts does not exist$/m)
  assert.doesNotMatch(said, /example/)
})

test('a first page that is too long is refused', async () => {
  const { passed, said } = await check({ 'README.md': 'line\n'.repeat(151), 'ARCHITECTURE.md': 'line\n'.repeat(200) })
  assert.ok(!passed)
  assert.match(said, /^README\.md: has 151 lines; at most 150 are allowed$/m)
  assert.doesNotMatch(said, /ARCHITECTURE/)
})
