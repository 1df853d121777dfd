import assert from 'node:assert/strict'
import { test } from 'node:test'
import { memoryTree } from '../../test/support/memory-tree.ts'
import { buildProposerRequest } from './proposer-request.ts'
import { lookAt, notShown, partsOf, shownFiles } from './sight.ts'

const tree = memoryTree({
  'AGENTS.md': 'Be kind.\n',
  'docs/style.md': 'style\n',
  'src/greet.ts': "import { name } from './name.ts'\n",
  'src/name.ts': 'export const name = 1\n',
  'logo.png': Buffer.from([0, 1]),
})
const request = buildProposerRequest({
  title: 'Greet',
  description: '',
  acceptance_criteria: [],
  files_in_scope: ['src/greet.ts', 'logo.png'],
  risk_level: 'low',
})
const look = (modelTokens: number | null, extraContextTokens = 1_000) =>
  lookAt(
    tree,
    { request, contextFiles: ['docs/style.md'] },
    { contextMaxBytes: 1_000, extraContextTokens },
    modelTokens,
  )

test('what a model is shown is told, in the order of the prompt', async () => {
  assert.deepEqual(shownFiles(await look(null)), [
    { path: 'AGENTS.md', why: 'guidance', bytes: 9 },
    { path: 'docs/style.md', why: 'context', bytes: 6 },
    { path: 'src/name.ts', why: 'import', bytes: 22 },
    { path: 'src/greet.ts', why: 'scope', bytes: 33 },
  ])
})

test('what is shown beside the scope takes no room from the answer of a model with a small context', async () => {
  assert.equal((await look(1_000_000)).context.length, 3)
  assert.deepEqual((await look(16_000)).context, [])
  assert.deepEqual((await look(null, 0)).context, [])
})

test('what is shown is looked through for secrets, each file under its name', async () => {
  const places = partsOf(request, await look(null)).map(({ place }) => place)
  for (const { path } of shownFiles(await look(null))) assert.ok(places.includes(path), path)
})

test('a file that is named and not shown is told', async () => {
  const named = ['docs/style.md', 'docs/', 'src/greet.ts']
  assert.equal(notShown(await look(null), named), null)
  assert.match(String(notShown(await look(null, 0), named)), /to be read: docs\/style\.md\. /)
  const gone = String(notShown(await look(null), ['gone.md']))
  assert.match(gone, /^not shown to the model, though it was to be read: gone\.md, which is not in the base commit\.$/)
})
