import type { Why } from '../../../contract/why/why.ts'
import type { Output } from '../../pages/output.ts'
import { table } from '../../pages/table.ts'
import { BAR, harmless, harmlessLines } from '../../pages/terminal-text.ts'

/** Characters of one piece of evidence; all of it is in `--json`. */
const MOST_OF_EVIDENCE = 500

/** A sentence, the evidence below it, and the commands to type, one a line. */
export function answerLines(
  { sentence, evidence, next }: Pick<Why, 'sentence' | 'evidence' | 'next'>,
  { paint, hint }: Pick<Output, 'paint' | 'hint'>,
): string {
  const rows = evidence.map(({ name, text }) => [
    `  ${paint.dim(harmless(name))}`,
    harmless(text.slice(0, MOST_OF_EVIDENCE).toWellFormed()),
  ])
  return [
    hint(harmlessLines(sentence)).replaceAll('\n', `\n${BAR} `),
    ...(rows.length === 0 ? [] : [table(rows)]),
    ...next.map((command) => `  ${paint.bold('$')} ${hint(harmless(command))}`),
  ].join('\n')
}
