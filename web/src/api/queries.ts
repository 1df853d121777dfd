import { keepPreviousData, QueryClient, queryOptions } from '@tanstack/react-query'
import { answer, api, isLoggedOut, type NumbersQuery } from './client.ts'

const MOST_TRIES = 2

/** The event stream says when something is old; a look at the page that was away asks again for what is not told, such as time. */
export const queryClient = new QueryClient({
  defaultOptions: {
    queries: { staleTime: 5_000, retry: (count, error) => count < MOST_TRIES && !isLoggedOut(error) },
  },
})

export const sessionQuery = queryOptions({
  queryKey: ['session'],
  queryFn: async ({ signal }) => (await answer(api.GET('/api/session', { signal }))).session,
})

export const statusQuery = queryOptions({
  queryKey: ['status'],
  queryFn: async ({ signal }) => (await answer(api.GET('/api/orchestrator', { signal }))).status,
})

export const inboxQuery = queryOptions({
  queryKey: ['inbox'],
  queryFn: ({ signal }) => answer(api.GET('/api/inbox', { signal })),
})

export const budgetQuery = queryOptions({
  queryKey: ['budget'],
  queryFn: async ({ signal }) => (await answer(api.GET('/api/budget', { signal }))).budget,
})

/** By name. */
export const projectsQuery = queryOptions({
  queryKey: ['projects'],
  queryFn: async ({ signal }) => (await answer(api.GET('/api/projects', { signal }))).projects,
})

/** As many as are shown where others stand in front. */
const MOST_RUNNING = 20

/** Those that an attempt works on, oldest first. */
export const runningQuery = queryOptions({
  queryKey: ['orders', 'running'],
  queryFn: async ({ signal }) => {
    const params = { query: { state: 'running' as const, limit: MOST_RUNNING } }
    return (await answer(api.GET('/api/work-orders', { params, signal }))).work_orders
  },
})

export const orderQuery = (id: string) =>
  queryOptions({
    queryKey: ['order', id],
    queryFn: async ({ signal }) =>
      (await answer(api.GET('/api/work-orders/{id}', { params: { path: { id } }, signal }))).work_order,
  })

export const whyQuery = (id: string) =>
  queryOptions({
    queryKey: ['why', id],
    queryFn: ({ signal }) => answer(api.GET('/api/work-orders/{id}/why', { params: { path: { id } }, signal })),
  })

/** Which proposer got the order and why, and which would get it now. */
export const routeQuery = (id: string) =>
  queryOptions({
    queryKey: ['route', id],
    queryFn: async ({ signal }) => {
      const params = { path: { id } }
      return (await answer(api.GET('/api/work-orders/{id}/route', { params, signal }))).explanation
    },
  })

export const triesQuery = (id: string) =>
  queryOptions({
    queryKey: ['tries', id],
    queryFn: ({ signal }) => answer(api.GET('/api/work-orders/{id}/tries', { params: { path: { id } }, signal })),
  })

/** What is shown stays while another range is asked for. */
export const numbersQuery = (query: NumbersQuery) =>
  queryOptions({
    queryKey: ['numbers', query],
    queryFn: async ({ signal }) => (await answer(api.GET('/api/numbers', { params: { query }, signal }))).numbers,
    placeholderData: keepPreviousData,
  })

export const tryQuery = (id: string, attempt: number, number: number) =>
  queryOptions({
    queryKey: ['try', id, attempt, number],
    queryFn: async ({ signal }) => {
      const params = { path: { id, attempt, number } }
      const path = '/api/work-orders/{id}/attempts/{attempt}/tries/{number}'
      return (await answer(api.GET(path, { params, signal }))).try
    },
    staleTime: Number.POSITIVE_INFINITY,
  })

export const changesQuery = (id: string) =>
  queryOptions({
    queryKey: ['changes', id],
    queryFn: async ({ signal }) =>
      (await answer(api.GET('/api/work-orders/{id}/changes', { params: { path: { id } }, signal }))).changes,
  })
