import { LIMITS } from '../work-order/content.ts'
import { ORDER_STATES, type OrderState } from '../work-order/order-state.ts'
import { STATUSES } from '../work-order/status.ts'
import { storedText } from './stored-text.ts'
import { ListedWorkOrder } from './work-orders.ts'
import { z } from './zod.ts'

/** What a list may be sorted by; each begins with what is looked for most often, `reverse` turns it round. */
export const ORDER_SORTS = ['created', 'updated', 'cost', 'attempts', 'risk', 'title', 'state'] as const
export type OrderSort = (typeof ORDER_SORTS)[number]

const LONGEST_SEARCH = 200
const MOST = 1_000
const MOST_OF_LANE = 100

/** Its form may change with any version. */
const Cursor = z.string().regex(/^[A-Za-z0-9_-]{1,8000}$/, 'must be the next_cursor of an answer')
const Search = storedText(LONGEST_SEARCH).openapi({
  description:
    'Words, all of which are somewhere in the title, description, criteria, files, project, proposer, branch, number of the ' +
    'pull request (`#12`), reason or filer of an order, or begin its id; in upper or lower case. Every sign is taken as it is.',
})
const Flag = z.enum(['true', 'false']).optional()

export const ListQuery = z.strictObject({
  status: z.enum(STATUSES).optional(),
  state: z
    .enum(ORDER_STATES)
    .optional()
    .openapi({
      description:
        '`unapproved`: pending and not approved; `waiting`: pending and approved; `running`: in progress and not in review; ' +
        '`review`: its pull request is open; the others are the statuses of the same name',
    }),
  project: storedText(LIMITS.title).optional(),
  q: Search.optional(),
  sort: z
    .enum(ORDER_SORTS)
    .optional()
    .openapi({
      description:
        'The answer then begins with the first: `created`, `updated`: the last; `cost`, `attempts`, `risk`: the most; `title`: ' +
        'the first of the alphabet; `state`: what needs a human. Without it the answer is the newest, oldest first',
    }),
  reverse: Flag.openapi({ description: '`true`: the list is read from its other end, and answered so' }),
  cursor: Cursor.optional().openapi({
    description: 'The `next_cursor` of an answer to the same question: what comes behind it',
  }),
  until: Cursor.optional().openapi({
    description: 'Another one: nothing that comes behind that. So a page that was read is read again as it is now',
  }),
  /** What comes behind so many is left out; `next_cursor` leads to it. */
  limit: z.coerce.number().int().min(1).max(MOST).default(100),
  totals: Flag.openapi({ description: '`true`: with `totals`' }),
})
export type ListQuery = z.infer<typeof ListQuery>

export const ListedWorkOrdersResponse = z.object({
  success: z.literal(true),
  work_orders: z.array(ListedWorkOrder),
  /** Pass it as `cursor` for what comes behind these; null: there is nothing. */
  next_cursor: z.string().nullable(),
  /** How many orders fit status, project and search, by state, where they were asked for. */
  totals: z.record(z.enum(ORDER_STATES), z.number().int()).optional(),
})

/** Columns of a board: orders move through them from left to right, as what is derived of them says. */
export const LANES = [
  { lane: 'to_approve', states: ['unapproved'] },
  { lane: 'waiting', states: ['waiting'] },
  { lane: 'running', states: ['running'] },
  { lane: 'review', states: ['review'] },
  { lane: 'stuck', states: ['blocked', 'failed'] },
  { lane: 'done', states: ['completed', 'cancelled'] },
] as const satisfies readonly { lane: string; states: readonly OrderState[] }[]

export const LanesQuery = z.strictObject({
  project: ListQuery.shape.project,
  q: ListQuery.shape.q,
  /** Of each lane; `total` counts the others too. */
  limit: z.coerce.number().int().min(1).max(MOST_OF_LANE).default(20),
})
export type LanesQuery = z.infer<typeof LanesQuery>

/** A column of the board. */
const Lane = z
  .object({
    lane: z.enum(LANES.map(({ lane }) => lane)),
    states: z.array(z.enum(ORDER_STATES)),
    total: z.number().int(),
    /** Those that changed last first. */
    work_orders: z.array(ListedWorkOrder),
  })
  .openapi('Lane')
export type LaneView = z.infer<typeof Lane>

export const LanesResponse = z.object({ success: z.literal(true), lanes: z.array(Lane) })
