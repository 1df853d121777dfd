import type { Page } from 'playwright-core'
import { FOLLOWED_VIEWS } from './followed-views.ts'
import type { ShownMoose, ShownOrders } from './shown-moose.ts'

/** A view of the page, or a state of one, as it is examined and shown. */
export type PageView = {
  /** Of its screenshot too. */
  name: string
  path: (orders: ShownOrders) => string
  /** What stands there once it is whole. */
  whole: (page: Page) => Promise<unknown>
  /** Before it is opened: what the browser is answered in the place of the service. */
  before?: (page: Page) => Promise<unknown>
  /** Opens what is not there at first. */
  act?: (page: Page) => Promise<unknown>
  /** Without a session. */
  loggedOut?: true
}

const heading = (name: string | RegExp) => (page: Page) => page.getByRole('heading', { name }).first().waitFor()
const order = (name: keyof ShownOrders, part?: string) => (orders: ShownOrders) =>
  `/orders/${orders[name]}${part === undefined ? '' : `?part=${part}`}`
const settled = async (page: Page) => {
  await page.getByRole('heading', { level: 1 }).first().waitFor()
  await page.getByText('Loading').waitFor({ state: 'detached' })
}
/** As it is while no answer comes. */
const unanswered = (path: string) => (page: Page) => page.route(path, () => undefined)

/** Every view, and every state of one that looks its own way. One whose address the service does not have is left out. */
export const PAGE_VIEWS: readonly PageView[] = [
  { name: 'inbox', path: () => '/', whole: heading('To approve') },
  {
    name: 'inbox-question',
    path: () => '/',
    whole: heading('To approve'),
    act: async (page) => {
      await page.getByRole('button', { name: 'Approve', exact: true }).first().click()
      await page.getByRole('alertdialog').waitFor()
    },
  },
  {
    name: 'inbox-empty',
    path: () => '/',
    before: (page) =>
      page.route('**/api/inbox', (route) => route.fulfill({ json: { success: true, inbox: [], left_out: 0 } })),
    whole: heading('Nothing waits for you.'),
  },
  {
    name: 'inbox-loading',
    path: () => '/',
    before: unanswered('**/api/inbox'),
    whole: (page) => page.locator('.skeleton').first().waitFor(),
  },
  {
    name: 'inbox-error',
    path: () => '/',
    before: (page) =>
      page.route('**/api/inbox', (route) =>
        route.fulfill({
          status: 503,
          json: { success: false, error: { code: 'database_unreachable', message: 'The database does not answer.' } },
        }),
      ),
    whole: heading('That went wrong'),
  },
  {
    name: 'reconnecting',
    path: () => '/',
    before: (page) => page.route('**/api/events?*', (route) => route.abort()),
    whole: async (page) => {
      await heading('To approve')(page)
      await page.getByText('Moose does not answer.').waitFor()
    },
  },
  {
    name: 'keys',
    path: () => '/',
    whole: heading('Inbox'),
    act: async (page) => {
      await page.keyboard.press('?')
      await page.getByRole('dialog').waitFor()
    },
  },
  { name: 'orders', path: () => '/orders', whole: settled },
  { name: 'orders-failed', path: () => '/orders?state=failed', whole: settled },
  { name: 'orders-none', path: () => '/orders?find=nothing+like+it', whole: settled },
  { name: 'order-review', path: order('review'), whole: settled },
  { name: 'order-unapproved', path: order('unapproved'), whole: settled },
  { name: 'order-running', path: order('running', 'attempts'), whole: settled },
  { name: 'order-completed', path: order('completed'), whole: settled },
  { name: 'order-out-of-scope', path: order('outOfScope', 'attempts'), whole: settled },
  { name: 'order-attempts', path: order('refined', 'attempts'), whole: settled },
  {
    name: 'order-log',
    path: order('review', 'log'),
    whole: (page) => page.getByRole('log').getByText('publish').first().waitFor(),
  },
  {
    name: 'order-tries',
    path: order('refined', 'tries'),
    whole: settled,
    act: async (page) => {
      await page.locator('.tries summary').last().click()
      await page.getByRole('heading', { name: 'Answer' }).waitFor()
    },
  },
  {
    name: 'order-diff',
    path: order('review', 'diff'),
    whole: (page) => page.getByText('parseDuration').first().waitFor(),
  },
  { name: 'order-checks', path: order('failed', 'checks'), whole: settled },
  { name: 'order-missing', path: () => '/orders/00000000', whole: heading('It is not here') },
  { name: 'new', path: () => '/new', whole: settled },
  { name: 'import', path: () => '/import', whole: settled },
  { name: 'order-edit', path: (orders) => `/orders/${orders.unapproved}/edit`, whole: settled },
  { name: 'numbers', path: () => '/numbers', whole: settled },
  { name: 'operate', path: () => '/operate', whole: settled },
  ...FOLLOWED_VIEWS,
  { name: 'login', path: () => '/login', whole: heading('Log in to Moose'), loggedOut: true },
]

/** Those that this service has, and the parts of Operate that its page names. */
export async function viewsOf({ service, orders }: ShownMoose, page: Page): Promise<readonly PageView[]> {
  const found = await Promise.all(
    PAGE_VIEWS.map(async (view) => ((await fetch(service.url + view.path(orders))).ok ? view : null)),
  )
  const views = found.filter((view) => view !== null)
  if (!views.some(({ name }) => name === 'operate')) return views
  await page.goto(`${service.url}/operate`)
  await settled(page)
  const addresses = await page.evaluate<string[]>(
    `[...document.querySelectorAll('nav[aria-label="Parts of Operate"] a')].map((one) => one.getAttribute('href'))`,
  )
  const parts = addresses.map((address) => ({
    name: address.slice(1).replace('/', '-'),
    path: () => address,
    whole: settled,
  }))
  return [...views, ...parts]
}

/** Opens a view and waits until it is whole. @returns the page of it, in a context that is logged in or not as it wants */
export async function openView(page: Page, { service, orders }: ShownMoose, view: PageView): Promise<void> {
  // What is still being answered there is not waited for.
  await page.unrouteAll({ behavior: 'ignoreErrors' })
  if (view.before !== undefined) await view.before(page)
  await page.goto(service.url + view.path(orders))
  await view.whole(page)
  if (view.act !== undefined) await view.act(page)
}
