import { useQuery } from '@tanstack/react-query'
import { Link } from '@tanstack/react-router'
import { answer, api, type Schemas } from '../api/client.ts'
import { budgetQuery, statusQuery } from '../api/queries.ts'
import { AskedButton } from '../ui/asked-button.tsx'
import { shortId, usd } from '../ui/words.tsx'

type Status = Schemas['OrchestratorStatus']
const NAMED = 10

/** The attempts that run anywhere, the oldest first. */
export function heldOrders({ workers }: Status) {
  return workers.flatMap(({ holds }) => (holds === undefined ? [] : holds))
}

/** Ends every call to a model now, with what that ends named before. */
export function StopSpending() {
  const { data: status } = useQuery(statusQuery)
  const { data: budget } = useQuery(budgetQuery)
  const held = status === undefined ? [] : heldOrders(status)
  const calls = budget === undefined ? [] : budget.reservations.filter(({ state }) => state === 'under_way')
  const stop = async () => {
    await answer(api.POST('/api/budget/stop'))
    return `Stopped: ${counted(calls.length, 'call')} and ${counted(held.length, 'attempt')} that were under way`
  }
  return (
    <AskedButton
      label="Stop all spending"
      title="Stop all spending now"
      doIt="Stop all spending"
      act={stop}
      isDanger
      className="danger"
    >
      <p>Every call to a model is ended now, in every worker, and none is made until you resume.</p>
      <p>
        {calls.length === 0
          ? 'No call is under way.'
          : `${counted(calls.length, 'call')} under way will be cut off; what was used of it may be charged.`}
      </p>
      {held.length === 0 ? (
        <p>No attempt runs.</p>
      ) : (
        <>
          <p>{counted(held.length, 'attempt')} will be suspended until you resume:</p>
          <ul className="named">
            {held.slice(0, NAMED).map(({ work_order_id: id, title }) => (
              <li key={id}>
                <Link to="/orders/$id" params={{ id }}>
                  <code>{shortId(id)}</code> {title}
                </Link>
              </li>
            ))}
          </ul>
          {held.length > NAMED ? <p>and {held.length - NAMED} more</p> : null}
        </>
      )}
    </AskedButton>
  )
}

/** Lets models be called again, with what that may cost said before. */
export function ResumeSpending() {
  const { data: status } = useQuery(statusQuery)
  const left = status?.budget?.today.left_usd
  const resume = async () => {
    await answer(api.POST('/api/budget/resume'))
    return 'Models may be called again'
  }
  return (
    <AskedButton label="Resume spending" title="Resume spending" doIt="Resume" act={resume} className="primary">
      <p>Models may be called again. Suspended attempts go on where they were, and waiting orders begin.</p>
      <p>
        {left === undefined || left === null ? 'No cap bounds the day.' : `At most ${usd(left)} can be spent today.`}
      </p>
    </AskedButton>
  )
}

export function counted(count: number, what: string): string {
  return `${count} ${what}${count === 1 ? '' : 's'}`
}
