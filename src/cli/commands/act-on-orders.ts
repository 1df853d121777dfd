import { Command } from 'commander'
import { type Retried, RetriedWorkOrderResponse } from '../../contract/why/retry.ts'
import {
  type WorkOrderDetail,
  WorkOrderDetailResponse,
  WorkOrderResponse,
  type WorkOrderView,
} from '../../contract/work-orders.ts'
import { type Cli, withApi } from '../cli.ts'
import { type ApiClient, workOrderPath } from '../client/api-client.ts'
import { obstacleTo, type ServiceState, serviceStateOf } from '../client/service-state.ts'
import { shortId } from '../pages/humanize.ts'
import { LONGEST_TITLE, oneLine } from '../pages/terminal-text.ts'

export type LookedUpOrder = WorkOrderView & Partial<Pick<WorkOrderDetail, 'pull_request'>>

export type OrderAction = {
  /** The last part of the path, e.g. `approve`. */
  verb: 'approve' | 'reject' | 'cancel' | 'retry' | 'verify' | 'adopt' | 'merge' | 'close'
  /** Sent along with each order, as it was looked up: e.g. a reason. */
  body?: (order: WorkOrderView) => Record<string, unknown>
  /** What is said of each order afterwards. */
  done: (order: WorkOrderView) => string
  /** What speaks against it, of each order as it was looked up; said before it is done. */
  before?: (order: LookedUpOrder) => readonly string[]
  /** What is to be known of each order, with its pull request as it was looked up where it was. */
  notes?: (order: LookedUpOrder) => readonly string[]
  /** What is to be known of all of them together, before they are confirmed. */
  total?: (orders: readonly WorkOrderView[]) => string
  /** What one does next. `obstacle`: what it waits for, by `obstacleTo`; null: nothing. */
  hint?: (order: WorkOrderView, service: ServiceState, obstacle: string | null) => string
}

/**
 * Does the same to several orders. All ids are looked up first, so that a misspelt one changes nothing.
 *
 * With `--json`: `{ "success": true, "work_orders": […] }`, in the order of the ids; with `"retried": […]` of a retry.
 */
export async function actOnOrders(cli: Cli, ids: readonly string[], action: OrderAction): Promise<void> {
  await withApi(cli, async (api, service) => {
    const found: WorkOrderDetail[] = []
    for (const id of ids) {
      const { work_order } = await api.call({ method: 'GET', path: workOrderPath(id), answer: WorkOrderDetailResponse })
      found.push(work_order)
    }
    const state = action.hint === undefined ? 'none' : await serviceStateOf(api, service)
    const changed: WorkOrderView[] = []
    const retries: Retried[] = []
    for (const order of found) {
      for (const note of action.before === undefined ? [] : action.before(order)) cli.output.note(note)
      const { work_order, retried } = await actOn(api, order, action)
      changed.push(work_order)
      report(cli, work_order, action)
      if (retried !== undefined) retries.push(retried)
      if (retried !== undefined) cli.output.note(retried.sentence)
      const looked = { ...work_order, pull_request: order.pull_request }
      for (const note of action.notes === undefined ? [] : action.notes(looked)) cli.output.note(note)
      if (action.hint !== undefined)
        cli.output.note(action.hint(work_order, state, await obstacleTo(api, work_order, state)))
    }
    cli.output.document({
      success: true,
      work_orders: changed,
      ...(action.verb === 'retry' ? { retried: retries } : {}),
    })
  })
}

/** @returns the order as it is afterwards, and what a retry does */
export async function actOn(
  api: ApiClient,
  order: WorkOrderView,
  { verb, body }: OrderAction,
): Promise<{ work_order: WorkOrderView; retried?: Retried }> {
  const sent = body === undefined ? {} : { body: body(order) }
  const call = { method: 'POST', path: `${workOrderPath(order.id)}/${verb}`, ...sent } as const
  return verb === 'retry'
    ? await api.call({ ...call, answer: RetriedWorkOrderResponse })
    : await api.call({ ...call, answer: WorkOrderResponse })
}

/** Says what became of one order. */
export function report({ output }: Cli, order: WorkOrderView, action: OrderAction): void {
  output.line(
    `${output.paint.bold(shortId(order.id))}  ${action.done(order)}  ${output.paint.dim(oneLine(order.title, LONGEST_TITLE))}`,
  )
}

/** The frame of a command that acts on orders; those that may also be chosen need no id. */
export function orderCommand(name: string, description: string, example: string, ids = '<id...>'): Command {
  return new Command(name)
    .description(description)
    .argument(ids, 'ids, or their first characters (at least 4)')
    .addHelpText('after', `\nExample:\n  $ ${example}`)
}
