import assert from 'node:assert/strict'
import { test } from 'node:test'
import { memoryTree } from '../../test/support/memory-tree.ts'
import { Fault } from '../faults/fault.ts'
import { refuseMistakenScope } from './mistaken-scope.ts'

const tree = memoryTree({
  'README.md': '',
  'src/a.js': '',
  'src/deep/b.js': '',
  'srcs/c.js': '',
  'Größe/d.js': '',
  'odd*.txt': '',
  link: null,
})

const fits: Record<string, string[]> = {
  'files and folders as they are': ['README.md', 'src/', 'src/deep/', 'src/a.js', 'odd*.txt'],
  'what is not there yet': ['new.js', 'new/', 'src/new.js', 'src/new/', 'app/[slug]/page.tsx', 'what?.md'],
  'a folder whose files may all go, for a file of its name': ['srcs', 'srcs/c.js'],
  'the same, by the folder': ['src', 'src/'],
  'a file that may go, for a folder of its name': ['README.md', 'README.md/', 'README.md/en.md'],
  'another case, where the old name is in scope too': ['readme.md', 'README.md'],
  'a folder in another case, where the old one is in scope too': ['SRC/a.js', 'src/'],
  'a named link, which is said where it is read': ['link'],
}

for (const [name, scope] of Object.entries(fits)) {
  test(`a scope fits: ${name}`, () => refuseMistakenScope(tree, scope))
}

const mistaken: Record<string, [scope: string[], says: RegExp]> = {
  'life A6, a folder without its slash': [['src'], /"src" is a folder; name it "src\/"/],
  'a folder of which only a part may go': [['src', 'src/a.js'], /"src" is a folder/],
  'a deeper folder': [['README.md', 'src/deep'], /"src\/deep" is a folder; name it "src\/deep\/"/],
  'a file with a slash': [['README.md/'], /"README\.md\/" is a file; name it "README\.md"\./],
  'something below a file': [['README.md/x'], /"README\.md\/x" lies below "README\.md", which is a file/],
  'another case of a file': [['Readme.md'], /"Readme\.md".*name it "README\.md"/],
  'another case of a folder': [['SRC/'], /"SRC\/".*name it "src\/"/],
  'another case of a folder on the way': [['src/Deep/new.js'], /name it "src\/deep\/new\.js"/],
  'another normalization': [['Größe/'.normalize('NFD')], /name it "Größe\/"/],
  'a pattern': [['src/*.js'], /"src\/\*\.js" is not there, and no pattern/],
  'several at once': [
    ['src', 'README.md/'],
    /"src" is a folder.*; "README\.md\/" is a file.*approve it again and retry\.$/,
  ],
}

for (const [name, [scope, says]] of Object.entries(mistaken)) {
  test(`a scope is refused with what to name instead: ${name}`, () =>
    assert.rejects(refuseMistakenScope(tree, scope), (error) => {
      assert.ok(error instanceof Fault && error.code === 'work_order_invalid', String(error))
      assert.match(error.message, says)
      return true
    }))
}

test('a link named as a folder is unreadable', () =>
  assert.rejects(refuseMistakenScope(tree, ['link/']), { code: 'scope_unreadable' }))
