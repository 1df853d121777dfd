import type { AttemptEvidence } from './attempt-evidence.ts'
import { duration } from './humanize.ts'
import type { Paint } from './output.ts'
import { table } from './table.ts'
import { harmless } from './terminal-text.ts'

/** Files of a change shown on a page; all of them are in the diff. */
const MOST_FILES = 50

/** What the last attempt has changed and what the project's checks said about it, each as a small table. */
export function evidenceSections({ files, checks, failure }: AttemptEvidence, paint: Paint): string[] {
  const unchecked = failure === null ? '  none (no moose.yaml)' : `  not run: ${harmless(failure.code)}`
  return [
    ...(files.length === 0 ? [] : [`${paint.dim('Files')}\n${table(fileRows(files, paint))}`]),
    `${paint.dim('Checks')}\n${checks.length === 0 ? unchecked : table(checkRows(checks, paint))}`,
  ]
}

function fileRows(files: AttemptEvidence['files'], paint: Paint): string[][] {
  const rows = files
    .slice(0, MOST_FILES)
    .map(({ path, added, deleted }) => [
      `  ${harmless(path)}`,
      added === null || deleted === null ? 'binary' : `${paint.green(`+${added}`)} ${paint.red(`−${deleted}`)}`,
    ])
  const rest = files.length - rows.length
  return rest === 0 ? rows : [...rows, [`  … and ${rest} more`, '']]
}

function checkRows(checks: AttemptEvidence['checks'], paint: Paint): string[][] {
  return checks.map(({ name, outcome, durationMs, proves }) => {
    const passed = outcome === 'passed'
    const criteria = proves.map((index) => index + 1).join(', ')
    return [
      `  ${passed ? paint.green('✓') : paint.red('✗')} ${harmless(name)}`,
      harmless(outcome).replace('_', ' '),
      duration(durationMs),
      passed && criteria !== '' ? `proves criterion ${criteria}` : '',
    ]
  })
}
