import { createRootRoute, createRoute, createRouter, Link, lazyRouteComponent } from '@tanstack/react-router'
import { InboxPage } from './inbox/inbox-page.tsx'
import {
  isSort,
  LIST_STATES,
  type NumbersSearch,
  ORDER_PARTS,
  type OrderPart,
  type OrdersSearch,
  RANGES,
} from './places.ts'
import { LoginPage } from './shell/login-page.tsx'
import { Shell } from './shell/shell.tsx'
import { Empty, Failed } from './ui/states.tsx'

/** The search of an address, as it was given. */
type Given = Record<string, unknown>

const root = createRootRoute()
const loginRoute = createRoute({
  getParentRoute: () => root,
  path: '/login',
  // Where the link leads to; whatever is no id of an order leads nowhere else.
  validateSearch: ({ order }: Given): { order?: string } =>
    typeof order === 'string' && /^[0-9a-f-]{36}$/.test(order) ? { order } : {},
  component: LoginPage,
})
const shellRoute = createRoute({ getParentRoute: () => root, id: 'shell', component: Shell })
const inboxRoute = createRoute({ getParentRoute: () => shellRoute, path: '/', component: InboxPage })

/** What does not fit is left out, as a link may be of another version; what is not named would be kept as it was given. */
function leaveOut<T extends object>(given: Given, fitting: T): T {
  return { ...Object.fromEntries(Object.keys(given).map((name) => [name, undefined])), ...fitting }
}

function toOrdersSearch(given: Given): OrdersSearch {
  const state = LIST_STATES.find((known) => known === given['state'])
  return leaveOut(given, {
    ...(state === undefined ? {} : { state }),
    ...(typeof given['project'] === 'string' ? { project: given['project'] } : {}),
    ...(typeof given['find'] === 'string' ? { find: given['find'] } : {}),
    ...(isSort(given['sort']) ? { sort: given['sort'] } : {}),
    ...(given['reverse'] === true ? { reverse: true } : {}),
    ...(given['view'] === 'lanes' ? { view: 'lanes' as const } : {}),
  })
}

const ordersRoute = createRoute({
  getParentRoute: () => shellRoute,
  path: '/orders',
  validateSearch: toOrdersSearch,
  component: lazyRouteComponent(() => import('./orders/orders-page.tsx'), 'OrdersPage'),
})

const orderRoute = createRoute({
  getParentRoute: () => shellRoute,
  path: '/orders/$id',
  validateSearch: (given: Given): { part?: OrderPart } => {
    const known = ORDER_PARTS.find((name) => name === given['part'])
    return leaveOut(given, known === undefined ? {} : { part: known })
  },
  component: lazyRouteComponent(() => import('./order/order-page.tsx'), 'OrderPage'),
})

const DAY = /^\d{4}-\d{2}-\d{2}$/

function toNumbersSearch(given: Given): NumbersSearch {
  const { range, from, to, project, tz } = given
  const known = RANGES.find((one) => one === String(range))
  return leaveOut(given, {
    ...(known === undefined ? {} : { range: known }),
    ...(typeof from === 'string' && DAY.test(from) ? { from } : {}),
    ...(typeof to === 'string' && DAY.test(to) ? { to } : {}),
    ...(typeof project === 'string' ? { project } : {}),
    ...(typeof tz === 'string' ? { tz } : {}),
  })
}

const numbersRoute = createRoute({
  getParentRoute: () => shellRoute,
  path: '/numbers',
  validateSearch: toNumbersSearch,
  component: lazyRouteComponent(() => import('./numbers/numbers-page.tsx'), 'NumbersPage'),
})

const editRoute = createRoute({
  getParentRoute: () => shellRoute,
  path: '/orders/$id/edit',
  component: lazyRouteComponent(() => import('./order-form/edit-order-page.tsx'), 'EditOrderPage'),
})

const newRoute = createRoute({
  getParentRoute: () => shellRoute,
  path: '/new',
  component: lazyRouteComponent(() => import('./order-form/new-order-page.tsx'), 'NewOrderPage'),
})

const importRoute = createRoute({
  getParentRoute: () => shellRoute,
  path: '/import',
  component: lazyRouteComponent(() => import('./import-orders/import-page.tsx'), 'ImportPage'),
})

const OperatePage = lazyRouteComponent(() => import('./operate/operate-page.tsx'), 'OperatePage')
const operateRoute = createRoute({ getParentRoute: () => shellRoute, path: '/operate', component: OperatePage })
const operatePartRoute = createRoute({
  getParentRoute: () => shellRoute,
  path: '/operate/$part',
  validateSearch: ({ name }: Given): { name?: string } => (typeof name === 'string' ? { name } : {}),
  component: OperatePage,
})

export const router = createRouter({
  routeTree: root.addChildren([
    loginRoute,
    shellRoute.addChildren([
      inboxRoute,
      ordersRoute,
      orderRoute,
      editRoute,
      newRoute,
      importRoute,
      numbersRoute,
      operateRoute,
      operatePartRoute,
    ]),
  ]),
  defaultPreload: 'intent',
  scrollRestoration: false,
  defaultErrorComponent: ({ error }) => (
    <Failed error={error instanceof Error ? error : new Error(String(error))} retry={() => window.location.reload()} />
  ),
  defaultNotFoundComponent: () => (
    <Empty>
      <title>Nothing here · Moose</title>
      <h1>There is nothing at this address</h1>
      <p className="quiet">The link may be of another version of Moose.</p>
      <div className="buttons">
        <Link className="button primary" to="/">
          Go to the inbox
        </Link>
        <Link className="button" to="/orders">
          All orders
        </Link>
      </div>
    </Empty>
  ),
})

declare module '@tanstack/react-router' {
  // Augmented as its documentation says: https://tanstack.com/router/latest/docs/guide/type-safety
  interface Register {
    router: typeof router
  }
}
