/** Answers made to take long: whatever a model writes, twice as much of it takes about twice as long. */
import { test } from 'node:test'
import { applyEdits } from '../../src/edits/apply-edits.ts'
import { parseEdits } from '../../src/edits/parse-edits.ts'
import { assertLinear, orFault, repeated } from '../support/growth.ts'

const MOST = 1_000_000
/** What is tried in hundreds of forms. */
const MOST_OF_MANY = 100_000
const SCOPE = ['src/', 'docs/a.md', 'Makefile', 'src/a.ts']
const END = `\n### edit src/a.ts\n<<<<<<< SEARCH\na\n=======\nb\n>>>>>>> REPLACE\n`

/** Over and over, each as lines and within one line. */
const PARTS = [
  '# a -> ',
  'x -> ',
  '`',
  '**',
  '> ',
  '- ',
  '1. ',
  '### ',
  '\u200b',
  '(',
  '[a](',
  '"',
  ' - ',
  ':',
  '\\',
  './',
  'a/',
  'src/a.ts ',
  'src/',
  'docs/a.md,',
  'Makefile',
  'edit ',
  'file ',
  'step 1: ',
  '### edit src/a.ts',
  '### src/a.ts',
  '```',
  '```ts',
  '~~~',
  '`````',
  '```diff',
  '@@ -1 +1 @@',
  '--- a/src/a.ts',
  '+++ b/src/a.ts',
  'diff --git a b',
  '*** Begin Patch',
  '*** Update File: src/a.ts',
  '*** End Patch',
  '+a',
  '-a',
  '\\ No newline',
  'rename from a',

  '<<<<<<< SEARCH',
  '<<<<<<< HEAD',
  '=======',
  '>>>>>>> REPLACE',
  '<',
  '>',
  '=',
  '<<<<<<<<<<<< SEARCH',
  '> <<<<<<< SEARCH',

  '<write_to_file>',
  '<a b="',
  '"old_string":',
  'rm src/a.ts && ',
  'cat > ',
  ' | ',
  '// ... ',
  '# rest of ',
  '    1| ',
  '\t',
  '\r',
  'delete ',
  'delete src/a.ts',
  'Removed ',
  'rename a to ',
  '&lt;',
  '“',
  '\u2028',

  'lib/other.ts ',
  'lib/other.ts: the same, ',
  'the other file ',
  'A.ts(',
  '[a]/b',
  '__',
  'a.b.',
  '\uff03\uff03 edit ',
]

test('an answer of one part over and over', async (t) => {
  for (const part of PARTS) {
    await t.test(JSON.stringify(part), async () => {
      for (const text of [`${part}\n`, part, `x ${part}`, `${part}\n\n`]) {
        await assertLinear(
          (size) => repeated(text)(size) + END,
          (answer) => orFault(() => parseEdits(answer, SCOPE)),
          MOST_OF_MANY,
        )
      }
    })
  }
})

test('a title, a body or a pair that is followed by one part over and over', async (t) => {
  const starts = [
    '### src/a.ts\n',
    '### write src/a.ts\n````\n',
    '### edit src/a.ts\n<<<<<<< SEARCH\n',
    '```\n',
    '*** Begin Patch\n',
    '--- a/src/a.ts\n+++ b/src/a.ts\n@@ -1 +1 @@\n',
  ]
  for (const start of starts) {
    await t.test(JSON.stringify(start), async () => {
      for (const part of PARTS)
        await assertLinear(
          (size) => start + repeated(`${part}\n`)(size) + END,
          (answer) => orFault(() => parseEdits(answer, SCOPE)),
          MOST_OF_MANY,
        )
    })
  }
})

type Work = { file: string; answer: string; scope: readonly string[] }

const pair = (search: string, replace: string) => `<<<<<<< SEARCH\n${search}=======\n${replace}>>>>>>> REPLACE\n`
const lineOf = (index: number) => `    line ${index} of a file with some words\n`
const fileOf = (count: number) => Array.from({ length: count }, (_, index) => lineOf(index)).join('')
const pairs = (count: number, make: (index: number) => string) =>
  `### edit f\n${Array.from({ length: count }, (_, index) => make(index)).join('')}`

const WORKS: Record<string, (size: number) => Work> = {
  'pairs all over a file': (size) => {
    const count = Math.min(2_000, Math.ceil(size / 500))
    const answer = pairs(count, (index) => pair(lineOf((index * 7919) % (count * 25)), `${'x'.repeat(380)}${index}\n`))
    return { file: fileOf(count * 25), answer, scope: ['f'] }
  },
  'pairs that leave the indentation out': (size) => {
    const count = Math.min(1_000, Math.ceil(size / 1_000))
    return {
      file: fileOf(count * 50),
      answer: pairs(count, (index) => pair(lineOf(index * 50).trimStart(), `y ${index}\n`)),
      scope: ['f'],
    }
  },
  'pairs that are not found': (size) => {
    const file = fileOf(Math.ceil(size / 40))
    const blocks = Array.from(
      { length: 100 },
      (_, index) => `### edit f\n${pair(`another line ${index} of a file\n`, '')}`,
    )
    return { file, answer: blocks.join(''), scope: ['f'] }
  },
  'blocks out of a long scope': (size) => {
    const count = Math.min(500, Math.ceil(size / 40))
    const blocks = Array.from({ length: count }, (_, index) => `### delete src/None${index}.ts`)
    return {
      file: '',
      answer: blocks.join('\n'),
      scope: Array.from({ length: count * 10 }, (_, index) => `src/none${index}.js`),
    }
  },
  'one pair over and over': (size) => {
    const count = Math.min(2_000, Math.ceil(size / 50))
    return { file: fileOf(count), answer: pairs(count, () => pair(lineOf(0), `${lineOf(0)}new\n`)), scope: ['f'] }
  },
  'one pair of many lines': (size) => {
    const count = Math.ceil(size / 80)
    const file = fileOf(count)
    return { file, answer: `### edit f\n${pair(file, file.replaceAll('some', 'other'))}`, scope: ['f'] }
  },
  'one pair that puts many lines in': (size) => ({
    file: 'a\n',
    answer: `### edit f\n${pair('a\n', 'x\n'.repeat(size / 2))}`,
    scope: ['f'],
  }),
  'a fence that shows what stands in the file': (size) => {
    const file = fileOf(Math.ceil(size / 20))
    const shown = fileOf(Math.ceil(size / 40)).replace(lineOf(1), 'y\n')
    return {
      file,
      answer: `### edit f\n${pair(lineOf(1), 'y\n')}\nIn \`f\`:\n\n\`\`\`\n${shown}\`\`\`\n`,
      scope: ['f'],
    }
  },
  'fences of all lengths behind long prose': (size) => {
    const fences = Array.from({ length: 90 }, (_, index) => `${'`'.repeat(3 + index)}\n`).join('')
    return {
      file: 'a\n',
      answer: `${'so f is\n'.repeat(size / 8)}${fences}### edit f\n${pair('a\n', 'b\n')}`,
      scope: ['f'],
    }
  },
  'whole files behind each other, and long prose': (size) => {
    const files = Array.from(
      { length: Math.min(400, size / 100) },
      (_, index) => `### src/a${index}.ts\n\`\`\`ts\nx\n\`\`\`\n`,
    )
    return { file: '', answer: `${files.join('')}${'\n'.repeat(size)}`, scope: ['src/'] }
  },
  'lines that stand for others': (size) => ({
    file: 'a\n',
    answer: `### write f\n\`\`\`\n${'// the rest of the code: \n'.repeat(size / 25)}\`\`\``,
    scope: ['f'],
  }),
}

for (const [name, make] of Object.entries(WORKS)) {
  test(`the time of applying grows with the answer and the file: ${name}`, async () => {
    const run = ({ file, answer, scope }: Work) => {
      const read = async (path: string) => (path === 'f' ? Buffer.from(file) : null)
      return applyEdits(parseEdits(answer, scope), { read, scope }).catch((error: unknown) => error)
    }
    await assertLinear(make, run, MOST)
  })
}
