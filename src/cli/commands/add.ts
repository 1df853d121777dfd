import { Command, Option } from 'commander'
import { CheckWorkOrdersResponse } from '../../contract/order-check.ts'
import { checkOrderToRun } from '../../contract/order-file/check-order.ts'
import { type NewWorkOrder, WorkOrdersResponse, type WorkOrderView } from '../../contract/work-orders.ts'
import { Fault } from '../../faults/fault.ts'
import { RISK_LEVELS, type RiskLevel } from '../../work-order/content.ts'
import { isAtMost, type Risk } from '../../work-order/risk.ts'
import { type Cli, withApi } from '../cli.ts'
import type { ApiClient } from '../client/api-client.ts'
import { roomNotes } from '../client/room-for-a-call.ts'
import { obstacleTo, type ServiceState, serviceStateOf } from '../client/service-state.ts'
import { usdArgument } from '../input/arguments.ts'
import { ordersInvalid } from '../input/order-problems.ts'
import { projectHere } from '../input/project-here.ts'
import {
  assertProjectsKnown,
  fieldsOf,
  type OrderOptions,
  orderFromOptions,
  ordersFromFiles,
  type ReadOrders,
} from '../input/read-orders.ts'
import { notByRule, riskText, termsNotes } from '../pages/approval-terms.ts'
import { shortId, usd } from '../pages/humanize.ts'
import { harmless, LONGEST_TITLE, oneLine } from '../pages/terminal-text.ts'
import { contextNotes, hiddenNotes, protectionNotes, verificationNotes } from '../pages/verification-notes.ts'
import { afterApproval } from './approve.ts'

type AddOptions = OrderOptions & { from?: string[]; project?: string; approve?: true; dryRun?: true }

export function addCommand(cli: Cli): Command {
  return new Command('add')
    .description(
      'Files work orders: from files of YAML, JSON, JSON lines or CSV (all of them are stored, or none), or one from options.',
    )
    .option(
      '-f, --from <file...>',
      'YAML or JSON (one order, a list, or several documents), JSON lines, or CSV; - reads stdin',
    )
    .option('-t, --title <text>', 'one line: what the pull request will be called')
    .option('-d, --description <text>', 'what is to be done, and why')
    .option('-c, --criterion <text...>', 'acceptance criteria')
    .option('--file <path...>', 'files, or folders with a / at the end, that may change')
    .option('--context <path...>', 'files, or folders with a / at the end, that are to be read and not changed')
    .option('--depends-on <id...>', 'work orders that have to be merged first')
    .addOption(new Option('-r, --risk <level>', 'how much care it needs').choices(RISK_LEVELS))
    .option('--budget <usd>', 'the most all its attempts may cost; left out: as much as any work order', usdArgument)
    .option(
      '-p, --project <name>',
      'the repository it is for; not needed in a checkout of it, nor when there is only one',
    )
    .option('-a, --approve', 'approve at once')
    .option('--dry-run', 'file nothing; say what is wrong, what it may cost and what will verify it')
    .addHelpText('after', HELP)
    .action(async (options: AddOptions) => {
      const { orders, projects } = await requested(cli, options)
      await withApi(cli, async (api, service) => {
        await assertProjectsKnown(api, projects)
        const here = orders.every(({ project }) => project !== undefined) ? null : await projectHere(api, cli.cwd)
        const usual = here === null ? {} : { project: here }
        const body = { work_orders: orders.map((order) => ({ ...usual, ...order, ...overrides(options) })) }
        if (options.dryRun === true) return await tryOut(cli, api, body)
        const path = '/api/work-orders'
        const added = await api.call({ method: 'POST', path, body, answer: WorkOrdersResponse })
        cli.output.document(added)
        const asked = added.work_orders.filter((_, index) => body.work_orders[index]?.approved === true)
        const ids = new Set(asked.map(({ id }) => id))
        await report(cli, api, added.work_orders, { service: await serviceStateOf(api, service), asked: ids })
      })
    })
}

const HELP = `
Examples:
  $ moose add --title "Greet in French" --file src/greet.js --criterion "greet('fr') says Bonjour"
  $ moose add -f order.yaml
  $ cat orders.yaml | moose add -f - --approve
  $ moose add -f orders.csv --dry-run

A file:
  title: Greet in French
  description: |
    Add French to the greetings.
    Closes #12
  acceptance_criteria:
    - greet('fr') says Bonjour
  files_in_scope:
    - src/greet.js
  context:
    - docs/languages.md
  depends_on:
    - Add a table of languages
  risk_level: low
  budget_usd: 2.50

A line of the description with "Closes #12" and nothing else closes that issue
when the pull request is merged. Files of context are read and not changed.
depends_on names orders that have to be merged first: titles of the same file, or
ids. In YAML, text with " #" or ": " in it stands in quotes, or below "|".

As CSV, with the fields in its first line; of a list each entry has a column, or a line of its cell:
  title,acceptance_criteria,acceptance_criteria,files_in_scope
  Greet in French,greet('fr') says Bonjour,The rest stays,src/greet.js
`

async function requested(cli: Cli, options: AddOptions): Promise<ReadOrders<NewWorkOrder>> {
  const { from, project, approve: _approve, dryRun: _dryRun, ...described } = options
  const fields = fieldsOf(described)
  const isDescribed = Object.keys(fields).length > 0
  if (from !== undefined && isDescribed) {
    throw new Fault('request_invalid', 'Give either a file (-f) or a --title with its options, not both.')
  }
  if (from === undefined && !isDescribed) {
    const message = 'Nothing to add. Give a file (moose add -f order.yaml) or a title (moose add --title "…" --file …).'
    throw new Fault('request_invalid', message)
  }
  const read =
    from === undefined
      ? { orders: [orderFromOptions(cli, fields, checkOrderToRun)], projects: [] }
      : await ordersFromFiles(cli, from, checkOrderToRun)
  // The option counts instead of what the files say.
  return project === undefined ? read : { ...read, projects: [{ name: project, at: '--project:' }] }
}

/** What an option says about every order, those of files too. */
function overrides({ project, approve }: AddOptions): Partial<NewWorkOrder> {
  return { ...(project === undefined ? {} : { project }), ...(approve === undefined ? {} : { approved: true }) }
}

/** Shows what filing them would mean. @throws {Fault} `work_order_invalid` where one of them cannot be filed */
async function tryOut(cli: Cli, api: ApiClient, body: { work_orders: unknown[] }): Promise<void> {
  const path = '/api/work-orders/check'
  const checked = await api.call({ method: 'POST', path, body, answer: CheckWorkOrdersResponse })
  const orders = checked.work_orders
  const problems = orders.flatMap((order, index) =>
    order.problems.map(({ field, reason }) => `order ${index + 1}: ${field} ${reason}`),
  )
  if (problems.length > 0) throw ordersInvalid(problems)
  cli.output.document(checked)
  for (const [index, { order, sentence, warnings, risk, auto_approve: most }] of orders.entries()) {
    if (order === null) continue
    const which = orders.length === 1 ? '' : `order ${index + 1} "${oneLine(order.title, LONGEST_TITLE)}": `
    cli.output.line(`would add  ${oneLine(order.title, LONGEST_TITLE)}`)
    if (sentence !== null) cli.output.line(`  ${harmless(sentence)}`)
    for (const note of riskNotes(order, risk, most)) cli.output.line(`  ${note}`)
    for (const { field, reason } of warnings) cli.output.note(`warning: ${which}${field} ${reason}`)
  }
  const { worst_case_usd: worst } = checked
  if (orders.length > 1 && worst !== null) cli.output.line(`All ${orders.length} together: ${usd(worst)} at most`)
  cli.output.note('Nothing was filed. File it with the same command without --dry-run.')
}

/** Its risk, and why rules would leave it to a human; what is approved as it is filed has that in its sentence. */
function riskNotes({ approved, risk_level }: NewWorkOrder, risk: Risk | null, most: RiskLevel | null): string[] {
  if (risk === null || (most !== null && isAtMost(risk.level, most))) return []
  const left = notByRule({ approved, risk, auto_approve: most })
  return [`Risk ${riskText({ risk, risk_level })}`, ...(left === null ? [] : [left])]
}

/** Orders of one file often lack the same: each note is told once, with the orders that it is about. */
function sayUnverified(cli: Cli, orders: readonly WorkOrderView[]): void {
  const notes = orders.flatMap((order) =>
    [...hiddenNotes(order), ...contextNotes(order), ...verificationNotes(order), ...protectionNotes(order)].map(
      (note) => ({ note, id: shortId(order.id) }),
    ),
  )
  const told = [...Map.groupBy(notes, ({ note }) => note)].map(([note, of]) =>
    orders.length === 1 ? note : `${namedOrders(of, orders.length)}: ${note}`,
  )
  for (const note of told.slice(0, MOST_NOTES)) cli.output.note(note)
}

function namedOrders(of: readonly { id: string }[], all: number): string {
  if (of.length === all) return `All ${all} orders`
  const ids = of.slice(0, MOST_NAMED).map(({ id }) => id)
  return `${ids.join(', ')}${of.length > MOST_NAMED ? `, and ${of.length - MOST_NAMED} more` : ''}`
}

const MOST_NAMED = 10
const MOST_NOTES = 20

/** By what they were approved and what that allows, and why rules have left others to a human. */
function sayApproved(cli: Cli, orders: readonly WorkOrderView[], asked: ReadonlySet<string>): void {
  const notes = orders.flatMap((order) => {
    const note = notByRule(order)
    const by = asked.has(order.id) ? 'Approved.' : 'Approved by rule.'
    const terms = order.approved && order.risk !== undefined ? [`${by} ${termsNotes(order).join(' ')}`] : []
    return [...terms, ...(note === null ? [] : [`Risk ${riskText(order)}`, note])].map((one) =>
      orders.length === 1 ? one : `${shortId(order.id)}: ${one}`,
    )
  })
  for (const note of notes.slice(0, MOST_NOTES)) cli.output.note(note)
}

async function report(
  cli: Cli,
  api: ApiClient,
  orders: readonly WorkOrderView[],
  { service, asked }: { service: ServiceState; asked: ReadonlySet<string> },
): Promise<void> {
  for (const { id, title } of orders)
    cli.output.line(`added ${cli.output.paint.bold(shortId(id))}  ${oneLine(title, LONGEST_TITLE)}`)
  sayUnverified(cli, orders)
  sayApproved(cli, orders, asked)
  for (const note of await roomNotes(api, orders)) cli.output.note(note)
  const waiting = orders.filter(({ approved }) => !approved).map(({ id }) => shortId(id))
  const [first] = orders
  if (waiting.length > 0) cli.output.note(`Approve with: moose approve ${waiting.slice(0, 20).join(' ')}`)
  else if (first !== undefined) cli.output.note(afterApproval(first, service, await obstacleTo(api, first, service)))
}
