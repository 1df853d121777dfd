import { readFile } from 'node:fs/promises'
import path from 'node:path'
import { parse } from 'yaml'
import { z } from 'zod'
import { checkOrder } from '../../contract/order-file/check-order.ts'
import { readOrderFile } from '../../contract/order-file/order-file.ts'
import type { NewWorkOrder } from '../../contract/work-orders.ts'
import { DEMO_CONTENT } from '../../demo/places.ts'
import { Fault } from '../../faults/fault.ts'
import { ordersInvalid } from '../input/order-problems.ts'

/** How an order of the demo has to end. */
const DemoPromise = z.discriminatedUnion('outcome', [
  z.strictObject({
    title: z.string(),
    shows: z.string(),
    outcome: z.literal('in_review'),
    /** What the pull request changes, sorted. */
    files: z.array(z.string()).min(1),
    /** Answers that were sent back. */
    refinements: z.number().int().default(0),
  }),
  z.strictObject({
    title: z.string(),
    shows: z.string(),
    outcome: z.literal('failed'),
    /** The fault it ends with, and what its message names. */
    code: z.string(),
    names: z.string(),
  }),
])
export type DemoPromise = z.infer<typeof DemoPromise>

/** An order of the demo and what is promised of it. */
export type DemoOrder = { order: NewWorkOrder; promise: DemoPromise }

/** The orders of the demo, in the order in which they are filed. */
export async function readDemoOrders(): Promise<DemoOrder[]> {
  const text = (name: string) => readFile(path.join(DEMO_CONTENT, name), 'utf8')
  const { orders, problems } = readOrderFile('demo/work-orders.yaml', await text('work-orders.yaml'), checkOrder)
  if (problems.length > 0) throw ordersInvalid(problems)
  const promises = z.array(DemoPromise).parse(parse(await text('promises.yaml')))
  return orders.map((order) => {
    const promise = promises.find(({ title }) => title === order.title)
    if (promise === undefined) throw new Fault('internal', `demo/promises.yaml says nothing about "${order.title}".`)
    return { order, promise }
  })
}
