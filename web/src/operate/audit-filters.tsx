import { type FormEvent, useRef } from 'react'
import { useKeys } from '../ui/keys.ts'

/** What an address of the audit can say; the API has the same names. */
export const FILTERS = ['by', 'act', 'object', 'order', 'since', 'until'] as const
export type AuditSearch = { [Name in (typeof FILTERS)[number]]?: string }

/** To be chosen from; others can be typed. */
const ACTS = [
  'order.file',
  'order.approve',
  'order.unapprove',
  'order.edit',
  'order.budget',
  'order.start',
  'order.reject',
  'order.cancel',
  'order.retry',
  'order.verify',
  'order.complete',
  'order.delete',
  'pull_request.merge',
  'pull_request.close',
  'pull_request.reopen',
  'budget.caps',
  'budget.settle',
  'project.budget',
  'spending.stop',
  'spending.resume',
  'proposer.add',
  'proposer.edit',
  'proposer.price',
  'proposer.delete',
  'project.add',
  'project.edit',
  'project.remove',
  'project.restore',
  'project.resume',
  'proposer.resume',
  'setting.add',
  'setting.edit',
  'setting.delete',
  'token.create',
  'token.revoke',
  'token.edit',
  'session.open',
  'session.end',
  'orchestrator.start',
  'orchestrator.stop',
  'audit.begin',
  'audit.accept',
]
const OBJECTS = [
  'order',
  'pull_request',
  'proposer',
  'project',
  'token',
  'session',
  'setting',
  'orchestrator',
  'reservation',
  'audit',
]

type Props = { search: AuditSearch; change: (search: AuditSearch) => void }

/** Nothing is asked for while it is typed: a name that is half there fits no entry. */
export function AuditFilters({ search, change }: Props) {
  const first = useRef<HTMLInputElement>(null)
  useKeys({ '/': () => first.current?.focus() })
  const submit = (event: FormEvent<HTMLFormElement>) => change(givenIn(event, search))
  return (
    <form className="audit-filters" role="search" aria-label="Entries" onSubmit={submit}>
      <label>
        Who
        <input ref={first} name="by" defaultValue={search.by} placeholder="token, user, role  /" autoComplete="off" />
      </label>
      <label>
        Act
        <input name="act" defaultValue={search.act} list="acts" placeholder="order.approve" autoComplete="off" />
      </label>
      <label>
        Object
        <input
          name="object"
          defaultValue={search.object}
          list="objects"
          placeholder="proposer:sonnet"
          autoComplete="off"
        />
      </label>
      <label>
        Order
        <input
          name="order"
          defaultValue={search.order}
          placeholder="1a2b3c4d"
          pattern="[0-9a-f\-]{4,36}"
          title="At least 4 characters of 0-9 and a-f"
          autoComplete="off"
        />
      </label>
      <label>
        From
        <input type="datetime-local" name="since" defaultValue={localOf(search.since)} />
      </label>
      <label>
        To
        <input type="datetime-local" name="until" defaultValue={localOf(search.until)} />
      </label>
      <div className="buttons">
        <button type="submit" className="primary">
          Filter
        </button>
        {Object.keys(search).length === 0 ? null : (
          <button type="button" onClick={() => change({})}>
            Show all
          </button>
        )}
      </div>
      <Choices id="acts" values={ACTS} />
      <Choices id="objects" values={OBJECTS} />
    </form>
  )
}

/** What is not filled in is left out. */
function givenIn(event: FormEvent<HTMLFormElement>, before: AuditSearch): AuditSearch {
  event.preventDefault()
  const given = new FormData(event.currentTarget)
  return Object.fromEntries(
    FILTERS.flatMap((name) => {
      const typed = given.get(name)
      const text = typeof typed === 'string' ? typed.trim() : ''
      const value = name === 'since' || name === 'until' ? timeOf(text, before[name]) : text
      return value === '' ? [] : [[name, value]]
    }),
  )
}

function Choices({ id, values }: { id: string; values: readonly string[] }) {
  return (
    <datalist id={id}>
      {values.map((value) => (
        <option key={value}>{value}</option>
      ))}
    </datalist>
  )
}

const MINUTE_MS = 60_000
const LOCAL_LENGTH = 'YYYY-MM-DDTHH:MM'.length

/** As the field wants it: the time of this place, to the minute. */
function localOf(time: string | undefined): string {
  const at = Date.parse(String(time))
  if (Number.isNaN(at)) return ''
  return new Date(at - new Date(at).getTimezoneOffset() * MINUTE_MS).toISOString().slice(0, LOCAL_LENGTH)
}

/** @param before what stood there: seconds that the field does not show stay where it was not changed */
function timeOf(local: string, before: string | undefined): string {
  if (local === localOf(before)) return before === undefined ? '' : before
  const at = new Date(local)
  return Number.isNaN(at.getTime()) ? '' : at.toISOString()
}
