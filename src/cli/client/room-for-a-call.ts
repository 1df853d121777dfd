import type { WorkOrderView } from '../../contract/work-orders.ts'
import { Fault } from '../../faults/fault.ts'
import { RouteExplanationResponse } from '../../ports/routing-review.ts'
import { shortId, usd } from '../pages/humanize.ts'
import { type ApiClient, workOrderPath } from './api-client.ts'

/** Orders that are asked about: each takes a request. */
const MOST_ASKED = 20

/** Of orders with a cap of their own those whose cap has no room for the first call, which would block them. */
export async function roomNotes(api: ApiClient, orders: readonly WorkOrderView[]): Promise<string[]> {
  const notes: string[] = []
  for (const { id, budget_usd: cap } of orders.filter(({ budget_usd: cap }) => cap !== null).slice(0, MOST_ASKED)) {
    const least = await leastReserved(api, id)
    if (cap === null || least === null || least <= cap) continue
    const at = shortId(id)
    const raise = `Raise it with: moose edit ${at} --budget USD`
    notes.push(
      `${at}: its cap of ${usd(cap)} may have no room for a call, which may cost up to ${usd(least)}. ${raise}`,
    )
  }
  return notes
}

/** USD that a call reserves with the proposer that reserves the least; null: it is not known, and the order is filed as it is. */
async function leastReserved(api: ApiClient, id: string): Promise<number | null> {
  try {
    const path = `${workOrderPath(id)}/route`
    const { explanation } = await api.call({ method: 'GET', path, answer: RouteExplanationResponse })
    const known = explanation.decision.routing_metadata.candidates?.map(
      ({ reserves_usd: reserves }) => reserves ?? null,
    )
    return known === undefined || known.length === 0 || known.includes(null)
      ? null
      : Math.min(...known.filter((one) => one !== null))
  } catch (error) {
    if (error instanceof Fault) return null
    throw error
  }
}
