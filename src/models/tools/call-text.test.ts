import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { assertLinear, repeated } from '../../../test/support/growth.ts'
import type { Edit } from '../../edits/edit.ts'
import { parseEdits } from '../../edits/parse-edits.ts'
import type { ToolCall } from '../dialects/read-answer.ts'
import { textOfCalls } from './call-text.ts'

const callOf = (name: string, input: object, at = 0): ToolCall => ({
  key: name,
  at,
  name,
  input: JSON.stringify(input),
})
const textOf = (text: string, ...calls: ToolCall[]) => textOfCalls({ text, calls, lostCall: null })

/** Lines that mean something in an answer, or look as if they did. */
const line = fc.constantFrom(
  'a',
  '  b',
  '',
  '}',
  'é',
  '\u2028',
  '# t',
  '- x',
  '...',
  '// rest of the file unchanged',
  '1 | a',
  '```',
  '````',
  '````ts',
  '`````',
  '~~~',
  '### edit a.ts',
  '### write b.ts',
  '### delete c.ts',
  '### rename a -> b',
  '<<<<<<< SEARCH',
  '=======',
  '>>>>>>> REPLACE',
  '<<<<<<<< SEARCH',
  '========',
  '>>>>>>>> REPLACE',
  '<<<<<<< HEAD',
  'diff --git a/x b/x',
  '--- a/x',
  '+++ b/x',
  '@@ -1 +1 @@',
  '+a',
  '-b',
  '*** Begin Patch',
  '*** End Patch',
  '<write_to_file>',
  'delete a.ts',
  '[tool call 1, "edit", cannot be read: x]',
)
const text = fc.array(line, { maxLength: 12 }).map((lines) => lines.join('\n'))
const path = fc.constantFrom('a.ts', 'src/b.ts', 'c d.md', 'Makefile', './q.ts', 'é.ts', 'a(1).ts', 'x`y.ts')
const traits = { executable: fc.boolean(), final_newline: fc.boolean() }
const call = fc.oneof(
  fc
    .record({ path, search: text, replace: text, ...traits }, { requiredKeys: ['path', 'search', 'replace'] })
    .map((input) => callOf('edit', input)),
  fc
    .record({ path, content: text, ...traits }, { requiredKeys: ['path', 'content'] })
    .map((input) => callOf('write', input)),
  fc.record({ path }).map((input) => callOf('delete', input)),
  fc.record({ path, to: path }).map((input) => callOf('rename', input)),
)

const linesOf = (content: string) => (content === '' ? [] : content.replace(/\n$/, '').split('\n'))

/** As one list of what each call, or each pair of a block, says. */
const saidIn = (edits: readonly Edit[]) =>
  edits.flatMap((edit): unknown[] => {
    if (edit.kind === 'edit')
      return edit.replacements.map(({ search, replace }) => [edit.path, search, replace, ...traitsIn(edit)])
    if (edit.kind === 'write') return [[edit.path, edit.body, ...traitsIn(edit)]]
    return [[edit.path, edit.kind === 'rename' ? edit.to : null]]
  })
const traitsIn = ({ executable, finalNewline }: { executable?: boolean; finalNewline?: boolean }) => [
  executable,
  finalNewline,
]
const saidBy = ({ name, input }: ToolCall): unknown[] => {
  const { path: of, search, replace, content, to, executable, final_newline: finalNewline } = JSON.parse(input)
  const said = traitsIn({ executable, finalNewline })
  if (name === 'edit') return [of, linesOf(search), linesOf(replace), ...said]
  return name === 'write' ? [of, linesOf(content), ...said] : [of, name === 'rename' ? to : null]
}

/** An answer that says opposite modes of a file is refused. */
function saysOneMode(calls: readonly ToolCall[]): boolean {
  const said = calls.map(({ input }) => JSON.parse(input)).filter(({ executable }) => executable !== undefined)
  return said.every((one) => said.every((other) => other.path !== one.path || other.executable === one.executable))
}

test('whatever files hold, the text of calls is read as exactly what was called, in its order', () => {
  const calls = fc.array(call, { minLength: 1, maxLength: 5 }).filter(saysOneMode)
  fc.assert(
    fc.property(calls, (list) => {
      const said = 'It is done.'
      const found = parseEdits(textOf(said, ...list.map((one) => ({ ...one, at: said.length }))))
      assert.deepEqual(saidIn(found), list.map(saidBy))
    }),
    { numRuns: 1_000, seed: 17 },
  )
})

test('text and calls stand where they stood', () => {
  const said = 'First this.Then that.'
  const calls = [callOf('delete', { path: 'a.ts' }, 11), callOf('delete', { path: 'b.ts' }, 21)]
  assert.equal(textOf(said, ...calls), 'First this.\n\n### delete a.ts\n\nThen that.\n\n### delete b.ts')
  assert.equal(textOf('no call at all\n'), 'no call at all\n')
})

test('edits of one file that follow each other are pairs of one block', () => {
  const edit = (search: string) => callOf('edit', { path: 'a.ts', search, replace: '' })
  const found = parseEdits(textOf('', edit('x'), edit('y'), callOf('delete', { path: 'b.ts' }), edit('z')))
  assert.deepEqual(
    found.map((one) => (one.kind === 'edit' ? one.replacements.length : 0)),
    [2, 0, 1],
  )
})

test('lines that end in CRLF are lines; a file that holds another carriage return is refused', () => {
  const [found] = parseEdits(textOf('', callOf('write', { path: 'a.txt', content: 'a\r\nb\r\n' })))
  assert.deepEqual(found?.kind === 'write' ? found.body : null, ['a', 'b'])
  const odd = textOf('', callOf('write', { path: 'a.txt', content: 'a\r\r\nb' }))
  assert.throws(() => parseEdits(odd), /tool call 1, "write", cannot be read: with the text around it/)
})

test('a call that the text before it swallows refuses the answer', () => {
  const said = '### write b.ts\n````\nconst b = 1\n'
  const call = callOf('write', { path: 'a.ts', content: 'x\n'.repeat(3) }, said.length)
  assert.throws(() => parseEdits(textOf(said, call)), /never closed|cannot be read: with the text around it/)
})

test('it takes time linear in the answer', async () => {
  const bodies = ['### edit a.ts\n````\n<<<<<<< SEARCH\n', '`', '<', 'a\n', '\n']
  for (const body of bodies) {
    const made = (size: number) =>
      Array.from({ length: 10 }, () => callOf('write', { path: 'a.ts', content: repeated(body)(size / 10) }))
    await assertLinear(made, (calls) => textOf('', ...calls), 1_000_000)
  }
  const many = (size: number) => Array.from({ length: size / 100 }, () => callOf('delete', { path: 'a.ts' }))
  await assertLinear(many, (calls) => textOf('', ...calls), 1_000_000)
})
