/** Random pairs, and the obvious way to find where they belong. */
import assert from 'node:assert/strict'
import fc from 'fast-check'
import { outcomeOf } from './edit-outcome.ts'

const word = fc.constantFrom('a', 'b', 'c', '', ' a', '  b', 'c ', 'é', 'x\ry')
const words = (minLength: number) => fc.array(word, { minLength, maxLength: 4 })

/** The least white space that lines with any text start with. */
const indentOf = (lines: readonly string[]) => {
  const starts = lines.filter((line) => line.trim() !== '').map((line) => /^\s*/.exec(line)?.[0] ?? '')
  return starts.reduce((least, start) => (start.length < least.length ? start : least), starts[0] ?? '')
}
const unindented = (lines: readonly string[]) =>
  lines.map((line) => (line.trim() === '' ? '' : line.slice(indentOf(lines).length).trimEnd()))

/** The rules of a match, in their order; the first by which anything matches counts. */
const RULES: readonly ((lines: readonly string[]) => string)[] = [
  (lines) => lines.join('\n'),
  (lines) => lines.map((line) => line.trimEnd()).join('\n'),
  (lines) => unindented(lines).join('\n'),
]

/** The obvious way: where lines of a file are like those of a SEARCH. */
function matches(file: readonly string[], search: readonly string[]): { rule: number; at: number[] } {
  for (const [rule, like] of RULES.entries()) {
    const at = file
      .map((_, index) => index)
      .filter((index) => index + search.length <= file.length)
      .filter((index) => like(file.slice(index, index + search.length)) === like(search))
      .filter((index) => rule < 2 || file.slice(index, index + search.length).some((line) => line.trim() !== ''))
    if (at.length > 0) return { rule, at }
  }
  return { rule: 0, at: [] }
}

/** One pair on a small file is put in where the naive way finds one place, and refused elsewhere. */
export async function assertPutInOnePlace(runs: number, seed: number): Promise<void> {
  const property = fc.asyncProperty(
    fc.array(word, { minLength: 1, maxLength: 12 }),
    words(1),
    words(0),
    async (file, search, replace) => {
      const result = await applied(`${file.join('\n')}\n`, search, replace)
      const { rule, at } = matches(file, search)
      const [start] = at
      const isNothing = JSON.stringify(search) === JSON.stringify(replace) && at.length > 0
      if (isNothing) assert.equal(result, 'change_without_effect')
      else if (start === undefined || at.length > 1) assert.equal(result, 'edits_rejected')
      else if (result !== 'change_without_effect' && result !== 'edits_rejected') {
        const [head, tail] = [file.slice(0, start), file.slice(start + search.length)]
        const lines = result === '' ? [] : result.slice(0, -1).split('\n')
        assert.deepEqual(lines.slice(0, head.length), head)
        assert.deepEqual(lines.slice(lines.length - tail.length), tail)
        const put = lines.slice(head.length, lines.length - tail.length)
        if (rule === 0) assert.deepEqual(put, replace)
        else
          assert.deepEqual(
            put.map((line) => line.trim()),
            replace.map((line) => line.trim()),
          )
      } else if (rule === 0 && result === 'edits_rejected')
        assert.fail(`refused: ${JSON.stringify({ file, search, replace })}`)
    },
  )
  await fc.assert(property, { numRuns: runs, seed })
}

/** What one pair makes of the file `f`, or the code of the fault. */
async function applied(content: string, search: readonly string[], replace: readonly string[]): Promise<string> {
  const side = (lines: readonly string[]) => lines.map((line) => `${line}\n`).join('')
  const answer = `### edit f\n<<<<<<< SEARCH\n${side(search)}=======\n${side(replace)}>>>>>>> REPLACE`
  const outcome = await outcomeOf({ f: content }, answer)
  return typeof outcome === 'string' ? outcome.slice(0, outcome.indexOf(':')) : String(outcome['f'])
}
