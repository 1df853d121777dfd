/** Words which say that a file was changed: a block must make that change. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { type Files, outcomeOf, refusalOf } from '../../../test/support/edit-outcome.ts'
import { assertLinear, repeated } from '../../../test/support/growth.ts'
import { Fault } from '../../faults/fault.ts'
import { parseEdits } from '../parse-edits.ts'
import { ScopeNames } from '../scope-names.ts'
import { askedIn, toldIn } from './told-changes.ts'

const FILES: Files = { 'src/a.ts': 'one\ntwo\n', 'src/b.ts': 'bee\n' }
const SCOPE = [...Object.keys(FILES), 'src/d.ts']
const FIRST = '### edit src/a.ts\n<<<<<<< SEARCH\none\n=======\nONE\n>>>>>>> REPLACE\n'
const DONE = { 'src/a.ts': 'ONE\ntwo\n' }

const TOLD = [
  'I also changed the port in src/b.ts to 9090.',
  "I've also updated `src/b.ts` accordingly.",
  'In addition, I adjusted `src/b.ts`.',
  'In src/b.ts, I changed the port to 9090.',
  'I changed src/a.ts and src/b.ts.',
  'I went ahead and documented this in src/b.ts.',
  'I increased the port in src/b.ts by 10.',
  'I removed the old value from src/b.ts.',
  'I moved the value from src/a.ts to src/b.ts.',
  'I also had to change `src/b.ts`.',
  'I had to update src/b.ts to round the value.',
  'Also changed: `src/b.ts`',
  'I added the export to `src/b.ts`.',
  'I added a note about this to `src/b.ts`.',
  'I changed the port from `8080` to `9090` in `src/b.ts`.',
  'I renamed `bee` to `wasp` in `src/b.ts`.',
  'I did the same in `src/b.ts`.',
  'The same change was applied to `src/b.ts`.',
  'This also updates `src/b.ts`.',
  'Updated `src/a.ts` and `src/b.ts`.',
  '`src/a.ts` and `src/b.ts` were updated.',
  'src/b.ts updated accordingly.',
  '- `src/b.ts`: changed the port',
  '- **src/b.ts** – bumped the port to 9090',
  'Changes:\n- `src/b.ts`: add the port',
  '## What I did\n\n1. Update `src/a.ts`.\n2. Update `src/b.ts` to match.',
  '- Removed dead code from src/b.ts',
  '| `src/a.ts` | Add the value |\n| `src/b.ts` | Change the port |',
  'Files changed: `src/a.ts`, `src/b.ts`',
  '## Files changed\n\n- `src/a.ts`\n- `src/b.ts`',
  'The following files were changed:\n- src/a.ts: the value\n- src/b.ts: the port',
  '**Changes in `src/b.ts`:**\n- the port is 9090',
  '`src/b.ts`: `8080` → `9090`',
  'In `src/b.ts`, change `8080` to `9090`.',
  'Replace `8080` with `9090` in `src/b.ts`.',
  'I also updated the tests in src/b.ts.',
  'The tests in src/b.ts were updated.',
  'Also updated `src/b.ts` to use the new name.',
  'The port in `src/b.ts` was changed to 9090 as well.',
  'The port was changed in src/b.ts as well.',
  '`src/b.ts` has been updated to match.',
  '- `src/b.ts`: also changed the port to 9090',
  'src/b.ts -> src/d.ts',
  '- `src/a.ts` → `src/b.ts`',
  '`git rm src/b.ts` once',
  'I ran `git rm src/b.ts` once it was unused.',
  'I ran `git rm src/b.ts` by hand.',
  'I ran git rm src/b.ts.',
  '- src/b.ts: fixed rounding',
  '- src/b.ts: updated imports',
  '- src/b.ts: exported `round`',
  '- src/b.ts: set the port',
  'Changes:\n- Use 9090 in `src/b.ts`.',
  'Changes to src/b.ts\n\nThe port is 9090.',
  'Changes to src/b.ts\n\nNo comments, but another port.',
  'In `src/b.ts`, add and export `wasp`.',
  'Files changed:\n- src/a.ts\n\n- src/b.ts',
  'Changes:\n- Add a helper and use it in `src/b.ts`.',
  "I ran a script like this:\n```ts\nfs.writeFileSync('src/b.ts', text)\n```",
]

for (const words of TOLD)
  test(`a change that is told and that no block makes refuses the answer: ${words}`, async () => {
    assert.match(await refusalOf(FILES, `${FIRST}\n${words}\n`, SCOPE), /reads like a change of "src\/b\.ts"/)
  })

test('a file that is told to have been created needs a block, however it is said', async () => {
  for (const words of ['Created `src/d.ts`.', 'A helper was created in `src/d.ts`.', 'I have created `src/d.ts`.'])
    assert.match(await refusalOf(FILES, `${FIRST}\n${words}\n`, SCOPE), /reads like a change of "src\/d\.ts"/, words)
})

const PROGRAMS = [
  "```js\nfs.writeFileSync('src/b.ts', text.replace('8080', '9090'))\n```",
  "```python\nwith open('src/b.ts', 'w') as file:\n    file.write(text)\n```",
  "```python\npath = Path('src/b.ts')\npath.write_text(path.read_text().replace('8080', '9090'))\n```",
  "```python\nPath('src/b.ts').write_text(text)\n```",
]
for (const program of PROGRAMS)
  test(`a program that writes a file is a change that a block must make: ${program.split('\n')[1]}`, async () => {
    assert.match(await refusalOf(FILES, `${program}\n\n${FIRST}`, SCOPE), /reads like a change of "src\/b\.ts"/)
    const done = await outcomeOf(FILES, `${program.replaceAll('src/b.ts', 'out/b.ts')}\n\n${FIRST}`, SCOPE)
    assert.deepEqual(done, DONE)
  })

test('a fence with what becomes of the lines of a named file is no example', async () => {
  const shown = (before: string, after: string) =>
    `\`src/b.ts\`:\n\n${before}\n\`\`\`ts\nbee\n\`\`\`\n\n${after}\n\`\`\`ts\nwasp\n\`\`\`\n`
  for (const [before, after] of [
    ['Before:', 'After:'],
    ['It was', 'It becomes'],
    ['', 'Change it to:'],
  ] as const)
    for (const answer of [`${FIRST}\n${shown(before, after)}`, `${shown(before, after)}\n${FIRST}`])
      assert.match(await refusalOf(FILES, answer, SCOPE), /nothing says that it is the whole file/, before)
  const examples = 'Before:\n```ts\none(1)\n```\n\nAfter:\n```ts\nONE(1)\n```\n'
  assert.deepEqual(await outcomeOf(FILES, `${FIRST}\n${examples}`, SCOPE), DONE)
  const used = shown('The code is:', 'New:').replace('wasp', "import { bee } from './b.ts'")
  assert.deepEqual(await outcomeOf(FILES, `${FIRST}\n${used}`, SCOPE), DONE)
})

test('the first line of a fence names its file as editors write it', async () => {
  for (const line of ['// filepath: src/b.ts', '// File path: src/b.ts', '/* filepath: src/b.ts */'])
    for (const answer of [`${FIRST}\n\`\`\`ts\n${line}\nwasp\n\`\`\`\n`, `\`\`\`ts\n${line}\nwasp\n\`\`\`\n\n${FIRST}`])
      assert.match(await refusalOf(FILES, answer, SCOPE), /"src\/b\.ts": /)
})

const WORDS = [
  'src/b.ts already uses 9090.',
  '`src/b.ts` needs no change.',
  '`src/b.ts` is unchanged.',
  'src/b.ts was already updated.',
  'src/b.ts was changed in an earlier commit.',
  'src/b.ts was updated by the last order.',
  'I did not change src/b.ts.',
  'No changes were made to src/b.ts.',
  'The callers in src/b.ts were left unchanged.',
  'If you want, I can change src/b.ts too.',
  'I changed the value so that src/b.ts works.',
  'I changed the value that src/b.ts exports.',
  'I changed the constant used in src/b.ts.',
  'I updated src/a.ts to use the helper in src/b.ts.',
  'I updated the import of src/b.ts in src/a.ts.',
  'I updated the `src/b.ts` import too.',
  'I also added a link to src/b.ts.',
  'I updated the tests for src/b.ts.',
  'I fixed the problem in src/b.ts by changing src/a.ts.',
  'It has the name that was changed in src/b.ts.',
  'The failing tests in src/b.ts are now fixed.',
  'The bug in src/b.ts is now fixed.',
  'I fixed the failing test in src/b.ts.',
  'I fixed the failures in src/b.ts.',
  'I made the function in src/a.ts match the one in src/b.ts.',
  'I changed the value the tests in src/b.ts expect.',
  'This way the calls in src/b.ts are now simplified.',
  'The errors in src/b.ts were fixed upstream.',
  'I dropped the value imported from src/b.ts too.',
  'I removed the unused import from src/b.ts.',
  '- Removed it from `src/b.ts`',
  '- `src/b.ts`: exports the port',
  '- `src/b.ts`: change log of the ports',
  '- `src/b.ts`: fixed by this change',
  '- `src/b.ts`: added in #12',
  '- Fixed: `src/b.ts` now passes',
  '| Test | Result |\n|---|---|\n| `src/b.ts` | fixed |',
  '- Use `bee` from `src/b.ts`',
  '- Added a comment linking to `src/b.ts`',
  'I made `one` in `src/a.ts` call `bee` in `src/b.ts`.',
  'I changed `one` in `src/a.ts` so it calls `bee` in `src/b.ts`.',
  'I changed `one` to call the function in `src/b.ts`.',
  'Possible improvements:\n\n1. Update `src/b.ts`.\n2. Add a port to `src/b.ts`.',
  'Recommendations:\n- `src/b.ts`: add the port',
  'Other changes that could be made:\n- Update `src/b.ts`',
  'Not included:\n- Update `src/b.ts`',
  'What happened before:\n- `src/b.ts`: changed the port',
  '- Changed the port in `src/b.ts` in #5',
  'Alternatives:\n\n- Change `src/b.ts` to take a list',
  'Since the ports in `src/b.ts` were changed, `one` was off.',
  'Update `src/b.ts` on your servers with the new port.',
  '- Add the port to your `src/b.ts`',
  '`src/a.ts` and `src/b.ts` were not changed.',
  'Files changed: `src/a.ts`',
  '**Files changed**\n\n- `src/a.ts`\n\n**Files read**\n\n- `src/b.ts`',
  '**Files changed**\n\n- `src/a.ts`\n- `src/b.ts` (unchanged)',
  'The path is `<root>/src/b.ts`.',
  'The CLI created `src/b.ts` on its first run.',
  '`src/b.ts` is created on the first run.',
  'Data flows this way:\n\nsrc/a.ts -> src/b.ts',
  'The imports:\n- src/a.ts -> src/b.ts',
  'src/a.ts -> src/b.ts -> src/d.ts',
  '- src/b.ts: exported round',
  '- src/b.ts: set of rates',
  '- src/b.ts: fixed size',
  '- src/b.ts: updated rates come from here',
  '- src/b.ts: put and get',
  '| src/b.ts | fixed rate |',
  '| src/b.ts | set at deploy |',
  '| src/b.ts | added to the image |',
  '- src/b.ts — raised a TypeError where the rate is missing',
  '- src/b.ts: fixed',
  '- src/b.ts: fixed, passes now',
  'Changes:\n- Use `round` in `src/b.ts`.',
  'Changes:\n- Use the helper in src/b.ts.',
  'Changes:\n- Replace the copy with the helper in src/b.ts.',
  'Changes:\n1. Extend the type in src/b.ts by a subtype in src/a.ts.',
  'In `src/b.ts`, update() calls this.',
  'In `src/b.ts`, remove is called with the id.',
  'In `src/b.ts` add() is used, too.',
  'In src/b.ts, replace and insert share a lock.',
  'Changes to src/b.ts\n\nNone.',
  'Fixed per the comment in `src/b.ts`.',
  'I changed the arguments passed to `round()` in `src/b.ts`.',
  'In `src/b.ts` change the port to deploy.',
  'Files changed:\n- src/a.ts\nTests run\n- src/b.ts',
  'Files changed:\n- src/a.ts\n\nRelated files\n- src/b.ts',
  'Files changed:\n- src/a.ts\n\nFiles that use it\n\n- src/b.ts',
  "The store persists like this:\n```ts\nfs.writeFileSync('src/b.ts', text)\n```",
  "Usage example:\n\n```ts\nawait writeFile('src/b.ts', text)\n```",
  'Run `git rm src/b.ts` once this is merged.',
  '`git rm src/b.ts` can be run later.',
]

for (const words of WORDS)
  test(`words about a file tell of no change: ${words}`, async () => {
    assert.deepEqual(await outcomeOf(FILES, `${FIRST}\n${words}\n`, SCOPE), DONE)
  })

test('what to write instead is told to the model, and not to people', () => {
  assert.throws(
    () => parseEdits(`${FIRST}\nI also changed src/b.ts.\n`, SCOPE),
    (error) => {
      assert.ok(error instanceof Fault)
      assert.match(error.message, /which no block makes\.$/)
      assert.match(String(error.details['for_model']), /no block makes\. Write every change as a block/)
      return true
    },
  )
})

const PARTS = [
  'I changed src/b.ts and ',
  'in src/b.ts, ',
  'the a in ',
  'was ',
  '`src/b.ts` -> ',
  '- src/b.ts: add ',
  'change a to b in ',
  'a were ',
  'files changed: src/b.ts ',
]
for (const part of PARTS)
  test(`told changes are looked for in linear time: ${part}`, async () => {
    const names = new ScopeNames(SCOPE)
    await assertLinear(
      (size) => repeated(`${repeated(part)(1_500)}\n`)(size),
      (text) => text.split('\n').forEach((line) => [toldIn(line, names), askedIn(line, names)]),
      200_000,
    )
  })
