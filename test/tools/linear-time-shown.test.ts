/** As `linear-time.test.ts`: what a terminal, a model or a person is shown, and what a change is searched for. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { readCsv } from '../../src/cli/input/csv.ts'
import { harmlessButColours, oneLine } from '../../src/cli/pages/terminal-text.ts'
import { ProposerRequest } from '../../src/ports/proposal.ts'
import { importedFiles } from '../../src/proposer/context/imports.ts'
import { buildPrompt } from '../../src/proposer/prompt.ts'
import { tellingLines } from '../../src/work-order/protection/requirement-lines.ts'
import { readingsOf } from '../../src/workspace/key-shapes.ts'
import { assertLinear, repeated } from '../support/growth.ts'

/** Characters of the longest input. */
const MOST = 1_000_000

test('what is shown in a terminal', async (t) => {
  for (const part of ['\u001b[', '\u001b[1;', ' ', '\u202e', '"', '"a', '. '])
    await t.test(JSON.stringify(part), () =>
      assertLinear(repeated(part), (text) => [harmlessButColours(text), oneLine(text, 80), readCsv(text)], MOST / 4),
    )
})

test('what a model is shown', async (t) => {
  for (const part of ['~', '~ ', '\n'])
    await t.test(JSON.stringify(part), () =>
      assertLinear(
        repeated(part),
        (text) => {
          const request = ProposerRequest.parse({ task_description: text, expected_output_type: 'code' })
          const file = { kind: 'text', path: 'f', lines: text.split('\n') } as const
          buildPrompt(request, { files: [file], context: [], paths: [] }, { form: 'blocks', previousFailure: text })
        },
        MOST,
      ),
    )
})

test('what a file imports', async (t) => {
  const known = { has: () => false, named: () => [], inFolder: () => [], goModules: [{ folder: '', module: 'm' }] }
  for (const ending of ['ts', 'py', 'go', 'rs', 'java'])
    for (const part of [
      "import '",
      'import (',
      'from . ',
      'import a, ',
      'use crate::a::',
      '"m/',
      'pub mod a;',
      ' ',
      '\n',
    ])
      await t.test(`${ending}: ${JSON.stringify(part)}`, () =>
        assertLinear(
          repeated(part),
          (text) => importedFiles([{ path: `f.${ending}`, lines: text.split('\n') }], known),
          MOST,
        ),
      )
})

test('what a file deep down imports takes no longer for more names', async (t) => {
  const known = { has: () => false, named: () => [], inFolder: () => [], goModules: [] }
  const path = `${'folder/'.repeat(50)}f.py`
  const lines: readonly (readonly [string, (index: number) => string])[] = [
    ['the same', () => 'b'],
    ['others', (index) => `b${index}`],
  ]
  for (const [what, nameAt] of lines)
    await t.test(what, () => {
      const names = (line: number) => Array.from({ length: 95 }, (_, index) => nameAt(line * 95 + index)).join(',')
      const text = Array.from({ length: 3_000 }, (_, line) => `from a import ${names(line)}`)
      const before = process.threadCpuUsage()
      importedFiles([{ path, lines: text }], known)
      const { user, system } = process.threadCpuUsage(before)
      assert.ok(user + system < 1_000_000, `it took ${(user + system) / 1_000} ms`)
    })
})

test('what of a change is held', async (t) => {
  for (const part of [
    '-',
    'a',
    'a ',
    '\\\n',
    ' #',
    '#\n',
    'a;',
    '\0',
    `${'A'.repeat(23)} `,
    `${'A'.repeat(60)}\n`,
    'YWFh',
  ])
    await t.test(JSON.stringify(part), () =>
      assertLinear(repeated(part), (text) => [tellingLines(text), readingsOf(text)], MOST),
    )
})
