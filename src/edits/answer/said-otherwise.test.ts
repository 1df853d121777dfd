/** Changes that are said in another way than by a block: none is passed over, and words about a file are words. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { type Files, outcomeOf, refusalOf } from '../../../test/support/edit-outcome.ts'

const FILES: Files = {
  'src/a.ts': 'one\ntwo\n',
  'src/b.ts': 'bee\n',
  'src/old/c.ts': 'sea\n',
  'bin/run': 'x\n',
  Makefile: 'all:\n',
}
const PAIR = '<<<<<<< SEARCH\none\n=======\nONE\n>>>>>>> REPLACE\n'
const FIRST = `### edit src/a.ts\n${PAIR}`
const DONE = { 'src/a.ts': 'ONE\ntwo\n' }
const sh = (commands: string, info = 'sh') => `\`\`\`${info}\n${commands}\n\`\`\``

const CALLS: Readonly<Record<string, string>> = {
  'a call as JSON': '{"name": "write", "arguments": {"path": "src/b.ts", "content": "x = 2"}}',
  'one in a fence': sh('{"name": "edit", "arguments": {"path": "src/b.ts", "search": "bee", "replace": "B"}}', 'json'),
  'one of many lines': sh(
    '{\n  "name": "edit",\n  "path": "src/b.ts",\n  "search": "bee",\n  "replace": "B"\n}',
    'json',
  ),
  'one of another key': '{"tool": "delete", "path": "src/b.ts"}',
  'one of a file without a dot': '{"tool": "delete", "path": "Makefile"}',
  'one with arguments in quotes': '{"name": "delete", "arguments": "{\\"path\\": \\"src/b.ts\\"}"}',
  'one out of scope': '{"name": "write", "arguments": {"path": "lib/new.ts", "content": "x"}}',
  'single quotes': "{'name': 'delete', 'arguments': {'path': 'src/b.ts'}}",
  'tokens of Mistral': '[TOOL_CALLS][{"name": "delete", "arguments": {"path": "src/b.ts"}}]',
  'tokens of DeepSeek':
    '<｜tool▁calls▁begin｜><｜tool▁call▁begin｜>function<｜tool▁sep｜>delete\n```json\n{"path": "src/b.ts"}\n```\n<｜tool▁call▁end｜>',
  'tokens of Llama': '<|python_tag|>delete(path="src/b.ts")',
  'tokens of Kimi': '<|tool_calls_section_begin|><|tool_call_begin|>functions.delete:0',
  'tokens of Qwen': '<function=delete>\n<parameter=path>\nsrc/b.ts\n</parameter>',
  'a call as code': 'delete(path="src/b.ts")',
  'a call as code in a fence': sh('print(default_api.delete(path="src/b.ts"))', 'tool_code'),
  'an action and its input': 'Action: delete\nAction Input: {"path": "src/b.ts"}',
  'keys without quotes': sh('- path: src/b.ts\n  search: bee\n  replace: B', 'yaml'),
}

for (const [name, call] of Object.entries(CALLS))
  test(`a call of a tool that is printed as text refuses the answer: ${name}`, async () => {
    assert.match(
      await refusalOf(FILES, `${FIRST}\n${call}\n`),
      /not read here|reads like a change of "src\/b|nothing says that it is the whole file/,
    )
  })

const SAID: Readonly<Record<string, string>> = {
  'a heading with a remark': '### src/b.ts (deleted)',
  'a heading with a verb in brackets': '### `src/b.ts` (delete)',
  'a heading with a verb behind a dash': '### src/b.ts — delete',
  'a heading with a label': '### File to delete: src/b.ts',
  'bold with a remark': '**src/b.ts** (delete this file)',
  'a row of a table': '| File | Action |\n|---|---|\n| `src/b.ts` | Deleted, no longer used |',
  'an item': '- [x] `src/b.ts`: removed',
  'a sentence': 'The file `src/b.ts` is no longer needed and should be deleted.',
  'a clause': 'Nothing imports it any more, so I removed `src/b.ts`.',
  'a file without a dot': '### `Makefile` (deleted)',
  'a renaming as a heading': '### src/b.ts → src/d.ts',
  'a renaming in words': 'I renamed `src/b.ts` to `src/d.ts`.',
  'a command in words': 'Then run `rm src/b.ts`.',
  'a command in an item': '- `git rm src/b.ts`',
  'a command of another shell in words': 'Then run `del src\\b.ts`.',
  'a command by its path': sh('/bin/rm -f src/b.ts'),
  'a command in a condition': sh('if [ -f src/b.ts ]; then rm src/b.ts; fi'),
  'a command in a sub-shell': sh('(cd src; rm b.ts)'),
  'a command through xargs': sh('echo src/b.ts | xargs rm'),
  'a command through find': sh('find src -name b.ts -delete'),
  'a command that find runs': sh('find src/old -type f -exec rm {} +'),
  'a command in a loop': sh('for f in src/b.ts bin/run; do\n  rm "$f"\ndone'),
  'a command on a folder': sh('rm -rf src/old'),
  'a command on a pattern': sh('rm src/old/*.ts'),
  'a command on a file without a dot': sh('rm Makefile'),
  'another sed': sh("gsed -i 's/x/y/' src/b.ts"),
  'sed with an option before': sh("sed -n -i.bak 's/x/y/' src/b.ts"),
  'an editor of lines': sh('ed -s src/b.ts <<< "1d"'),
  'a copy of bytes': sh('dd of=src/b.ts < /dev/null'),
  PowerShell: sh('Remove-Item src/b.ts', 'powershell'),
  'the shell of Windows': sh('del src\\b.ts', 'cmd'),
  'a program in the line': sh(`node -e "require('fs').unlinkSync('src/b.ts')"`),
  'a program in the line of PHP': sh(`php -r "file_put_contents('src/b.ts','x');"`),
  'a program in the line that copies': sh(`node -e "fs.cpSync('src/a.ts','src/b.ts')"`),
  'a program in the line that links': sh(`node -e "fs.symlinkSync('src/a.ts','src/b.ts')"`),
  'a program in the line that touches': sh(`python3 -c "from pathlib import Path; Path('src/b.ts').touch()"`),
  'a program in the line that edits': sh(
    `python3 -c "import fileinput; [print(x) for x in fileinput.input('src/b.ts', inplace=True)]"`,
  ),
  'a file that is restored as well': sh('git restore -SW src/b.ts'),
  'a file that is restored from a branch': sh('git restore -sMASTER src/b.ts'),
  'a program behind it': sh('python3 - <<EOF\nopen("src/b.ts","w").write("")\nEOF'),
  'a command that is not known': sh('my-codemod src/b.ts', 'bash'),
  'an output that is not the last one': sh('echo x > src/b.ts 2>&1'),
  'a command behind a prompt': sh('$ unknown-tool src/b.ts\n$ npm test', 'console'),
}

for (const [name, words] of Object.entries(SAID))
  test(`a change that no block makes refuses the answer: ${name}`, async () => {
    assert.match(await refusalOf(FILES, `${FIRST}\n${words}\n`), /reads like a change of "/)
  })

test('what a block carries out may be said as well', async () => {
  const said = ['### src/b.ts (deleted)', 'I removed `src/b.ts`.', sh('git rm src/b.ts'), '| src/b.ts | delete |']
  for (const words of said) {
    const outcome = await outcomeOf(FILES, `${FIRST}\n### delete src/b.ts\n\n${words}\n`)
    assert.deepEqual(outcome, { ...DONE, 'src/b.ts': null }, words)
  }
  const folder = `### delete src/old/c.ts\n\n${sh('rm -r src/old')}`
  assert.deepEqual(await outcomeOf(FILES, folder), { 'src/old/c.ts': null })
})

const WORDS: Readonly<Record<string, string>> = {
  'why a file stays': 'I did not delete `src/b.ts`, because it is still used.',
  'that a file stays': '`src/b.ts` is not deleted.',
  'a part of a file that is removed': 'I removed the unused import from `src/b.ts` in an earlier order.',
  'what was removed before': '`src/b.ts` was deleted in an earlier commit already.',
  'a condition': 'If nobody uses it, you could delete `src/b.ts` later.',
  'a command that is not to be run': 'Do not run `rm src/b.ts`.',
  'a command for something else': `Then run \`rm -rf node_modules\`:\n\n${sh('rm -rf node_modules dist\nnpm ci')}`,
  'tests to be run': sh('npx vitest run src/b.ts && node --test src/b.ts\npython -m pytest src/b.ts'),
  'a program to be run': sh('$ bin/run --verbose\n$ ./bin/run && echo ok'),
  'files to be committed': sh('git add src/b.ts bin/run && git commit -m "Remove old code"\ngit diff src/b.ts'),
  'files to be looked at': sh("grep -i bee src/b.ts | sed -n '1,5p'\ncat src/b.ts | head -3"),
  'programs that only read': sh('tokei src/b.ts\nnl -ba src/b.ts\nfastapi dev src/b.ts\nwrangler dev src/b.ts'),
  'a program in a line that only reads': sh(`node -p "require('./src/b.ts').bee"\nperl -ne 'print' src/b.ts`),
  'files that are not to be committed': sh(
    'git restore --staged src/b.ts\ngit restore -S src/b.ts\ngit restore -qS src/b.ts\ngit reset HEAD src/b.ts',
  ),
  'the output of a command': sh('$ npm test\nPASS src/b.ts\n src/b.ts:3 error removed', 'console'),
  'a formatter': sh('npx prettier --write src/b.ts'),
  'a formatter that only looks': sh('npx prettier --check src/b.ts\neslint src/b.ts'),
  'a part that moved': 'The helper moved to `src/b.ts` long ago.',
  'a way of data': 'Data goes `src/a.ts` -> `src/b.ts` -> out.',
  'an example of JSON': `The answer is:\n\n${sh('{"name": "demo", "path": "/items/3", "to": 4}', 'json')}`,
  'a function that is named like a tool': 'It calls `write(buffer)` and `delete(key)`.',
  'a label': 'File: `src/b.ts`\n\nIt stays as it is.',
  'a mode that is there': '`bin/run` is executable already.',
  'a mode git does not keep': sh('chmod u+w bin/run && chmod go-w bin/run'),
}

for (const [name, words] of Object.entries(WORDS))
  test(`words about files are words: ${name}`, async () => {
    assert.deepEqual(await outcomeOf(FILES, `${FIRST}\n${words}\n`), DONE)
  })

const REMARKS = [
  'src/a.ts (and src/b.ts)',
  'src/a.ts - and src/b.ts too',
  'src/a.ts # and src/b.ts as well',
  '`src/a.ts` and `src/b.ts`',
  'src/a.ts (no, it is still used)',
  'src/a.ts (not needed: nothing is deleted)',
]

for (const remark of REMARKS) {
  test(`words behind the path of a deletion refuse it: ${remark}`, async () => {
    const message = /behind (?:its|the) path|outside files_in_scope/
    assert.match(await refusalOf(FILES, `### delete ${remark}\n`), message)
    assert.match(await refusalOf(FILES, `## Delete ${remark}\n`), /behind (?:its|the) path|no block|outside/)
    assert.match(
      await refusalOf(FILES, `### rename src/old/c.ts -> ${remark}\n`),
      /behind its path|is there already|outside files_in_scope/,
    )
  })
}

test('words behind the path of a deletion that say why are no more', async () => {
  for (const path of ['src/b.ts (no longer used)', '`src/b.ts` — obsolete', 'src/b.ts (deleted)', '**src/b.ts**:'])
    assert.deepEqual(await outcomeOf(FILES, `### delete ${path}\n`), { 'src/b.ts': null }, path)
})

const EMPTY = {
  applied: ['No changes needed.', 'Nothing to change here.', 'Unchanged', 'No changes are required, as it is used.'],
  refused: [
    'Already in place is the import. Add below it: print 2',
    'Not only the import but also the call: replace print(1)',
    'No changes to the imports, then add a call.',
    'No changes needed.\nBut replace bee.',
    'No comments were there. I wrote some.',
  ],
}

test('an edit block without a pair is passed over where a sentence says that the file stays as it is', async () => {
  for (const words of EMPTY.applied)
    assert.deepEqual(await outcomeOf(FILES, `${FIRST}\n### edit src/b.ts\n${words}\n`), DONE, words)
  for (const words of EMPTY.refused)
    assert.match(
      await refusalOf(FILES, `${FIRST}\n### edit src/b.ts\n${words}\n`),
      /has no SEARCH\/REPLACE pair/,
      words,
    )
})
