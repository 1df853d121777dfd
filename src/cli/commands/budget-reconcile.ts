import { Command } from 'commander'
import { ReconcileResponse, type Reconciliation, SettleResponse } from '../../contract/budget-changes.ts'
import { readBill } from '../bill-file.ts'
import { type Cli, withApi } from '../cli.ts'
import { counted, shortId, usd } from '../humanize.ts'
import { harmless } from '../terminal-text.ts'
import { usdArgument } from '../usd-argument.ts'

const SHOWN = 20

export function budgetSettleCommand(cli: Cli): Command {
  return new Command('settle')
    .summary('say what an unresolved call has cost')
    .description('Books what a call has cost of which nobody knew whether it was charged; 0: it was not charged.')
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
      'Books unresolved calls as a bill has them. Nothing else is changed: calls under way are left alone, and what was ' +
        'booked with another amount is only shown. Exit code 3 if the bill and the ledger differ.',
    )
    .requiredOption('--bill <file>', 'CSV with the columns request_id and cost_usd, or JSON; - reads stdin')
    .option('--complete', 'the bill names every call that was charged: unresolved ones it does not name were not')
    .addHelpText('after', HELP)
    .action(async ({ bill, complete }: { bill: string; complete?: true }) => {
      const body = await readBill(cli, bill, complete === true)
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
  $ moose budget reconcile --bill march.csv --complete

A bill:
  request_id,cost_usd
  9b1c7d40-5f0e-4c1b-9d2a-0c6d1f0f7a11,0.0123`

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
