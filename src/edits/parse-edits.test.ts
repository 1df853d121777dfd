import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { Fault } from '../faults/fault.ts'
import { MAX_ANSWER_BYTES, MAX_ANSWER_LINES } from './answer/answer-lines.ts'
import { MAX_BLOCKS, MAX_REPLACEMENTS } from './answer/written.ts'
import type { Edit } from './edit.ts'
import { EDIT_DIFF_GUIDE, EDIT_FORMAT_GUIDE } from './format-guide.ts'
import { parseEdits } from './parse-edits.ts'

const PAIR = '<<<<<<< SEARCH\nold\n=======\nnew\n>>>>>>> REPLACE'

function malformedBy(text: string): Fault {
  try {
    parseEdits(text)
  } catch (thrown) {
    assert.ok(thrown instanceof Fault, String(thrown))
    assert.equal(thrown.code, 'edits_malformed')
    return thrown
  }
  throw new assert.AssertionError({ message: `accepted: ${text}` })
}

const editOf = (path: string, line = 1, pairLine = line + 1): Edit => ({
  kind: 'edit',
  block: 1,
  line,
  path,
  replacements: [{ line: pairLine, search: ['old'], replace: ['new'] }],
})

const accepted: Record<string, [text: string, edits: Edit[]]> = {
  'an edit': [`### edit a.ts\n${PAIR}`, [editOf('a.ts')]],
  'prose around it': [`Here it is:\n\n### edit a.ts\n${PAIR}\nDone.\n# Notes\n### What changed\n`, [editOf('a.ts', 3)]],
  'a fence around a pair': [`### edit a.ts\n\n\`\`\`ts\n${PAIR}\n\`\`\`\n`, [editOf('a.ts', 1, 4)]],
  'a fence around the answer': [`\`\`\`\n### edit a.ts\n${PAIR}\n\`\`\``, [editOf('a.ts', 2)]],
  'CRLF and a byte order mark': [`\ufeff### edit a.ts\n${PAIR}\n`.replaceAll('\n', '\r\n'), [editOf('a.ts')]],
  'spaces after markers': [
    `### edit a.ts  \n${PAIR.replaceAll('\n', '  \n').replace('old  ', 'old').replace('new  ', 'new')}`,
    [editOf('a.ts')],
  ],
  'a path with spaces and unicode': [`### edit src/Größe und é.ts\n${PAIR}`, [editOf('src/Größe und é.ts')]],
  'a path as it is written': [`### edit \`a.ts\`\n${PAIR}`, [editOf('`a.ts`')]],
  'a verb in capitals': [`### Edit src/a.ts\n${PAIR}`, [editOf('src/a.ts', 2, 2)]],
  'an indented header': ['  ### delete src/a.ts', [{ kind: 'delete', block: 1, line: 1, path: 'src/a.ts' }]],
  'a header of another level': ['#### delete `a`', [{ kind: 'delete', block: 1, line: 1, path: 'a' }]],
  'a verb of other tools': [
    '### create src/a.ts\n```\nx\n```',
    [{ kind: 'write', block: 1, line: 2, path: 'src/a.ts', body: ['x'] }],
  ],
  'a verb of other tools before a plain name': [
    '### create Makefile\n```\nx\n```',
    [{ kind: 'write', block: 1, line: 2, path: 'Makefile', body: ['x'] }],
  ],
  'a pair that a longer marker closes': [
    '### edit a\n<<<<<<< SEARCH\n=======\n>>>>>>>> REPLACE',
    [{ kind: 'edit', block: 1, line: 1, path: 'a', replacements: [{ line: 2, search: [], replace: [] }] }],
  ],
  'a file that opens a fence with a language and closes it': [
    '### write a.md\n```md\n# A\n```sh\nx\n```\n```',
    [{ kind: 'write', block: 1, line: 1, path: 'a.md', body: ['# A', '```sh', 'x', '```'] }],
  ],
  'no lines to find and none to put': [
    '### edit a\n<<<<<<< SEARCH\n=======\n>>>>>>> REPLACE',
    [{ kind: 'edit', block: 1, line: 1, path: 'a', replacements: [{ line: 2, search: [], replace: [] }] }],
  ],
  'longer markers around shorter ones': [
    `### edit a\n<<<<<<<< SEARCH\n${PAIR}\n========\nx\n>>>>>>>> REPLACE`,
    [
      {
        kind: 'edit',
        block: 1,
        line: 1,
        path: 'a',
        replacements: [{ line: 2, search: PAIR.split('\n'), replace: ['x'] }],
      },
    ],
  ],
  'a whole file': [
    '### write a b.md\n\n~~~~md\n# A\n~~~\n### delete x\n\n~~~~',
    [{ kind: 'write', block: 1, line: 1, path: 'a b.md', body: ['# A', '~~~', '### delete x', ''] }],
  ],
  'an empty file': ['### write a\n```\n```', [{ kind: 'write', block: 1, line: 1, path: 'a', body: [] }]],
  'prose with code after a file': [
    '### write a\n```\nx\n```\nThen run:\n```sh\nnpm test\n```\n',
    [{ kind: 'write', block: 1, line: 1, path: 'a', body: ['x'] }],
  ],
  'a deletion and a rename': [
    '### delete a\n### rename b c -> d/e',
    [
      { kind: 'delete', block: 1, line: 1, path: 'a' },
      { kind: 'rename', block: 2, line: 2, path: 'b c', to: 'd/e' },
    ],
  ],
}

for (const [name, [text, edits]] of Object.entries(accepted)) {
  test(`reads ${name}`, () => assert.deepEqual(parseEdits(text), edits))
}

test('reads several pairs of one file, and several blocks of one file', () => {
  const edits = parseEdits(`### edit a\n${PAIR}\nand\n${PAIR}\n### edit a\n${PAIR}`)
  assert.deepEqual(
    edits.map((edit) => edit.kind === 'edit' && edit.replacements.map(({ line }) => line)),
    [[2, 8], [14]],
  )
})

test('the guides for the model are themselves answers with one edit of each kind', () => {
  for (const guide of [EDIT_FORMAT_GUIDE, EDIT_DIFF_GUIDE])
    assert.deepEqual(
      parseEdits(guide).map(({ kind }) => kind),
      ['edit', 'write', 'delete', 'rename'],
    )
})

const refused: Record<string, [text: string, reason: RegExp, block: number, line: number]> = {
  'a header without a path': [`### edit\n${PAIR}`, /names no path/, 1, 1],
  'a header with only a space': ['### delete  ', /names no path/, 1, 1],
  'words that read like a rename': [
    '### delete a.ts\nmove src/a.ts -> src/b.ts',
    /reads like a change of "src\/a.ts", which no block makes/,
    0,
    2,
  ],
  'a pair outside of a block': [PAIR, /outside of an "### edit path" block/, 0, 1],
  'a pair after a file': [`### write a\n\`\`\`\n\`\`\`\n\n${PAIR}`, /outside of an "### edit path" block/, 1, 5],
  'a pair right behind an empty file': [
    `### write a\n\`\`\`\n\`\`\`\n${PAIR}`,
    /stands behind the end of the file/,
    1,
    4,
  ],
  'an edit without a pair': ['### edit a.ts\n### delete b', /the edit block has no SEARCH/, 1, 1],
  'a last edit without a pair': ['### delete b\n### edit a.ts\n```\nx\n```', /the edit block has no SEARCH/, 2, 2],
  'an unclosed pair': ['### edit a\n<<<<<<< SEARCH\na\n=======\nb', /never closed by a line ">>>>>>> REPLACE"/, 1, 2],
  'a pair without a divider': ['### edit a\n<<<<<<< SEARCH\na\n>>>>>>> REPLACE', /no "=======" divider/, 1, 4],
  'two dividers': ['### edit a\n<<<<<<< SEARCH\n=======\n=======\n>>>>>>> REPLACE', /second divider.*longer/, 1, 4],
  'a nested pair': [`### edit a\n<<<<<<< SEARCH\n${PAIR}`, /SEARCH marker inside the pair of line 2/, 1, 3],
  'a stray end': ['### edit a\nold\n=======\nnew\n>>>>>>> REPLACE', /closes nothing/, 1, 5],
  'a file without a fence': ['### write a\ncontent', /between two fences/, 1, 1],
  'a file at the end of the answer': ['### write a\n', /between two fences/, 1, 1],
  'an unclosed fence': ['### write a\n````\nx\n```\n', /never closed by a line "````"/, 1, 2],
  'a fence inside a file': ['### write a.md\n```md\n# A\n```sh\nx\n```\n', /fence inside the file.*longer/, 1, 4],
  'a bare fence inside a file': ['### write a.md\n```\n# A\n```\nx\n```\nrest\n```', /unclear which fence/, 1, 4],
  'a rename without a target': ['### rename a.ts', /names two paths/, 1, 1],
  'a rename with an empty target': ['### rename a.ts -> ', /names two paths/, 1, 1],
  'a rename with three paths': ['### rename a -> b -> c', /names two paths/, 1, 1],
  'half a character': ['### write a\n```\n\ud800\n```', /half a character/, 0, 0],
  'too many lines': ['\n'.repeat(MAX_ANSWER_LINES), /500001 lines, more than 500000/, 0, 0],
  'too many bytes': ['é'.repeat(MAX_ANSWER_BYTES / 2 + 1), /bytes, more than/, 0, 0],
  'too many blocks': ['### delete a\n'.repeat(MAX_BLOCKS + 1), /more than 500 blocks/, 0, MAX_BLOCKS + 1],
  'too many pairs': [`### edit a\n${`${PAIR}\n`.repeat(MAX_REPLACEMENTS + 1)}`, /more than 2000 pairs/, 0, 10_002],
}

for (const [name, [text, reason, block, line]] of Object.entries(refused)) {
  test(`refuses ${name}, naming block and line`, () => {
    const fault = malformedBy(text)
    assert.match(fault.message, reason)
    assert.deepEqual([fault.details['block'], fault.details['line']], [block, line])
    if (block > 0) assert.ok(fault.message.includes(`block ${block}`), fault.message)
    if (line > 0) assert.ok(fault.message.includes(`line ${line}`), fault.message)
  })
}

/** The longest run of a character at the start of any line. */
const longestRun = (lines: readonly string[], character: string) =>
  Math.max(0, ...lines.map((line) => line.length - line.replace(new RegExp(`^${character}+`), '').length))

function print(edit: Edit): string {
  if (edit.kind === 'delete') return `### delete ${edit.path}`
  if (edit.kind === 'rename') return `### rename ${edit.path} -> ${edit.to}`
  if (edit.kind === 'write') {
    const fence = '`'.repeat(Math.max(3, longestRun(edit.body, '`') + 1))
    return [`### write ${edit.path}`, fence, ...edit.body, fence].join('\n')
  }
  const pairs = edit.replacements.map(({ search, replace }) => {
    const size = Math.max(7, ...['<', '=', '>'].map((mark) => longestRun([...search, ...replace], mark) + 1))
    return [`${'<'.repeat(size)} SEARCH`, ...search, '='.repeat(size), ...replace, `${'>'.repeat(size)} REPLACE`]
  })
  return [`### edit ${edit.path}`, ...pairs.flat()].join('\n')
}

const path = fc.stringMatching(/^[a-zé]{1,5}( [a-z]{1,3})?(\/[a-z.]{1,5}x)?$/)
const hard = [
  '=======',
  '<<<<<<< SEARCH',
  '>>>>>>> REPLACE',
  '```',
  '````ts',
  '### delete x',
  '',
  '  ',
  '\tx\ry',
  '```ts',
]
const lines = fc.array(fc.oneof(fc.constantFrom(...hard), fc.stringMatching(/^[ -~é]{0,12}$/)), { maxLength: 6 })
const replacement = fc.record({ line: fc.constant(0), search: lines, replace: lines }, { noNullPrototype: true })
const place = { block: fc.constant(0), line: fc.constant(0), path }
const anyEdit: fc.Arbitrary<Edit> = fc.oneof(
  fc.record({
    kind: fc.constant('edit' as const),
    ...place,
    replacements: fc.array(replacement, { minLength: 1, maxLength: 3 }),
  }),
  fc.record({ kind: fc.constant('write' as const), ...place, body: lines }),
  fc.record({ kind: fc.constant('delete' as const), ...place }),
  fc.record({ kind: fc.constant('rename' as const), ...place, to: path }),
)

const withoutPlaces = (edits: readonly Edit[]): unknown =>
  edits.map((edit) => ({
    ...edit,
    block: 0,
    line: 0,
    ...(edit.kind === 'edit' ? { replacements: edit.replacements.map((pair) => ({ ...pair, line: 0 })) } : {}),
  }))

test('what is printed is read back, whatever the content looks like', () => {
  fc.assert(
    fc.property(fc.array(anyEdit, { minLength: 1, maxLength: 5 }), fc.constantFrom('\n', '\r\n'), (edits, ending) => {
      const answer = edits.map(print).join('\n\nAnd then:\n\n').replaceAll('\n', ending)
      assert.deepEqual(withoutPlaces(parseEdits(answer)), withoutPlaces(edits))
    }),
    { numRuns: 500 },
  )
})

test('a text without any block is told from a damaged one', () => {
  assert.throws(() => parseEdits('I cannot do that.'), { code: 'edits_missing' })
})

test('any text is read or refused as malformed', () => {
  const pieces = fc.array(
    fc.oneof(fc.constantFrom(...hard, '### edit a', '### write a', '### rename a', '~~~'), fc.string()),
  )
  fc.assert(
    fc.property(pieces, (parts) => {
      try {
        assert.ok(parseEdits(parts.join('\n')).length > 0)
      } catch (thrown) {
        assert.ok(thrown instanceof Fault && /^edits_(malformed|missing)$/.test(thrown.code), String(thrown))
      }
    }),
    { numRuns: 1000 },
  )
})

const WITHOUT_BLOCK: readonly [answer: string, says: RegExp][] = [
  [
    "Run:\n\n```bash\ncat > src/a.ts <<'EOF'\nx\nEOF\n```\n",
    /here-document are not run: write a file as "### write path"/,
  ],
  ['[\n  { "path": "src/a.ts", "before": "x", "after": "y" }\n]\n', /not read as JSON/],
  ['Change it:\n\n```ts\nx\n```\n', /no line names the file of what its fences hold/],
  ['Nothing is to be done.', /^The answer has no block\. A block starts/],
]

for (const [answer, says] of WITHOUT_BLOCK)
  test(`an answer without a block is told what it has in its place: ${says.source}`, () => {
    assert.throws(() => parseEdits(answer), { code: 'edits_missing', message: says })
  })
