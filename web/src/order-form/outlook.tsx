import { ApprovalWarnings } from '../inbox/approval-terms.tsx'
import { type OrderCheck, type Problem, sentenceOf } from './checking.ts'
import { linesOf } from './draft.ts'

type OutlookProps = {
  /** Null: it is not known yet. */
  check: OrderCheck | null
  error: Error | null
  criteria: string
  tellAll: boolean
  /** What can be done where nothing is wrong: `filed`. */
  done: string
}

/** What the order would mean: the most it may cost, what verifies it, and what else has to be known. */
export function Outlook({ check, error, criteria, tellAll, done }: OutlookProps) {
  return (
    <aside className="outlook" aria-label="What it would mean">
      <h2>What it would mean</h2>
      {error === null ? null : (
        <p className="failure" role="alert">
          {error.message}
        </p>
      )}
      {check === null ? (
        error === null && <p className="quiet">It is being checked …</p>
      ) : (
        <Meaning check={check} criteria={linesOf(criteria)} tellAll={tellAll} done={done} />
      )}
    </aside>
  )
}

type MeaningProps = { check: OrderCheck; criteria: readonly string[]; tellAll: boolean; done: string }

function Meaning({ check, criteria, tellAll, done }: MeaningProps) {
  const { problems, sentence, verification } = check
  return (
    <>
      <p role="status" className={problems.length === 0 ? 'good' : 'quiet'}>
        {problems.length === 0 ? `It can be ${done}.` : `${counted(problems)} before it can be ${done}.`}
      </p>
      {tellAll && problems.length > 0 ? (
        <ul className="failure">
          {problems.map((problem) => (
            <li key={`${problem.field} ${problem.reason}`}>{sentenceOf(problem)}</li>
          ))}
        </ul>
      ) : null}
      {sentence === null ? null : <p>{sentence}</p>}
      {verification === null || criteria.length === 0 ? null : (
        <ol className="outlook-criteria">
          {criteria.map((criterion, index) => {
            const proof = verification.proved_by.find((one) => one.criterion === index + 1)
            return (
              // Two may be the same, and none moves.
              // oxlint-disable-next-line react/no-array-index-key
              <li key={index}>
                {criterion}{' '}
                <span className={proof === undefined ? 'warn' : 'good'}>
                  {proof === undefined ? 'no check proves it' : `proved by ${proof.checks.join(', ')}`}
                </span>
              </li>
            )
          })}
        </ol>
      )}
      <ApprovalWarnings order={check} />
    </>
  )
}

function counted({ length }: readonly Problem[]): string {
  return length === 1 ? 'One thing is missing or wrong' : `${length} things are missing or wrong`
}
