import { z } from 'zod'
import { nameTwice } from '../../contract/strict-json.ts'
import { shownLine } from '../../edits/answer/answer-lines.ts'
import { unreadableHeader } from '../../edits/answer/headings.ts'
import type { Edit } from '../../edits/edit.ts'
import { EDIT_TOOLS } from '../../edits/edit-tools.ts'
import { saysTraits, type Traits, traitsOf } from '../../edits/file-traits.ts'
import { parseEdits } from '../../edits/parse-edits.ts'
import { Fault } from '../../faults/fault.ts'
import { describeIssues } from '../../faults/schema-problems.ts'
import type { Collected, ToolCall } from '../dialects/read-answer.ts'
import { parseJson } from '../dialects/read-trouble.ts'

type Said = Pick<Collected, 'text' | 'calls' | 'lostCall'>

type ToolEdit =
  | ({ kind: 'edit'; path: string; search: string[]; replace: string[] } & Traits)
  | ({ kind: 'write'; path: string; body: string[] } & Traits)
  | { kind: 'delete'; path: string }
  | { kind: 'rename'; path: string; to: string }

/** A call as an edit, or why it is none. */
type Read = { edit: ToolEdit } | { why: string }

/**
 * An answer in calls of the edit tools as the same answer in blocks, with its text where it stood: `parseEdits` gives exactly
 * what was called for, in that order. A call that is no edit, or that the text around it would make another one, stands
 * there as a block that is refused and says why, so that nothing of an answer is dropped.
 *
 * @returns the text as it is where nothing was called
 */
export function textOfCalls(said: Said): string {
  const { calls, lostCall } = said
  if (calls.length === 0 && lostCall === null) return said.text
  const read = calls.map(readCall)
  const text = compose(said, read)
  const lost = firstLost(text, read)
  if (lost === null) return text
  return compose(said, read.with(lost, { why: 'with the text around it, it would be read as something else' }))
}

function readCall({ name, input }: ToolCall): Read {
  if (!isTool(name)) return { why: `there is no such tool. There are ${Object.keys(EDIT_TOOLS).join(', ')}` }
  const given = parseJson(input)
  if (given === undefined) return { why: 'its arguments are not JSON' }
  const twice = nameTwice(input)
  if (twice !== null) return { why: `its arguments have "${shownLine(twice)}" twice` }
  const parsed = TOOLS[name].safeParse(given)
  return parsed.success ? { edit: parsed.data } : { why: describeIssues(parsed.error, { between: ': ', most: 5 }) }
}

function isTool(name: string): name is keyof typeof EDIT_TOOLS {
  return Object.hasOwn(EDIT_TOOLS, name)
}

const TOOLS = {
  edit: EDIT_TOOLS.edit.inputSchema.transform(
    ({ path, search, replace, executable, final_newline: finalNewline }): ToolEdit => {
      const traits = traitsOf({ executable, finalNewline })
      return { kind: 'edit', path, search: linesOf(search), replace: linesOf(replace), ...traits }
    },
  ),
  write: EDIT_TOOLS.write.inputSchema.transform(
    ({ path, content, executable, final_newline: finalNewline }): ToolEdit => {
      return { kind: 'write', path, body: linesOf(content), ...traitsOf({ executable, finalNewline }) }
    },
  ),
  delete: EDIT_TOOLS.delete.inputSchema.transform(({ path }): ToolEdit => ({ kind: 'delete', path })),
  rename: EDIT_TOOLS.rename.inputSchema.transform(({ path, to }): ToolEdit => ({ kind: 'rename', path, to })),
} satisfies Record<keyof typeof EDIT_TOOLS, z.ZodType<ToolEdit>>

/** As the lines of a block are: without their endings, of which the last line need not have one. */
function linesOf(text: string): string[] {
  if (text === '') return []
  return text.replace(/\r?\n$/, '').split(/\r?\n/)
}

function compose(said: Said, read: readonly Read[]): string {
  const { text, calls, lostCall } = said
  const marks = marksFor([text, ...calls.map(({ input }) => input)], read)
  const parts: string[] = []
  let before = 0
  let path: string | null = null
  for (const [index, call] of calls.entries()) {
    const words = text.slice(before, call.at).trim()
    before = call.at
    if (words !== '') parts.push(words)
    const edit = editOf(read[index])
    const isPair = edit?.kind === 'edit' && !saysTraits(edit)
    const goesOn = words === '' && isPair && edit.path === path
    path = isPair ? edit.path : null
    if (goesOn) parts.push(`${parts.pop()}\n${pairOf(edit, marks)}`)
    else
      parts.push(edit === null ? refusedBlock(call, index, { why: whyOf(read[index]), marks }) : blockOf(edit, marks))
  }
  if (lostCall !== null) parts.push(unreadableHeader(String(calls.length + 1), shownLine(lostCall)))
  return [...parts, text.slice(before).trim()].filter((part) => part !== '').join('\n\n')
}

const editOf = (read: Read | undefined) => (read !== undefined && 'edit' in read ? read.edit : null)
const whyOf = (read: Read | undefined) => (read !== undefined && 'why' in read ? read.why : '')

/** Lengths of a fence and of the markers of a pair that no line of the answer has, so that each line is what it is. */
type Marks = { fence: string; size: number }

const LENGTHS = { fence: { least: 4, most: 100 }, marker: { least: 7, most: 100 } }

function marksFor(texts: readonly string[], read: readonly Read[]): Marks {
  const fences = new Set<number>()
  const markers = new Set<number>()
  for (const line of [...texts.flatMap((text) => text.split('\n')), ...read.flatMap(linesIn)]) {
    const [first] = line.trimStart()
    if (first !== undefined && '`<=>'.includes(first)) (first === '`' ? fences : markers).add(runOf(line.trimStart()))
  }
  return { fence: '`'.repeat(unused(fences, LENGTHS.fence)), size: unused(markers, LENGTHS.marker) }
}

function linesIn(read: Read): string[] {
  const edit = editOf(read)
  if (edit?.kind === 'edit') return [...edit.search, ...edit.replace]
  return edit?.kind === 'write' ? edit.body : []
}

function runOf(line: string): number {
  let length = 0
  while (line[length] === line[0]) length += 1
  return length
}

function unused(lengths: ReadonlySet<number>, { least, most }: { least: number; most: number }): number {
  let length = least
  while (lengths.has(length) && length < most) length += 1
  return length
}

function blockOf(edit: ToolEdit, marks: Marks): string {
  if (edit.kind === 'edit') return `### edit ${edit.path}${bracketsOf(edit)}\n${pairOf(edit, marks)}`
  if (edit.kind === 'write')
    return [`### write ${edit.path}${bracketsOf(edit)}`, marks.fence, ...edit.body, marks.fence].join('\n')
  return edit.kind === 'delete' ? `### delete ${edit.path}` : `### rename ${edit.path} -> ${edit.to}`
}

function bracketsOf({ executable, finalNewline }: Traits): string {
  const said = [
    ...(executable === undefined ? [] : [executable ? 'executable' : 'not executable']),
    ...(finalNewline === undefined ? [] : [finalNewline ? 'final newline' : 'no final newline']),
  ]
  return said.length === 0 ? '' : ` (${said.join(', ')})`
}

function pairOf(
  { search, replace }: { search: readonly string[]; replace: readonly string[] },
  { size }: Marks,
): string {
  const [open, divider, close] = ['<', '=', '>'].map((sign) => sign.repeat(size))
  return [`${open} SEARCH`, ...search, divider, ...replace, `${close} REPLACE`].join('\n')
}

/** With what was called, so that a person sees it. */
function refusedBlock(call: ToolCall, index: number, { why, marks }: { why: string; marks: Marks }): string {
  const name = `${index + 1}, "${shownLine(call.name)}",`
  return [unreadableHeader(name, shownLine(why)), marks.fence, call.input, marks.fence].join('\n')
}

/**
 * The first of the calls that a reader of the text would not get; null: it gets all of them, or refuses the text and says why.
 */
function firstLost(text: string, read: readonly Read[]): number | null {
  if (read.some((one) => 'why' in one)) return null
  const found = itemsIn(text)
  if (found === null) return null
  let at = 0
  for (const [index, one] of read.entries()) {
    const wanted = JSON.stringify(editOf(one))
    while (at < found.length && found[at] !== wanted) at += 1
    if (at === found.length) return index
    at += 1
  }
  return null
}

/** Null: the text is refused. */
function itemsIn(text: string): string[] | null {
  try {
    return parseEdits(text)
      .flatMap(itemsOf)
      .map((item) => JSON.stringify(item))
  } catch (error) {
    if (error instanceof Fault) return null
    throw error
  }
}

function itemsOf(edit: Edit): ToolEdit[] {
  const { kind, path } = edit
  if (kind === 'edit')
    return edit.replacements.map(({ search, replace }) => {
      return { kind, path, search: [...search], replace: [...replace], ...traitsOf(edit) }
    })
  if (kind === 'write') return [{ kind, path, body: [...edit.body], ...traitsOf(edit) }]
  return kind === 'rename' ? [{ kind, path, to: edit.to }] : [{ kind, path }]
}
