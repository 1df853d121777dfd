import { Link, useNavigate } from '@tanstack/react-router'
import { answer, api, type Schemas } from '../api/client.ts'
import { AskedButton } from '../ui/asked-button.tsx'
import { usd } from '../ui/words.tsx'
import { CapButton } from './cap-button.tsx'
import { FailurePauseText } from './pauses.tsx'
import { ProjectCheck } from './project-check.tsx'
import { ProjectForm } from './project-form.tsx'
import { ProjectHosts } from './project-hosts.tsx'
import { Card } from './service.tsx'

type Project = Schemas['Project']

/** One repository: its settings, what it may reach, what is protected, and whether its checks run. */
export function ProjectView({ project }: { project: Project }) {
  const { name, budget_usd: cap, paused } = project
  return (
    <>
      <h2>{name}</h2>
      {paused ? (
        <Card title="Paused">
          <FailurePauseText pause={paused} />
        </Card>
      ) : null}
      <p className="quiet">
        Settings count from the next attempt on; hosts from the next set-up or check on.{' '}
        <Link to="/orders" search={{ project: name }}>
          Its orders
        </Link>
      </p>
      <div className="project-parts">
        <div>
          <Card title="Checks">
            <ProjectCheck name={name} />
          </Card>
          <Card title="Hosts it may reach">
            <ProjectHosts project={project} />
          </Card>
          <Card title="Its month, and its end">
            <p>Its month may cost {cap === null ? 'what the usual cap allows' : `at most ${usd(cap)}`}.</p>
            <div className="buttons">
              <CapButton
                target="project"
                id={name}
                whose={`the month of ${name}`}
                current={cap}
                label="Change the cap"
              />
              <RemoveProject name={name} />
            </div>
          </Card>
        </div>
        <Card title="Settings">
          <ProjectForm key={JSON.stringify(project)} project={project} />
        </Card>
      </div>
    </>
  )
}

function RemoveProject({ name }: { name: string }) {
  const navigate = useNavigate()
  const remove = async () => {
    const { removed } = await answer(api.DELETE('/api/projects/{name}', { params: { path: { name } } }))
    await navigate({ to: '/operate/$part', params: { part: 'projects' } })
    const rest = removed.waiting === 0 ? '' : `, ${removed.waiting} of which do not start any more`
    return `${removed.name} was removed; its ${removed.orders} orders are kept${rest}`
  }
  return (
    <AskedButton label="Remove it" title={`Remove ${name}`} doIt="Remove it" act={remove} isDanger>
      <p>
        No order of it starts any more. Nothing is deleted: orders, pull requests and costs stay, and the repository is
        not touched. Adding the same repository under this name brings it back with its settings.
      </p>
      <p>It is refused while orders of it are under way or in review.</p>
    </AskedButton>
  )
}
