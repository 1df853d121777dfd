/** Ordinary answers that say more than their blocks do: advice, output, what scripts do. They are applied. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { type Files, outcomeOf, refusalOf } from '../../../test/support/edit-outcome.ts'
import { assertLinear, repeated } from '../../../test/support/growth.ts'
import { ScopeNames } from '../scope-names.ts'
import { commandedBy, saidOf, saysMore } from './said-changes.ts'

const FILES: Files = {
  'README.md': '# Cart\n',
  'app/main.py': 'import os\n',
  'config/app.yaml': 'port: 1\n',
  'run.sh': 'x\n',
  'scripts/build.sh': 'rm -rf dist\n',
  'src/cart.ts': 'one\ntwo\n',
  'src/old.ts': 'x\n',
  'src/tax.ts': 'tax\n',
  'test/cart.test.ts': 'test\n',
}
const FIRST = '### edit src/cart.ts\n<<<<<<< SEARCH\none\n=======\nONE\n>>>>>>> REPLACE\n'
const DONE = { 'src/cart.ts': 'ONE\ntwo\n' }
const sh = (commands: string, info = 'bash') => `\`\`\`${info}\n${commands}\n\`\`\``

const COMMANDS = [
  'vim src/tax.ts',
  'rubocop app/main.py',
  'pdm run app/main.py\ntaplo check config/app.yaml\nstandard src/tax.ts',
  'streamlit run app/main.py\nflask --app app/main.py run',
  'ansible-playbook config/app.yaml',
  'swagger-cli validate config/app.yaml',
  './bin/app -c config/app.yaml\napp --config config/app.yaml',
  'wrk -s src/tax.ts\nab -n 10 http://x/\nglow README.md',
  'npm test\nPASS test/cart.test.ts\nFAIL src/tax.ts\nok src/tax.ts',
  'npx prettier --write src/cart.ts src/tax.ts',
  'eslint --fix src/tax.ts\nruff check --fix app/main.py\nblack app/main.py\ngofmt -w src/tax.ts',
  'cp config/app.yaml /tmp/app.yaml   # try it with your own',
]

for (const commands of COMMANDS)
  test(`a command that a block need not carry out is passed over: ${commands.split('\n', 1)[0]}`, async () => {
    assert.deepEqual(await outcomeOf(FILES, `${FIRST}\n${sh(commands)}\n`), DONE)
    assert.deepEqual(await outcomeOf(FILES, `${FIRST}\nOptionally:\n\n${sh(commands)}\n`), DONE)
  })

const LED = [
  'If something goes wrong, restore the file:\n\nCMD',
  'To undo:\n\nCMD',
  '### Next steps\n\nCMD',
  '**Optional cleanup, later:**\nCMD',
]

for (const led of LED)
  test(`commands behind words that leave them to a person are passed over: ${led.split('\n', 1)[0]}`, async () => {
    const commands = sh('git checkout src/tax.ts\nrm src/old.ts')
    assert.deepEqual(await outcomeOf(FILES, `${FIRST}\n${led.replace('CMD', commands)}\n`), DONE)
  })

const WORDS = [
  'The Dockerfile copies it with `COPY src/tax.ts .`.',
  '`scripts/build.sh` runs `cp src/tax.ts dist/`, so the rate ships with it.',
  'The script runs `mv src/tax.ts dist/tax.ts` at the end of the build.',
  'CI runs `touch src/tax.ts`.',
  'Since `sed -i s/a/b/ src/tax.ts` is no longer run by CI, nothing else changes.',
  'Later you can `rm src/old.ts`.',
  'When you are ready, run `git rm src/old.ts`.',
  'Run `git rm src/old.ts` when you are ready.',
  'Then `git mv src/tax.ts src/vat.ts` can be done in another order.',
  'To undo: `git checkout -- src/tax.ts`',
  'To try it: `cp config/app.yaml /tmp/app.yaml`',
  'To reproduce the bug: `echo hi > config/app.yaml`.',
  'Run `eslint --fix src/tax.ts` if your linter complains.',
  'To verify, run `npx prettier --write src/tax.ts`.',
  'You may need to run `chmod +x scripts/build.sh`.',
  'Run `chmod +x scripts/build.sh` yourself.',
  '- Removed it from `src/tax.ts`',
  'This was removed from README.md.',
  'This was moved from `src/tax.ts` to `src/cart.ts`.',
  '- Moved to `src/cart.ts` from `src/tax.ts`.',
  '- Moved it into `src/cart.ts` from `src/tax.ts`.',
  '`src/tax.ts` can be deleted.',
  'The file `src/old.ts` can now be removed.',
  '`src/tax.ts` should be deleted once all callers have moved.',
  'Make sure `scripts/build.sh` is executable.',
  '`run.sh` must be executable.',
  'It needs `run.sh` to be executable, which it is.',
  'Remove `src/old.ts` in a later order.',
  'Follow-up: delete `src/old.ts`.',
  'Out of scope here: removing `src/old.ts`.',
  'Not done: deletion of `src/tax.ts`.',
  'After the merge, `src/tax.ts` will be deleted.',
  '- [ ] `src/tax.ts` to be deleted',
  'Should src/tax.ts be removed?',
  'I set `a` to 2. The file `src/tax.ts` can now be removed.',
  'Next steps:\n- Delete `src/old.ts`\n- Add docs',
  '## Next steps\n\n1. Delete `src/old.ts`.',
  '- Removed `src/old.ts` import',
  'Removed unused `src/old.ts` import.',
  '- Dropped the `src/old.ts` reference',
  'Delete `src/old.ts` later if you have it.',
  '<explanation>The total in src/cart.ts is taxed.</explanation>',
  '<note>See src/tax.ts</note>',
  '<Cart> in `src/cart.ts` is taxed.',
]

for (const words of WORDS)
  test(`words that leave a change to a person, or tell of a part of a file, are words: ${words}`, async () => {
    assert.deepEqual(await outcomeOf(FILES, `${FIRST}\n${words}\n`), DONE)
    assert.deepEqual(await outcomeOf(FILES, `${words}\n\n${FIRST}`), DONE)
  })

const REFUSED = [
  'Once nothing imported it, I deleted `src/old.ts`.',
  'I moved `src/old.ts` into `src/vat.ts`.',
  'Renamed from `src/old.ts` to `src/vat.ts`.',
  'I made `run.sh` executable.',
  'Changes:\n- Delete `src/old.ts`',
  'As it is no longer used, run `rm src/old.ts`.',
  'Run `cp src/cart.ts src/tax.ts`.',
  'Then run `rm src/tax.ts`, since it is not used any more.',
  'No code uses it, so run `rm src/tax.ts`.',
  '**Not used any more:**\n- `src/tax.ts` (deleted)',
  `To verify:\n\n${sh('npm test')}\n\n- Delete \`src/tax.ts\``,
  sh('cp src/cart.ts src/tax.ts'),
  sh('sort -o src/tax.ts src/cart.ts\nnpx openapi config/app.yaml -o src/tax.ts'),
  'Then clean up:\n\n'.concat(sh('rm src/old.ts')),
  '<file path="src/tax.ts">',
  '<Delete> src/tax.ts',
]

for (const words of REFUSED)
  test(`a change that is said to be made, and that no block makes, refuses the answer: ${words}`, async () => {
    assert.match(await refusalOf(FILES, `${FIRST}\n${words}\n`), /reads like a change|is a change in a form/)
  })

const REASONS = [
  '(replaced by src/cart.ts)',
  '(merged into `src/cart.ts`)',
  '(split into src/cart.ts and src/tax.ts)',
  '(its content moved to src/cart.ts)',
  '(unused since v2)',
  '— nothing imports it',
  '(not used anymore)',
  '(not needed)',
  '(duplicate of src/cart.ts)',
  '(superseded by `README.md`)',
  '(was only a stub)',
  '(no longer needed after the refactor)',
  '(tests were moved)',
  '(replaced)',
  '(legacy code)',
  '(as the order asks)',
]

for (const reason of REASONS)
  test(`why a file goes may stand behind the path of its deletion: ${reason}`, async () => {
    assert.deepEqual(await outcomeOf(FILES, `### delete src/old.ts ${reason}\n`), { 'src/old.ts': null })
    assert.deepEqual(await outcomeOf(FILES, `## Delete \`src/old.ts\` ${reason}\n`), { 'src/old.ts': null })
  })

const DOUBTS = [
  '(together with src/tax.ts)',
  '(same for src/tax.ts)',
  '(merged into src/cart.ts, and src/tax.ts too)',
  '(not yet)',
  '(optional)',
  '(in addition to src/tax.ts)',
  '(see src/cart.ts; not deleted)',
]

for (const doubt of DOUBTS)
  test(`words behind the path that may take a deletion back, or name another one, refuse it: ${doubt}`, async () => {
    assert.match(await refusalOf(FILES, `### delete src/old.ts ${doubt}\n`), /behind (?:its|the) path/)
  })

const OF_RENAMES = [
  '(no content changes)',
  '(not changed)',
  '(no edits)',
  '(and update imports)',
  '— nothing imports it',
  '(no longer used)',
  '(content unchanged)',
]

for (const remark of OF_RENAMES)
  test(`a remark may stand behind the paths of a rename: ${remark}`, async () => {
    const outcome = await outcomeOf(FILES, `### rename src/old.ts -> src/new.ts ${remark}\n`, ['src/'])
    assert.deepEqual(outcome, { 'src/old.ts': null, 'src/new.ts': 'x\n' })
  })

const NAMES = new ScopeNames(Object.keys(FILES))
const PARTS = ['`rm src/old.ts` ', 'Later you can delete src/old.ts. ', 'from src/old.ts to ', 'When `a` if `b` ']

for (const part of PARTS)
  test(`words are read in linear time: ${part}`, async () => {
    await assertLinear(
      (size) => `${repeated(part)(1_900)}\n`.repeat(Math.ceil(size / 1_900)),
      (text) => {
        for (const line of text.split('\n')) {
          saidOf(line, NAMES)
          saysMore(line.slice(0, 390))
        }
        commandedBy(text.replaceAll('\n', ' ').slice(0, 20_000), NAMES)
      },
      200_000,
    )
  })
