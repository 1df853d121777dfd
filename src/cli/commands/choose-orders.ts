import type { Command } from 'commander'
import { InvalidArgumentError } from 'commander'
import { ListedWorkOrdersResponse } from '../../contract/order-list.ts'
import {
  type ListedWorkOrder,
  type WorkOrderDetail,
  WorkOrderDetailResponse,
  type WorkOrderView,
} from '../../contract/work-orders.ts'
import { Fault, type FaultCode, isFaultCode, toFault } from '../../faults/fault.ts'
import type { RiskLevel } from '../../work-order/content.ts'
import type { OrderState } from '../../work-order/order-state.ts'
import { waysIn } from '../../work-order/ways-out.ts'
import { type Cli, withApi } from '../cli.ts'
import { type ApiClient, workOrderPath } from '../client/api-client.ts'
import { exitCodeOf } from '../exit-code.ts'
import { askedYes } from '../input/asked-yes.ts'
import { ago, counted, shortId } from '../pages/humanize.ts'
import { stateOf } from '../pages/order-state.ts'
import { table } from '../pages/table.ts'
import { LONGEST_TITLE, oneLine } from '../pages/terminal-text.ts'
import { actOn, actOnOrders, type LookedUpOrder, type OrderAction, report } from './act-on-orders.ts'

/** How orders are chosen instead of by their ids. */
export type ChoiceOptions = {
  all?: true
  project?: string
  /** In ms. */
  olderThan?: number
  state?: OrderState
  failedWith?: FaultCode
  /** The highest one. */
  risk?: RiskLevel
  /** Words of it. */
  title?: string
  yes?: true
}

export type Choice = {
  /** In which states such orders are, by what was asked for. */
  states: (options: ChoiceOptions) => readonly OrderState[]
  /** `pending orders that are not approved`. */
  which: string
  /** What is said of one of these states that is not meant now; null: nothing. */
  left?: { states: readonly OrderState[]; say: (order: ListedWorkOrder) => string | null }
}

/** Orders that one call chooses, and another acts on all together. */
export type Together = {
  choose(
    api: ApiClient,
    options: ChoiceOptions,
  ): Promise<{ orders: WorkOrderView[]; isCut: boolean; note: string | null }>
  act(
    api: ApiClient,
    options: ChoiceOptions,
    orders: readonly WorkOrderView[],
  ): Promise<{ done: WorkOrderView[]; refused: { id: string; fault: Fault }[] }>
}

/** More are not looked at: the list of the API has no more. */
const MOST = 1_000
const UNITS: Record<string, number> = { m: 60_000, h: 3_600_000, d: 86_400_000, w: 604_800_000 }

/** The options of a command that acts on orders by their ids, or on those that are chosen. */
export function withChoice(command: Command, { which }: Pick<Choice, 'which'>): Command {
  return command
    .option('--all', `instead of ids: all ${which}`)
    .option('-p, --project <name>', `${which}, only of this project`)
    .option('--older-than <time>', `${which}, only those filed so long ago, e.g. 2h, 3d`, age)
    .option('-y, --yes', 'without a question, for scripts')
}

function age(text: string): number {
  const [, count, unit] = /^(\d{1,6})([mhdw])$/.exec(text) ?? []
  if (unit !== undefined) return Number(count) * Number(UNITS[unit])
  throw new InvalidArgumentError('Write a time with its unit: 30m, 2h, 3d, 1w.')
}

export function faultCode(text: string): FaultCode {
  if (isFaultCode(text)) return text
  throw new InvalidArgumentError('It is no code of a failure, such as check_failed.')
}

/**
 * Does the same to orders that are named, as `actOnOrders`, or that are chosen: those are listed first, and confirmed; then each
 * is acted on for itself, as it was when it was listed, and a refusal of one does not stop the others.
 *
 * With `--json`, of chosen orders: a line for each, `{ "success", "work_order_id", … }`, and at last `{ "success", "summary" }`. Without
 * `--yes` nothing is done: the lines have `rehearsal`, and at last the refusal.
 *
 * @throws {Fault} `request_invalid` for ids and a choice, neither of them, or a choice that nobody confirms
 */
export async function actOnChosen(
  cli: Cli,
  ids: readonly string[],
  {
    options,
    choice,
    action,
    past,
    together,
  }: { options: ChoiceOptions; choice: Choice; action: OrderAction; past: string; together?: Together },
): Promise<void> {
  const { all, project, olderThan, state, failedWith, risk, title } = options
  const isChoice = [all, project, olderThan, state, failedWith, risk, title].some((option) => option !== undefined)
  if (isChoice === ids.length > 0) throw noOrders(action.verb, isChoice)
  if (!isChoice) return await actOnOrders(cli, ids, action)
  await withApi(cli, async (api) => {
    const orders =
      together === undefined ? await chosen(cli, api, options, choice) : await chosenBy(cli, api, options, together)
    if (orders.length > 0) {
      show(cli, orders, action)
      // What was done is told as it is done.
      if (options.yes !== true)
        for (const work_order of orders)
          cli.output.document({ success: true, rehearsal: true, work_order_id: work_order.id, work_order })
      if (!(await isConfirmed(cli, orders.length, options, action.verb))) return
    }
    const outcomes =
      together === undefined
        ? await actOnEach(cli, api, orders, action)
        : actOnAll(cli, orders, action, orders.length === 0 ? NOTHING : await together.act(api, options, orders))
    summarize(cli, outcomes, { past, which: choice.which })
  })
}

function noOrders(verb: OrderAction['verb'], isChoice: boolean): Fault {
  const message = isChoice
    ? 'Name work orders by their ids, or choose them by options; not both.'
    : `Name work orders by their ids, or choose them: moose ${verb} --all, or with ${waysToChoose(verb)}. See: moose ${verb} --help`
  return new Fault('request_invalid', message)
}

function waysToChoose(verb: OrderAction['verb']): string {
  if (verb === 'approve') return '--project, --older-than, --risk or --title'
  return verb === 'retry' ? '--project, --older-than, --state or --failed-with' : '--project or --older-than'
}

/** Each as it is looked at now, the oldest first. */
async function chosen(cli: Cli, api: ApiClient, options: ChoiceOptions, choice: Choice): Promise<WorkOrderDetail[]> {
  const found: ListedWorkOrder[] = []
  for (const state of choice.states(options)) {
    const listed = await listedIn(api, state, options)
    if (listed.length === MOST) cli.output.note(cutTo(state === 'review' ? 'orders in review' : `${state} orders`))
    found.push(...listed)
  }
  const before = options.olderThan === undefined ? Number.POSITIVE_INFINITY : Date.now() - options.olderThan
  const { failedWith: code } = options
  const meant = found.filter(
    (order) => Date.parse(order.created_at) < before && (code === undefined || order.status_reason?.code === code),
  )
  for (const state of choice.left === undefined ? [] : choice.left.states)
    for (const order of await listedIn(api, state, options)) {
      const said = Date.parse(order.created_at) < before ? choice.left?.say(order) : null
      if (said !== null && said !== undefined) cli.output.note(`${shortId(order.id)}: ${said}`)
    }
  const looked: WorkOrderDetail[] = []
  for (const { id } of meant) {
    const { work_order } = await api.call({ method: 'GET', path: workOrderPath(id), answer: WorkOrderDetailResponse })
    looked.push(work_order)
  }
  return looked.toSorted((one, other) => one.created_at.localeCompare(other.created_at))
}

/** The newest of a state. */
async function listedIn(api: ApiClient, state: OrderState, { project }: ChoiceOptions): Promise<ListedWorkOrder[]> {
  const query = new URLSearchParams({ limit: String(MOST), state, ...(project === undefined ? {} : { project }) })
  const path = `/api/work-orders?${query.toString()}`
  return (await api.call({ method: 'GET', path, answer: ListedWorkOrdersResponse })).work_orders
}

function cutTo(which: string): string {
  return `Only the newest ${MOST} ${which} are looked at; type the same again for the others.`
}

async function chosenBy(
  cli: Cli,
  api: ApiClient,
  options: ChoiceOptions,
  { choose }: Together,
): Promise<WorkOrderView[]> {
  const { orders, isCut, note } = await choose(api, options)
  if (isCut) cli.output.note(cutTo('such orders'))
  if (note !== null) cli.output.note(note)
  return orders
}

const NOTHING = { done: [], refused: [] }

function actOnAll(
  cli: Cli,
  orders: readonly WorkOrderView[],
  action: OrderAction,
  { done, refused }: Awaited<ReturnType<Together['act']>>,
): Outcome[] {
  return orders.map((order) => {
    const work_order = done.find(({ id }) => id === order.id)
    const why = refused.find(({ id }) => id === order.id)
    if (work_order === undefined) {
      const fault = why === undefined ? new Fault('internal', `The service said nothing of ${order.id}.`) : why.fault
      tellRefused(cli, order, fault)
      return fault
    }
    report(cli, work_order, action)
    cli.output.document({ success: true, work_order_id: order.id, work_order })
    return null
  })
}

function show({ output }: Cli, orders: readonly LookedUpOrder[], { verb, before, notes, total }: OrderAction): void {
  const { paint } = output
  const now = new Date()
  const rows = orders.map((order) => [
    paint.bold(shortId(order.id)),
    stateOf(order, paint),
    order.status_reason === null ? '–' : oneLine(order.status_reason.code, 40),
    order.project === null ? '–' : oneLine(order.project, 16),
    ago(new Date(order.created_at), now),
    oneLine(order.title, LONGEST_TITLE),
  ])
  output.line(`${counted(orders.length, 'order')} to ${verb}:`)
  output.line(table(rows))
  for (const told of [before, notes])
    for (const order of told === undefined ? [] : orders)
      for (const note of told === undefined ? [] : told(order)) output.note(`${shortId(order.id)}: ${note}`)
  if (total !== undefined) output.note(total(orders))
}

/** @throws {Fault} `request_invalid` where nobody can be asked */
async function isConfirmed({ output }: Cli, count: number, { yes }: ChoiceOptions, verb: string): Promise<boolean> {
  if (yes === true) return true
  const question = `${verb[0]?.toUpperCase()}${verb.slice(1)} ${count === 1 ? 'it' : `these ${count}`}?`
  const answer = output.json ? null : await askedYes(question)
  if (answer === null) {
    const message = `Nothing was changed: it was not confirmed, which takes a terminal or --yes. To ${verb} what is listed, type the same with --yes.`
    throw new Fault('request_invalid', message, { orders: count })
  }
  if (answer) return true
  output.note('Nothing was changed.')
  process.exitCode = 1
  return false
}

/** What became of an order; null: it was done. */
type Outcome = Fault | null

/** These would be the answer for every other order too. */
const FOR_ALL: ReadonlySet<FaultCode> = new Set(['service_unreachable', 'unauthenticated', 'scope_missing'])

async function actOnEach(
  cli: Cli,
  api: ApiClient,
  orders: readonly WorkOrderView[],
  action: OrderAction,
): Promise<Outcome[]> {
  const outcomes: Outcome[] = []
  for (const order of orders) {
    const { id } = order
    try {
      const acted = await actOn(api, order, action)
      report(cli, acted.work_order, action)
      if (acted.retried !== undefined) cli.output.note(acted.retried.sentence)
      const { work_order, retried } = acted
      cli.output.document({
        success: true,
        work_order_id: id,
        work_order,
        ...(retried === undefined ? {} : { retried }),
      })
      outcomes.push(null)
    } catch (error) {
      const fault = toFault(error)
      if (FOR_ALL.has(fault.code)) throw error
      tellRefused(cli, order, fault)
      outcomes.push(fault)
    }
  }
  return outcomes
}

function tellRefused({ output }: Cli, { id }: WorkOrderView, fault: Fault): void {
  const { said, ways } = waysIn(fault.message, fault.details)
  output.line(
    [
      `${output.paint.bold(shortId(id))}  ${output.paint.red('refused')}: ${output.hint(oneLine(said, 500))}`,
      ...ways.map((way) => `  ${output.hint(oneLine(way, 500))}`),
    ].join('\n'),
  )
  output.document({ success: false, work_order_id: id, error: fault.toRecord() })
}

/** `approved 4 of 5: 1 refused (changed meanwhile)`. */
function summarize(
  { output }: Cli,
  outcomes: readonly Outcome[],
  { past, which }: { past: string; which: string },
): void {
  const refused = outcomes.filter((outcome) => outcome !== null)
  const done = outcomes.length - refused.length
  const counts = new Map<string, number>()
  for (const { code } of refused) {
    const before = counts.get(code)
    counts.set(code, before === undefined ? 1 : before + 1)
  }
  const success = refused.length === 0
  output.document({ success, summary: { chosen: outcomes.length, done, refused: Object.fromEntries(counts) } })
  if (outcomes.length === 0) return output.note(`There are no such ${which}.`)
  const reasons = [...counts].map(([code, count]) => `${counts.size === 1 ? '' : `${count} `}${wordsOf(code)}`)
  output.line(
    `${past} ${done} of ${outcomes.length}${success ? '' : `: ${refused.length} refused (${reasons.join(', ')})`}`,
  )
  if (!success) process.exitCode = refused.every(({ code }) => exitCodeOf(code) === 3) ? 3 : 1
}

function wordsOf(code: string): string {
  return code === 'work_order_conflict' ? 'changed meanwhile' : code
}
