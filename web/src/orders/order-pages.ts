import { queryOptions, type UseQueryResult, useQueries } from '@tanstack/react-query'
import { useMemo, useState } from 'react'
import { answer, api, type ListedOrder } from '../api/client.ts'
import { queryClient } from '../api/queries.ts'
import type { OrdersSearch } from '../places.ts'

/** Rows of the first page, which is waited for, and of each further one. */
const FIRST_ROWS = 60
const MORE_ROWS = 200
/** Of a page between two bounds: what came into it meanwhile belongs to it. */
const MOST_ROWS = 1_000

export type Question = Omit<OrdersSearch, 'view'>

type Bounds = { after: string | null; until?: string | undefined; limit: number }

type Page = { orders: ListedOrder[]; next: string | null }

async function readPage(question: Question, { after, until, limit }: Bounds, signal: AbortSignal): Promise<Page> {
  const { state, project, find, sort = 'created', reverse } = question
  const query = {
    limit,
    sort,
    ...(state === undefined ? {} : { state }),
    ...(project === undefined ? {} : { project }),
    ...(find === undefined ? {} : { q: find }),
    ...(reverse === undefined ? {} : { reverse: 'true' as const }),
    ...(after === null ? {} : { cursor: after }),
    ...(until === undefined ? {} : { until }),
  }
  const { work_orders: orders, next_cursor: next } = await answer(
    api.GET('/api/work-orders', { params: { query }, signal }),
  )
  return { orders, next }
}

/**
 * What is waited for before the list of another question takes the place of the one before. It is no page of that list, which
 * has bounds that this one does not know: of one query, what was asked last by either would count for both.
 */
export const firstPageQuery = (question: Question) =>
  queryOptions({
    queryKey: ['orders', 'first', question],
    queryFn: ({ signal }) => readPage(question, { after: null, limit: FIRST_ROWS }, signal),
  })

/** A page behind one bound. It stays the same page when another follows, and is then read up to that. */
const pageQuery = (question: Question, bounds: Bounds) => {
  const { queryKey: first } = firstPageQuery(question)
  const isFirst = bounds.after === null
  return queryOptions({
    queryKey: ['orders', 'page', question, bounds.after],
    queryFn: ({ signal }) => readPage(question, bounds, signal),
    // The first one was read already, to be waited for.
    initialData: () => (isFirst ? queryClient.getQueryData(first) : undefined),
    initialDataUpdatedAt: () => (isFirst ? queryClient.getQueryState(first)?.dataUpdatedAt : undefined),
  })
}

function together(results: UseQueryResult<Page>[]) {
  return {
    pages: results.map(({ data }) => data),
    error: results.map(({ error }) => error).find((error) => error !== null) ?? null,
  }
}

/**
 * The orders that fit, as far as they were scrolled to. Each page lies between two bounds that stay, so an event has only the
 * pages in sight read again, and what comes into one moves none of the others.
 */
export function useOrderPages(question: Question) {
  const [bounds, setBounds] = useState<readonly (string | null)[]>([null])
  const [[from, to], setInSight] = useState<readonly [number, number]>([0, 0])
  const last = bounds.length - 1
  const { pages, error } = useQueries({
    queries: bounds.map((after, index) => {
      const until = bounds[index + 1]
      const limit = index < last ? MOST_ROWS : index === 0 ? FIRST_ROWS : MORE_ROWS
      const isNeeded = (index >= from && index <= to) || index === last
      return { ...pageQuery(question, { after, until: until === null ? undefined : until, limit }), enabled: isNeeded }
    }),
    combine: together,
  })
  // More came into a page than one answer holds: it becomes two.
  const full = pages.findIndex((page, index) => index < last && isSplit(page, bounds[index + 1]))
  const middle = nextOf(pages[full])
  if (middle !== null && !bounds.includes(middle)) setBounds(bounds.toSpliced(full + 1, 0, middle))
  const orders = useMemo(() => onlyOnce(pages), [pages])
  const next = nextOf(pages[last])
  const pageOf = (row: number) => {
    let end = 0
    const found = pages.findIndex((page) => {
      end += page === undefined ? 0 : page.orders.length
      return row < end
    })
    return found === -1 ? last : found
  }
  return {
    orders,
    error,
    isMore: next !== null,
    isReading: pages[last] === undefined,
    readMore: () => {
      if (next !== null && !bounds.includes(next)) setBounds([...bounds, next])
    },
    see: (first: number, lastRow: number) => {
      const [one, other] = [pageOf(first), pageOf(lastRow)]
      if (one !== from || other !== to) setInSight([one, other])
    },
  }
}

function isSplit(page: Page | undefined, until: string | null | undefined): boolean {
  const next = nextOf(page)
  return next !== null && next !== until
}

function nextOf(page: Page | undefined): string | null {
  return page === undefined ? null : page.next
}

/** Pages are not read at the same moment: an order that moved may be on two of them. */
function onlyOnce(pages: readonly (Page | undefined)[]): ListedOrder[] {
  const known = new Set<string>()
  return pages.flatMap((page) =>
    page === undefined ? [] : page.orders.filter(({ id }) => known.size < known.add(id).size),
  )
}

type Which = { project?: string | undefined; find?: string | undefined }

/** How many orders fit, by state. */
export const totalsQuery = ({ project, find }: Which) =>
  queryOptions({
    queryKey: ['orders', 'totals', project, find],
    queryFn: async ({ signal }) => {
      const query = {
        limit: 1,
        totals: 'true' as const,
        ...(project === undefined ? {} : { project }),
        ...(find === undefined ? {} : { q: find }),
      }
      const { totals } = await answer(api.GET('/api/work-orders', { params: { query }, signal }))
      return totals === undefined ? {} : totals
    },
  })

export const lanesQuery = ({ project, find }: Which) =>
  queryOptions({
    queryKey: ['orders', 'lanes', project, find],
    queryFn: async ({ signal }) => {
      const query = {
        ...(project === undefined ? {} : { project }),
        ...(find === undefined ? {} : { q: find }),
      }
      return (await answer(api.GET('/api/lanes', { params: { query }, signal }))).lanes
    },
  })
