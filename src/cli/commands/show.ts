import { Command } from 'commander'
import { type WorkOrderDetail, WorkOrderDetailResponse } from '../../contract/work-orders.ts'
import { Fault } from '../../faults/fault.ts'
import { type Cli, withApi } from '../cli.ts'
import { workOrderPath } from '../client/api-client.ts'
import { serviceStateOf, waitsFor } from '../client/service-state.ts'
import { orderPage } from '../pages/order-page.ts'

export function showCommand(cli: Cli): Command {
  return new Command('show')
    .description('Shows a work order: what it asks for, where it stands, and what each attempt did.')
    .argument('<id>', 'id, or its first characters (at least 4)')
    .option('--steps', 'also what went into each step and what came out')
    .option('--diff', 'only the diff of its pull request, as git apply takes it')
    .addHelpText('after', '\nExamples:\n  $ moose show 1a2b3c4d\n  $ moose show 1a2b3c4d --diff | git apply')
    .action((id: string, options: { steps?: true; diff?: true }) =>
      withApi(cli, async (api, service) => {
        const shown = await api.call({ method: 'GET', path: workOrderPath(id), answer: WorkOrderDetailResponse })
        const { output } = cli
        const diff = options.diff === true ? diffOf(shown.work_order) : null
        output.document(shown)
        if (diff !== null) return output.json ? undefined : output.verbatim(diff)
        const { paint } = output
        const { work_order: order } = shown
        // Of an order that was begun it depends on who is there whether anything happens.
        const waits = order.status === 'in_progress' ? waitsFor(order, await serviceStateOf(api, service)) : null
        output.line(
          orderPage(order, { paint, hint: output.hint, now: new Date(), waits, steps: options.steps === true }),
        )
      }),
    )
}

function diffOf(order: WorkOrderDetail): string {
  if (order.pull_request !== null) return order.pull_request.diff
  const where = order.github_pr_url === null ? 'It has no pull request yet.' : `It is at ${order.github_pr_url}.`
  throw new Fault('not_found', `Moose keeps no diff for work order ${order.id}. ${where}`, { id: order.id })
}
