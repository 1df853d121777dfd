import type { Why } from '../../../contract/why/why.ts'
import { withRemark } from '../../pages/command-remark.ts'
import { withLocalTimes } from '../../pages/humanize.ts'
import type { Output } from '../../pages/output.ts'
import { table } from '../../pages/table.ts'
import { BAR, harmless, harmlessLines, oneLine } from '../../pages/terminal-text.ts'

/** Characters of one piece of evidence; all of it is in `--json`. */
const MOST_OF_EVIDENCE = 500

/** A sentence, the evidence below it, and the commands to type, one a line. Times are those of where the reader is. */
export function answerLines(
  { sentence, evidence, next }: Pick<Why, 'sentence' | 'evidence' | 'next'>,
  { paint, hint }: Pick<Output, 'paint' | 'hint'>,
  now: Date,
): string {
  const rows = evidence.map(({ name, text }) => [
    `  ${paint.dim(harmless(name))}`,
    oneLine(withLocalTimes(text, now).replaceAll(/\s+/g, ' '), MOST_OF_EVIDENCE),
  ])
  return [
    hint(harmlessLines(withLocalTimes(sentence, now))).replaceAll('\n', `\n${BAR} `),
    ...(rows.length === 0 ? [] : [table(rows)]),
    ...next.map((command) => `  ${paint.bold('$')} ${hint(withRemark(harmless(command)))}`),
  ].join('\n')
}
