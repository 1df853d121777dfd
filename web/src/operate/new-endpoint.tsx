import { Dialog } from '@base-ui/react/dialog'
import { useMutation, useQuery } from '@tanstack/react-query'
import { type FormEvent, useState } from 'react'
import { answer, api, type Schemas } from '../api/client.ts'
import { projectsQuery, queryClient } from '../api/queries.ts'
import { ShownSecret } from './shown-secret.tsx'

type Endpoint = Schemas['NotificationEndpoint']
type Wanted = Extract<Schemas['NewNotificationEndpoint'], { name: string }>
type Format = NonNullable<Wanted['format']>
type Kind = Exclude<NonNullable<Wanted['kinds']>[number], 'test'>

const FORMATS: Readonly<Record<Format, string>> = {
  standard: 'a webhook, signed as Standard Webhooks says',
  slack: 'Slack, Mattermost and their likes',
  github: 'a comment on the pull request on GitHub, with phase, cost and link',
}

/** By what each tells. */
const KINDS: Readonly<Record<Kind, string>> = {
  'approval.waiting': 'an order waits for an approval',
  'pull_request.opened': 'a pull request is there to review',
  'follow_up.started': 'Moose works on an open pull request',
  'follow_up.repaired': 'it has repaired one',
  'follow_up.answered': 'it has answered a review',
  'follow_up.failed': 'it could not',
  'order.completed': 'an order is merged',
  'pull_request.reverted': 'it was reverted since',
  'pull_request.merged_unverified': 'one is merged at a commit that was not verified',
  'order.failed': 'an order failed',
  'order.blocked': 'an order is blocked',
  'order.cancelled': 'an order was cancelled',
  'escalation.opened': 'a decision is needed',
  'escalation.closed': 'it is needed no more',
  'provider.paused': 'a provider is paused',
  'project.paused': 'a project is paused by failures',
  'proposer.paused': 'a proposer is paused by failures',
}

/** Adds an endpoint. Its secret is held while the dialog is open, and nowhere else. */
export function NewEndpoint({ taken }: { taken: readonly Endpoint[] }) {
  const [isOpen, setOpen] = useState(false)
  const adding = useMutation({
    mutationFn: (body: Wanted) => answer(api.POST('/api/notifications', { body })),
    onSuccess: async ({ secret }) => {
      if (secret === null) setOpen(false)
      await queryClient.invalidateQueries({ queryKey: ['notifications'] })
    },
    gcTime: 0,
  })
  const change = (opens: boolean) => {
    setOpen(opens)
    adding.reset()
  }
  const secret = adding.data === undefined ? null : adding.data.secret
  return (
    <Dialog.Root open={isOpen} onOpenChange={change} disablePointerDismissal={secret !== null}>
      <Dialog.Trigger className="button primary">Add an address</Dialog.Trigger>
      <Dialog.Portal>
        <Dialog.Backdrop className="backdrop" />
        <Dialog.Popup className="dialog provide-wide">
          {adding.data === undefined || secret === null ? (
            <EndpointForm
              taken={taken}
              add={(body) => adding.mutate(body)}
              isPending={adding.isPending}
              problem={adding.error}
            />
          ) : (
            <ShownSecret what={`The secret of ${adding.data.endpoint.name}`} secret={secret}>
              It is not shown again. The receiver verifies the signature of each event with it.
            </ShownSecret>
          )}
        </Dialog.Popup>
      </Dialog.Portal>
    </Dialog.Root>
  )
}

type FormProps = {
  taken: readonly Endpoint[]
  add: (body: Wanted) => void
  isPending: boolean
  problem: Error | null
}

function EndpointForm({ taken, add, isPending, problem }: FormProps) {
  const [name, setName] = useState('')
  const [format, setFormat] = useState<Format>('standard')
  const [url, setUrl] = useState('')
  const [kinds, setKinds] = useState<readonly Kind[]>([])
  const [projects, setProjects] = useState<readonly string[]>([])
  const isTaken = taken.some((endpoint) => endpoint.name === name)
  const submit = (event: FormEvent) => {
    event.preventDefault()
    add({ name, format, kinds: [...kinds], projects: [...projects], ...(format === 'github' ? {} : { url }) })
  }
  return (
    <form className="provide-form" onSubmit={submit}>
      <Dialog.Title className="dialog-title">Add an address</Dialog.Title>
      <label>
        Name
        <input
          required
          value={name}
          onChange={({ target }) => setName(target.value)}
          pattern="[a-z0-9][a-z0-9._\-]{0,62}"
          title="1 to 63 of a-z, 0-9, dot, hyphen and underscore, the first a letter or digit"
          autoComplete="off"
          aria-describedby="endpoint-name-help"
        />
        <span id="endpoint-name-help" className={isTaken ? 'failure' : 'quiet'}>
          {isTaken ? 'Another has this name.' : 'What it is called here.'}
        </span>
      </label>
      <FormatChoice format={format} choose={setFormat} />
      {format === 'github' ? null : (
        <label>
          Address
          <input
            required
            type="url"
            value={url}
            onChange={({ target }) => setUrl(target.value)}
            placeholder="https://example.com/hooks/moose"
            autoComplete="off"
          />
        </label>
      )}
      <KindChoices kinds={kinds} choose={setKinds} />
      <ProjectChoices projects={projects} choose={setProjects} />
      {problem === null ? null : (
        <p className="failure" role="alert">
          {problem.message}
        </p>
      )}
      <div className="buttons end">
        <Dialog.Close>Leave it</Dialog.Close>
        <button type="submit" className="primary" disabled={isPending || isTaken}>
          {isPending ? 'Working …' : 'Add it'}
        </button>
      </div>
    </form>
  )
}

function FormatChoice({ format, choose }: { format: Format; choose: (format: Format) => void }) {
  return (
    <fieldset>
      <legend>What is sent</legend>
      {(['standard', 'slack', 'github'] as const).map((one) => (
        <label key={one} className="provide-choice">
          <input type="radio" name="format" checked={format === one} onChange={() => choose(one)} />
          {FORMATS[one]}
        </label>
      ))}
    </fieldset>
  )
}

const ALL_KINDS = Object.entries(KINDS)

function KindChoices({ kinds, choose }: { kinds: readonly Kind[]; choose: (kinds: readonly Kind[]) => void }) {
  const isKind = (name: string): name is Kind => name in KINDS
  return (
    <fieldset>
      <legend>When; none chosen: always</legend>
      {ALL_KINDS.map(([kind, words]) => (
        <label key={kind} className="provide-choice">
          <input
            type="checkbox"
            checked={kinds.some((one) => one === kind)}
            onChange={({ target: { checked } }) =>
              choose(checked && isKind(kind) ? [...kinds, kind] : kinds.filter((one) => one !== kind))
            }
          />
          {words}
        </label>
      ))}
    </fieldset>
  )
}

/** Where there is one project, there is nothing to choose. */
function ProjectChoices({
  projects,
  choose,
}: {
  projects: readonly string[]
  choose: (projects: readonly string[]) => void
}) {
  const { data: known = [] } = useQuery(projectsQuery)
  if (known.length < 2) return null
  return (
    <fieldset>
      <legend>Of which projects; none chosen: all, and what is of none</legend>
      {known.map(({ name }) => (
        <label key={name} className="provide-choice">
          <input
            type="checkbox"
            checked={projects.includes(name)}
            onChange={({ target: { checked } }) =>
              choose(checked ? [...projects, name] : projects.filter((one) => one !== name))
            }
          />
          {name}
        </label>
      ))}
    </fieldset>
  )
}
