import { EDIT_TOOLS } from '../../../src/edits/edit-tools.ts'
import { textOfCalls } from '../../../src/models/tools/call-text.ts'
import type { ChangedFile } from './changes.ts'

type Call = { name: keyof typeof EDIT_TOOLS; input: Readonly<Record<string, string>> }

/** The calls that make a change: of an existing file its hunks, with as few lines around them as make them unique. */
export function callsOf(files: readonly ChangedFile[]): Call[] {
  return files.flatMap(({ path, before, after, diff }): Call[] => {
    if (after === null) return [{ name: 'delete', input: { path } }]
    if (before === null || before === '') return [{ name: 'write', input: { path, content: after } }]
    return pairsOf(before, diff).map(({ search, replace }) => ({ name: 'edit', input: { path, search, replace } }))
  })
}

/** The same change in each form, as a model would write it. */
export function answersOf(files: readonly ChangedFile[]): Record<'blocks' | 'diff' | 'tools', string> {
  const calls = callsOf(files)
  const made = calls.map(({ name, input }, index) => ({
    key: String(index),
    at: 0,
    name,
    input: JSON.stringify(input),
  }))
  return {
    blocks: textOfCalls({ text: '', calls: made, lostCall: null }),
    diff: `\`\`\`\`diff\n${files.map(({ diff }) => diff).join('')}\`\`\`\``,
    tools: calls.map(({ name, input }) => JSON.stringify({ name, input })).join('\n'),
  }
}

type Hunk = { from: number; to: number; lines: string[] }

/** Each SEARCH stands once in the file as the pairs before have left it. */
function pairsOf(before: string, diff: string): { search: string; replace: string }[] {
  const lines = before.slice(0, -1).split('\n')
  let moved = 0
  return hunksOf(diff).map((hunk) => {
    const [start, end] = [hunk.from + moved, hunk.to + moved]
    let [from, to] = [start, end]
    while (!isUnique(lines, from, to) && (from > 0 || to < lines.length)) {
      from = Math.max(0, from - 1)
      if (!isUnique(lines, from, to)) to = Math.min(lines.length, to + 1)
    }
    const search = lines.slice(from, to)
    lines.splice(start, end - start, ...hunk.lines)
    moved += hunk.lines.length - (end - start)
    const replace = lines.slice(from, to + hunk.lines.length - (end - start))
    return { search: textOf(search), replace: textOf(replace) }
  })
}

const textOf = (lines: readonly string[]) => lines.map((line) => `${line}\n`).join('')

function isUnique(lines: readonly string[], from: number, to: number): boolean {
  if (from === to) return false
  const wanted = lines.slice(from, to).map((line) => line.trim())
  let found = 0
  for (let at = 0; at + wanted.length <= lines.length && found < 2; at += 1)
    if (wanted.every((line, index) => lines[at + index]?.trim() === line)) found += 1
  return found === 1
}

/** Runs of changed lines; those that stand together are one. */
function hunksOf(diff: string): Hunk[] {
  const hunks: Hunk[] = []
  let at = 0
  let open: Hunk | null = null
  for (const line of diff.split('\n').slice(2)) {
    const start = /^@@ -(\d+)(?:,(\d+))?/.exec(line)
    if (start !== null) at = start[2] === '0' ? Number(start[1]) : Number(start[1]) - 1
    const sign = start === null ? line[0] : '@'
    if (sign !== '-' && sign !== '+') open = null
    if (sign === '-' || sign === '+') {
      if (open === null) hunks.push((open = { from: at, to: at, lines: [] }))
      if (sign === '+') open.lines.push(line.slice(1))
      else open.to = at + 1
    }
    if (sign === ' ' || sign === '-') at += 1
  }
  return hunks
}
