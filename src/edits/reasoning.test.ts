import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { Fault } from '../faults/fault.ts'
import { parseEdits } from './parse-edits.ts'
import { withoutReasoning } from './reasoning.ts'

const pair = (search: string, replace: string) => `<<<<<<< SEARCH\n${search}\n=======\n${replace}\n>>>>>>> REPLACE`
const edit = (path: string) => `### edit ${path}\n${pair('old', `new ${path}`)}`
const write = (path: string, body: string, fence = '````') => `### write ${path}\n${fence}\n${body}\n${fence}`
const patch = (path: string, line: string) =>
  `*** Begin Patch\n*** Update File: ${path}\n@@\n old\n+${line}\n*** End Patch`
const diff = (path: string, line: string) => `--- a/${path}.ts\n+++ b/${path}.ts\n@@ -1,2 +1,3 @@\n old\n+${line}\n \n`
const DRAFT = edit('draft')
const FINAL = edit('final')

/** The paths the edits of an answer name, in their order. */
function pathsOf(answer: string): string[] {
  return parseEdits(answer).map(({ path }) => path)
}

const reasoned: Record<string, string> = {
  'the tag of most models': `<think>\nPerhaps\n${DRAFT}\nNo.\n</think>\n\n${FINAL}`,
  thinking: `<thinking>\n${DRAFT}\n</thinking>\n${FINAL}`,
  reasoning: `<reasoning>\n${DRAFT}\n</reasoning>\n${FINAL}`,
  thought: `<thought>\n${DRAFT}\n</thought>\n${FINAL}`,
  scratchpad: `<scratchpad>\n${DRAFT}\n</scratchpad>\n${FINAL}`,
  'a name space': `<seed:think>\n${DRAFT}\n</seed:think>\n${FINAL}`,
  'attributes and upper case': `<THINK time="3 s" mode='deep'>\n${DRAFT}\n</Think >\n${FINAL}`,
  brackets: `[THINK]\n${DRAFT}\n[/THINK]\n${FINAL}`,
  triangles: `◁think▷\n${DRAFT}\n◁/think▷\n${FINAL}`,
  'thought tokens': `<|begin_of_thought|>\n${DRAFT}\n<|end_of_thought|>\n${FINAL}`,
  'thinking tokens': `<|START_THINKING|>\n${DRAFT}\n<|END_THINKING|>\n${FINAL}`,
  channels: `<|channel|>analysis<|message|>\n${DRAFT}\n<|end|><|start|>assistant<|channel|>final<|message|>${FINAL}`,
  'channels of another family': `<|channel>thought\n${DRAFT}\n<channel|>${FINAL}`,
  'a tag of two words': `<thought_process>\n${DRAFT}\n</thought_process>\n\n${FINAL}`,
  'a tag of three': `<chain_of_thought>\n${DRAFT}\n</chain_of_thought>\n${FINAL}`,
  'a tag within a line, and the answer in its line': `Sure. <think>\n${DRAFT}\n... done.</think>${FINAL}`,
  'a tag that was opened in the prompt': `Perhaps\n${FINAL}\nNo.\n</think>\n\n${FINAL}`,
  'a tag opened in the prompt and closed in the line of the answer': `Hm.\n${FINAL}\n</think>${FINAL}`,
  'a tag opened in the prompt, with a draft that breaks off': `Hm\n### edit draft\n<<<<<<< SEARCH\nold\n</think>\n${FINAL}`,
  'a tag opened in the prompt, with a file that breaks off': `### write draft\n\`\`\`\nold\n</think>\n${FINAL}`,
  'a tag opened twice': `<think>\n<think>\n${DRAFT}\n</think>\n${FINAL}`,
  'a tag closed twice': `<think>\n${DRAFT}\n</think>\n</think>\n${FINAL}`,
  'thoughts without words': `<think>\n\n</think>\n\n${FINAL}`,
  'thoughts in one line': `<think>So be it.</think>\n${FINAL}`,
  'thoughts of two kinds': `<think>\n${DRAFT}\n</think>\n<reflection>\n${DRAFT}\n</reflection>\n${FINAL}`,
  'another tag in the thoughts': `<think>\n<analysis>\n${DRAFT}\n</analysis>\n${DRAFT}\n</think>\n${FINAL}`,
  'an unclosed fence in the thoughts': `<think>\n\`\`\`js\nold\n${DRAFT}\n</think>\n${FINAL}`,
  'an unfinished draft in the thoughts': `<think>\n### edit draft\n<<<<<<< SEARCH\nold\n</think>\n${FINAL}`,
  'an unfinished file in the thoughts': `<think>\n### write draft\n\`\`\`\`\nold\n</think>\n${write('final', 'x')}`,
  'the closing tag quoted in the thoughts': `<think>\nIt splits at "</think>" and \`</think>\`.\n${DRAFT}\n</think>\n${FINAL}`,
  'a draft of a patch': `<think>\n${patch('draft', 'x')}\n</think>\n${FINAL}`,
  'a draft of a patch that breaks off': `Hm\n*** Begin Patch\n*** Update File: draft\n</think>\n${patch('final', 'x')}`,
  'a draft of a diff that breaks off': `Hm\n--- a/draft\n+++ b/draft\n@@ -1,2 +1 @@\n-old\n</think>\n${FINAL}`,
  'both tags in one line of the thoughts': `<think>\nIt has <think>x</think>.\n${DRAFT}\n</think>\n${FINAL}`,
  'a draft with the closing tag in it': `<think>\n${write('draft', '</think>')}\n${DRAFT}\n</think>\n${FINAL}`,
  'a fence around all of it': `\`\`\`\n<think>\n${DRAFT}\n</think>\n${FINAL}\n\`\`\``,
  'carriage returns': `<think>\n${DRAFT}\n</think>\n\n${FINAL}`.replaceAll('\n', '\r\n'),
}

for (const [name, answer] of Object.entries(reasoned)) {
  test(`a draft in the reasoning is no part of the answer: ${name}`, () => {
    assert.deepEqual(pathsOf(answer), ['final'])
  })
}

const kept: Record<string, [answer: string, paths: string[]]> = {
  'a pair that holds both tags': [`### edit a\n${pair('<think>', '</think>')}\n${edit('b')}`, ['a', 'b']],
  'a pair that holds the closing tag': [`### edit a\n${pair('x', '</think>')}`, ['a']],
  'a pair that holds the opening tag': [`### edit a\n${pair('<think>', 'x')}\n${edit('b')}`, ['a', 'b']],
  'a file that holds both': [`${write('a', '<think>\nx\n</think>\n\ny')}\n${edit('b')}`, ['a', 'b']],
  'a file that holds the closing tag': [`${edit('b')}\n${write('a', 'x\n</think>\ny')}`, ['b', 'a']],
  'a file that holds the opening tag': [`${write('a', '<reasoning>')}\n${edit('b')}`, ['a', 'b']],
  'a file about this format': [`${write('a', `<think>\n${DRAFT}\n</think>\n${FINAL}`)}\n${edit('b')}`, ['a', 'b']],
  'thoughts, and then a file that holds the closing tag': [`<think>\nHm.\n</think>\n${write('a', '</think>')}`, ['a']],
  'thoughts, and then a pair that holds both': [`Hm.\n</think>\n### edit a\n${pair('<think>', '</think>')}`, ['a']],
  'a patch that holds the closing tag': [`${patch('a', '</think>')}\n${edit('b')}`, ['a', 'b']],
  'a patch that holds both tags': [patch('a', '<think>\n+</think>'), ['a']],
  'a diff that holds the closing tag': [`${diff('a', '</think>')}\n${edit('b')}`, ['a.ts', 'b']],
  'a diff that holds both tags': [diff('a', '<think> x </think> y'), ['a.ts']],
  'thoughts, and then a patch that holds the closing tag': [`Hm.\n</think>\n${patch('a', '</think>')}`, ['a']],
  'an example in a fence': [`As in\n\`\`\`html\n<think>\nx\n</think>\n\`\`\`\n${edit('a')}`, ['a']],
  'a name in backticks': [`Takes \`<think>\` and \`</think>\` out.\n${edit('a')}\nNo \`</think>\` is left.`, ['a']],
  'a name in quotes': [`Takes "<think>" out.\n${edit('a')}\nNo '</think>' is left.`, ['a']],
  'words between two edits': [`${edit('a')}\n<thinking>Now b.</thinking>\n${edit('b')}`, ['a', 'b']],
  'a file name': ['### delete <think>.md', ['<think>.md']],
  'names that only begin like it': [`<thinker>\n<think-tank>\n${edit('a')}\n</thinker>`, ['a']],
}

for (const [name, [answer, paths]] of Object.entries(kept)) {
  test(`the answer is kept whole: ${name}`, () => assert.deepEqual(pathsOf(answer), paths))
}

test('what a file holds is not changed', () => {
  const body = ['<think>', 'a', '</think>b', '<think>c</think>', '</think>']
  const [read] = parseEdits(`<think>\n</think>\n${write('a', body.join('\n'))}`)
  assert.deepEqual(read?.kind === 'write' && read.body, body)
})

const TAGS = ['<think>', '</think>', 'a <think> b', 'so.</think>', '<thinking>', '</thinking>']
const BLOCKS = [DRAFT, write('w', 'x', '```'), '### delete d', '```', '<<<<<<< SEARCH', '>>>>>>> REPLACE', '', 'words']

const texts: Record<string, [answer: string, left: string]> = {
  'nothing to take out': ['\n\nChange <b>a</b>.\n', '\n\nChange <b>a</b>.\n'],
  'free text with code': [
    '<think>\nHm.\n</think>\n\nIn a.js:\n```js\nx("</think>")\n```\n',
    'In a.js:\n```js\nx("</think>")\n```\n',
  ],
  'free text with code that holds both tags': [
    'Hm.\n</think>\nIn a.html:\n```\n<think>\n</think>\n```',
    'In a.html:\n```\n<think>\n</think>\n```',
  ],
  'a name on which nothing hangs': ['It was the <think> tag.', 'It was the <think> tag.'],
  'words around it in one line': ['Well <think>hm</think> so', 'Well \n so'],
  'nothing but thoughts': ['<think>\nHm.\n</think>\n', ''],
  'carriage returns': ['<think>\r\nHm.\r\n</think>\r\n\r\na\r\nb', 'a\r\nb'],
}

for (const [name, [answer, left]] of Object.entries(texts)) {
  test(`what is left of ${name}`, () => assert.equal(withoutReasoning(answer), left))
}

test('what is left of any answer stays as it is', () => {
  const parts = fc.array(fc.oneof(fc.constantFrom(...TAGS, ...BLOCKS), fc.string()), { maxLength: 12 })
  fc.assert(
    fc.property(parts, (some) => {
      let left: string
      try {
        left = withoutReasoning(some.join('\n'))
      } catch (error) {
        assert.ok(error instanceof Fault && error.code === 'reasoning_unclear', String(error))
        return
      }
      assert.equal(withoutReasoning(left), left)
    }),
    { numRuns: 3_000 },
  )
})

const unclear: Record<string, [answer: string, line: number]> = {
  'an end behind a whole file': [`So:\n${write('a', 'x')}\n</think>\n${FINAL}`, 6],
  'thoughts that never end': [`<think>\nPerhaps\n${DRAFT}`, 1],
  'thoughts that never end, after an edit': [`${edit('a')}\n<think>\n${DRAFT}`, 7],
  'a name without quotes before an edit': [`I take the <think> tag out.\n${DRAFT}`, 1],
  'an end after an edit, and nothing after it': [`${DRAFT}\n</think>\n`, 7],
  'an end within a line, after an edit': [`${DRAFT}\nNow split at </think> too:\n${FINAL}`, 7],
  'a second end after an edit': [`<think>\n</think>\n${DRAFT}\n</think>\n${FINAL}`, 9],
  'an end named in the thoughts before a draft': [`<think>\nAt </think>, hm.\n${DRAFT}\n</think>\n${FINAL}`, 9],
  'thoughts within thoughts': [`<think>\n<think>\na\n</think>\n${DRAFT}\n</think>\n${FINAL}`, 11],
  'an end in an unclosed fence, after an edit': [`${DRAFT}\n\`\`\`\nx\n</think>\nNow\n\`\`\`\nx\n\`\`\`\n${FINAL}`, 9],
  'an end in a file that is followed by a header': [write('a', `x\n</think>\n${FINAL}`), 4],
  'names without quotes around an edit': [`The <think> of\n${DRAFT}\nand the </think> too\n${FINAL}`, 8],
  'a beginning named within a line, between a draft and the end': [
    `${DRAFT}\nThe <think> of it\n</think>\n${FINAL}`,
    8,
  ],
  'a beginning and the end in one line, after a draft': [`${DRAFT}\nSo <think> it is</think>\n${FINAL}`, 7],
  'a file that the fence around the answer closes': [
    `${write('draft', 'x\n</think>\nSo:', '```')}\n${FINAL}\n\`\`\``,
    4,
  ],
  'an end behind a fence': [`${DRAFT}\n\`\`\`\nx\n\`\`\`</think>\n${FINAL}`, 9],
  'an end in the header of a draft': [`### delete draft</think>\n${FINAL}`, 1],
  'a tag of another kind at the end': [`<think>\n${DRAFT}\n</thinking>\n${FINAL}`, 1],
}

for (const [name, [answer, line]] of Object.entries(unclear)) {
  test(`what cannot be told is refused by name: ${name}`, () => {
    assert.throws(
      () => parseEdits(answer),
      (error) => {
        assert.ok(error instanceof Fault && error.code === 'reasoning_unclear', String(error))
        assert.equal(error.details['line'], line, error.message)
        return true
      },
    )
  })
}

test('a draft of any form between two tags is left out, and the answer after them is read whole', () => {
  const drafts = fc.array(
    fc.constantFrom(
      DRAFT,
      write('draft', '</think>\n<think>'),
      '### delete draft',
      `\`\`\`\n${DRAFT}\n\`\`\``,
      'hm',
      'a <think> b',
      '',
    ),
    { maxLength: 5 },
  )
  const held: [string, string][] = [
    [FINAL, 'final'],
    ['### delete b', 'b'],
    [`### edit c\n${pair('</think>', '<think>')}`, 'c'],
    [write('d', 'x\n</think>\ny'), 'd'],
    [write('e', '<think>\nx\n</think>\n### delete b', '~~~'), 'e'],
  ]
  const finals = fc.array(fc.constantFrom(...held), { minLength: 1, maxLength: 4 })
  fc.assert(
    fc.property(
      drafts,
      finals,
      fc.constantFrom('<think>\n', '<think x="1">', '<THINK>\n\n'),
      (thoughts, edits, begin) => {
        const answer = [begin + thoughts.join('\n'), '</think>', ...edits.map(([text]) => text)].join('\n')
        assert.deepEqual(
          pathsOf(answer),
          edits.map(([, path]) => path),
        )
      },
    ),
    { numRuns: 2_000 },
  )
})

test('no draft between an opening tag that begins its line and the first end after it is ever applied', () => {
  const parts = fc.array(fc.constantFrom(...TAGS, ...BLOCKS), { maxLength: 8 })
  fc.assert(
    fc.property(parts, parts, (thoughts, after) => {
      const answer = ['<think>', ...thoughts, edit('secret'), '</think>', ...after].join('\n')
      try {
        const first = thoughts.findIndex((part) => part.includes('</think>'))
        if (first === -1) assert.ok(!pathsOf(answer).includes('secret'), answer)
      } catch (error) {
        assert.ok(error instanceof Fault, String(error))
      }
    }),
    { numRuns: 3_000 },
  )
})

/** Seconds of the processor. */
function costOf(answer: string): number {
  const begun = process.cpuUsage()
  try {
    withoutReasoning(answer)
  } catch (error) {
    assert.ok(error instanceof Fault, String(error))
  }
  const { user, system } = process.cpuUsage(begun)
  return (user + system) / 1e6
}

const LONG: readonly [name: string, unit: string, before?: string][] = [
  ['opening tags', '<think>'],
  ['closing tags', '</think>\n'],
  ['both in one line', '<think></think>'],
  ['names within lines', 'a <think> b\n'],
  ['quotes and brackets', '`<"</[◁<|'],
  ['open attributes', '<think '],
  ['open files', '### write a\n```js\n'],
  ['files and ends', '### write a\n````\n</think>\n```\n', '<think>\n'],
  ['markers and ends', '<<<<<<< SEARCH\n</think>\n', '<think>\n'],
  [
    'markers of all sizes',
    `${Array.from({ length: 60 }, (_, n) => `${'<'.repeat(n + 5)} SEARCH`).join('\n')}\n</think>\n`,
  ],
  ['fences of all sizes', `${Array.from({ length: 60 }, (_, n) => '`'.repeat(n + 3)).join('\n')}\n</think>\nx\n`],
]

for (const [name, unit, before = ''] of LONG) {
  test(`twenty times as long an answer takes about twenty times as long: ${name}`, () => {
    const answer = (bytes: number) => before + unit.repeat(Math.floor(bytes / Buffer.byteLength(unit)))
    const small = costOf(answer(50_000))
    const large = costOf(answer(1_000_000))
    assert.ok(large < 60 * small + 1, `${small} s, then ${large} s`)
  })
}
