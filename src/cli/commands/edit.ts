import { isDeepStrictEqual } from 'node:util'
import { Command, Option } from 'commander'
import { checkEdit } from '../../contract/order-file/check-order.ts'
import {
  type EditWorkOrder,
  WorkOrderDetailResponse,
  WorkOrderResponse,
  type WorkOrderView,
} from '../../contract/work-orders.ts'
import { Fault } from '../../faults/fault.ts'
import { RISK_LEVELS } from '../../work-order/content.ts'
import { type Cli, withApi } from '../cli.ts'
import { workOrderPath } from '../client/api-client.ts'
import { usdOrNone } from '../input/arguments.ts'
import {
  assertProjectsKnown,
  fieldsOf,
  type OrderOptions,
  orderFromOptions,
  ordersFromFiles,
  type ReadOrders,
} from '../input/read-orders.ts'
import { counted, shortId, usd } from '../pages/humanize.ts'
import { LONGEST_TITLE, oneLine } from '../pages/terminal-text.ts'

/** As commander gives them. */
export type EditOptions = OrderOptions & { from?: string; project?: string }

export function editCommand(cli: Cli): Command {
  return new Command('edit')
    .description(
      'Changes what a work order asks for: the fields that are given, lists as a whole. An approval is withdrawn. ' +
        'Not while the order is in progress or its pull request is open, and not once it is completed. The budget alone can be ' +
        'changed at any time and withdraws nothing.',
    )
    .argument('<id>', 'id, or its first characters (at least 4)')
    .option('-f, --from <file>', 'YAML or JSON with the fields to change; - reads stdin')
    .option('-t, --title <text>', 'one line: what the pull request will be called')
    .option('-d, --description <text>', 'what is to be done, and why')
    .option('-c, --criterion <text...>', 'acceptance criteria, instead of all there are')
    .option('--file <path...>', 'files, or folders with a / at the end, instead of all there are')
    .option('--context <path...>', 'files that are to be read and not changed, instead of all there are')
    .option('--depends-on <id...>', 'work orders that have to be merged first, instead of all there are; none: none')
    .addOption(new Option('-r, --risk <level>', 'how much care it needs').choices(RISK_LEVELS))
    .option('--budget <usd>', 'the most all its attempts may cost; none: as much as any work order', usdOrNone)
    .option('-p, --project <name>', 'the repository it is for')
    .addHelpText('after', HELP)
    .action(async (id: string, options: EditOptions) => {
      const { orders, projects } = await requestedEdit(cli, options)
      const [body] = orders
      await withApi(cli, async (api) => {
        const path = workOrderPath(id)
        const { work_order: before } = await api.call({ method: 'GET', path, answer: WorkOrderDetailResponse })
        await assertProjectsKnown(api, projects)
        // Only what was looked up is edited, whoever edits it meanwhile.
        const content = before.content_sha256 === undefined ? {} : { content_sha256: before.content_sha256 }
        const edited = await api.call({
          method: 'PATCH',
          path,
          body: { ...body, ...content },
          answer: WorkOrderResponse,
        })
        cli.output.document(edited)
        report(cli, before, edited.work_order)
      })
    })
}

const HELP = `
Examples:
  $ moose edit 1a2b3c4d --file src/greet.js src/greet.test.js
  $ moose edit 1a2b3c4d -f order.yaml
  $ moose edit 1a2b3c4d --budget 7.50`

/** The fields to change, of a file or of options. @throws {Fault} `request_invalid` */
export async function requestedEdit(
  cli: Cli,
  { from, project, ...described }: EditOptions,
): Promise<ReadOrders<EditWorkOrder>> {
  const fields = { ...fieldsOf(described), ...(project === undefined ? {} : { project }) }
  const isDescribed = Object.keys(fields).length > 0
  if (from !== undefined && isDescribed)
    throw new Fault('request_invalid', 'Give either a file (-f) or the options of the fields to change, not both.')
  if (from === undefined && !isDescribed) {
    const message =
      'Nothing to change. Give a field (moose edit ID --file src/a.ts) or a file (moose edit ID -f order.yaml).'
    throw new Fault('request_invalid', message)
  }
  if (from === undefined) {
    const order = orderFromOptions(cli, fields, checkEdit)
    return { orders: [order], projects: project === undefined ? [] : [{ name: project, at: '--project:' }] }
  }
  const read = await ordersFromFiles(cli, [from], checkEdit)
  if (read.orders.length === 1) return read
  const message = `${from} holds ${counted(read.orders.length, 'work order')}; an edit takes the fields of one.`
  throw new Fault('request_invalid', message, { file: from })
}

const FIELDS = [
  'title',
  'description',
  'acceptance_criteria',
  'files_in_scope',
  'context',
  'depends_on',
  'risk_level',
  'project',
  'budget_usd',
] as const

function report({ output }: Cli, before: WorkOrderView, after: WorkOrderView): void {
  const changed = FIELDS.filter((field) => !isDeepStrictEqual(before[field], after[field]))
  const id = shortId(after.id)
  output.line(
    `${changed.length === 0 ? 'unchanged' : 'edited'} ${output.paint.bold(id)}  ${oneLine(after.title, LONGEST_TITLE)}`,
  )
  for (const field of changed) {
    const [was, is] = [shown(before[field]), shown(after[field])]
    output.line(`  ${output.paint.dim(field)}  ${was} → ${was === is ? 'changed further down' : is}`)
  }
  // Nothing follows from a budget: it withdraws no approval, and orders suspended for it are resumed.
  if (changed.every((field) => field === 'budget_usd') && changed.length > 0 && after.approved) return
  if (after.status !== 'pending') output.note(again(after, id))
  else if (!after.approved) output.note(`Approve it${before.approved ? ' again' : ''} with: moose approve ${id}`)
}

/** A cancelled order cannot be approved before it is taken up again. */
function again({ status, approved }: WorkOrderView, id: string): string {
  if (approved) return `Try it again with: moose retry ${id}`
  return status === 'cancelled'
    ? `Take it up again with: moose retry ${id}   Then approve it with: moose approve ${id}`
    : `Approve it again with: moose approve ${id}   Then: moose retry ${id}`
}

function shown(value: string | number | readonly string[] | null): string {
  if (value === null) return 'none'
  if (typeof value === 'number') return usd(value)
  if (typeof value === 'string') return oneLine(value, LONGEST_TITLE)
  return `[${value.map((entry) => oneLine(entry, LONGEST_TITLE)).join(', ')}]`
}
