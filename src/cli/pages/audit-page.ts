import type { AuditEntry } from '../../contract/audit.ts'
import { shortId } from './humanize.ts'
import type { Paint } from './output.ts'
import { oneLine } from './terminal-text.ts'

const LONGEST_WORD = 40
const LONGEST_DETAILS = 100

/** Who has acted, as one word or two: `ada (token)`. */
export function actorText({ kind, name }: AuditEntry['actor']): string {
  return `${oneLine(name, LONGEST_WORD)} (${oneLine(kind.replaceAll('_', ' '), LONGEST_WORD)})`
}

/** The cells of an entry. */
export function auditLine(entry: AuditEntry, paint: Paint): string[] {
  const { seq, at, actor, act, subject, details } = entry
  const signedIn = details['signed_in']
  const who =
    typeof signedIn === 'string' ? `${oneLine(signedIn, LONGEST_WORD)}, ${actorText(actor)}` : actorText(actor)
  const what = subject.kind === 'order' ? shortId(subject.id) : oneLine(subject.id, LONGEST_WORD)
  return [
    String(seq),
    at.slice(0, 19).replace('T', ' '),
    who,
    paint.bold(oneLine(act, LONGEST_WORD)),
    what,
    paint.dim(detailsText(details)),
  ]
}

/** Hashes say nothing to a person; they are in `--json`. */
function detailsText(details: AuditEntry['details']): string {
  const { was, is, columns, signed_in: _, ...rest } = details
  const shown = Object.entries(rest).filter(([name]) => !name.endsWith('sha256'))
  const parts = [
    ...(Array.isArray(columns) ? [columns.join(', ')] : []),
    ...(isPlain(was) && isPlain(is) ? [`${was} → ${is}`] : []),
    ...shown.map(([name, value]) => `${name} ${typeof value === 'string' ? value : JSON.stringify(value)}`),
  ]
  return oneLine(parts.join('; '), LONGEST_DETAILS)
}

function isPlain(value: unknown): value is string | number | null {
  return value === null || typeof value === 'string' || typeof value === 'number'
}
