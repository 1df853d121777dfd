import { Command, InvalidArgumentError, Option } from 'commander'
import { z } from 'zod'
import {
  BILLING_PROVIDERS,
  type BillBody,
  ReconcileResponse,
  type Reconciliation,
  SettleResponse,
} from '../../../contract/budget-changes.ts'
import { Fault } from '../../../faults/fault.ts'
import { type Cli, withApi } from '../../cli.ts'
import { usdArgument } from '../../input/arguments.ts'
import { readBill } from '../../input/bill-file.ts'
import { counted, shortId, usd } from '../../pages/humanize.ts'
import { harmless } from '../../pages/terminal-text.ts'

const SHOWN = 20

export function budgetSettleCommand(cli: Cli): Command {
  return new Command('settle')
    .summary('say what an unresolved call has cost')
    .description('Books the cost of a call whose charge is unknown; 0: it was not charged.')
    .argument('<id>', 'of the reservation, or its first characters (at least 4)')
    .argument('<usd>', 'what it has cost', usdArgument)
    .addHelpText('after', '\nExamples:\n  $ moose budget settle 9b1c7d40 0.0123\n  $ moose budget settle 9b1c7d40 0')
    .action((id: string, cost: string) =>
      withApi(cli, async (api) => {
        const path = `/api/budget/reservations/${encodeURIComponent(id)}/settle`
        const answer = await api.call({ method: 'POST', path, body: { cost_usd: cost }, answer: SettleResponse })
        cli.output.document(answer)
        const { id: whole, cost_usd: booked } = answer.settled
        cli.output.line(
          `${shortId(whole)}: ${booked === 0 ? 'released, it was not charged' : `settled at ${usd(booked)}`}`,
        )
      }),
    )
}

export function budgetReconcileCommand(cli: Cli): Command {
  return new Command('reconcile')
    .summary("compare with a provider's bill")
    .description(
      'Books unresolved calls as a bill has them. Nothing else is changed: calls under way are not touched, and what was ' +
        'booked with another amount is only shown. Exit code 3 if the bill and the ledger differ.',
    )
    .requiredOption('--bill <file>', 'CSV with the columns request_id and cost_usd, or JSON; - reads stdin')
    .option(
      '--complete-until <time>',
      'the bill names every charged call up to the end of this day, or this time (UTC): others were not charged',
      endOfPeriod,
    )
    .addOption(new Option('--provider <name>', 'whose bill it is').choices(BILLING_PROVIDERS).conflicts('proposer'))
    .option('--proposer <name>', 'instead of --provider: the one proposer the bill is of, for a server of your own')
    .addHelpText('after', HELP)
    .action(async ({ bill, ...period }: { bill: string } & Period) => {
      const body = await readBill(cli, bill, periodOf(period))
      await withApi(cli, async (api) => {
        const path = '/api/budget/reconcile'
        const answer = await api.call({ method: 'POST', path, body, answer: ReconcileResponse })
        cli.output.document(answer)
        report(cli, answer)
        if (answer.differing.length + answer.unknown.length > 0) process.exitCode = 3
      })
    })
}

const HELP = `
request_id is what Moose sent the provider as x-client-request-id: the id of a reservation.

Examples:
  $ moose budget reconcile --bill march.csv
  $ moose budget reconcile --bill march.csv --complete-until 2026-03-31 --provider anthropic

A bill:
  request_id,cost_usd
  9b1c7d40-5f0e-4c1b-9d2a-0c6d1f0f7a11,0.0123`

type Period = { completeUntil?: string; provider?: (typeof BILLING_PROVIDERS)[number]; proposer?: string }

/** One without the other releases nothing, or too much. */
function periodOf({ completeUntil, ...whose }: Period): Omit<BillBody, 'entries'> {
  const isLimited = whose.provider !== undefined || whose.proposer !== undefined
  const see = 'See: moose budget reconcile --help'
  if (completeUntil === undefined) {
    if (!isLimited) return {}
    throw new Fault('request_invalid', `Say with --complete-until up to when the bill names every charged call. ${see}`)
  }
  if (isLimited) return { complete_until: completeUntil, ...whose }
  throw new Fault('request_invalid', `Say with --provider NAME or --proposer NAME whose calls the bill is of. ${see}`)
}

const DAY_MS = 86_400_000

/** A day ends when the next one begins. */
function endOfPeriod(text: string): string {
  if (z.iso.date().safeParse(text).success) return new Date(Date.parse(text) + DAY_MS).toISOString()
  if (z.iso.datetime().safeParse(text).success) return new Date(text).toISOString()
  throw new InvalidArgumentError('It must be a day or a time in UTC, such as 2026-11-30 or 2026-11-30T08:30:00Z.')
}

function report({ output }: Cli, result: Reconciliation): void {
  const { settled, released, agreeing, differing, under_way: running, unknown } = result
  output.line(
    `${counted(settled.length, 'call')} settled, ${released.length} released, ${agreeing} agreed already, ` +
      `${differing.length} differ, ${running.length} under way, ${unknown.length} unknown`,
  )
  const { paint } = output
  const lines = [
    ...settled.map(({ id, cost_usd: cost }) => `  ${shortId(id)}  settled at ${usd(cost)}`),
    ...released.map(({ id, amount_usd: amount }) => `  ${shortId(id)}  released, ${usd(amount)} were reserved`),
    ...differing.map(({ id, booked_usd: booked, billed_usd: billed }) =>
      paint.yellow(`  ${shortId(id)}  differs: booked ${usd(booked)}, billed ${usd(billed)}; nothing was changed`),
    ),
    ...running.map((id) => `  ${shortId(id)}  is under way; nothing was changed`),
    ...unknown.map((id) => paint.yellow(`  ${harmless(id)}  is not in the ledger`)),
  ]
  for (const line of lines.slice(0, SHOWN)) output.line(line)
  if (lines.length > SHOWN) output.note(`and ${lines.length - SHOWN} more; see all with --json`)
}
