import { useQuery } from '@tanstack/react-query'
import { Link } from '@tanstack/react-router'
import { ACTIONS, type Verb, verbsOf } from '../api/actions.ts'
import type { InboxEntry } from '../api/client.ts'
import { budgetQuery, statusQuery } from '../api/queries.ts'
import { CAPS, CapButton, limitOf } from '../operate/cap-button.tsx'
import { ResumeAfterFailures, ResumeProvider } from '../operate/pauses.tsx'
import { ResumeSpending } from '../operate/spending.tsx'
import { ActionButtons, useAsk } from '../ui/acting.tsx'
import { lackOf, useHasScope } from '../ui/asked-button.tsx'
import { CommandLine, EvidenceList } from '../ui/states.tsx'
import { WithTimes } from '../ui/with-times.tsx'
import { Ago, shortId, usd } from '../ui/words.tsx'
import { ApprovalTerms, ApprovalWarnings, verificationNotes } from './approval-terms.tsx'
import { Decide, isToDecide } from './decide.tsx'

const WORDS: Readonly<Record<string, string>> = {
  stopped: 'stopped',
  approval: 'to approve',
  held_change: 'to allow',
  merge: 'to merge',
  review: 'to look at',
  blocked: 'blocked',
  failed: 'failed',
  paused_project: 'project paused',
  paused_proposer: 'proposer paused',
  paused_provider: 'provider paused',
  budget: 'budget',
}

/** What an entry of that kind waits for. */
export function wordOf(kind: string): string {
  const word = WORDS[kind]
  return word === undefined ? kind : word
}

/** What is done there, by its kind; a change that is held is looked at first. */
const VERBS: Readonly<Record<string, readonly Verb[]>> = {
  approval: ['approve', 'reject'],
  merge: ['merge', 'close'],
  blocked: ['retry', 'fresh', 'cancel'],
  failed: ['retry', 'fresh'],
}

export function Entry({ entry }: { entry: InboxEntry }) {
  const { kind, work_order: order, sentence, evidence, next, since } = entry
  return (
    <article className="entry-parts">
      <p className="entry-head">
        <span className={`badge ${kind}`}>{wordOf(kind)}</span>
        {order === null ? null : <code>{shortId(order.id)}</code>}
        {order === null || order.project === null ? null : <span className="quiet one-line">{order.project}</span>}
        {since === null ? null : (
          <span className="quiet since">
            <Ago at={since} />
          </span>
        )}
      </p>
      <div className="entry-said">
        {order === null ? null : (
          <h3>
            <Link to="/orders/$id" params={{ id: order.id }}>
              {order.title}
            </Link>
          </h3>
        )}
        {kind === 'approval' && order !== null ? (
          <Terms entry={entry} />
        ) : (
          <p className="sentence">
            <WithTimes text={sentence} />
          </p>
        )}
      </div>
      <Actions entry={entry} />
      <div className="entry-foot">
        {order !== null && isToDecide(order.id, next) ? <Decide id={order.id} /> : null}
        {evidence.length === 0 ? null : (
          <details>
            <summary>Why it is here</summary>
            <EvidenceList evidence={evidence} />
          </details>
        )}
        {next.length === 0 ? null : (
          <details>
            <summary>In a terminal</summary>
            {next.map((command) => (
              <CommandLine key={command} text={command} />
            ))}
          </details>
        )}
      </div>
    </article>
  )
}

/** What an approval costs at most, and what will be verified, before the button that approves. */
function Terms({ entry: { worst_case_usd: worst, work_order: order } }: { entry: InboxEntry }) {
  if (order === null) return null
  return (
    <>
      <p className="entry-line">
        <strong className="number">{worst === null ? 'no cap of its own' : `at most ${usd(worst)}`}</strong>
        {order.risk === undefined ? null : (
          <span title={order.risk.reasons.map(({ reason, rule }) => `${reason} (${rule})`).join('; ')}>
            risk {order.risk.level}
          </span>
        )}
        {verificationNotes(order).map((note) => (
          <span key={note}>{note}</span>
        ))}
      </p>
      <ApprovalWarnings order={order} />
    </>
  )
}

function Actions({ entry }: { entry: InboxEntry }) {
  const { kind, work_order: order } = entry
  if (order === null) return <OfService entry={entry} />
  const wanted = VERBS[kind]
  if (wanted === undefined) {
    return (
      <div className="buttons">
        <Link className="button primary" to="/orders/$id" params={{ id: order.id }}>
          Look at it
        </Link>
      </div>
    )
  }
  const verbs = wanted.filter((verb) => verbsOf(order).includes(verb))
  return (
    <ActionButtons
      order={order}
      verbs={verbs}
      more={kind === 'approval' ? <ApprovalTerms entry={entry} /> : undefined}
    />
  )
}

/** What is done with several of one kind at once. */
const TOGETHER: Readonly<Record<string, Verb>> = { approval: 'approve', merge: 'merge', failed: 'retry' }

export function GroupActions({ kind, entries }: { kind: string; entries: readonly InboxEntry[] }) {
  const ask = useAsk()
  const has = useHasScope()
  const verb = TOGETHER[kind]
  const orders = entries.flatMap(({ work_order: order }) => (order === null ? [] : [order]))
  if (verb === undefined || orders.length < 2) return null
  const { label, scope } = ACTIONS[verb]
  return (
    <button
      type="button"
      disabled={!has(scope)}
      title={lackOf(has, scope)}
      onClick={() => ask({ verb, orders, more: verb === 'approve' ? <Together entries={entries} /> : undefined })}
    >
      {label} all {orders.length}
    </button>
  )
}

/** The most that several approvals may cost, all in all. */
function Together({ entries }: { entries: readonly InboxEntry[] }) {
  const capped = entries.flatMap(({ worst_case_usd: worst }) => (worst === null ? [] : [worst]))
  const sum = capped.reduce((total, worst) => total + worst, 0)
  const uncapped = entries.length - capped.length
  return (
    <p>
      Together at most {usd(sum)}
      {uncapped === 0 ? '' : `, and what ${uncapped} without a cap of their own cost`}.
    </p>
  )
}

/** What is about no order: the way on is one click away, and asked about where it costs. */
function OfService({ entry: { provider, project, proposer, cap, by_hand: byHand, kind } }: { entry: InboxEntry }) {
  if (project !== undefined) return <ResumedAfterFailures kind="project" name={project} />
  if (proposer !== undefined) return <ResumedAfterFailures kind="proposer" name={proposer} />
  if (provider !== undefined) return <Resumed provider={provider} />
  return (
    <div className="buttons">
      {byHand === true ? <ResumeSpending /> : null}
      {cap === undefined ? null : <RaiseCap cap={cap} />}
      {kind === 'stopped' || kind === 'budget' ? (
        <Link className="button" to="/operate/$part" params={{ part: 'caps' }}>
          See the caps
        </Link>
      ) : null}
    </div>
  )
}

function ResumedAfterFailures(paused: Parameters<typeof ResumeAfterFailures>[0]) {
  return (
    <div className="buttons">
      <ResumeAfterFailures {...paused} />
    </div>
  )
}

function Resumed({ provider }: { provider: string }) {
  const { data: status } = useQuery(statusQuery)
  const pause = status?.paused_providers.find((one) => one.provider === provider)
  return <div className="buttons">{pause === undefined ? null : <ResumeProvider pause={pause} />}</div>
}

function RaiseCap({ cap }: { cap: NonNullable<InboxEntry['cap']> }) {
  const { data: budget } = useQuery(budgetQuery)
  if (budget === undefined) return null
  return (
    <CapButton
      target={cap}
      whose={CAPS[cap].name}
      current={limitOf(cap, budget)}
      label="Change the cap"
      className="primary"
    />
  )
}
