import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { outcomeOf, refusalOf } from '../../test/support/edit-outcome.ts'

const OTHER = 'const a = 1\n'
const BLOCK =
  '### edit src/other.ts\n<<<<<<< SEARCH\nconst a = 1\n=======\nconst a = 2\n>>>>>>> REPLACE\n\nThen the rest.\n\n'
const fence = (language: string, body: string) => `\`\`\`${language}\n${body.trimEnd()}\n\`\`\`\n`

const tested = (name: string, value: number) =>
  `\ntest('${name}', () => {\n  equal(sum(1, ${value}), ${value + 1})\n})\n`
const TESTS = `import { sum } from './sum.js'\n${tested('adds', 2)}${tested('adds zero', 0)}`
const FILES = { 'src/other.ts': OTHER, 'sum.test.js': `${TESTS}${tested('adds negatives', -2)}` }
const EXCERPT = `${TESTS}${tested('adds big numbers', 1_000)}`

describe('a part of a file below its name is not taken for all of it', () => {
  for (const lead of [
    '`FILE`:',
    'Update FILE:',
    'The top of FILE:',
    'FILE up to `adds zero`:',
    'FILE, abridged:',
    'Without repeating the whole file FILE:',
    'I leave out the rest of the complete file FILE:',
    'This is no full file but the beginning of FILE:',
    'Here is the full code of `adds` in FILE:',
  ])
    test(lead, async () => {
      await refusalOf(FILES, `${BLOCK}${lead.replace('FILE', 'sum.test.js')}\n${fence('js', EXCERPT)}`)
    })
})

const CONFIG = 'name: dev\nhost: localhost\nport: 8080\ndebug: true\nlevel: info\ncache: none\nretries: 3\nqueue: mem\n'
const PRODUCTION = CONFIG.replace('localhost', 'example.com').replace('queue: mem', 'queue: redis')

describe('another state of a file, or one for later, does not become the file', () => {
  for (const lead of [
    'Based on `FILE`:',
    'In production `FILE` reads:',
    'Our CI overwrites `FILE` with:',
    'Running `cat FILE` prints:',
    'Rejected: `FILE`',
    '`FILE` (unchanged):',
    'In a follow-up, `FILE`:',
    '## Next steps\n\n`FILE`:',
    '- [ ] `FILE`:',
    'FILE in the main branch:',
  ])
    test(lead, async () => {
      const files = { 'src/other.ts': OTHER, 'dev.yaml': CONFIG }
      const outcome = await outcomeOf(
        files,
        `${BLOCK}${lead.replace('FILE', 'dev.yaml')}\n${fence('yaml', PRODUCTION)}`,
      )
      assert.ok(typeof outcome === 'string' || !('dev.yaml' in outcome), JSON.stringify(outcome))
    })

  test('but what is said to be its new state does', async () => {
    const files = { 'src/other.ts': OTHER, 'dev.yaml': CONFIG }
    for (const lead of [
      '`dev.yaml`:',
      '**dev.yaml** (updated)',
      'Here is the updated dev.yaml:',
      '`dev.yaml` now reads:',
    ])
      assert.deepEqual(await outcomeOf(files, `${BLOCK}${lead}\n${fence('yaml', PRODUCTION)}`), {
        'src/other.ts': 'const a = 2\n',
        'dev.yaml': PRODUCTION,
      })
  })
})

const BEFORE = 'export function find(id) {\n  return users.get(id)\n}'
const USERS = `const users = new Map()\n\n${BEFORE}\n\nexport const all = () => [...users.values()]\n\nexport default all\n`
const AFTER = BEFORE.replace('get(id)', 'get(String(id))')

describe('a changed fence behind a view of the file is refused, whatever leads to it', () => {
  for (const [before, after] of [
    ['before:', 'After:'],
    ['the current code:', 'Updated:'],
    ['this', 'becomes'],
    ['', 'Change it to:'],
    ['', '→'],
    ['', ''],
  ])
    test(`${before} … ${after}`, async () => {
      const shown = `In \`src/users.ts\`, ${before}\n${fence('ts', BEFORE)}${after}\n${fence('ts', AFTER)}`
      await refusalOf({ 'src/other.ts': OTHER, 'src/users.ts': USERS }, `${BLOCK}${shown}`)
    })

  test('but an example of its use is passed over', async () => {
    const shown = `In \`src/users.ts\` it reads:\n${fence('ts', BEFORE)}\nIt is used so:\n${fence('ts', "const ada = find('1')\nshow(ada)")}`
    const outcome = await outcomeOf({ 'src/other.ts': OTHER, 'src/users.ts': USERS }, `${BLOCK}${shown}`)
    assert.deepEqual(outcome, { 'src/other.ts': 'const a = 2\n' })
  })
})

describe('a file that words say is made or gone, and no block makes or takes, refuses the answer', () => {
  for (const words of [
    'I have also added `src/new.ts`.',
    '`src/new.ts` was created for that.',
    '- Created: `src/new.ts`',
    'I have created a small helper in `src/new.ts`.',
    '`src/new.ts` is gone now.',
    'I got rid of `src/new.ts`.',
    'I deleted the now useless `src/new.ts` module.',
  ])
    test(words, async () => {
      await refusalOf({ 'src/other.ts': OTHER }, `${BLOCK}${words}\n`, ['src/other.ts', 'src/new.ts'])
    })

  test('but what is added to a file that is there, or taken from it, says nothing of that kind', async () => {
    const words = 'I added `src/new.ts` to the imports. The flag was created in `src/other.ts`.\n'
    const outcome = await outcomeOf({ 'src/other.ts': OTHER }, `${BLOCK}${words}`, ['src/other.ts', 'src/new.ts'])
    assert.deepEqual(outcome, { 'src/other.ts': 'const a = 2\n' })
  })
})
