import { useQuery } from '@tanstack/react-query'
import { Link } from '@tanstack/react-router'
import type { OrderDetail, Schemas } from '../api/client.ts'
import { triesQuery } from '../api/queries.ts'
import { Empty } from '../ui/states.tsx'
import { Clock, duration, Elapsed, usd, useNow } from '../ui/words.tsx'
import { type Place, type Scale, type Span, scaleOf } from './timeline-scale.ts'

type Attempt = Schemas['Attempt']
type Step = Schemas['Step']
type Call = Schemas['ModelTry']

/** What was done, the newest attempt first; of each the steps in the order they ran, as bars to one scale of time. */
export function Attempts({ order: { id, attempt_history: attempts } }: { order: OrderDetail }) {
  const { data: called } = useQuery(triesQuery(id))
  if (attempts.length === 0) return <Empty>No attempt was made yet.</Empty>
  const calls = called === undefined ? [] : called.tries
  return (
    <ol className="attempts">
      {attempts.toReversed().map((attempt) => (
        <li key={attempt.number}>
          <AttemptHead attempt={attempt} />
          <AttemptSteps
            id={id}
            attempt={attempt}
            calls={calls.filter(({ attempt: number }) => number === attempt.number)}
          />
        </li>
      ))}
    </ol>
  )
}

function AttemptHead({ attempt }: { attempt: Attempt }) {
  const { number, status, claimed_at: from, ended_at: to, cost_usd: cost, branch, error, steps, verifies } = attempt
  return (
    <>
      <h2>
        Attempt {number} <span className={`badge ${status}`}>{status}</span>
      </h2>
      <p className="entry-line">
        <span>
          from <Clock at={from} />
        </span>
        <span>
          <Elapsed from={from} to={to} />
        </span>
        <span>{usd(cost)}</span>
        {branch === null ? null : <code>{branch}</code>}
        {typeof verifies === 'number' ? <span>verifies what attempt {verifies} began</span> : null}
      </p>
      {/* Most often it is that of a step, and stands there. */}
      {steps.some((step) => step.error?.message === error?.message) ? null : <Reason error={error} />}
    </>
  )
}

type StepsProps = { id: string; attempt: Attempt; calls: readonly Call[] }

function AttemptSteps({ attempt, ...given }: StepsProps) {
  if (attempt.ended_at === null) return <RunningSteps attempt={attempt} {...given} />
  return <Steps attempt={attempt} {...given} now={Date.parse(attempt.ended_at)} />
}

/** One that runs goes on while it is looked at. */
function RunningSteps(props: StepsProps) {
  const now = useNow(1_000)
  return <Steps {...props} now={now.getTime()} />
}

function Steps({ id, attempt, calls, now }: StepsProps & { now: number }) {
  const { claimed_at: claimed, steps } = attempt
  if (steps.length === 0) return <p className="quiet">It has begun no step yet.</p>
  const scale = scaleOf(
    steps.map((step) => spanOf(step, now)),
    { from: Date.parse(claimed), to: now },
  )
  return (
    <>
      <ol className="steps timeline" aria-label={`Steps of attempt ${attempt.number}`}>
        {steps.map((step) => (
          <StepLine
            key={`${step.name} ${step.try}`}
            step={step}
            place={scale.place(spanOf(step, now))}
            scale={scale}
            calls={callsOf(step, steps, calls)}
            id={id}
          />
        ))}
      </ol>
      {scale.breaks.map(({ left, ms }) => (
        <p key={left} className="quiet">
          {duration(ms)} in which nothing was done are drawn shorter.
        </p>
      ))}
    </>
  )
}

function spanOf({ started_at: from, ended_at: to }: Pick<Step, 'started_at' | 'ended_at'>, now: number): Span {
  return { from: Date.parse(from), to: to === null ? Math.max(now, Date.parse(from)) : Date.parse(to) }
}

/** Calls say of which step they are, not of which try of it: they began while it ran. */
function callsOf(step: Step, steps: readonly Step[], calls: readonly Call[]): Call[] {
  const ofName = calls.filter(({ step: name }) => name === step.name)
  const tries = steps.filter(({ name }) => name === step.name)
  if (tries.length === 1) return ofName
  const next = tries.find((other) => other.try > step.try)
  const until = next === undefined ? Number.POSITIVE_INFINITY : Date.parse(next.started_at)
  const from = step.try === 1 ? 0 : Date.parse(step.started_at)
  return ofName.filter(({ started_at: at }) => Date.parse(at) >= from && Date.parse(at) < until)
}

const MARKS: Readonly<Record<string, string>> = { running: '…', succeeded: '✓', failed: '✗' }

type StepProps = { step: Step; place: Place; scale: Scale; calls: readonly Call[]; id: string }

function StepLine({ step, place, scale, calls, id }: StepProps) {
  const { name, status, runs, started_at: from, ended_at: to, cost_usd: cost, error, summary } = step
  const mark = MARKS[status]
  return (
    <li className={`step ${status}`} data-step={name} data-status={status}>
      <p className="step-name">
        <span className="mark" aria-hidden="true">
          {mark === undefined ? '?' : mark}
        </span>
        <strong>{name}</strong>
        {step.try === 1 ? null : <span>try {step.try}</span>}
        <span className="hidden">{status}</span>
      </p>
      <Track status={status} place={place} scale={scale} calls={calls} />
      <p className="step-numbers number">
        <span>
          <Elapsed from={from} to={to} />
        </span>
        <span>{cost === 0 ? '' : usd(cost)}</span>
        <span className="quiet">
          <Clock at={from} />
        </span>
      </p>
      <div className="step-told">
        {summary === null || summary === undefined ? null : <p>{summary}</p>}
        {runs === 1 ? null : <p className="quiet">begun {runs} times</p>}
        <Reason error={error} />
        <Calls calls={calls} id={id} />
      </div>
    </li>
  )
}

/** Only repeats what the line says in words. */
function Track({ status, place, scale, calls }: Pick<StepProps, 'place' | 'scale' | 'calls'> & { status: string }) {
  return (
    <span className="track" aria-hidden="true">
      {scale.breaks.map((one) => (
        <span key={one.left} className="break" style={inPercent(one)} />
      ))}
      <span className={`bar ${status}`} style={inPercent(place)} />
      {calls.map((call) => (
        <span key={call.number} className="call" style={inPercent(scale.place(callSpan(call)))} />
      ))}
    </span>
  )
}

function callSpan({ started_at: at, duration_ms: ms }: Call): Span {
  return { from: Date.parse(at), to: Date.parse(at) + ms }
}

function inPercent({ left, width }: Place) {
  return { left: `${left}%`, width: `${width}%` }
}

function Calls({ calls, id }: { calls: readonly Call[]; id: string }) {
  if (calls.length === 0) return null
  return (
    <ul className="calls" aria-label="Calls to models">
      {calls.map((call) => (
        <li key={call.number}>
          <span className="call-mark" aria-hidden="true" />
          {call.model} · {call.input_tokens.toLocaleString()} → {call.output_tokens.toLocaleString()} tokens ·{' '}
          {duration(call.duration_ms)} · {call.cost_usd === null ? 'cost not known' : usd(call.cost_usd)}
          {call.replayed ? ' · replay' : ''}
          {call.error_code === null ? '' : ` · ${call.error_code}`} ·{' '}
          <Link to="/orders/$id" params={{ id }} search={{ part: 'tries' }}>
            try {call.number}
          </Link>
        </li>
      ))}
    </ul>
  )
}

function Reason({ error }: { error: Schemas['FaultView'] | null }) {
  if (error === null) return null
  const [first = '', ...rest] = error.message.split('\n')
  return (
    <>
      <p className="failure">
        <code>{error.code}</code> {first}
      </p>
      {rest.length === 0 ? null : (
        <details>
          <summary>{rest.length === 1 ? '1 more line' : `${rest.length} more lines`}</summary>
          <pre tabIndex={0}>{rest.join('\n')}</pre>
        </details>
      )}
    </>
  )
}
