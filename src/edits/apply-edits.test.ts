import assert from 'node:assert/strict'
import { test } from 'node:test'
import { refusalOf } from '../../test/support/edit-outcome.ts'
import { Fault, type FaultCode, toldToModel } from '../faults/fault.ts'
import { applyEdits } from './apply-edits.ts'
import type { FileChange } from './edited-tree.ts'
import { parseEdits } from './parse-edits.ts'
import { MAX_MESSAGE_CHARACTERS } from './rejection.ts'

type Files = Record<string, string | Buffer>

const bytes = (content: string | Buffer) => (typeof content === 'string' ? Buffer.from(content) : content)

async function apply(
  files: Files,
  answer: string,
  scope: readonly string[] = ['src/', 'a', 'b', 'c'],
): Promise<FileChange[]> {
  const read = async (path: string) => {
    if (path === 'src/link') throw new Fault('scope_unreadable', 'src/link is a symbolic link.')
    const content = Object.hasOwn(files, path) ? files[path] : undefined
    return content === undefined ? null : bytes(content)
  }
  return applyEdits(parseEdits(answer), { read, scope })
}

async function rejectedBy(files: Files, answer: string, code: FaultCode, scope?: readonly string[]): Promise<Fault> {
  const before = new Map(Object.entries(files).map(([path, content]) => [path, Buffer.from(bytes(content))]))
  const thrown = await apply(files, answer, scope).then(
    (changes) => assert.fail(`applied: ${JSON.stringify(changes)}`),
    (reason: unknown) => reason,
  )
  assert.ok(thrown instanceof Fault, String(thrown))
  assert.equal(thrown.code, code, thrown.message)
  for (const [path, content] of before) assert.deepEqual(bytes(files[path] ?? ''), content)
  return thrown
}

const edit = (path: string, ...pairs: [search: string, replace: string][]) =>
  [
    `### edit ${path}`,
    ...pairs.map(([search, replace]) => `<<<<<<< SEARCH\n${search}=======\n${replace}>>>>>>> REPLACE`),
  ].join('\n')
const write = (path: string, body: string) => `### write ${path}\n\`\`\`\`\n${body}\`\`\`\``

const BOM = '\ufeff'

/** One file `a` before, an answer, and the file after. */
const fidelity: Record<string, [before: string, answer: string, after: string]> = {
  'replaces whole lines': ['x\ny\nz\n', edit('a', ['y\n', 'Y\nYY\n']), 'x\nY\nYY\nz\n'],
  'deletes lines': ['x\ny\nz\n', edit('a', ['y\n', '']), 'x\nz\n'],
  'applies pairs on top of each other': ['x\n', edit('a', ['x\n', 'y\n'], ['y\n', 'z\n']), 'z\n'],
  'applies blocks on top of each other': ['x\n', `${edit('a', ['x\n', 'y\n'])}\n${edit('a', ['y\n', 'z\n'])}`, 'z\n'],
  'does not match a part of a line': ['xy\nx\n', edit('a', ['x\n', 'z\n']), 'xy\nz\n'],
  'takes $ and other signs literally': ['x\n', edit('a', ['x\n', '$& $1 \\n\n']), '$& $1 \\n\n'],
  'matches a CRLF file and answers with CRLF': ['x\r\ny\r\n', edit('a', ['x\n', 'a\nb\n']), 'a\r\nb\r\ny\r\n'],
  'leaves the ending of a line in a mixed file alone': [
    'x\ny\r\nz\n',
    edit('a', ['y\n', 'Y\nYY\n']),
    'x\nY\r\nYY\r\nz\n',
  ],
  'uses the dominant ending of a mixed file for new lines': [
    'x\ny\r\nz\r\nw\n\r\n',
    edit('a', ['w\n', 'w\nW\n']),
    'x\ny\r\nz\r\nw\nW\r\n\r\n',
  ],
  'leaves context lines of a pair alone': [
    'x\ny\r\nz\n\n',
    edit('a', ['x\ny\nz\n', 'x\ny\nnew\nz\n']),
    'x\ny\r\nnew\nz\n\n',
  ],
  'leaves the last lines of a pair alone': ['x\ny\r\nz\n', edit('a', ['x\ny\n', 'new\ny\n']), 'new\ny\r\nz\n'],
  'keeps a byte order mark out of SEARCH': [`${BOM}x\ny\n`, edit('a', ['x\n', 'X\n']), `${BOM}X\ny\n`],
  'never doubles a byte order mark': [`${BOM}x\n`, write('a', `${BOM}y\n`), `${BOM}y\n`],
  'keeps a missing final newline': ['x\ny', edit('a', ['x\n', 'X\n']), 'X\ny'],
  'keeps a missing final newline when the last line changes': ['x\ny', edit('a', ['y\n', 'Y\nZ\n']), 'x\nY\nZ'],
  'keeps a missing final newline when the last line goes': ['x\ny', edit('a', ['y\n', '']), 'x'],
  'ends the old last line when lines follow it': ['x\r\ny', edit('a', ['y\n', 'y\nz\n']), 'x\r\ny\r\nz'],
  'adds a final newline for an empty line at the end': ['x\ny', edit('a', ['y\n', 'y\n\n']), 'x\ny\n'],
  'keeps a final newline': ['x\ny\n', edit('a', ['y\n', 'Y\n']), 'x\nY\n'],
  'keeps a lone CR as text': ['x\ry\nz\n', edit('a', ['z\n', 'Z\n']), 'x\ry\nZ\n'],
  'empties a file by SEARCH': [`${BOM}x\n`, edit('a', ['x\n', '']), ''],
  'empties a file by write': ['x\n', write('a', ''), ''],
  'fills an empty file by write': ['', write('a', 'x\n'), 'x\n'],
  'fills an empty file by an empty SEARCH': ['', edit('a', ['', 'x\n']), 'x\n'],
  'writes with the ending, mark and end of the file before': [`${BOM}x\r\ny`, write('a', 'n\nm\n'), `${BOM}n\r\nm`],
  'writes a single blank line': ['x\n', write('a', '\n'), '\n'],
}

for (const [name, [before, answer, after]] of Object.entries(fidelity)) {
  test(name, async () => {
    const changes = await apply({ a: before }, answer)
    assert.deepEqual(
      changes.map(({ path, content }) => [path, String(content)]),
      [['a', after]],
    )
  })
}

const X = bytes('x\n')

/** Files before, an answer, and the changes. */
const trees: Record<string, [files: Files, answer: string, changes: FileChange[]]> = {
  'creates a file with a final newline': [{}, write('src/n/b.ts', 'x\n'), [{ path: 'src/n/b.ts', content: X }]],
  'creates an empty file': [{}, write('a', ''), [{ path: 'a', content: bytes('') }]],
  'creates a file by an empty SEARCH': [{}, edit('a', ['', 'x\n']), [{ path: 'a', content: X }]],
  'deletes a file': [{ a: 'x' }, '### delete a', [{ path: 'a', content: null }]],
  'deletes a binary file': [{ a: Buffer.from([0, 255]) }, '### delete a', [{ path: 'a', content: null }]],
  'renames a binary file': [
    { a: Buffer.from([0, 255]) },
    '### rename a -> b',
    [
      { path: 'a', content: null },
      { path: 'b', content: Buffer.from([0, 255]), renamedFrom: 'a' },
    ],
  ],
  'edits a file under its new name': [
    { c: 'y\n' },
    `### rename c -> a\n${edit('a', ['y\n', 'x\n'])}`,
    [
      { path: 'a', content: X, renamedFrom: 'c' },
      { path: 'c', content: null },
    ],
  ],
  'follows a file through two renames': [
    { a: 'x\n' },
    '### rename a -> b\n### rename b -> c',
    [
      { path: 'a', content: null },
      { path: 'c', content: X, renamedFrom: 'a' },
    ],
  ],
  'swaps two files': [
    { a: 'x\n', b: 'y\n' },
    '### rename a -> c\n### rename b -> a\n### rename c -> b',
    [
      { path: 'a', content: bytes('y\n'), renamedFrom: 'b' },
      { path: 'b', content: X, renamedFrom: 'a' },
    ],
  ],
  'moves a file into a folder of its own name': [
    { 'src/a': 'x\n' },
    '### rename src/a -> src/a/b',
    [
      { path: 'src/a', content: null },
      { path: 'src/a/b', content: X, renamedFrom: 'src/a' },
    ],
  ],
  'moves a file out of a folder to its name': [
    { 'src/a/b': 'x\n' },
    '### rename src/a/b -> src/a',
    [
      { path: 'src/a', content: X, renamedFrom: 'src/a/b' },
      { path: 'src/a/b', content: null },
    ],
  ],
  'forgets a rename whose file was deleted': [
    { a: 'y\n' },
    `### rename a -> b\n### delete b\n${write('b', 'x\n')}`,
    [
      { path: 'a', content: null },
      { path: 'b', content: X },
    ],
  ],
  'replaces a file that was deleted before': [
    { a: 'y\r\n' },
    `### delete a\n${write('a', 'x\n')}`,
    [{ path: 'a', content: X }],
  ],
  'drops what does not change in the end': [
    { a: 'x\n', b: 'y\n' },
    `${write('c', 'n\n')}\n### delete c\n${edit('a', ['x\n', 'x\n'])}\n${write('b', 'x\n')}`,
    [{ path: 'b', content: X }],
  ],
  'sorts by path': [
    {},
    ['src/b', 'src/B', 'src/a/b', 'a'].map((path) => write(path, 'x\n')).join('\n'),
    ['a', 'src/B', 'src/a/b', 'src/b'].map((path) => ({ path, content: X })),
  ],
  'touches a unicode name with spaces': [
    { 'src/é ü.ts': '' },
    write('src/é ü.ts', 'x\n'),
    [{ path: 'src/é ü.ts', content: X }],
  ],
}

for (const [name, [files, answer, changes]] of Object.entries(trees)) {
  test(name, async () => assert.deepEqual(await apply(files, answer), changes))
}

const rejected: Record<string, [files: Files, answer: string, reason: RegExp]> = {
  'a SEARCH that is not there': [
    { a: 'x\n' },
    edit('a', ['q\n', 'y\n']),
    /"a": the SEARCH of line 2 \(1 line\) is not found.*Nothing/,
  ],
  'a SEARCH in other spacing, showing the lines': [
    { a: 'if (x) {\n\treturn  1\n}\n' },
    edit('a', ['  return 1\n}\n', 'y\n']),
    /nearest lines are:\n {4}2\| \treturn {2}1\n {4}3\| }$/,
  ],
  'a SEARCH in other words, showing the line': [
    { a: 'one\nconst total = price * count\ntwo\n' },
    edit('a', ['const sum = price * count\n', 'y\n']),
    /nearest lines are:\n {4}2\| const total = price \* count$/,
  ],
  'a SEARCH already replaced': [
    { a: 'x\nnew\n' },
    edit('a', ['old\n', 'new\n']),
    /REPLACE stand in the file already, at line 2\./,
  ],
  'an ambiguous SEARCH': [{ a: 'x\ny\nx\n' }, edit('a', ['x\n', 'z\n']), /ambiguous: matches at lines 1, 3\./],
  'overlapping matches': [{ a: 'x\nx\nx\n' }, edit('a', ['x\nx\n', 'z\n']), /matches at lines 1, 2\./],
  'many matches, bounded': [{ a: 'x\n'.repeat(50) }, edit('a', ['x\n', 'z\n']), /8, 9, 10 and 40 more\./],
  'an empty SEARCH on text': [{ a: 'x\n' }, edit('a', ['', 'z\n']), /is not empty, but the SEARCH of line 2 is/],
  'a blank line the file has not': [{ a: 'x\n' }, edit('a', ['x\n\n', 'z\n']), /\(2 lines\) is not found/],
  'an edit of a missing file': [{}, edit('a', ['x\n', 'z\n']), /"a": does not exist\. To create it, use a write block/],
  'a deletion of a missing file': [{}, '### delete a', /does not exist, so that it cannot be deleted/],
  'a rename of a missing file': [{}, '### rename a -> b', /does not exist, so that it cannot be renamed/],
  'a rename onto a file': [
    { a: 'x', b: 'y' },
    '### rename a -> b',
    /cannot be renamed to "b": a file is there already/,
  ],
  'a rename onto itself': [{ a: 'x' }, '### rename a -> a', /a file is there already/],
  'a write below a file': [{ 'src/f': 'x' }, write('src/f/g', 'y\n'), /its folder "src\/f" is a file/],
  'an edit below a file': [{ 'src/f': 'x' }, edit('src/f/g', ['', 'y\n']), /its folder "src\/f" is a file/],
  'a rename below a file': [{ a: 'y', 'src/f': 'x' }, '### rename a -> src/f/g', /"src\/f\/g" cannot be created/],
  'a write below a file of the same answer': [
    {},
    `${write('src/f', 'x\n')}\n${write('src/f/g', 'y\n')}`,
    /"src\/f" is a file/,
  ],
  'a write onto a folder': [
    {},
    `${write('src/f/g', 'x\n')}\n${write('src/f', 'y\n')}`,
    /"src\/f": cannot be created: it is a folder/,
  ],
  'an edit of a binary file': [{ a: 'x\0\n' }, edit('a', ['x\n', 'z\n']), /is binary.*can only be deleted or renamed/],
  'a write over a binary file': [{ a: 'x\0\n' }, write('a', 'z\n'), /is binary/],
  'an edit of a file in KOI8': [{ a: Buffer.from([0xd0, 0xd2, 0xc9]) }, edit('a', ['x\n', 'z\n']), /is not UTF-8/],
  'a NUL in new text': [{}, write('a', 'x\0\n'), /would become binary/],
  'what the tree does not read': [{}, write('src/link/x', 'y\n'), /cannot be touched: src\/link is a symbolic link/],
  'a way out of the tree': [{}, write('src/../../x', 'y\n'), /leaves the repository/],
  "git's own folder": [{}, write('src/.GIT/config', 'y\n'), /names git's own folder/],
  'an absolute path': [{}, '### delete /etc/passwd', /is absolute/],
  'a folder': [{}, '### delete src/', /names a folder/],
  'a control character, not printed': [
    {},
    '### delete src/\u001b[2Jx',
    /"src\/\ufffd\[2Jx": contains a control character/,
  ],
  'a name that differs in normalization': [{}, write('src2/e\u0301', 'y\n'), /only in Unicode normalization.*exactly/],
  'a name that differs in case': [
    {},
    write('Src/x.ts', 'y\n'),
    /which names "src\/": they differ only in upper and lower case/,
  ],
}

for (const [name, [files, answer, reason]] of Object.entries(rejected)) {
  test(`rejects ${name}`, async () => {
    const fault = await rejectedBy(files, answer, 'edits_rejected', ['src/', 'a', 'b', 'c', 'src2/\u00e9'])
    assert.match(toldToModel(fault), reason)
    assert.equal(fault.details['count'], 1)
  })
}

test('tells all problems of all blocks at once', async () => {
  const answer = [
    edit('a', ['q\n', ''], ['x\n', 'y\n'], ['r\n', '']),
    write('b', 'fine\n'),
    '### delete c',
    '### delete z',
  ].join('\n')
  const fault = await rejectedBy({ a: 'x\n' }, answer, 'edits_rejected')
  assert.deepEqual([fault.details['count'], fault.details['path']], [4, 'a'])
  const places = [...toldToModel(fault).matchAll(/^- block (\d) \((\w+), line (\d+)\) "(.)"/gm)].map(([, ...found]) =>
    found.join(' '),
  )
  assert.deepEqual(places, ['1 edit 1 a', '1 edit 1 a', '3 delete 19 c', '4 delete 20 z'])
  assert.match(toldToModel(fault), /"z": is outside files_in_scope/)
})

test('people are told what is wrong in short, and the model how to correct it', async () => {
  const answer = [edit('a', ['q\n', ''], ['r\n', ''], ['s\n', '']), '### delete c'].join('\n')
  const { message, ...fault } = await rejectedBy({ a: 'x\n' }, answer, 'edits_rejected')
  const missing = (line: number) => `"a": the SEARCH of line ${line} (1 line) is not found`
  assert.equal(message, `The edits do not apply: ${missing(2)}; ${missing(6)}; ${missing(10)}; 1 more.`)
  assert.match(toldToModel({ message, ...fault }), /answer again with every block.*must be whole lines.*"c"/s)
  const idle = await rejectedBy({ a: 'x\n' }, edit('a', ['x\n', 'x\n']), 'change_without_effect')
  assert.equal(idle.message, 'The edits leave every file as it was.')
  assert.match(toldToModel(idle), /Answer with edits that change something\.$/)
})

test('a change that is only out of scope is named as such, with every file', async () => {
  const fault = await rejectedBy(
    { a: 'x', y: 'x' },
    `### delete y\n### rename a -> z\n${write('y', '')}`,
    'change_out_of_scope',
  )
  const what = 'The change touches what is outside files_in_scope: "y", "z".'
  assert.equal(fault.message, `${what} Widen the scope and approve the order again, or retry it.`)
  assert.deepEqual(fault.details, { count: 2, path: 'y', for_model: `${what} Leave it alone.` })
})

test('a change set equal to the base is refused', async () => {
  await rejectedBy({ a: 'x\n' }, edit('a', ['x\n', 'x\n']), 'change_without_effect')
  await rejectedBy({ a: 'x' }, '### rename a -> b\n### rename b -> a', 'change_without_effect')
})

test('the message stays bounded however much is wrong', async () => {
  const long = `${'word '.repeat(300)}\n`
  const pairs = Array.from({ length: 400 }, (): [string, string] => [long.toUpperCase().repeat(5), ''])
  const fault = await rejectedBy({ a: long.repeat(40) }, edit('a', ...pairs), 'edits_rejected')
  assert.ok(toldToModel(fault).length < MAX_MESSAGE_CHARACTERS + 4_000, String(toldToModel(fault).length))
  assert.match(toldToModel(fault), /… and \d+ more$/)
})

test('a hostile answer of equal lines does not take quadratic time', async () => {
  const started = performance.now()
  await rejectedBy({ a: '\n'.repeat(1_000_000) }, edit('a', [`${'\n'.repeat(450_000)}x\n`, '']), 'edits_rejected')
  assert.ok(performance.now() - started < 20_000)
})

test('pairs that would have to be compared with too many lines are refused, with what to do instead', async () => {
  const never = Array.from({ length: 60 }, (): [string, string] => ['x\nx\n', ''])
  const fault = await rejectedBy({ a: 'x\ny\n'.repeat(250_000) }, edit('a', ...never), 'edits_rejected')
  assert.match(
    toldToModel(fault),
    /"a": has too many lines: the SEARCH of line \d+ .* fewer pairs, or .* a write block$/,
  )
})

test('a block of an answer that fails leaves no trace in what the next one finds', async () => {
  const answer = [edit('a', ['x\n', 'q\n'], ['none\n', '']), edit('a', ['y\n', 'x\n']), edit('a', ['x\n', ''])].join(
    '\n',
  )
  const fault = await rejectedBy({ a: 'x\ny\n' }, answer, 'edits_rejected')
  assert.match(toldToModel(fault), /block 3 .* is ambiguous: matches at lines 1, 2\./)
})

test('each block finds a file as the one before has left it on disk', async () => {
  const carriage = [edit('a', ['x\n', 'z\r\r\n']), edit('a', ['z\n', 'y\nw\n'])].join('\n')
  const [change] = await apply({ a: 'x\n' }, carriage)
  assert.equal(String(change?.content), 'y\r\nw\r\n')
  const mark = [edit('a', ['x\n', `${BOM}y\n`]), edit('a', ['y\n', 'z\n'])].join('\n')
  const [marked] = await apply({ a: 'x\n' }, mark)
  assert.equal(String(marked?.content), `${BOM}z\n`)
})

test('a failure of the tree that is not the answer’s passes through', async () => {
  const read = async () => {
    throw new Error('disk on fire')
  }
  await assert.rejects(applyEdits(parseEdits('### delete a'), { read, scope: ['a'] }), /disk on fire/)
})

test('a bare name out of scope is told with the path it may have in a folder of the scope', async () => {
  const files = { 'src/a.ts': 'one\n' }
  assert.match(
    await refusalOf(files, '### write new.ts\n```\nx\n```\n', ['src/']),
    /change_out_of_scope.*"src\/new.ts"/s,
  )
  assert.doesNotMatch(await refusalOf(files, '### write NEWS\n```\nx\n```\n', ['src/']), /src\//)
})
