import { Toast } from '@base-ui/react/toast'
import { queryOptions, useMutation, useQuery } from '@tanstack/react-query'
import { answer, api, type Schemas } from '../api/client.ts'
import { queryClient } from '../api/queries.ts'
import { useKeys } from '../ui/keys.ts'
import { Empty, Failed, Loading } from '../ui/states.tsx'
import { Ago } from '../ui/words.tsx'
import { NotAllowed, useQuestion, useWhyNot } from './asking.tsx'
import { NewEndpoint } from './new-endpoint.tsx'
import './provide.css'
import { useCurrent } from './use-current.ts'

type Endpoint = Schemas['NotificationEndpoint']

/** What is sent, waits or is given up changes without an event. */
const LOOK_EVERY_MS = 10_000

const endpointsQuery = queryOptions({
  queryKey: ['notifications'],
  queryFn: async ({ signal }) => (await answer(api.GET('/api/notifications', { signal }))).endpoints,
  refetchInterval: LOOK_EVERY_MS,
})

/** Where events are sent, and what became of them. */
export function NotificationsPart() {
  const whyNot = useWhyNot('operate')
  if (whyNot !== undefined) return <NotAllowed what="where events are sent" />
  return <Endpoints />
}

function Endpoints() {
  const { data: endpoints, error, refetch } = useQuery(endpointsQuery)
  if (endpoints === undefined && error !== null) return <Failed error={error} retry={() => void refetch()} />
  if (endpoints === undefined) return <Loading what="where events are sent" />
  return (
    <>
      <div className="provide-head">
        <p className="quiet">
          What happens to work orders is sent there. What is not taken is tried again for eight hours or more; no order
          waits for that.
        </p>
        <NewEndpoint taken={endpoints} />
      </div>
      {endpoints.length === 0 ? <Empty>Events are sent nowhere.</Empty> : <EndpointList endpoints={endpoints} />}
    </>
  )
}

function EndpointList({ endpoints }: { endpoints: readonly Endpoint[] }) {
  const [ask, dialog] = useQuestion()
  const { at, keys } = useCurrent(endpoints.length, 'endpoint')
  const remove = ({ name }: Endpoint) =>
    ask({
      title: `Remove ${name}`,
      text: <p>Nothing is sent there any more. What was still to be sent, or was given up, is dropped.</p>,
      label: 'Remove',
      isDanger: true,
      done: `Removed ${name}`,
      send: () => answer(api.DELETE('/api/notifications/{name}', { params: { path: { name } } })),
    })
  const current = endpoints[at]
  useKeys({ ...keys, x: () => current !== undefined && remove(current) })
  return (
    <>
      <ul className="provide-cards">
        {endpoints.map((endpoint, index) => (
          <li key={endpoint.name} id={`endpoint-${index}`} className="provide-card" data-current={index === at}>
            <EndpointCard endpoint={endpoint} remove={() => remove(endpoint)} />
          </li>
        ))}
      </ul>
      {dialog}
    </>
  )
}

/** Of comments nothing is sent to try it: what was given up is tried again. */
function EndpointCard({ endpoint, remove }: { endpoint: Endpoint; remove: () => void }) {
  const { name, url } = endpoint
  const toasts = Toast.useToastManager()
  const testing = useMutation({
    mutationFn: () => answer(api.POST('/api/notifications/{name}/test', { params: { path: { name } } })),
    onSuccess: ({ status }) =>
      toasts.add({ title: status === null ? 'It is tried again' : `${name} took the test: HTTP ${status}` }),
    onSettled: () => queryClient.invalidateQueries({ queryKey: ['notifications'] }),
  })
  const label = url === null ? 'Try again' : 'Test'
  return (
    <>
      <EndpointFacts endpoint={endpoint} />
      {testing.error === null ? null : (
        <p className="failure" role="alert">
          {testing.error.message}
        </p>
      )}
      <div className="buttons">
        <button
          type="button"
          aria-label={`${label} ${name}`}
          disabled={testing.isPending}
          onClick={() => testing.mutate()}
        >
          {testing.isPending ? 'Working …' : label}
        </button>
        <button type="button" aria-label={`Remove ${name}`} onClick={remove}>
          Remove
        </button>
      </div>
    </>
  )
}

function EndpointFacts({ endpoint }: { endpoint: Endpoint }) {
  const { name, url, kinds, projects, delivered, waiting, dead, last_error: problem, created_at, created_by } = endpoint
  return (
    <>
      <p className="entry-line">
        <strong>{name}</strong>
        {dead === 0 ? null : <span className="badge other">{dead} given up</span>}
        <span>{url === null ? 'a comment on each pull request on GitHub' : url}</span>
      </p>
      <p className="entry-line quiet">
        <span>{kinds.length === 0 ? 'all events' : kinds.join(', ')}</span>
        {projects.length === 0 ? null : <span>of {projects.join(', ')}</span>}
        <span>
          {delivered} sent, {waiting} waiting, {dead} given up
        </span>
        <span>
          added <Ago at={created_at} /> by {created_by}
        </span>
      </p>
      {problem === null ? null : <p className="failure">{problem}</p>}
    </>
  )
}
