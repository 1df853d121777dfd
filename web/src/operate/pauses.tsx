import { answer, api, type Schemas } from '../api/client.ts'
import { AskedButton } from '../ui/asked-button.tsx'
import { Ago, lastOrders } from '../ui/words.tsx'

type Paused = Schemas['PausedProvider']
type FailurePause = Schemas['FailurePause']

/** Projects and proposers that are given no order, because so many in a row failed alike. */
export function PausedAfterFailures({ paused }: { paused: readonly FailurePause[] }) {
  if (paused.length === 0) return <p className="quiet">No project and no proposer is paused for its failures.</p>
  return (
    <ul className="plain-list">
      {paused.map((pause) => (
        <li key={`${pause.kind} ${pause.name}`}>
          <FailurePauseText pause={pause} />
        </li>
      ))}
    </ul>
  )
}

export function FailurePauseText({ pause }: { pause: FailurePause }) {
  const { kind, name, code, step, message, orders, since, paused_at: at } = pause
  return (
    <>
      <h3>
        {kind} {name}
      </h3>
      <p>
        Its {lastOrders(orders.length)} failed with {code} at {step}: {message}
      </p>
      <p className="quiet">
        Since <Ago at={at === undefined ? since : at} />; no order of it is taken on.
      </p>
      <div className="buttons">
        <ResumeAfterFailures kind={kind} name={name} />
      </div>
    </>
  )
}

/** Has orders taken on again. */
export function ResumeAfterFailures({ kind, name }: Pick<FailurePause, 'kind' | 'name'>) {
  const resume = async () => {
    const named = { params: { path: { name } } }
    if (kind === 'project') await answer(api.DELETE('/api/projects/{name}/pause', named))
    else await answer(api.PATCH('/api/proposers/{name}', { ...named, body: { active: true } }))
    return `${name} is given orders again`
  }
  return (
    <AskedButton label="Take orders on again" title={`Give ${name} orders again`} doIt="Take them on" act={resume}>
      <p>The next orders are paid for. If they fail in the same way too, it is paused again.</p>
    </AskedButton>
  )
}

export function PausedProviders({ paused }: { paused: readonly Paused[] }) {
  if (paused.length === 0) return <p className="quiet">No provider is paused.</p>
  return (
    <ul className="plain-list">
      {paused.map((pause) => (
        <li key={pause.provider}>
          <h3>{pause.provider}</h3>
          <p>{pause.reason}</p>
          <p className="quiet">
            {pause.failures} in a row since <Ago at={pause.since} />; asked again <Ago at={pause.until} />
            {pause.proposers.length === 0 ? '' : `; called by ${pause.proposers.join(', ')}`}
          </p>
          <div className="buttons">
            <ResumeProvider pause={pause} />
          </div>
        </li>
      ))}
    </ul>
  )
}

/** Ends a pause before its time. */
export function ResumeProvider({ pause: { provider, proposers } }: { pause: Pick<Paused, 'provider' | 'proposers'> }) {
  const [name] = proposers
  if (name === undefined) return <p className="quiet">No active proposer calls it; nothing waits for it.</p>
  const resume = async () => {
    await answer(api.DELETE('/api/proposers/{name}/provider-pause', { params: { path: { name } } }))
    return `${provider} is called again`
  }
  return (
    <AskedButton label="Call it again now" title={`Call ${provider} again now`} doIt="Call it again" act={resume}>
      <p>Its pause ends, and orders that wait for it go on, which costs. If it fails again, it is paused again.</p>
    </AskedButton>
  )
}
