import { Command, Option } from 'commander'
import { type ListedWorkOrder, ListedWorkOrdersResponse } from '../../contract/work-orders.ts'
import { STATUSES } from '../../work-order/status.ts'
import { type Cli, withApi } from '../cli.ts'
import { countUpTo } from '../input/arguments.ts'
import { ago, shortId, usd } from '../pages/humanize.ts'
import { stateOf } from '../pages/order-state.ts'
import { table } from '../pages/table.ts'
import { LONGEST_TITLE, oneLine } from '../pages/terminal-text.ts'

type ListOptions = { status?: string; project?: string; limit: number }

/** What all columns but the title take, roughly. */
const OTHER_COLUMNS = 64
const NARROWEST_TITLE = 20
const MOST = 1000

export function listCommand(cli: Cli): Command {
  return new Command('list')
    .description('Lists work orders, the oldest first.')
    .addOption(new Option('-s, --status <status>', 'only these').choices(STATUSES))
    .option('-p, --project <name>', 'only those of this project')
    .option('-n, --limit <count>', `at most so many, the newest (1 to ${MOST})`, countUpTo(MOST), 100)
    .addHelpText(
      'after',
      '\nExamples:\n  $ moose list --status failed\n  $ moose list --json | jq -r ".work_orders[].id"',
    )
    .action((options: ListOptions) =>
      withApi(cli, async (api) => {
        const query = new URLSearchParams({ limit: String(options.limit) })
        if (options.status !== undefined) query.set('status', options.status)
        if (options.project !== undefined) query.set('project', options.project)
        const listed = await api.call({
          method: 'GET',
          path: `/api/work-orders?${query.toString()}`,
          answer: ListedWorkOrdersResponse,
        })
        cli.output.document(listed)
        print(cli, listed.work_orders, options)
      }),
    )
}

function print({ output }: Cli, orders: readonly ListedWorkOrder[], { status, project, limit }: ListOptions): void {
  if (orders.length === 0) {
    const filtered = status !== undefined || project !== undefined
    output.note(filtered ? 'No such work orders.' : 'No work orders yet. Add one with: moose add --title "…" --file …')
    return
  }
  const { paint, columns } = output
  const now = new Date()
  const width = columns === null ? LONGEST_TITLE : Math.max(NARROWEST_TITLE, columns - OTHER_COLUMNS)
  const heads = ['ID', 'STATUS', 'PROJECT', 'PR', 'COST', 'AGE', 'TITLE'].map((head) => paint.dim(head))
  const rows = orders.map((order) => [
    paint.bold(shortId(order.id)),
    stateOf(order, paint),
    order.project === null ? '–' : oneLine(order.project, 16),
    order.github_pr_number === null ? '–' : `#${order.github_pr_number}`,
    order.replayed ? paint.yellow('replay') : usd(order.actual_cost),
    ago(new Date(order.created_at), now),
    oneLine(order.title, width),
  ])
  output.line(table([heads, ...rows]))
  if (orders.length === limit)
    output.note(`The newest ${limit}; see more with: moose list --limit ${Math.min(MOST, limit * 10)}`)
}
