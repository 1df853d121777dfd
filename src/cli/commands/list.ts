import { Command, Option } from 'commander'
import {
  LanesResponse,
  type LaneView,
  ListedWorkOrdersResponse,
  ORDER_SORTS,
  type OrderSort,
} from '../../contract/order-list.ts'
import type { ListedWorkOrder } from '../../contract/work-orders.ts'
import { Fault } from '../../faults/fault.ts'
import { ORDER_STATES, type OrderState } from '../../work-order/order-state.ts'
import { STATUSES, type Status } from '../../work-order/status.ts'
import { firstSentence } from '../../work-order/words.ts'
import { type Cli, withApi } from '../cli.ts'
import type { ApiClient } from '../client/api-client.ts'
import { countUpTo } from '../input/arguments.ts'
import { ago, shortId, usd, withLocalTimes } from '../pages/humanize.ts'
import { stateOf } from '../pages/order-state.ts'
import { table } from '../pages/table.ts'
import { LONGEST_TITLE, oneLine } from '../pages/terminal-text.ts'

type ListOptions = {
  status?: Status
  state?: OrderState
  project?: string
  search?: string
  sort?: OrderSort
  reverse?: true
  after?: string
  limit?: number
  lanes?: true
}

/** What all columns but the title take, roughly. */
const OTHER_COLUMNS = 64
const CLOSED = ' closed'
const NARROWEST_TITLE = 20
const MOST = 1000
const USUAL = 100
const MOST_OF_LANE = 100
const USUAL_OF_LANE = 10
/** Characters of a reason where the terminal says nothing of its width. */
const LONGEST_WHY = 160
const INDENT = '          '
/** States of which the row says all there is to say. */
const SAID_BY_THE_ROW: ReadonlySet<OrderState> = new Set(['unapproved', 'completed'])

export function listCommand(cli: Cli): Command {
  return new Command('list')
    .description('Lists work orders, the oldest first.')
    .addOption(new Option('-s, --status <status>', 'only these').choices(STATUSES))
    .addOption(new Option('--state <state>', 'only those that stand there').choices(ORDER_STATES))
    .option('-p, --project <name>', 'only those of this project')
    .option('--search <words>', 'only those that hold all these words: id, texts, files, proposer, #PR, reason')
    .addOption(
      new Option('--sort <what>', 'the last, the most or the first of the alphabet first').choices(ORDER_SORTS),
    )
    .option('--reverse', 'from the other end')
    .option('--after <cursor>', 'what comes behind, by the next_cursor that a list ends with')
    .option(
      '-n, --limit <count>',
      `at most so many (1 to ${MOST}, ${USUAL}); without --sort the newest`,
      countUpTo(MOST),
    )
    .option('--lanes', `as a board: by where they stand, the last changed of each lane (${USUAL_OF_LANE})`)
    .addHelpText(
      'after',
      '\nExamples:\n  $ moose list --state review\n  $ moose list --search "login page" --sort cost\n' +
        '  $ moose list --json | jq -r ".work_orders[].id"',
    )
    .action((options: ListOptions) =>
      withApi(cli, (api) => (options.lanes === true ? listLanes(cli, api, options) : list(cli, api, options))),
    )
}

async function list(cli: Cli, api: ApiClient, options: ListOptions): Promise<void> {
  const { status, state, project, search, sort, reverse, after, limit = USUAL } = options
  const query = new URLSearchParams({
    limit: String(limit),
    ...(status === undefined ? {} : { status }),
    ...(state === undefined ? {} : { state }),
    ...(project === undefined ? {} : { project }),
    ...(search === undefined ? {} : { q: search }),
    ...(sort === undefined ? {} : { sort }),
    ...(reverse === undefined ? {} : { reverse: 'true' }),
    ...(after === undefined ? {} : { cursor: after }),
  })
  const path = `/api/work-orders?${query.toString()}`
  const listed = await api.call({ method: 'GET', path, answer: ListedWorkOrdersResponse })
  cli.output.document(listed)
  const { work_orders: orders, next_cursor: next } = listed
  if (orders.length === 0) return tellNone(cli, options)
  print(cli, orders)
  if (next === null) return
  const isNewest = sort === undefined && reverse === undefined && after === undefined
  const shown = isNewest ? `The newest ${orders.length}` : `${orders.length} of them`
  cli.output.note(`${shown}; see more with a larger --limit, or those behind with the same and --after ${next}`)
}

async function listLanes(cli: Cli, api: ApiClient, options: ListOptions): Promise<void> {
  const { project, search, limit = USUAL_OF_LANE } = options
  const others = ['status', 'state', 'sort', 'reverse', 'after'] as const
  const other = others.find((name) => options[name] !== undefined)
  if (other !== undefined) throw new Fault('request_invalid', `--lanes and --${other} exclude each other.`)
  const query = new URLSearchParams({
    limit: String(Math.min(limit, MOST_OF_LANE)),
    ...(project === undefined ? {} : { project }),
    ...(search === undefined ? {} : { q: search }),
  })
  const path = `/api/lanes?${query.toString()}`
  const answer = await api.call({ method: 'GET', path, answer: LanesResponse })
  cli.output.document(answer)
  if (answer.lanes.every(({ total }) => total === 0)) return tellNone(cli, options)
  for (const lane of answer.lanes) printLane(cli, lane)
}

function printLane(cli: Cli, { lane, total, work_orders: orders }: LaneView): void {
  const { output } = cli
  const rest = total - orders.length
  output.line(`${output.paint.bold(lane.replace('_', ' '))} ${total}`)
  if (orders.length > 0) print(cli, orders)
  if (rest > 0) output.line(output.paint.dim(`and ${rest} more`))
  output.line('')
}

function tellNone({ output }: Cli, { status, state, project, search, after }: ListOptions): void {
  const filtered = [status, state, project, search, after].some((filter) => filter !== undefined)
  output.note(filtered ? 'No such work orders.' : 'No work orders yet. Add one with: moose add --title "…" --file …')
}

function pullRequestOf({ github_pr_number: number, pull_request_closed: isClosed }: ListedWorkOrder): string {
  if (number === null) return '–'
  return `#${number}${isClosed ? CLOSED : ''}`
}

function print({ output }: Cli, orders: readonly ListedWorkOrder[]): void {
  const { paint, columns } = output
  const now = new Date()
  const others = OTHER_COLUMNS + (orders.some((order) => order.pull_request_closed) ? CLOSED.length : 0)
  const width = columns === null ? LONGEST_TITLE : Math.max(NARROWEST_TITLE, columns - others)
  const heads = ['ID', 'STATUS', 'PROJECT', 'PR', 'COST', 'AGE', 'TITLE'].map((head) => paint.dim(head))
  const rows = orders.map((order) => [
    paint.bold(shortId(order.id)),
    stateOf(order, paint),
    order.project === null ? '–' : oneLine(order.project, 16),
    pullRequestOf(order),
    order.replayed ? paint.yellow('replay') : usd(order.actual_cost),
    ago(new Date(order.created_at), now),
    `${order.hidden_text.length === 0 ? '' : paint.yellow('(hidden text) ')}${oneLine(order.title, width)}`,
  ])
  const [head, ...lines] = table([heads, ...rows]).split('\n')
  output.line(String(head))
  for (const [index, order] of orders.entries()) {
    output.line(String(lines[index]))
    const why = whyLine(order, now, columns === null ? LONGEST_WHY : columns - INDENT.length)
    if (why !== null) output.line(`${INDENT}${paint.dim(output.hint(why))}`)
  }
}

/** What it waits for, or why it failed or is blocked, on one line; null: its row says it. */
function whyLine({ state, why }: ListedWorkOrder, now: Date, width: number): string | null {
  if (SAID_BY_THE_ROW.has(state) || why.short === state) return null
  return oneLine(withLocalTimes(firstSentence(why.short), now), Math.max(NARROWEST_TITLE, width))
}
