import { isToDecide } from '../api/actions.ts'
import { answer, api, type OrderDetail, type Schemas } from '../api/client.ts'
import { Decide } from '../inbox/decide.tsx'
import { AskedButton } from '../ui/asked-button.tsx'
import { Ago, shortId } from '../ui/words.tsx'

type Pull = Schemas['PullRequest']

/** How the open pull request stands, why, what Moose has done about it, and what a human can decide where it does no more. */
export function Followed({ order }: { order: OrderDetail }) {
  const { id, pull_request: pull } = order
  const followUp = pull?.follow_up
  if (pull === null || followUp === undefined || followUp === null || order.phase !== 'in_review') return null
  const { state, why, code, at } = followUp
  return (
    <section aria-label="Follow-up">
      <h3>
        Follow-up: <span className={code === null ? 'quiet' : 'bad'}>{state.replaceAll('_', ' ')}</span>
      </h3>
      <p className={code === null ? undefined : 'warn'}>{why}</p>
      <Tried pull={pull} />
      <p className="quiet">
        {saidOf(pull)} Looked at <Ago at={at} />.
      </p>
      {code === 'hands_off' ? <Adopt id={id} branch={pull.branch} /> : null}
      {code === null ? null : <Decide id={id} isOpenAtFirst={isToDecide(order)} />}
    </section>
  )
}

/** How the last reaction ended, what the model did not do and why, and what is red. */
function Tried({ pull }: { pull: Pull }) {
  const told = pull.last_reaction === undefined ? [] : pull.last_reaction.told
  const failing = pull.follow_up?.failing
  const red = failing === undefined ? [] : failing
  if (told.length + red.length === 0) return null
  return (
    <ul className="tried">
      {told.map((line) => (
        <li key={line}>{line}</li>
      ))}
      {red.map(({ check, said, url }) => (
        <li key={`${check} ${url}`}>
          failed check{' '}
          {url === null ? (
            check
          ) : (
            <a href={url} rel="noreferrer">
              {check}
            </a>
          )}
          {said === null ? null : `: "${said}"`}
        </li>
      ))}
    </ul>
  )
}

const KINDS: Readonly<Record<string, string>> = {
  base: 'base merged in',
  rerun: 'checks run again',
  checks: 'repairs',
  review: 'review rounds',
}

/** Of the bounds for the order, those that are used. */
function saidOf({ reactions }: Pull): string {
  if (reactions === undefined) return 'Moose has done nothing about it so far.'
  return `Done for the order: ${reactions.map(({ kind, done, most }) => `${KINDS[kind]} ${done} of ${most}`).join(', ')}.`
}

function Adopt({ id, branch }: { id: string; branch: string }) {
  return (
    <>
      <p>
        Moose keeps its hands off it: nothing is done about it until it is given back, and what Moose did not verify is
        not merged from here.
      </p>
      <AdoptButton id={id} branch={branch} />
    </>
  )
}

function AdoptButton({ id, branch }: { id: string; branch: string }) {
  return (
    <div className="buttons">
      <AskedButton
        label="Adopt"
        title={`Adopt: ${shortId(id)}`}
        doIt="Adopt"
        act={async () => {
          const adopted = await answer(api.POST('/api/work-orders/{id}/adopt', { params: { path: { id } } }))
          return adopted.retried.sentence
        }}
      >
        <p>
          The pull request is given back to Moose: what <code>{branch}</code> holds is verified, without a model, and
          Moose reacts again to what becomes of it.
        </p>
      </AskedButton>
    </div>
  )
}
