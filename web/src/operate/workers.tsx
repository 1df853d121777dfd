import { useQuery } from '@tanstack/react-query'
import { Link } from '@tanstack/react-router'
import type { Schemas } from '../api/client.ts'
import { statusQuery } from '../api/queries.ts'
import { Failed, Loading } from '../ui/states.tsx'
import { Ago, Elapsed, shortId } from '../ui/words.tsx'

type Worker = Schemas['OrchestratorStatus']['workers'][number]

/** The processes that run attempts, and the orders that each holds. */
export function Workers() {
  const { data: status, error, refetch } = useQuery(statusQuery)
  if (status === undefined && error !== null) return <Failed error={error} retry={() => void refetch()} />
  if (status === undefined) return <Loading what="the workers" />
  const { workers, max_concurrent: most } = status
  const running = workers.reduce((sum, worker) => sum + worker.running, 0)
  return (
    <>
      <p>
        {running} of {most}{' '}
        <Link to="/operate/$part" params={{ part: 'service' }}>
          places
        </Link>{' '}
        are taken.
      </p>
      <ul className="plain-list cards">
        {workers.map((worker) => (
          <li key={worker.id} className="card">
            <WorkerCard worker={worker} />
          </li>
        ))}
      </ul>
    </>
  )
}

function WorkerCard({ worker }: { worker: Worker }) {
  const { host, pid, alive, is_this: isThis, version, started_at: since, holds = [] } = worker
  return (
    <>
      <h2>
        {host}, process {pid} {isThis ? '(this service)' : ''}
      </h2>
      <p className="entry-line">
        <span className={`badge ${alive ? 'completed' : 'failed'}`}>{alive ? 'alive' : 'gone'}</span>
        <span>version {version}</span>
        <span className="quiet">
          started <Ago at={since} />
        </span>
      </p>
      {alive ? null : <p className="warn">It is silent. A worker that takes on orders takes over what it holds.</p>}
      {holds.length === 0 ? (
        <p className="quiet">It holds no attempt.</p>
      ) : (
        <ul className="plain-list">
          {holds.map(({ work_order_id: id, title, attempt, started_at: from }) => (
            <li key={id}>
              <Link to="/orders/$id" params={{ id }} search={{ part: 'attempts' }}>
                <code>{shortId(id)}</code> {title}
              </Link>{' '}
              <span className="quiet">
                attempt {attempt}, <Elapsed from={from} to={null} />
              </span>
            </li>
          ))}
        </ul>
      )}
    </>
  )
}
