import type { ChangedFileView, OrderChanges } from '../../contract/changes.ts'
import type { Paint } from './output.ts'
import { table } from './table.ts'
import { harmless, oneLine } from './terminal-text.ts'

/** For a word of a newer version. */
const LONGEST_WORD = 40

/** The files of a change as a table, in the order of its diff, and their sum. */
export function changesPage({ source, files, cut }: OrderChanges, paint: Paint): string {
  const heads = ['CHANGE', 'LINES', 'SCOPE', 'FILE'].map((head) => paint.dim(head))
  const rows = files.map((file) => [
    oneLine(file.change, LONGEST_WORD),
    linesOf(file, paint),
    marksOf(file, paint),
    harmless(file.path),
  ])
  const sum = (counted: 'added' | 'deleted') => files.reduce((total, file) => total + Number(file[counted]), 0)
  const of = source === 'held' ? 'held until a human allows it' : 'in the pull request'
  return [
    table([heads, ...rows]),
    '',
    `${files.length === 1 ? '1 file' : `${files.length} files`} ${of}, +${sum('added')} -${sum('deleted')}`,
    ...(cut === null ? [] : [paint.yellow(harmless(cut))]),
  ].join('\n')
}

function linesOf({ added, deleted }: ChangedFileView, paint: Paint): string {
  if (added === null || deleted === null) return paint.dim('binary')
  return `${paint.green(`+${added}`)} ${paint.red(`-${deleted}`)}`
}

function marksOf({ in_scope: isInScope, protected: why }: ChangedFileView, paint: Paint): string {
  const scope = isInScope ? 'in scope' : paint.red('out of scope')
  return why === null ? scope : `${scope}, ${paint.yellow(`protected: ${harmless(why)}`)}`
}
