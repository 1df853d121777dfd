import { Fragment } from 'react'
import { isLeftByHand } from '../api/actions.ts'
import type { OrderDetail, Schemas } from '../api/client.ts'
import { Ago } from '../ui/words.tsx'
import { Followed } from './followed.tsx'

type Pull = Schemas['PullRequest']

/** Where the pull request stands on its forge: its state, its reviews and its CI. */
export function PullRequest({ order }: { order: OrderDetail }) {
  const { pull_request: pull } = order
  if (pull === null) return <p className="quiet">There is no pull request yet.</p>
  const { number, state, base, branch, url, head_sha: sha, opened_at: openedAt, ended_at: endedAt } = pull
  return (
    <>
      <p className="entry-line">
        <span className={`badge ${state === 'open' ? 'review' : state === 'merged' ? 'completed' : ''}`}>{state}</span>
        {url?.startsWith('https://') === true ? (
          <a href={url} rel="noreferrer">
            #{number}
          </a>
        ) : (
          <strong>#{number}</strong>
        )}
        <span>
          <code>{branch}</code> into <code>{base}</code>
        </span>
        <code title={sha}>{sha.slice(0, 12)}</code>
        {openedAt === null || openedAt === undefined ? null : (
          <span className="quiet">
            opened <Ago at={openedAt} />
          </span>
        )}
        {endedAt === null || endedAt === undefined ? null : (
          <span className="quiet">
            {state}
            {mergedBy(pull)} <Ago at={endedAt} />
          </span>
        )}
      </p>
      <MergedUnverified pull={pull} />
      <Reverted pull={pull} />
      <Moved pull={pull} />
      <Conflict pull={pull} />
      <Followed order={order} />
      {url === null || url === undefined ? (
        <p className="quiet">It is in a local repository, which has no reviews and no CI of its own.</p>
      ) : (
        <OnForge pull={pull} />
      )}
      <Text pull={pull} />
    </>
  )
}

function mergedBy({ merged_by: by }: Pull): string {
  if (by?.is === 'rule') return ' by a rule of the merge policy'
  if (by?.is === 'auto_merge') return " by GitHub's auto-merge (requested by Moose)"
  if (by?.is !== 'person') return ''
  return by.name === null ? ' by a person' : ` by ${by.name}`
}

/** What it says, as it is on its forge; without the comments for programs at its end. */
function Text({ pull: { title, body } }: { pull: Pull }) {
  const [said] = body.split('\n<!-- moose:')
  return (
    <details>
      <summary>Its text</summary>
      <h3>{title}</h3>
      <pre tabIndex={0}>{said}</pre>
    </details>
  )
}

/** That another commit was merged than the one its checks have passed on. */
function MergedUnverified({ pull: { merged_unverified: other } }: { pull: Pull }) {
  if (other === undefined || other === null) return null
  const { verified_sha: verified, merged_sha: merged } = other
  return (
    <p className="warn">
      It was merged at <code title={merged}>{merged.slice(0, 12)}</code>, which Moose has not verified: what was proved
      is of <code title={verified}>{verified.slice(0, 12)}</code>.
    </p>
  )
}

/** That its merged change was taken back, and by what. */
function Reverted({ pull: { reverted, base } }: { pull: Pull }) {
  if (reverted === undefined || reverted === null) return null
  const { by, seen_at: seenAt } = reverted
  return (
    <p className="warn">
      Its change was reverted on <code>{base}</code>
      {by === null ? null : (
        <>
          {' by '}
          <code title={by}>{by.slice(0, 12)}</code>
        </>
      )}
      , seen <Ago at={seenAt} />.
    </p>
  )
}

function Moved({ pull }: { pull: Pull }) {
  const { state, seen_head_sha: seen, head_sha: head, failed_verification: failed } = pull
  if (state !== 'open' || seen === null || seen === head) return null
  const isFailed = failed !== null && failed !== undefined
  return (
    <p className="warn">
      Another push has moved its branch to <code>{seen.slice(0, 12)}</code>,{' '}
      {isFailed ? `which was verified in attempt ${failed.attempt} and failed.` : 'which Moose did not verify.'}
    </p>
  )
}

/** What git cannot merge, since when, and what a person can do about it. */
function Conflict({ pull }: { pull: Pull }) {
  const { conflict, tried_resolution: tried, base, branch } = pull
  if (conflict === undefined || conflict === null) return null
  const { files, since, by_hand: left } = conflict
  return (
    <>
      <p className="warn">
        It conflicts with <code>{base}</code>
        {files.map((file, index) => (
          <Fragment key={file}>
            {index === 0 ? ' in ' : ', '}
            <code>{file}</code>
          </Fragment>
        ))}
        , since <Ago at={since} />.
      </p>
      <p>
        {tried !== undefined && tried !== null
          ? `Attempt ${tried.attempt} had the model resolve these two commits, which is done once. Merge `
          : !isLeftByHand(pull)
            ? 'The model can resolve it, or a person: merge '
            : `${left} Merge `}
        <code>{base}</code> into <code>{branch}</code> by hand, push that, and verify it again. Or close it unmerged and
        retry the order, on <code>{base}</code> as it is now.
      </p>
    </>
  )
}

function OnForge({ pull }: { pull: Pull }) {
  const { seen_at: seenAt } = pull
  if (seenAt === null || seenAt === undefined) return <p className="quiet">It was not looked at there yet.</p>
  return (
    <>
      <Reviews pull={pull} />
      <CheckRuns pull={pull} />
      <p className="quiet">
        Looked at <Ago at={seenAt} />.
      </p>
    </>
  )
}

const GOOD = new Set(['SUCCESS', 'NEUTRAL', 'SKIPPED', 'APPROVED'])
const BAD = new Set(['FAILURE', 'ERROR', 'TIMED_OUT', 'CANCELLED', 'STARTUP_FAILURE', 'CHANGES_REQUESTED'])

/** In the forge's words; the colour only repeats it. */
function Word({ text }: { text: string }) {
  return (
    <span className={GOOD.has(text) ? 'good' : BAD.has(text) ? 'bad' : 'quiet'}>
      {text.toLowerCase().replaceAll('_', ' ')}
    </span>
  )
}

function Reviews({ pull: { review, reviews } }: { pull: Pull }) {
  const all = reviews === null || reviews === undefined ? [] : reviews
  return (
    <section aria-label="Reviews">
      <h3>Reviews: {review === null ? all.length === 0 ? 'none' : 'no decision' : <Word text={review} />}</h3>
      {all.length === 0 ? null : (
        <ul className="named">
          {all.map(({ by, state, at }) => (
            <li key={`${by} ${at}`}>
              {by === null ? 'an account that is gone' : by} <Word text={state} />{' '}
              {at === null ? null : (
                <span className="quiet">
                  <Ago at={at} />
                </span>
              )}
            </li>
          ))}
        </ul>
      )}
    </section>
  )
}

function CheckRuns({ pull: { checks, check_runs: runs, check_run_count: count } }: { pull: Pull }) {
  const all = runs === null || runs === undefined ? [] : runs
  const worstFirst = all.toSorted((one, other) => rank(one.state) - rank(other.state))
  const rest = count === null || count === undefined ? 0 : count - all.length
  return (
    <section aria-label="CI">
      <h3>CI: {checks === null ? 'none' : <Word text={checks} />}</h3>
      {worstFirst.length === 0 ? null : (
        <ul className="named">
          {worstFirst.map(({ name, state, url }, index) => (
            // Two may have the same name.
            // oxlint-disable-next-line react/no-array-index-key
            <li key={index}>
              {url?.startsWith('https://') === true ? (
                <a href={url} rel="noreferrer">
                  {name}
                </a>
              ) : (
                name
              )}{' '}
              <Word text={state} />
            </li>
          ))}
          {rest > 0 ? <li className="quiet">and {rest} more</li> : null}
        </ul>
      )}
    </section>
  )
}

function rank(state: string): number {
  if (BAD.has(state)) return 0
  return GOOD.has(state) ? 2 : 1
}
