import { Command, InvalidArgumentError } from 'commander'
import {
  type AuditEntry,
  AuditResponse,
  type AuditVerification,
  AuditVerificationResponse,
} from '../../contract/audit.ts'
import { Fault } from '../../faults/fault.ts'
import { type Cli, withApi } from '../cli.ts'
import type { ApiClient } from '../client/api-client.ts'
import { countUpTo } from '../input/arguments.ts'
import { auditLine } from '../pages/audit-page.ts'
import { table } from '../pages/table.ts'

const MOST = 100_000
const PAGE = 1_000

type Options = {
  since?: Date
  until?: Date
  by?: string
  act?: string
  object?: string
  order?: string
  limit?: number
  verify?: true
  acceptHead?: true
}

export function auditCommand(cli: Cli): Command {
  return new Command('audit')
    .description(
      'Shows who did what: approved, edited, started, cancelled and merged work orders; changed budgets, proposers, ' +
        'projects, settings and tokens. The newest last.',
    )
    .option('--since <time>', 'from then on: 30m, 12h, 2d, or a date such as 2026-01-31', timeArgument)
    .option('--until <time>', 'up to then, written as for --since', timeArgument)
    .option('--by <name>', 'only what this token, user, database role or login did')
    .option('--act <act>', 'only this act, such as order.approve')
    .option('--object <kind[:id]>', 'only what was done to objects of this kind, or to one: proposer:sonnet')
    .option('--order <id>', 'only what concerns this work order')
    .option(
      '-n, --limit <count>',
      `at most so many, the newest (1 to ${MOST}); 50, or all with --since`,
      countUpTo(MOST),
    )
    .option('--verify', 'find entries that were changed, removed or moved; exit code 3 if there are any')
    .option('--accept-head', 'let the entries count as they are: after a backup of the database was restored')
    .addHelpText(
      'after',
      '\nExamples:\n  $ moose audit --since 2d\n  $ moose audit --act order.approve --by ada\n  $ moose audit --order 1a2b3c4d --json | jq ".entries[].actor"\n  $ moose audit --verify',
    )
    .action((options: Options) =>
      withApi(cli, async (api) => {
        if (options.verify === true || options.acceptHead === true) return await verify(cli, api, options)
        const entries = await entriesOf(api, options)
        cli.output.document({ success: true, entries })
        print(cli, entries)
      }),
    )
}

const UNITS: Readonly<Record<string, number>> = { m: 60_000, h: 3_600_000, d: 86_400_000, w: 604_800_000 }

/** A time span back from now, or a date as ISO 8601 writes it. */
function timeArgument(text: string): Date {
  const [, count, unit = ''] = /^(\d{1,6})([mhdw])$/.exec(text) ?? []
  const unitMs = UNITS[unit]
  const time =
    count === undefined || unitMs === undefined
      ? new Date(/^\d{4}-\d{2}-\d{2}(T[\d:.]+(Z|[+-]\d{2}:\d{2})?)?$/.test(text) ? text : Number.NaN)
      : new Date(Date.now() - Number(count) * unitMs)
  if (!Number.isNaN(time.getTime())) return time
  throw new InvalidArgumentError('It must be a time span such as 12h or 2d, or a date such as 2026-01-31.')
}

/** Oldest first. */
async function entriesOf(
  api: ApiClient,
  { since, until, by, act, object, order, limit }: Options,
): Promise<AuditEntry[]> {
  const wanted = limit === undefined ? (since === undefined ? 50 : MOST) : limit
  const query = new URLSearchParams()
  if (since !== undefined) query.set('since', since.toISOString())
  if (until !== undefined) query.set('until', until.toISOString())
  if (by !== undefined) query.set('by', by)
  if (act !== undefined) query.set('act', act)
  if (object !== undefined) query.set('object', object)
  if (order !== undefined) query.set('order', order)
  const pages: AuditEntry[][] = []
  for (let left = wanted; left > 0; ) {
    query.set('limit', String(Math.min(PAGE, left)))
    const path = `/api/audit?${query.toString()}`
    const { entries, next_before: next } = await api.call({ method: 'GET', path, answer: AuditResponse })
    pages.push(entries)
    left -= entries.length
    if (next === null) break
    query.set('before', String(next))
  }
  return pages.toReversed().flat()
}

function print({ output }: Cli, entries: readonly AuditEntry[]): void {
  if (entries.length === 0) return output.note('No such entries.')
  const heads = ['#', 'AT', 'WHO', 'ACT', 'WHAT', 'DETAILS'].map((head) => output.paint.dim(head))
  output.line(table([heads, ...entries.map((entry) => auditLine(entry, output.paint))]))
}

/** @throws {Fault} `audit_broken` */
async function verify({ output }: Cli, api: ApiClient, { acceptHead }: Options): Promise<void> {
  const path = acceptHead === true ? '/api/audit/accept' : '/api/audit/verify'
  const { verification } = await api.call({ method: 'POST', path, answer: AuditVerificationResponse })
  const { intact, entries, head, known_head: known } = verification
  if (!intact) throw brokenFault(verification)
  output.document({ success: true, verification })
  const seen = known === null ? 'this home had seen none of them before' : `this home had seen them up to ${known.seq}`
  output.line(
    `${output.paint.green('✓')} ${entries === 1 ? '1 entry' : `${entries} entries`}, in order and unchanged; ${seen}.`,
  )
  if (head !== null) output.line(output.paint.dim(`  head ${head.seq} ${head.hash}`))
}

/** The end is missing too where a backup was restored, and that is no tampering. */
function brokenFault({ problems }: AuditVerification): Fault {
  const said = problems.map(({ message }) => `\n  - ${message}`).join('')
  const mayBeRestored = problems.every(({ kind }) => kind === 'removed_tail' || kind === 'recomputed')
  const next = mayBeRestored
    ? '\nIf a backup of the database was restored, that is expected; then say: moose audit --accept-head'
    : '\nCompare with a backup of the database, and find out who may write to its tables.'
  const [first] = problems
  const details = {
    problems: problems.length,
    kind: first === undefined ? '' : first.kind,
    seq: first === undefined ? 0 : first.seq,
  }
  return new Fault('audit_broken', `The audit was tampered with, or is not whole:${said}${next}`, details)
}
