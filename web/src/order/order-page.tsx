import { Tabs } from '@base-ui/react/tabs'
import { useQuery } from '@tanstack/react-query'
import { getRouteApi, Link, useNavigate } from '@tanstack/react-router'
import { lazy, type ReactNode, Suspense } from 'react'
import { isFixed, stateOf, type Verb, verbsOfDetail } from '../api/actions.ts'
import type { OrderDetail, Schemas } from '../api/client.ts'
import { orderQuery, whyQuery } from '../api/queries.ts'
import { ApprovalTerms, ApprovalWarnings } from '../inbox/approval-terms.tsx'
import { Decide, isToDecide } from '../inbox/decide.tsx'
import { AuditLink } from '../operate/audit-link.tsx'
import type { OrderPart } from '../places.ts'
import { ActionButtons, useAsk, useMay } from '../ui/acting.tsx'
import { useAsCurrent } from '../ui/current-order.ts'
import { useKeys } from '../ui/keys.ts'
import { CommandLine, EvidenceList, Failed, Loading, StateBadge } from '../ui/states.tsx'
import { WithTimes } from '../ui/with-times.tsx'
import { Ago, shortId, usd } from '../ui/words.tsx'
import { Asked } from './asked.tsx'
import { Attempts } from './attempts.tsx'
import { Checks } from './checks.tsx'
import { HeldChange } from './held-change.tsx'
import './order.css'
import { Overview } from './overview.tsx'
import { Routing } from './routing.tsx'
import { Tries } from './tries.tsx'

const Diff = lazy(async () => ({ default: (await import('./diff.tsx')).Diff }))
const LiveLog = lazy(async () => ({ default: (await import('./live-log.tsx')).LiveLog }))

const route = getRouteApi('/shell/orders/$id')

export function OrderPage() {
  const { id } = route.useParams()
  const { data: order, error, refetch } = useQuery(orderQuery(id))
  if (order === undefined && error !== null) return <Failed error={error} retry={() => void refetch()} />
  if (order === undefined) return <Loading what="the order" />
  return <OrderView order={order} />
}

/** What is offered beside what can be decided, and raises no cap. */
const ON_ITS_CAP: ReadonlySet<Verb> = new Set(['retry', 'fresh', 'verify'])

function OrderView({ order }: { order: OrderDetail }) {
  const { data: explained } = useQuery(whyQuery(order.id))
  const verbs = verbsOfDetail(order)
  const ask = useAsk()
  useAsCurrent(order)
  const may = useMay()
  const terms = explained === undefined || !verbs.includes('approve') ? undefined : <ApprovalTerms entry={explained} />
  const act = (...wanted: typeof verbs) => {
    const verb = wanted.find((one) => verbs.includes(one))
    if (verb !== undefined && may(verb)) ask({ verb, orders: [order], more: verb === 'approve' ? terms : undefined })
  }
  // Of one in review they stand with its pull request.
  const hasOptions = explained !== undefined && order.phase !== 'in_review' && isToDecide(order.id, explained.why.next)
  useKeys({
    a: () => act('approve'),
    m: () => act('merge'),
    r: () => act('retry'),
    x: () => act('reject', 'cancel'),
  })
  return (
    <>
      <title>{`${order.title} · Moose`}</title>
      <Title order={order} />
      {explained === undefined ? null : <WhySection why={explained.why} />}
      {/* Of one in review it stands with its pull request. */}
      {hasOptions ? <Decide id={order.id} /> : null}
      <HeldChange order={order} />
      {terms === undefined ? null : <ApprovalWarnings order={order} />}
      {hasOptions && verbs.some((verb) => ON_ITS_CAP.has(verb)) ? (
        <p className="quiet">
          What can be decided gives the order a higher cap where that is needed; these leave its cap as it is.
        </p>
      ) : null}
      <ActionButtons order={order} verbs={verbs} more={terms} />
      <EditLink order={order} />
      <Parts order={order} />
    </>
  )
}

/** Of one in review that has to be decided about, the form is among the options. */
function EditLink({ order }: { order: OrderDetail }) {
  const { id, status } = order
  const navigate = useNavigate()
  const isHidden = status === 'in_progress' || isFixed(order)
  useKeys({ e: () => (isHidden ? undefined : void navigate({ to: '/orders/$id/edit', params: { id } })) })
  if (isHidden) return null
  return (
    <p>
      <Link to="/orders/$id/edit" params={{ id }} title="Key e">
        Edit what it asks for
      </Link>
    </p>
  )
}

function Title({ order }: { order: OrderDetail }) {
  const { title, id, project, actual_cost: cost, budget_usd: cap, github_pr_url: url, github_pr_number: number } = order
  const at = order.at_pull_request
  const named = `pull request #${number}${order.pull_request?.state === 'closed' ? ', closed' : ''}`
  return (
    <header className="order-head">
      <h1>{title}</h1>
      <p className="entry-line">
        <StateBadge state={at === undefined ? stateOf(order) : 'review'} />
        {at === undefined ? null : <span>{at.doing}</span>}
        {order.phase === null || order.phase === 'in_review' ? null : <span>{order.phase}</span>}
        <code title={id}>{shortId(id)}</code>
        {project === null ? null : <span>{project}</span>}
        <span>
          {cost === null ? 'nothing spent' : `${usd(cost)} spent`}
          {cap === null ? '' : ` of ${usd(cap)}`}
        </span>
        {number === null ? null : url?.startsWith('https://') ? (
          <a href={url} rel="noreferrer">
            {named}
          </a>
        ) : (
          <span>{named}</span>
        )}
        <span className="quiet">
          changed <Ago at={order.updated_at} />
        </span>
        <AuditLink order={id} />
      </p>
    </header>
  )
}

/** The first thing a reader looks for: the reason in a sentence, and what it is concluded from. */
function WhySection({ why }: { why: Schemas['Why'] }) {
  const [first = '', ...rest] = why.sentence.split('\n')
  // They are folded away, and shown below.
  const sentence = why.code === 'check_failed' && rest.length > 0 ? first.replace(/ Its last lines:$/, '') : first
  return (
    <section className="why" aria-label="Why it is here">
      <p className="why-sentence">
        <WithTimes text={sentence} />
      </p>
      {rest.length === 0 ? null : (
        // Of a check the part that fails is shown below.
        <details open={why.code !== 'check_failed'}>
          <summary>The rest of the reason</summary>
          <pre tabIndex={0}>{rest.join('\n')}</pre>
        </details>
      )}
      {why.until === null ? null : (
        <p className="quiet">
          Until <Ago at={why.until} />
        </p>
      )}
      <EvidenceList evidence={why.evidence} />
      {why.next.length === 0 ? null : (
        <details>
          <summary>In a terminal</summary>
          {why.next.map((command) => (
            <CommandLine key={command} text={command} />
          ))}
        </details>
      )}
    </section>
  )
}

const PARTS: readonly { part: OrderPart; title: string; show: (order: OrderDetail) => ReactNode }[] = [
  { part: 'asked', title: 'Asked', show: (order) => <Asked order={order} /> },
  { part: 'attempts', title: 'Timeline', show: (order) => <Attempts order={order} /> },
  { part: 'log', title: 'Log', show: ({ id }) => <LiveLog key={id} id={id} /> },
  { part: 'tries', title: 'Prompts', show: ({ id }) => <Tries id={id} /> },
  { part: 'diff', title: 'Diff', show: ({ id }) => <Diff id={id} /> },
  { part: 'checks', title: 'Checks', show: (order) => <Checks order={order} /> },
  { part: 'routing', title: 'Routing', show: (order) => <Routing order={order} /> },
]

/** The part without an address of its own. */
const FIRST = 'first'

function partOf(order: OrderDetail, part: OrderPart): ReactNode {
  return PARTS.find((one) => one.part === part)?.show(order)
}

function Parts({ order }: { order: OrderDetail }) {
  const { part } = route.useSearch()
  const navigate = route.useNavigate()
  const change = (value: string) => {
    const chosen = PARTS.find((one) => one.part === value)?.part
    void navigate({ search: chosen === undefined ? {} : { part: chosen }, replace: true })
  }
  return (
    <Tabs.Root value={part === undefined ? FIRST : part} onValueChange={change}>
      <Tabs.List className="tabs" aria-label="Parts of the order">
        <Tabs.Tab value={FIRST} className="tab">
          Overview
        </Tabs.Tab>
        {PARTS.map(({ part: name, title }) => (
          <Tabs.Tab key={name} value={name} className="tab">
            {title}
          </Tabs.Tab>
        ))}
      </Tabs.List>
      <Tabs.Panel value={FIRST} className="panel">
        <Suspense fallback={<Loading what="the order" />}>
          <Overview order={order} show={(one) => partOf(order, one)} />
        </Suspense>
      </Tabs.Panel>
      {PARTS.map(({ part: name, title, show }) => (
        <Tabs.Panel key={name} value={name} className="panel">
          <Suspense fallback={<Loading what={title.toLowerCase()} />}>{show(order)}</Suspense>
        </Tabs.Panel>
      ))}
    </Tabs.Root>
  )
}
