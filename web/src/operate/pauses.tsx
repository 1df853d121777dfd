import { answer, api, type Schemas } from '../api/client.ts'
import { AskedButton } from '../ui/asked-button.tsx'
import { Ago } from '../ui/words.tsx'

type Paused = Schemas['PausedProvider']

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
