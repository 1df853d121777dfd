import type { Page, Route } from 'playwright-core'
import { INBOX_KINDS, type InboxEntry } from '../../src/contract/why/inbox.ts'
import type { PageView } from './page-views.ts'
import type { ShownOrders } from './shown-moose.ts'

type Json = Record<string, unknown>

/** What the service answers, changed. */
const changed = (path: RegExp | string, change: (said: Json) => Json) => (page: Page) =>
  page.route(path, async (route: Route) => {
    // The browser says of what the page sends where it comes from, and a request that is made here does not.
    const headers = { ...(await route.request().allHeaders()), 'sec-fetch-site': 'same-origin' }
    const response = await route.fetch({ headers })
    const said: Json = await response.json()
    // Without its headers, which are of what was packed.
    await route.fulfill({ status: response.status(), json: change(said) })
  })
const all =
  (...routes: ((page: Page) => Promise<unknown>)[]) =>
  async (page: Page) => {
    for (const route of routes) await route(page)
  }

const DETAIL = /\/api\/work-orders\/[^/?]+$/
const ESCALATION = /\/escalation$/
const WHEN = '2026-01-31T12:00:00.000Z'
const RED = 'failed on the forge: unit, lint; a repair was tried 2 times, and no more is done for one order'

/** An order in review whose pull request stands so. */
const standing = (followUp: Json, more: Json = {}) =>
  changed(DETAIL, ({ work_order: order, ...said }) => {
    const { pull_request: pull, ...shown } = objectOf(order)
    const reactions = [
      { kind: 'checks', done: 2, most: 2 },
      { kind: 'review', done: 1, most: 3 },
    ]
    const follow_up = { state: 'red', at: WHEN, code: null, why: 'failed on the forge: unit', ...followUp }
    return { ...said, work_order: { ...shown, pull_request: { ...objectOf(pull), ...more, follow_up, reactions } } }
  })

function objectOf(value: unknown): Json {
  return typeof value === 'object' && value !== null ? { ...value } : {}
}

const offer = (option: string, sentence: string) => ({
  option,
  sentence,
  expected_cost_usd: option === 'retry' ? 0.42 : 0,
  budget_usd: option === 'retry' ? 7.5 : null,
  proposer: null,
  command: `moose decide 1a2b3c4d ${option}`,
  chosen: 3,
  ended: option === 'abort' ? 0 : 3,
  ended_well: 2,
})
const escalated = (cause: string, options: unknown[]) =>
  changed(ESCALATION, (said) => ({
    ...said,
    escalation: {
      id: '00000000-0000-4000-8000-000000000001',
      work_order_id: '00000000-0000-4000-8000-000000000002',
      attempt: 3,
      cause,
      opened_at: WHEN,
      closed_at: null,
      closed_as: null,
      answer: null,
      story: [
        'Asked: shop: Read durations (2 files, filed as low risk)',
        'Tried: 3 attempts, the last by small; repairs 2 of 2, review rounds 1 of 3',
        `Stopped: in review, ${cause}: It is in review with pull request #7: ${RED}.`,
        'Cost: $1.26 of $5.00',
        'There: pull request https://github.com/acme/shop/pull/7',
      ],
      options,
    },
  }))

const GIVE_BACK = offer('adopt', 'The pull request is given back to Moose, and what its branch holds is verified.')
const GIVE_UP = offer('abort', 'The order is given up: its pull request is closed, and it becomes cancelled.')

/** Opens what can be decided, whatever is the answer. */
const decides = (whole: RegExp) => async (page: Page) => {
  await page.getByText('What can be decided, and what it costs').first().click()
  await page.getByText(whole).first().waitFor()
}
const AMENDED = { success: true, sentence: 'Its pull request is closed. It is made anew.' }
/** Amends what is asked for of an order in review, by the form for it. */
const amends = async (page: Page) => {
  await page.route(/\/decide$/, async (route: Route) => {
    const { option, changes }: Json = route.request().postDataJSON()
    const path = new URL(route.request().url()).pathname.replace(/\/decide$/, '')
    const headers = { ...(await route.request().allHeaders()), 'sec-fetch-site': 'same-origin' }
    const order: Json = await (await page.request.get(new URL(path, page.url()).href, { headers })).json()
    const isMeant = option === 'amend' && objectOf(changes)['title'] === 'Read durations of hours'
    await route.fulfill({ status: isMeant ? 200 : 400, json: { ...AMENDED, work_order: order['work_order'] } })
  })
  await page.getByLabel('Title').fill('Read durations of hours')
  await page.getByRole('button', { name: 'Amend and make anew' }).click()
  await page.getByText(AMENDED.sentence).first().waitFor()
}
const followed = (page: Page) => page.getByRole('region', { name: 'Follow-up' }).waitFor()
const at = (name: keyof ShownOrders) => (orders: ShownOrders) => `/orders/${orders[name]}`

/** An entry of each kind, made of those that are there. */
const ofEachKind = changed('**/api/inbox', (said) => {
  const entries: InboxEntry[] = Array.isArray(said['inbox']) ? said['inbox'] : []
  const of = (kind: InboxEntry['kind']) => entries.find((entry) => entry.kind === kind)
  const order = entries.find(({ work_order }) => work_order !== null)
  const made = INBOX_KINDS.flatMap((kind): InboxEntry[] => {
    const there = of(kind)
    if (there !== undefined || order === undefined) return there === undefined ? [] : [there]
    const isOfOrder = ['approval', 'held_change', 'merge', 'review', 'blocked', 'failed'].includes(kind)
    const next = isOfOrder ? ['moose decide 1a2b3c4d', 'moose show 1a2b3c4d --diff'] : ['moose status']
    const named =
      kind === 'paused_project' ? { project: 'shop' } : kind === 'paused_proposer' ? { proposer: 'small' } : {}
    const about = { work_order: isOfOrder ? order.work_order : null, sentence: `It waits: ${RED}.`, next, ...named }
    return [{ kind, evidence: [{ name: 'repairs', text: '2 of 2' }], worst_case_usd: null, since: WHEN, ...about }]
  })
  return { ...said, inbox: made }
})

/** What becomes of open pull requests, what has to be decided, and where events are sent. */
export const FOLLOWED_VIEWS: readonly PageView[] = [
  {
    name: 'inbox-each-kind',
    path: () => '/',
    before: ofEachKind,
    whole: (page) => page.locator('#kind-paused_proposer').waitFor(),
  },
  {
    name: 'order-escalation',
    path: at('failed'),
    whole: (page) => page.getByText('What can be decided, and what it costs').first().waitFor(),
    act: decides(/^Asked: /),
  },
  {
    name: 'order-decided',
    path: at('failed'),
    before: changed(ESCALATION, (said) => ({ ...said, escalation: null })),
    whole: (page) => page.getByText('What can be decided, and what it costs').first().waitFor(),
    act: decides(/Nothing has to be decided about it/),
  },
  { name: 'order-followed', path: at('review'), before: standing({}), whole: followed },
  {
    name: 'order-amended',
    path: (orders) => `${at('review')(orders)}/edit`,
    before: standing({ code: 'follow_up_exhausted', why: RED }),
    whole: (page) => page.getByText('Its pull request is closed unmerged; the order is approved').waitFor(),
    act: amends,
  },
  {
    name: 'order-exhausted',
    path: at('review'),
    before: all(
      standing({ code: 'follow_up_exhausted', why: RED }),
      escalated('follow_up_exhausted', [offer('retry', 'Moose reacts to it once more.'), GIVE_UP]),
    ),
    whole: followed,
    // It is open already, and to merge is not what comes first.
    act: async (page) => {
      await page
        .getByText(/Moose reacts to it once more/)
        .first()
        .waitFor()
      await page.locator('.buttons > button:not(.primary)', { hasText: /^Merge$/ }).waitFor()
    },
  },
  {
    name: 'order-hands-off',
    path: at('review'),
    before: all(
      standing(
        { state: 'hands_off', code: 'hands_off', why: 'somebody else has pushed aaaaaaaaaaaa to its branch' },
        { seen_head_sha: 'a'.repeat(40) },
      ),
      escalated('hands_off', [GIVE_BACK, GIVE_UP]),
    ),
    whole: followed,
    act: async (page) => {
      await page.getByRole('button', { name: 'Adopt', exact: true }).waitFor()
      // Moose would refuse it.
      await page.getByRole('button', { name: 'Merge', exact: true }).waitFor({ state: 'detached' })
      await decides(/given back to Moose/)(page)
    },
  },
  {
    name: 'operate-notifications-add',
    path: () => '/operate/notifications',
    before: changed('**/api/projects', ({ projects, ...said }) => {
      const known: unknown[] = Array.isArray(projects) ? projects : []
      return { ...said, projects: [...known, ...known.map((one) => ({ ...objectOf(one), name: 'another-shop' }))] }
    }),
    whole: (page) => page.getByRole('button', { name: 'Add an address' }).waitFor(),
    act: async (page) => {
      await page.getByRole('button', { name: 'Add an address' }).click()
      await page.getByRole('group', { name: /Of which projects/ }).waitFor()
    },
  },
]
