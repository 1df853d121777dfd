import { Command } from 'commander'
import { WorkOrderDetailResponse } from '../../contract/work-orders.ts'
import { type Cli, withApi } from '../cli.ts'
import { workOrderPath } from '../client/api-client.ts'
import { serviceStateOf, waitsFor } from '../client/service-state.ts'
import { listenForInterruption } from '../interruption.ts'
import { isRepetition, printEvent } from '../pages/event-line.ts'

export function logsCommand(cli: Cli): Command {
  return new Command('logs')
    .description('Prints what happened to a work order: every step with its time and cost, and the output of checks.')
    .argument('<id>', 'id, or its first characters (at least 4)')
    .option('-f, --follow', 'follow until nothing more will come without a human')
    .addHelpText('after', '\nExamples:\n  $ moose logs -f 1a2b3c4d\n  $ moose logs 1a2b3c4d --json | jq .type')
    .action((id: string, { follow }: { follow?: true }) =>
      withApi(cli, async (api, service) => {
        using interruption = listenForInterruption()
        const { signal } = interruption
        const path = workOrderPath(id)
        const { work_order } = await api.call({ method: 'GET', path, answer: WorkOrderDetailResponse, signal })
        const workOrderId = work_order.id
        const waiting = follow ? waitsFor(work_order, await serviceStateOf(api, service)) : null
        if (waiting !== null) cli.output.note(waiting)
        const events = follow ? api.follow({ workOrderId, afterId: '0', signal }) : api.history(workOrderId)
        for await (const event of events) {
          cli.output.document(event)
          if (!isRepetition(event)) printEvent(cli.output, event, { time: true })
        }
        if (interruption.exitCode() !== null) process.exitCode = Number(interruption.exitCode())
      }),
    )
}
