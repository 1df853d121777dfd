import type { DemoPlaces } from '../../demo/demo-places.ts'
import { REPLAY_NOTE } from '../../demo/replay-only.ts'
import { demoLooks } from './next-looks.ts'
import type { DemoResult } from './result.ts'

export type DemoReport = {
  success: boolean
  replay: true
  note: string
  home: string
  remote: string
  /** Where a `moose up` in this home serves. */
  url: string
  orders: DemoResult[]
  /** Commands for a shell. */
  look_further: string[]
  totals: { orders: number; in_review: number; failed: number; cost_usd: number; duration_ms: number }
}

/** @param run.durationMs of the demo as a whole, as the clock on the wall has it */
export function demoReport(
  places: DemoPlaces,
  orders: DemoResult[],
  run: { port: number; durationMs: number },
): DemoReport {
  const count = (outcome: string) => orders.filter((order) => order.outcome === outcome).length
  return {
    success: orders.every((order) => order.broken_promise === null),
    replay: true,
    note: REPLAY_NOTE,
    home: places.home,
    remote: places.remote,
    url: `http://127.0.0.1:${run.port}`,
    orders,
    look_further: demoLooks(places, orders),
    totals: {
      orders: orders.length,
      in_review: count('in_review'),
      failed: count('failed'),
      cost_usd: orders.reduce((sum, order) => sum + Number(order.cost_usd), 0),
      duration_ms: run.durationMs,
    },
  }
}
