import { useState } from 'react'
import { answer, api, type Schemas } from '../api/client.ts'
import { AskedButton } from '../ui/asked-button.tsx'
import { Choice, Field } from './field.tsx'

type Project = Schemas['Project']
type Grant = Schemas['HostGrant']

const USES = { setup: 'set-up', checks: 'checks' } as const
const USE_CHOICES = [
  ['setup', USES.setup],
  ['checks', USES.checks],
] as const

/** What set-up and checks reach; nothing else, whatever the repository asks for. */
export function ProjectHosts({ project: { name, allowed_hosts: hosts } }: { project: Project }) {
  return (
    <>
      {hosts.length === 0 ? (
        <p className="quiet">No host: set-up and checks have no network.</p>
      ) : (
        <ul className="plain-list">
          {hosts.map((grant) => (
            <li key={`${grant.host} ${grant.for}`} className="row">
              <span>
                <code>{grant.host}</code> <span className="quiet">for {USES[grant.for]}</span>
              </span>
              <TakeBack name={name} grant={grant} />
            </li>
          ))}
        </ul>
      )}
      <div className="buttons">
        <GrantHost name={name} />
      </div>
    </>
  )
}

async function changeHosts(name: string, body: Schemas['ProjectChange']): Promise<void> {
  await answer(api.PATCH('/api/projects/{name}', { params: { path: { name } }, body }))
}

function TakeBack({ name, grant: { host, for: use } }: { name: string; grant: Grant }) {
  const take = async () => {
    await changeHosts(name, { deny_hosts: [{ host, for: use }] })
    return `${name} reaches ${host} no more for ${USES[use]}`
  }
  return (
    <AskedButton label="Take back" title={`Take ${host} back from ${name}`} doIt="Take it back" act={take}>
      <p>
        The next {USES[use]} of it cannot reach {host}; what needs it fails.
      </p>
    </AskedButton>
  )
}

/** Outside code gets a way to the net by it, so it is asked with what that means. */
export function GrantHost({ name, asked }: { name: string; asked?: Grant }) {
  const [host, setHost] = useState('')
  const [use, setUse] = useState<Grant['for']>('setup')
  const wanted = asked === undefined ? { host: host.trim(), for: use } : asked
  const problem =
    wanted.host === '' || /^[A-Za-z0-9_.*:[\]-]+$/.test(wanted.host)
      ? null
      : 'A host, HOST:PORT, *.DOMAIN or an address'
  const grant = async () => {
    await changeHosts(name, { allow_hosts: [wanted] })
    return `${name} reaches ${wanted.host} for ${USES[wanted.for]}`
  }
  return (
    <AskedButton
      label={asked === undefined ? 'Grant a host' : `Grant ${asked.host} for ${USES[asked.for]}`}
      title={`Grant a host to ${name}`}
      doIt="Grant it"
      act={grant}
      isReady={wanted.host !== '' && problem === null}
      onOpen={() => setHost('')}
    >
      <p>Code of the repository and of its packages can send to this host whatever it sees.</p>
      {asked === undefined ? (
        <>
          <Field
            label="Host"
            value={host}
            change={setHost}
            problem={problem}
            placeholder="registry.example"
            hint="HOST, HOST:PORT, *.DOMAIN or an address; without a port, 443 and 80"
          />
          <Choice label="For" value={use} change={setUse} options={USE_CHOICES} />
        </>
      ) : (
        <p>
          <code>{asked.host}</code>, for {USES[asked.for]}
        </p>
      )}
    </AskedButton>
  )
}
