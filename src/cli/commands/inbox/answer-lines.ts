import type { Why } from '../../../contract/why/why.ts'
import { remarkOf } from '../../pages/command-remark.ts'
import { withLocalTimes } from '../../pages/humanize.ts'
import type { Output } from '../../pages/output.ts'
import { table } from '../../pages/table.ts'
import { BAR, harmless, harmlessLines, oneLine } from '../../pages/terminal-text.ts'

/** Characters of one piece of evidence; all of it is in `--json`. */
const MOST_OF_EVIDENCE = 500

/** A sentence, the evidence below it, and the commands to type, one a line, with what each does below it. Times are those of where the reader is. */
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
    ...next.flatMap((command) => {
      const remark = remarkOf(command)
      const line = `  ${paint.bold('$')} ${hint(harmless(command))}`
      return remark === null ? [line] : [line, `      ${paint.dim(remark)}`]
    }),
  ].join('\n')
}
