import { queryOptions, useQuery } from '@tanstack/react-query'
import { EventSourceParserStream } from 'eventsource-parser/stream'
import type { paths } from '../../generated/contract.d.ts'
import { ApiFault, type Schemas } from '../api/client.ts'
import { queryClient } from '../api/queries.ts'
import { CommandLine, Failed, Loading } from '../ui/states.tsx'
import { Ago, duration } from '../ui/words.tsx'
import { NotAllowed, useWhyNot } from './asking.tsx'
import './provide.css'

type Finding = Schemas['DoctorFinding']
type Streamed = paths['/api/doctor']['get']['responses']['200']['content']['text/event-stream']
type DoctorEvent = Extract<Streamed, { type: string }>
/** What is known so far; `result` is null while it is looked. */
type Looked = { at: string; findings: readonly Finding[]; result: Extract<DoctorEvent, { type: 'result' }> | null }

const NOTHING: Looked = { at: 'everything', findings: [], result: null }

function withEvent(looked: Looked, event: DoctorEvent): Looked {
  if (event.type === 'looking') return { ...looked, at: event.at }
  if (event.type === 'finding') return { ...looked, findings: [...looked.findings, event.finding] }
  return { ...looked, result: event }
}

/** Shows each finding as it comes. It is asked for when the part is opened, and by its button. */
const doctorQuery = queryOptions({
  queryKey: ['doctor'],
  staleTime: Number.POSITIVE_INFINITY,
  retry: false,
  queryFn: async ({ signal }): Promise<Looked> => {
    const response = await fetch('/api/doctor', { headers: { Accept: 'text/event-stream' }, signal, cache: 'no-store' })
    if (!response.ok || response.body === null) throw new ApiFault('no_answer', await refusalOf(response))
    const messages = response.body.pipeThrough(new TextDecoderStream()).pipeThrough(new EventSourceParserStream())
    const reader = messages.getReader()
    let looked = NOTHING
    for (let next = await reader.read(); !next.done; next = await reader.read()) {
      const { event, data } = next.value
      if (event !== 'looking' && event !== 'finding' && event !== 'result') continue
      looked = withEvent(looked, JSON.parse(data))
      queryClient.setQueryData(['doctor'], looked)
    }
    if (looked.result === null) throw new ApiFault('no_answer', 'Moose went away while it looked. Look again.')
    return looked
  },
})

async function refusalOf(response: Response): Promise<string> {
  const body: { error?: { message?: string } } = await response.json().catch(() => ({}))
  return body.error?.message ?? `Moose does not answer (${response.status}).`
}

/** What `moose doctor` finds for the service: the worst first, each with what to type. */
export function DoctorPart() {
  const whyNot = useWhyNot('operate')
  if (whyNot !== undefined) return <NotAllowed what="what the doctor finds" />
  return <Doctor />
}

function Doctor() {
  const { data, error, isFetching, refetch } = useQuery(doctorQuery)
  const look = () => void refetch({ cancelRefetch: false })
  if (error !== null && !isFetching) return <Failed error={error} retry={look} />
  const looked = data === undefined ? NOTHING : data
  return (
    <>
      <div className="provide-head">
        <div role="status">{isFetching ? <Looking looked={looked} /> : <Summary looked={looked} />}</div>
        <button type="button" disabled={isFetching} onClick={look}>
          {isFetching ? 'Looking …' : 'Look again'}
        </button>
      </div>
      {isFetching && looked.findings.length === 0 ? <Loading what="what the doctor finds" /> : null}
      <Findings findings={looked.findings} />
    </>
  )
}

function Looking({ looked: { at, findings } }: { looked: Looked }) {
  return (
    <p>
      Looking at {at} … {findings.length} looked at so far.
    </p>
  )
}

function Summary({ looked: { findings, result } }: { looked: Looked }) {
  if (result === null) return null
  const bad = findings.filter(({ state }) => state === 'missing' || state === 'broken').length
  const warnings = findings.filter(({ state }) => state === 'warning').length
  return (
    <>
      <p>
        <strong className={bad > 0 ? 'failure' : warnings > 0 ? 'warn' : ''}>
          {bad > 0
            ? `${bad} of ${findings.length} ${bad === 1 ? 'has' : 'have'} to be mended.`
            : 'Nothing is missing or broken.'}
        </strong>{' '}
        {warnings === 0 ? '' : warnings === 1 ? '1 warning.' : `${warnings} warnings.`}
        {result.complete ? '' : ' Not all was looked at.'}
      </p>
      <p className="quiet">
        Looked at <Ago at={result.began_at} />, in {duration(result.duration_ms)}, as the service sees it. Nothing was
        changed or spent.
      </p>
    </>
  )
}

const ORDER = ['broken', 'missing', 'warning', 'optional'] as const

function Findings({ findings }: { findings: readonly Finding[] }) {
  const fine = findings.filter(({ state }) => state === 'ok')
  return (
    <>
      <ul className="provide-cards">
        {ORDER.flatMap((wanted) => findings.filter(({ state }) => state === wanted)).map((finding, index) => (
          // Two may have the same name, and they only grow.
          // oxlint-disable-next-line react/no-array-index-key
          <FindingCard key={`${finding.name} ${index}`} finding={finding} />
        ))}
      </ul>
      {fine.length === 0 ? null : (
        <details className="provide-fine">
          <summary>{fine.length} are as they should be</summary>
          <ul className="provide-cards">
            {fine.map((finding, index) => (
              // oxlint-disable-next-line react/no-array-index-key
              <FindingCard key={`${finding.name} ${index}`} finding={finding} />
            ))}
          </ul>
        </details>
      )}
    </>
  )
}

const BADGES = { ok: 'completed', missing: 'failed', broken: 'failed', warning: 'budget', optional: 'other' } as const

function FindingCard({ finding: { name, state, detail, remedy } }: { finding: Finding }) {
  return (
    <li className="provide-card" data-finding={name}>
      <p className="entry-line">
        <span className={`badge ${BADGES[state]}`}>{state}</span>
        <strong>{name}</strong>
      </p>
      <p>{detail}</p>
      {remedy === null ? null : <CommandLine text={remedy} />}
    </li>
  )
}
