import { useQuery } from '@tanstack/react-query'
import { getRouteApi, Link } from '@tanstack/react-router'
import type { Schemas } from '../api/client.ts'
import { projectsQuery } from '../api/queries.ts'
import { Empty, Failed, Loading } from '../ui/states.tsx'
import { lastOrders, usd } from '../ui/words.tsx'
import { AddProject } from './add-project.tsx'
import { ProjectView } from './project-view.tsx'
import { counted } from './spending.tsx'

type Project = Schemas['Project']

const route = getRouteApi('/shell/operate/$part')

/** The repositories that orders are for; the name of one is part of its address. */
export function Projects() {
  const { data: projects, error, refetch } = useQuery(projectsQuery)
  const { name } = route.useSearch()
  if (projects === undefined && error !== null) return <Failed error={error} retry={() => void refetch()} />
  if (projects === undefined) return <Loading what="the projects" />
  if (name === undefined) return <List projects={projects} />
  const project = projects.find((one) => one.name === name)
  return (
    <>
      <p>
        <Link to="/operate/$part" params={{ part: 'projects' }}>
          All projects
        </Link>
      </p>
      {project === undefined ? (
        <Empty>There is no project {name}.</Empty>
      ) : (
        <ProjectView key={name} project={project} />
      )}
    </>
  )
}

function List({ projects }: { projects: readonly Project[] }) {
  return (
    <>
      <div className="buttons">
        <AddProject />
      </div>
      {projects.length === 0 ? (
        <Empty>
          <p>There is no project yet.</p>
          <p className="quiet">A project is a repository that orders can be for.</p>
        </Empty>
      ) : (
        <ul className="plain-list cards">
          {projects.map((project) => (
            <li key={project.name} className="card">
              <ListedProject project={project} />
            </li>
          ))}
        </ul>
      )}
    </>
  )
}

function ListedProject({ project }: { project: Project }) {
  const { name, repository, default_branch: branch, forge, budget_usd: cap, allowed_hosts: hosts, paused } = project
  return (
    <>
      <h2>
        <Link to="/operate/$part" params={{ part: 'projects' }} search={{ name }}>
          {name}
        </Link>{' '}
        {paused ? <span className="badge paused_project">paused</span> : null}
      </h2>
      <p>
        <code>{repository}</code>
      </p>
      {paused ? (
        <p>
          Its {lastOrders(paused.orders.length)} failed with {paused.code} at {paused.step}; no order of it is taken on.
        </p>
      ) : null}
      <p className="quiet">
        {forge}, {branch}, {cap === null ? 'the usual cap' : `${usd(cap)} a month`},{' '}
        {hosts.length === 0 ? 'no host granted' : `${counted(hosts.length, 'host')} granted`},{' '}
        <Link to="/orders" search={{ project: name }}>
          its orders
        </Link>
      </p>
    </>
  )
}
