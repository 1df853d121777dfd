/**
 * Answers of a model as they come apart: right ones, changed at random in the ways in which models write them otherwise.
 * Every line they put in has a name of its own, so that it can be told what became of each.
 */
import assert from 'node:assert/strict'
import fc from 'fast-check'
import { applyEdits } from '../../src/edits/apply-edits.ts'
import { parseEdits } from '../../src/edits/parse-edits.ts'
import { Fault } from '../../src/faults/fault.ts'

type Files = Readonly<Record<string, string>>

const PATHS = ['src/app.ts', 'src/lib/tools.ts', 'docs/guide.md', 'Makefile'] as const
const SCOPE = ['src/', 'docs/guide.md', 'Makefile']
const LINES = 12

/** Lines that differ in every file, and some that do not. */
const FILES: Files = Object.fromEntries(
  PATHS.map((path, file) => [
    path,
    Array.from({ length: LINES }, (_, line) =>
      line % 4 === 3 ? '  shared();\n' : `${'  '.repeat(line % 3)}keep_${file}_${line}(x)\n`,
    ).join(''),
  ]),
)

/** A change of one line of a file, as it is known again by the name it puts in. */
type Change = { file: number; line: number }

const nameOf = ({ file, line }: Change) => `new_${file}_${line}`
const oldOf = ({ file, line }: Change) => `${'  '.repeat(line % 3)}keep_${file}_${line}(x)`
const newOf = (change: Change) => `${'  '.repeat(change.line % 3)}${nameOf(change)}(x)`

/** How a pair may be written: its three markers. */
const MARKERS: readonly (readonly [open: string, divider: string, close: string])[] = [
  ['<<<<<<< SEARCH', '=======', '>>>>>>> REPLACE'],
  ['<<<<<<< SEARCH', '=======', '>>>>>>> REPLACE'],
  ['<<<<<<< SEARCH>', '=======', '>>>>>>> REPLACE'],
  ['<<<<< SEARCH', '=====', '>>>>> REPLACE'],
  ['<<<<<<< HEAD', '=======', '>>>>>>> updated'],
  ['<<<<<<< ORIGINAL', '=======', '>>>>>>> UPDATED'],
  ['------- SEARCH', '=======', '+++++++ REPLACE'],
  ['<<<<<<< search', '=======', '>>>>>>> replace'],
  ['  <<<<<<< SEARCH', '  =======', '  >>>>>>> REPLACE'],
  ['> <<<<<<< SEARCH', '> =======', '> >>>>>>> REPLACE'],
  ['<<<<<<< SEARCH', '=======', '======='],
  ['<<<<<<< SEARCH', '========', '>>>>>>> SEARCH'],
]
const HEADERS: readonly ((path: string) => string)[] = [
  (path) => `### edit ${path}`,
  (path) => `### edit ${path}`,
  (path) => `### Edit ${path}`,
  (path) => `## edit: \`${path}\``,
  (path) => `**edit ${path}**`,
  (path) => `### **edit** ${path}`,
  (path) => `### ${path}`,
  (path) => path,
  (path) => `\`${path}\``,
  (path) => `File: ${path}`,
  (path) => `### Step 2: edit ${path}`,
  (path) => `- ### edit ${path}`,
  (path) => `edit ./${path}`,
  (path) => `### update ${path.slice(path.lastIndexOf('/') + 1)}`,
  (path) => `Now \`${path}\`:`,
  (path) => `### edit ${path} (one line)`,
  () => '### The next one',
  (path) => `#### Changes to ${path}`,
  () => 'And the other place:',
  () => '',
]
const PROSE = [
  '',
  '',
  'Then:',
  'As asked.',
  '### Notes',
  '---',
  '- a list',
  'It uses keep and more.',
  '**Done**',
  '> quoted',
]

const someChange = fc.record({
  file: fc.nat(PATHS.length - 1),
  line: fc.nat(LINES - 1).filter((line) => line % 4 !== 3),
})
const someForm = fc.record({
  markers: fc.constantFrom(...MARKERS),
  header: fc.constantFrom(...HEADERS),
  fenced: fc.constantFrom('', '', '```', '```ts', '~~~'),
  prose: fc.constantFrom(...PROSE),
  form: fc.constantFrom('pair', 'pair', 'pair', 'pair', 'diff', 'patch', 'hunk', 'body', 'body-title'),
  indent: fc.constantFrom('', '', '', '  ', '    '),
})
type Form = typeof someForm extends fc.Arbitrary<infer Value> ? Value : never

const last = (path: string) => path.slice(path.lastIndexOf('/') + 1)
const closed = (fence: string, lines: readonly string[]) =>
  fence === '' ? lines : [fence, ...lines, /^[`~]+/.exec(fence)?.[0] ?? '']

function written(change: Change, { markers, header, fenced, prose, form, indent }: Form): string[] {
  const path = String(PATHS[change.file])
  const [before, after] = [oldOf(change), newOf(change)]
  const body = String(FILES[path]).replace(before, after).trimEnd().split('\n')
  const diff = [
    `--- a/${path}`,
    `+++ b/${path}`,
    `@@ -${change.line + 1} +${change.line + 1} @@`,
    `-${before}`,
    `+${after}`,
  ]
  const pair = [markers[0], indent + before.trim(), markers[1], indent + after.trim(), markers[2]]
  switch (form) {
    case 'diff':
      return [prose, ...closed(fenced === '' ? '' : '```diff', diff)]
    case 'patch':
      return [
        prose,
        ...closed(fenced, [
          '*** Begin Patch',
          `*** Update File: ${path}`,
          '@@',
          `-${before}`,
          `+${after}`,
          '*** End Patch',
        ]),
      ]
    case 'hunk':
      return [prose, header(path), ...closed('```diff', diff.slice(2))]
    case 'body':
      return [`### write ${path}`, ...closed('````', body), prose]
    case 'body-title':
      return [prose, header(path).includes(last(path)) ? header(path) : `### ${path}`, ...closed('```', body)]
    case 'pair':
      return [
        prose,
        header(path),
        ...closed(fenced, indent === '' ? [markers[0], before, markers[1], after, markers[2]] : pair),
      ]
  }
}

/** What may happen to a line of an answer on top. */
type Damage = { at: number; what: 'drop' | 'double' | 'swap' | 'insert' | 'space' | 'quote' | 'cut'; text: string }
const damage: fc.Arbitrary<Damage> = fc.record({
  at: fc.nat(60),
  what: fc.constantFrom('drop', 'double', 'swap', 'insert', 'space', 'quote', 'cut'),
  text: fc.constantFrom(
    '',
    '```',
    '=======',
    '>>>>>>> REPLACE',
    '<<<<<<< SEARCH',
    '### edit src/app.ts',
    'words',
    '...',
  ),
})

/** Without its name a fence is an example, as any is. */
const namesFile = (line: string) => PATHS.some((path) => line.includes(last(path)))

function damaged(lines: readonly string[], { at, what, text }: Damage): string[] {
  const index = at % Math.max(1, lines.length)
  const line = String(lines[index])
  switch (what) {
    case 'drop':
      return namesFile(line) ? [...lines] : lines.toSpliced(index, 1)
    case 'double':
      return lines.toSpliced(index, 0, line)
    case 'swap':
      return lines.slice(index, index + 2).some(namesFile)
        ? [...lines]
        : lines.toSpliced(index, 2, ...lines.slice(index, index + 2).toReversed())
    case 'insert':
      return lines.toSpliced(index, 0, text)
    case 'space':
      return lines.with(index, `${line}  `)
    case 'quote':
      return lines.with(index, `> ${line}`)
    case 'cut':
      return lines.slice(0, index + 1)
  }
}

const answers = fc
  .record({
    changes: fc.uniqueArray(fc.tuple(someChange, someForm), {
      minLength: 1,
      maxLength: 4,
      selector: ([{ file, line }]) => `${file} ${line}`,
    }),
    damages: fc.array(damage, { maxLength: 2 }),
  })
  .map(({ changes, damages }) => {
    const lines = changes.flatMap(([change, form]) => written(change, form))
    return { changes: changes.map(([change]) => change), answer: damages.reduce(damaged, lines).join('\n') }
  })

/** What an answer did. */
type Seen = { applied: number; refused: number }

/**
 * Fuzzed answers are refused whole, or do to each file what they say: no line that an answer puts in is dropped, none lands in
 * another file, and nothing of the format becomes text of a file.
 */
export async function assertNothingDropped(runs: number, seed: number): Promise<Seen> {
  const seen = { applied: 0, refused: 0 }
  const property = fc.asyncProperty(answers, async ({ changes, answer }) => {
    const result = await resultOf(answer)
    if (result === null) {
      seen.refused += 1
      return
    }
    seen.applied += 1
    for (const change of changes) assertMade(change, answer, result)
    for (const [path, content] of Object.entries(result)) assertClean(path, content)
  })
  await fc.assert(property, { numRuns: runs, seed })
  return seen
}

async function resultOf(answer: string): Promise<Files | null> {
  try {
    const read = async (path: string) => (Object.hasOwn(FILES, path) ? Buffer.from(String(FILES[path])) : null)
    const changes = await applyEdits(parseEdits(answer, SCOPE, PATHS), { read, scope: SCOPE, files: PATHS })
    return { ...FILES, ...Object.fromEntries(changes.map(({ path, content }) => [path, String(content)])) }
  } catch (thrown) {
    assert.ok(thrown instanceof Fault, String(thrown))
    return null
  }
}

function assertMade(change: Change, answer: string, result: Files): void {
  const name = nameOf(change)
  if (!answer.includes(name)) return
  const path = PATHS[change.file]
  for (const [at, content] of Object.entries(result)) {
    assert.equal(content.includes(name), at === path, `${name} in ${at}\n${answer}`)
  }
}

function assertClean(path: string, content: string): void {
  const lines = content.split('\n')
  assert.deepEqual(
    lines.filter((line) => OURS.test(line)),
    [],
    content,
  )
  // Words have fences of their own, and a whole one may be text of a program.
  const fences = lines.filter((line) => /^\s*(?:`{3}|~{3})/.test(line))
  assert.ok(!path.endsWith('.ts') || fences.length % 2 === 0, content)
}

/** What the format has, and text of files has not. */
const OURS = /^\s*(?:<{5}|>{5}|-{5}|\+{5}|\*\*\* |@@)/
