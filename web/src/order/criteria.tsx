import type { OrderDetail, Schemas } from '../api/client.ts'
import { whichCommit } from './checks.tsx'

type Criterion = Schemas['CriterionEvidence']
type Unverified = Schemas['UnverifiedMerge']

const MARKS: Readonly<Record<Criterion['result'], string>> = {
  proved: '✓',
  failed: '✗',
  unproved: '–',
  not_run: '–',
  edited: '–',
}

/** Which check proves which acceptance criterion, and with which result; those that nothing proves are said. */
export function Criteria({ order }: { order: OrderDetail }) {
  const { evidence, acceptance_criteria: texts } = order
  if (texts.length === 0) return <p className="quiet">It has no acceptance criteria.</p>
  if (evidence === undefined || evidence === null) return <Expected order={order} />
  const proved = evidence.criteria.filter(({ result }) => result === 'proved').length
  const other = order.pull_request?.merged_unverified ?? null
  return (
    <>
      <p>
        <strong className={proved === texts.length && other === null ? 'good' : 'warn'}>
          {proved} of {texts.length} {texts.length === 1 ? 'criterion' : 'criteria'}{' '}
          {other === null
            ? `${texts.length === 1 ? 'is' : 'are'} proved.`
            : `proved, at another commit than was merged.`}
        </strong>{' '}
        <span className="quiet">{whichCommit(evidence)}</span>
      </p>
      <ol className="criteria">
        {evidence.criteria.map((criterion) => (
          <li
            key={criterion.number}
            className={isUnknown(criterion, other) ? 'unproved' : criterion.result}
            data-result={criterion.result}
          >
            <span className="mark" aria-hidden="true">
              {isUnknown(criterion, other) ? '–' : MARKS[criterion.result]}
            </span>
            <div>
              <p>{criterion.text}</p>
              <p className="because">{becauseOf(criterion, other)}</p>
            </div>
          </li>
        ))}
      </ol>
    </>
  )
}

/** What was proved is of another commit than was merged. */
function isUnknown({ result }: Criterion, other: Unverified | null): boolean {
  return result === 'proved' && other !== null
}

function becauseOf({ result, checks }: Criterion, other: Unverified | null): string {
  const named = checks.map(({ name, outcome }) => `${name} ${outcome.replace('_', ' ')}`).join(', ')
  switch (result) {
    case 'proved':
      return other === null
        ? `Proved: ${named}.`
        : `Proved at ${other.verified_sha.slice(0, 12)}: ${named}. What was merged is ${other.merged_sha.slice(0, 12)}.`
    case 'failed':
      return `Not proved: ${named}.`
    case 'unproved':
      return 'No check proves it: look at it yourself.'
    case 'not_run':
      return 'No check was run that could prove it.'
    case 'edited':
      return 'Edited since it was verified.'
  }
}

/** Before anything was verified: what the checks of the project will say. */
function Expected({ order: { acceptance_criteria: texts, verification } }: { order: OrderDetail }) {
  const isKnown = verification !== undefined && verification !== null
  return (
    <>
      {!isKnown ? (
        <p className="quiet">Nothing was verified yet.</p>
      ) : verification.checks === 0 ? (
        <p className="warn">Nothing will be verified: its project has no checks.</p>
      ) : null}
      <ol className="criteria">
        {texts.map((text, index) => {
          const by = verification?.proved_by.find(({ criterion }) => criterion === index + 1)
          return (
            // Two may be the same, and none moves.
            // oxlint-disable-next-line react/no-array-index-key
            <li key={index} className={by === undefined && isKnown ? 'unproved' : 'expected'}>
              <span className="mark" aria-hidden="true">
                –
              </span>
              <div>
                <p>{text}</p>
                {!isKnown ? null : (
                  <p className="because">
                    {by === undefined ? 'No check will prove it.' : `To be proved by ${by.checks.join(', ')}.`}
                  </p>
                )}
              </div>
            </li>
          )
        })}
      </ol>
    </>
  )
}
