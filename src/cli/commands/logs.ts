import { Command, Option } from 'commander'
import { EventsResponse, LONGEST_SEARCH, MOST_EVENTS } from '../../contract/events.ts'
import { WorkOrderDetailResponse } from '../../contract/work-orders.ts'
import { type Cli, withApi } from '../cli.ts'
import { type ApiClient, workOrderPath } from '../client/api-client.ts'
import { serviceStateOf, waitsFor } from '../client/service-state.ts'
import { countUpTo, textUpTo } from '../input/arguments.ts'
import { listenForInterruption } from '../interruption.ts'
import { isRepetition, printEvent } from '../pages/event-line.ts'

const MOST = 1_000_000
const HELP = `
Examples:
  $ moose logs -f 1a2b3c4d --tail 20
  $ moose logs 1a2b3c4d --find error
  $ moose logs 1a2b3c4d --json | jq .type`

export function logsCommand(cli: Cli): Command {
  return new Command('logs')
    .description('Prints what happened to a work order: every step with its time and cost, and the output of checks.')
    .argument('<id>', 'id, or its first characters (at least 4)')
    .option('-f, --follow', 'follow until nothing more will come without a human')
    .option('--tail <number>', 'only the last so many events', countUpTo(MOST))
    .addOption(
      new Option('--find <text>', 'only events with this text, in any case')
        .argParser(textUpTo(LONGEST_SEARCH))
        .conflicts('follow'),
    )
    .addHelpText('after', HELP)
    .action((id: string, { follow, tail, find }: { follow?: true; tail?: number; find?: string }) =>
      withApi(cli, async (api, service) => {
        using interruption = listenForInterruption()
        const { signal } = interruption
        const path = workOrderPath(id)
        const { work_order } = await api.call({ method: 'GET', path, answer: WorkOrderDetailResponse, signal })
        const workOrderId = work_order.id
        const waiting = follow ? waitsFor(work_order, await serviceStateOf(api, service)) : null
        if (waiting !== null) cli.output.note(waiting)
        const having = find === undefined ? {} : { find }
        const after = tail === undefined ? '0' : await startOfTail(api, workOrderId, { count: tail, ...having, signal })
        const events = follow
          ? api.follow({ workOrderId, afterId: after, signal })
          : api.history(workOrderId, signal, { after, ...having })
        for await (const event of events) {
          cli.output.document(event)
          if (!isRepetition(event)) printEvent(cli.output, event, { time: true })
        }
        if (interruption.exitCode() !== null) process.exitCode = Number(interruption.exitCode())
      }),
    )
}

type Tail = { count: number; find?: string; signal: AbortSignal }

/** The id after which the last events begin: read backwards, and kept nowhere, however many there are. */
async function startOfTail(api: ApiClient, id: string, { count, signal, ...having }: Tail): Promise<string> {
  const query = new URLSearchParams(having)
  let before: string | null = null
  for (let left = count; left > 0; ) {
    query.set('tail', String(Math.min(left, MOST_EVENTS)))
    const path = `${workOrderPath(id)}/events?${query.toString()}`
    const { events } = await api.call({ method: 'GET', path, answer: EventsResponse, signal })
    const [first] = events
    if (first === undefined) return '0'
    before = first.id
    query.set('before', before)
    left -= events.length
  }
  return before === null ? '0' : String(BigInt(before) - 1n)
}
