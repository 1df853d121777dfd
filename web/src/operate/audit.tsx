import { infiniteQueryOptions, useInfiniteQuery, useMutation } from '@tanstack/react-query'
import { Link, useLocation, useRouter } from '@tanstack/react-router'
import { answer, api, type Schemas } from '../api/client.ts'
import { useKeys } from '../ui/keys.ts'
import { CommandLine, Empty, Failed, Loading } from '../ui/states.tsx'
import { Ago, shortId } from '../ui/words.tsx'
import { AuditFilters, type AuditSearch, FILTERS } from './audit-filters.tsx'
import './provide.css'
import { useCurrent } from './use-current.ts'

type Entry = Schemas['AuditEntry']

const PAGE = 100

/** Page by page, the newest first. */
const auditQuery = (search: AuditSearch) =>
  infiniteQueryOptions({
    queryKey: ['audit', search],
    initialPageParam: null as number | null,
    queryFn: async ({ signal, pageParam: before }) => {
      const query = { limit: PAGE, ...search, ...(before === null ? {} : { before }) }
      return await answer(api.GET('/api/audit', { params: { query }, signal }))
    },
    getNextPageParam: ({ next_before: next }) => next,
  })

/** Who did what to what, and when; the filter is part of the address. */
export function AuditPart() {
  const { history } = useRouter()
  const search = searchOf(useLocation().searchStr)
  const change = (changed: AuditSearch) => {
    const text = new URLSearchParams(changed).toString()
    history.replace(`/operate/audit${text === '' ? '' : `?${text}`}`)
  }
  return (
    <>
      <Verification />
      <AuditFilters key={JSON.stringify(search)} search={search} change={change} />
      <Entries search={search} clear={() => change({})} />
    </>
  )
}

/** What is not known here is left out: a link may be of another version. */
function searchOf(text: string): AuditSearch {
  const given = new URLSearchParams(text)
  return Object.fromEntries(
    FILTERS.flatMap((name) => {
      const value = given.get(name)
      return value === null || value === '' ? [] : [[name, value]]
    }),
  )
}

function Verification() {
  const verifying = useMutation({
    mutationFn: async () => (await answer(api.POST('/api/audit/verify'))).verification,
  })
  return (
    <div className="provide-head">
      <div role="status">
        {verifying.isPending ? <p>Recomputing the hash of every entry …</p> : null}
        {verifying.error === null ? null : <p className="failure">{verifying.error.message}</p>}
        {verifying.data === undefined || verifying.isPending ? null : <Verified verification={verifying.data} />}
        {verifying.isIdle ? (
          <p className="quiet">Entries are only ever added, each with the hash of the one before.</p>
        ) : null}
      </div>
      <button type="button" disabled={verifying.isPending} onClick={() => verifying.mutate()}>
        {verifying.isPending ? 'Verifying …' : 'Verify all'}
      </button>
    </div>
  )
}

function Verified({ verification }: { verification: Schemas['AuditVerification'] }) {
  const { intact, entries, head, known_head: known, problems } = verification
  if (intact) {
    const seen =
      known === null ? 'this home had seen none of them before' : `this home had seen them up to ${known.seq}`
    return (
      <>
        <p>
          <strong className="provide-good">
            ✓ {entries === 1 ? '1 entry' : `${entries} entries`}, in order and unchanged;
          </strong>{' '}
          {seen}.
        </p>
        {head === null ? null : (
          <p className="quiet">
            The last one is {head.seq}: <code>{head.hash}</code>
          </p>
        )}
      </>
    )
  }
  const mayBeRestored = problems.every(({ kind }) => kind === 'removed_tail' || kind === 'recomputed')
  return (
    <div role="alert">
      <p className="failure">
        <strong>✗ The audit was tampered with, or is not whole.</strong>
      </p>
      <ul>
        {problems.map(({ seq, message }) => (
          <li key={`${seq} ${message}`}>{message}</li>
        ))}
      </ul>
      {mayBeRestored ? (
        <>
          <p>If a backup of the database was restored, that is expected; then say:</p>
          <CommandLine text="moose audit --accept-head" />
        </>
      ) : (
        <p>Compare with a backup of the database, and find out who may write to its tables.</p>
      )}
    </div>
  )
}

function Entries({ search, clear }: { search: AuditSearch; clear: () => void }) {
  const { data, error, refetch, hasNextPage, fetchNextPage, isFetchingNextPage } = useInfiniteQuery(auditQuery(search))
  if (data === undefined && error !== null) return <Failed error={error} retry={() => void refetch()} />
  if (data === undefined) return <Loading what="the entries" />
  const entries = data.pages.flatMap((page) => page.entries.toReversed())
  if (entries.length === 0)
    return (
      <Empty>
        <p>No entry fits.</p>
        <button type="button" onClick={clear}>
          Show all
        </button>
      </Empty>
    )
  return (
    <>
      <EntryList entries={entries} />
      <p className="quiet" role="status">
        {hasNextPage
          ? `The newest ${entries.length}.`
          : entries.length === 1
            ? '1 entry.'
            : `${entries.length} entries, which are all.`}
      </p>
      {hasNextPage ? (
        <button type="button" disabled={isFetchingNextPage} onClick={() => void fetchNextPage()}>
          {isFetchingNextPage ? 'Loading …' : 'Show older ones'}
        </button>
      ) : null}
      {error === null ? null : <p className="failure">{error.message}</p>}
    </>
  )
}

function EntryList({ entries }: { entries: readonly Entry[] }) {
  const { at, keys } = useCurrent(entries.length, 'act')
  useKeys({ ...keys, Enter: () => document.querySelector<HTMLElement>(`#act-${at} summary`)?.click() })
  return (
    <ol className="audit-acts" aria-label="Entries, the newest first">
      {entries.map((entry, index) => (
        <li key={entry.seq} id={`act-${index}`} className="audit-act" data-current={index === at} data-act={entry.act}>
          <EntryLine entry={entry} />
        </li>
      ))}
    </ol>
  )
}

function EntryLine({ entry }: { entry: Entry }) {
  const { seq, at, actor, act, details, database_role: role, hash } = entry
  const signedIn = details['signed_in']
  return (
    <>
      <span className="quiet">
        <Ago at={at} />
      </span>
      <strong>{act}</strong>
      <span className="audit-object">
        <ObjectOf entry={entry} />
      </span>
      <span className="audit-actor">
        {typeof signedIn === 'string' ? `${signedIn}, ` : ''}
        {actor.name} <span className="quiet">({actor.kind.replaceAll('_', ' ')})</span>
      </span>
      <details>
        <summary>{inShort(details)}</summary>
        <pre>{JSON.stringify(details, null, 2)}</pre>
        <p className="quiet">
          Entry {seq} of {new Date(at).toLocaleString()}, as {role} in the database, hash <code>{hash}</code>
        </p>
      </details>
    </>
  )
}

function ObjectOf({ entry: { subject, work_order_id: order } }: { entry: Entry }) {
  if (order === null)
    return (
      <>
        <span className="quiet">{subject.kind}</span> {subject.id}
      </>
    )
  return (
    <>
      {subject.kind === 'order' ? (
        <span className="quiet">order </span>
      ) : (
        <span className="quiet">{subject.kind} of </span>
      )}
      <Link to="/orders/$id" params={{ id: order }}>
        {shortId(order)}
      </Link>
    </>
  )
}

const LONGEST = 90

/** As the command line has it: hashes say nothing to a person. */
function inShort(details: Entry['details']): string {
  const { was, is, columns, signed_in: _, ...rest } = details
  const parts = [
    ...(Array.isArray(columns) ? [columns.join(', ')] : []),
    ...(isPlain(was) && isPlain(is) ? [`${was} → ${is}`] : []),
    ...Object.entries(rest)
      .filter(([name]) => !name.endsWith('sha256'))
      .map(([name, value]) => `${name} ${typeof value === 'string' ? value : JSON.stringify(value)}`),
  ]
  const text = parts.length === 0 ? 'details' : parts.join('; ')
  return text.length > LONGEST ? `${text.slice(0, LONGEST)} …` : text
}

function isPlain(value: unknown): value is string | number | null {
  return value === null || typeof value === 'string' || typeof value === 'number'
}
