import type { OrderDetail, Schemas } from '../api/client.ts'
import { Empty } from '../ui/states.tsx'
import { duration, usd } from '../ui/words.tsx'

type Check = Schemas['CheckEvidence']
type Evidence = Schemas['OrderEvidence']

/** What the checks have said of the change that was verified last, those that fail it first. */
export function Checks({ order }: { order: OrderDetail }) {
  const { evidence } = order
  if (evidence === undefined || evidence === null) return <Empty>No change was verified yet.</Empty>
  if (evidence.checks.length === 0 && evidence.failure !== null)
    return (
      <Empty>
        No check was run: the change was refused before, with <code>{evidence.failure}</code>.
      </Empty>
    )
  if (evidence.checks.length === 0) return <Empty>Nothing was run: the base commit has no checks (moose.yaml).</Empty>
  return (
    <>
      <p className="quiet">{whichCommit(evidence)}</p>
      <CheckList checks={evidence.checks} order={order} />
      <Repairs repairs={evidence.repairs} />
    </>
  )
}

const REPAIRED_BY: Readonly<Record<Evidence['repairs'][number]['by'], string>> = {
  fix: 'its fix command was run',
  proposer: 'the model was told what failed',
  aider: 'Aider was told what failed',
}

/** What was done to mend the change, in order. */
function Repairs({ repairs }: Pick<Evidence, 'repairs'>) {
  if (repairs.length === 0) return null
  return (
    <>
      <h3>Repairs</h3>
      <ol className="checks">
        {repairs.map(({ check, by, head_sha: sha, cost_usd: cost, mended }, index) => (
          <li key={`${index} ${check}`} className={mended ? 'passed' : 'failed'}>
            <p className="step-line">
              <span className="mark" aria-hidden="true">
                {mended ? '✓' : '✗'}
              </span>
              <strong>{check}</strong>
              <span>
                {REPAIRED_BY[by]}
                {mended ? '; it passed then' : ''}
              </span>
              <code className="quiet">{sha === null ? 'no commit' : sha.slice(0, 12)}</code>
              {cost === 0 ? null : <span className="number">{usd(cost)}</span>}
            </p>
          </li>
        ))}
      </ol>
    </>
  )
}

export function whichCommit({ attempt, head_sha: sha }: Evidence): string {
  return `Of attempt ${attempt}${sha === null ? '' : `, commit ${sha.slice(0, 12)}`}.`
}

export function CheckList({ checks, order }: { checks: readonly Check[]; order: OrderDetail }) {
  return (
    <ol className="checks">
      {checks.map((check) => (
        <li key={check.name} className={check.outcome === 'passed' ? 'passed' : check.baseline ? 'old' : 'failed'}>
          <p className="step-line">
            <span className="mark" aria-hidden="true">
              {check.baseline ? '=' : check.outcome === 'passed' ? '✓' : '✗'}
            </span>
            <strong>{check.name}</strong>
            <span>{outcomeOf(check)}</span>
            <span className="number">{duration(check.duration_ms)}</span>
            {check.run === null ? null : <code className="quiet">{check.run}</code>}
          </p>
          {check.proves.map((number) => (
            <p key={number} className="quiet">
              proves: {order.acceptance_criteria[number - 1]}
            </p>
          ))}
          <Failures check={check} />
          <Output check={check} />
        </li>
      ))}
    </ol>
  )
}

function outcomeOf({ outcome, baseline, exit_code: code, failed_before: failedBefore }: Check): string {
  if (baseline) return 'fails on the base too, in the same'
  if (outcome === 'passed') return failedBefore ? 'passed; it failed before this change' : 'passed'
  return code === null ? outcome.replace('_', ' ') : `${outcome.replace('_', ' ')} with exit code ${code}`
}

const MOST_FAILURES = 20

function Failures({ check: { failures, new_failures: newOnes, outcome } }: { check: Check }) {
  const named = newOnes === null ? failures : newOnes
  if (outcome === 'passed' || named === null || named.length === 0) return null
  const rest = named.length - MOST_FAILURES
  return (
    <>
      <p>{newOnes === null ? 'What failed:' : 'New with this change:'}</p>
      <ul className="failures">
        {named.slice(0, MOST_FAILURES).map((name, index) => (
          // The same may be reported twice, and none moves.
          // oxlint-disable-next-line react/no-array-index-key
          <li key={index}>
            <code>{name}</code>
          </li>
        ))}
        {rest > 0 ? <li className="quiet">and {rest} more</li> : null}
      </ul>
    </>
  )
}

/** What fails is shown; the rest is folded, in its place. */
function Output({ check: { name, output } }: { check: Check }) {
  return output.map(({ text, failing }, index) => {
    const lines = text.split('\n').length
    const key = `${name} ${index}`
    if (failing)
      return (
        <pre key={key} className="failing-part" tabIndex={0} aria-label={`Failing part of ${name}`}>
          {text}
        </pre>
      )
    return (
      <details key={key}>
        <summary>{output.length === 1 ? 'Output' : `${lines} more ${lines === 1 ? 'line' : 'lines'}`}</summary>
        <pre tabIndex={0}>{text}</pre>
      </details>
    )
  })
}
