import { useQuery } from '@tanstack/react-query'
import type { paths } from '../../generated/contract.d.ts'
import type { OrderDetail } from '../api/client.ts'
import { routeQuery } from '../api/queries.ts'
import { Failed, Loading } from '../ui/states.tsx'
import { usd } from '../ui/words.tsx'

type Answer = paths['/api/work-orders/{id}/route']['get']['responses']['200']['content']['application/json']
type Explanation = Answer['explanation']
type Decision = Explanation['decision']
type Candidate = NonNullable<Decision['routing_metadata']['candidates']>[number]

/** Which proposer got the order, why, and what the others would have cost; the latest decision first. */
export function Routing({ order }: { order: OrderDetail }) {
  const { data: explained, error, refetch } = useQuery(routeQuery(order.id))
  if (explained === undefined && error !== null) return <Failed error={error} retry={() => void refetch()} />
  if (explained === undefined) return <Loading what="the decision" />
  const past = explained.past.toReversed()
  return (
    <>
      {past.map(({ attempt, decision }) => {
        const made = order.attempt_history.find(({ number }) => number === attempt)
        return (
          <Choice
            key={attempt}
            title={`Attempt ${attempt} went to ${decision.selected_proposer}`}
            decision={decision}
            cost={made === undefined ? null : made.cost_usd}
          />
        )
      })}
      <Choice
        title={
          past.length === 0
            ? `It would go to ${explained.decision.selected_proposer}`
            : `Another attempt would go to ${explained.decision.selected_proposer}`
        }
        decision={explained.decision}
        cost={null}
      />
      <p className="quiet">{learningOf(explained.policy)}</p>
    </>
  )
}

function Choice({ title, decision, cost }: { title: string; decision: Decision; cost: number | null }) {
  const { reason, confidence, fallback_proposer: fallback, routing_metadata: facts } = decision
  const candidates = facts.candidates === undefined ? [] : facts.candidates
  const stops = facts.hard_stop_reasons === undefined ? [] : facts.hard_stop_reasons
  return (
    <section className="choice" aria-label={title}>
      <h2>{title}</h2>
      <p>{reason}</p>
      <p className="entry-line quiet">
        <span>complexity {facts.complexity_score}</span>
        {facts.change_kind === undefined ? null : <span>{facts.change_kind}</span>}
        <span>confidence {percent(confidence)}</span>
        <span>{fallback === undefined ? 'no other if it fails' : `if it fails: ${fallback}`}</span>
        {stops.length === 0 ? null : <span className="warn">hard stop: {stops.join(', ')}</span>}
        {cost === null ? null : <span>it has cost {usd(cost)}</span>}
      </p>
      {candidates.length === 0 ? null : <Candidates candidates={candidates} decision={decision} />}
      {facts.excluded === undefined || facts.excluded.length === 0 ? null : (
        <ul className="named" aria-label="Proposers that could not be chosen">
          {facts.excluded.map(({ proposer, reason: because }) => (
            <li key={proposer} className="quiet">
              {proposer} {because}
            </li>
          ))}
        </ul>
      )}
    </section>
  )
}

function Candidates({ candidates, decision }: { candidates: readonly Candidate[]; decision: Decision }) {
  const chosen = candidates.find(({ proposer }) => proposer === decision.selected_proposer)
  return (
    <div className="table-frame" tabIndex={0} role="region" aria-label="What was expected of each proposer">
      <table>
        <thead>
          <tr>
            <th scope="col">Proposer</th>
            <th scope="col">Cost</th>
            <th scope="col">Success</th>
            <th scope="col">Per merge</th>
            <th scope="col">Rests on</th>
            <th scope="col">Why, why not</th>
          </tr>
        </thead>
        <tbody>
          {candidates.map((candidate) => (
            <tr key={candidate.proposer} data-chosen={candidate === chosen}>
              <th scope="row">{candidate.proposer}</th>
              <td className="number">{usdOr(candidate.expected_cost_usd)}</td>
              <td className="number">{percent(candidate.expected_success)}</td>
              <td className="number">{usdOr(candidate.expected_cost_per_merge_usd)}</td>
              <td>{restsOn(candidate)}</td>
              <td>{candidate === chosen ? 'chosen' : whyNot(candidate, chosen)}</td>
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  )
}

function usdOr(amount: number | null): string {
  return amount === null ? 'not known' : usd(amount)
}

function percent(share: number): string {
  return `${Math.round(share * 100)} %`
}

function restsOn({ similar_orders: orders, similar_merged: merged }: Candidate): string {
  const count = Math.round(orders)
  return count === 0 ? 'its configuration alone' : `about ${count} similar, ${Math.round(merged)} merged`
}

/** What the figures say of one that was not chosen; the reason of the choice is told above. */
function whyNot({ able, expected_cost_per_merge_usd: own }: Candidate, chosen: Candidate | undefined): string {
  if (!able) return 'the order is over its threshold'
  const other = chosen === undefined ? null : chosen.expected_cost_per_merge_usd
  if (own === null || other === null || own === other) return ''
  return own > other ? `${usd(own - other)} dearer per merge` : `${usd(other - own)} cheaper per merge`
}

function learningOf({ mode, known_outcomes: known, min_outcomes: least }: Explanation['policy']): string {
  if (mode === 'static') return 'The static rule decides (routing_policy).'
  if (mode === 'auto' && known < least)
    return `Nothing is learned until ${least} outcomes are known: there are ${known}.`
  return `Decided with ${known} outcomes of past orders.`
}
