import { Toast } from '@base-ui/react/toast'
import { useMutation, useQuery } from '@tanstack/react-query'
import { Link, useNavigate } from '@tanstack/react-router'
import { useState } from 'react'
import { answer, api, type Schemas } from '../api/client.ts'
import { projectsQuery, queryClient } from '../api/queries.ts'
import { checkQuery, useSettled, useWhyNot } from '../order-form/checking.ts'
import { useDraft } from '../order-form/draft.ts'
import { FileQuestion } from '../order-form/file-question.tsx'
import '../order-form/order-form.css'
import { ImportTable } from './import-table.tsx'
import './import-orders.css'

type Checked = { work_orders: Schemas['OrderCheck'][]; problems: Schemas['OrderProblem'][]; fileable: boolean }
type Source = { text: string; name: string; project: string }

const NOTHING: Source = { text: '', name: '', project: '' }

/** A file of orders: looked at as a whole, and filed as a whole. */
export function ImportPage() {
  const whyNot = useWhyNot()
  const [draft, setDraft] = useDraft<Source>('draft import', NOTHING)
  const source = draft === null ? NOTHING : draft
  const settled = useSettled(source)
  const isEmpty = settled.text.trim() === ''
  const { data, error } = useQuery({
    ...checkQuery(bodyOf(settled)),
    enabled: !isEmpty && whyNot('file') === undefined,
  })
  return (
    <>
      <title>Import orders · Moose</title>
      <header className="form-head">
        <h1>Import orders</h1>
        <Link to="/new">File one order</Link>
      </header>
      {whyNot('file') === undefined ? null : <p className="warn">{whyNot('file')}, so it cannot file orders.</p>}
      <SourceFields source={source} change={setDraft} />
      {error === null || isEmpty ? null : (
        <p className="failure" role="alert">
          {error.message}
        </p>
      )}
      {data === undefined || isEmpty ? null : (
        <>
          <Problems checked={data} />
          <ImportTable orders={data.work_orders} />
          <Filing source={source} onFiled={() => setDraft(null)} isFileable={data.fileable} />
        </>
      )}
    </>
  )
}

function bodyOf({ text, name, project }: Source) {
  const ending = /\.(csv|jsonl|ndjson|json|ya?ml)$/i.exec(name)?.[1]?.toLowerCase()
  const format = ending === undefined ? undefined : FORMATS[ending]
  return { text, ...(format === undefined ? {} : { format }), ...(project === '' ? {} : { project }) }
}

const FORMATS: Readonly<Record<string, 'csv' | 'jsonl' | 'json' | 'yaml'>> = {
  csv: 'csv',
  jsonl: 'jsonl',
  ndjson: 'jsonl',
  json: 'json',
  yaml: 'yaml',
  yml: 'yaml',
}

function SourceFields({ source, change }: { source: Source; change: (source: Source | null) => void }) {
  const read = async (file: File | undefined) => {
    if (file !== undefined) change({ ...source, text: await file.text(), name: file.name })
  }
  return (
    <div className="import-source">
      <div className="form-field">
        <label className="form-label" htmlFor="import-file">
          A file
        </label>
        <input
          id="import-file"
          type="file"
          accept=".yaml,.yml,.json,.jsonl,.ndjson,.csv,text/csv,application/json"
          onChange={({ target }) => {
            void read(target.files?.[0])
            // The same file can be chosen again once it was corrected.
            target.value = ''
          }}
        />
      </div>
      <div
        className="form-field"
        onDragOver={(event) => event.preventDefault()}
        onDrop={(event) => {
          event.preventDefault()
          void read(event.dataTransfer.files[0])
        }}
        role="presentation"
      >
        <label className="form-label" htmlFor="import-text">
          or its text {source.name === '' ? '' : `(${source.name})`}
        </label>
        <p className="quiet form-help" id="import-help">
          YAML or JSON (one order, a list, several documents), JSON lines, or CSV with the names of fields in its first
          line; as moose add -f takes it.
        </p>
        <textarea
          id="import-text"
          aria-describedby="import-help"
          className="form-input import-text"
          rows={9}
          spellCheck={false}
          placeholder={EXAMPLE}
          value={source.text}
          onChange={({ target }) => change(target.value === '' ? null : { ...source, text: target.value })}
        />
      </div>
      <UsualProject source={source} change={change} />
    </div>
  )
}

function UsualProject({ source, change }: { source: Source; change: (source: Source) => void }) {
  const { data: projects = [] } = useQuery(projectsQuery)
  if (projects.length < 2) return null
  return (
    <div className="form-field">
      <label className="form-label" htmlFor="import-project">
        Project of those that name none
      </label>
      <select
        id="import-project"
        value={source.project}
        onChange={({ target }) => change({ ...source, project: target.value })}
      >
        <option value="">none</option>
        {projects.map(({ name }) => (
          <option key={name}>{name}</option>
        ))}
      </select>
    </div>
  )
}

const EXAMPLE = `- title: Greet in French
  acceptance_criteria: [greet('fr') says Bonjour]
  files_in_scope: [src/greet.js]`

function Problems({ checked: { work_orders: orders, problems, fileable } }: { checked: Checked }) {
  const wrong = orders.filter((order) => order.problems.length > 0).length
  return (
    <div role="status">
      {fileable ? (
        <p className="good">
          {orders.length === 1
            ? 'One order, which can be filed.'
            : `${orders.length} orders, all of which can be filed.`}
        </p>
      ) : (
        <p className="failure">
          Nothing can be filed yet
          {wrong === 0 ? '.' : `: ${wrong} of ${orders.length} orders have to be corrected.`}
        </p>
      )}
      {problems.length === 0 ? null : (
        <ul className="failure">
          {problems.slice(0, MOST_TOLD).map(({ line, reason }) => (
            <li key={`${line} ${reason}`}>
              Line {line}: {reason}
            </li>
          ))}
        </ul>
      )}
    </div>
  )
}

const MOST_TOLD = 20

function Filing({ source, onFiled, isFileable }: { source: Source; onFiled: () => void; isFileable: boolean }) {
  const whyNot = useWhyNot()
  const { storing, asking, error, isPending, asked, isOpen, close } = useFiling(source, onFiled)
  return (
    <>
      <div className="buttons form-end">
        <button
          type="button"
          className="primary"
          disabled={!isFileable || isPending || whyNot('file') !== undefined}
          onClick={() => storing.mutate(false)}
        >
          File all as drafts
        </button>
        <button
          type="button"
          disabled={!isFileable || isPending || whyNot('approve') !== undefined}
          title={whyNot('approve')}
          onClick={() => asking.mutate()}
        >
          File and approve all …
        </button>
      </div>
      {error === null ? null : (
        <p className="failure" role="alert">
          {error.message}
        </p>
      )}
      <p className="quiet">All of them are filed, or none.</p>
      <FileQuestion
        isOpen={isOpen}
        close={close}
        title={asked === null ? 'File and approve' : `File and approve ${asked.count} orders`}
        worstCase={asked === null ? null : asked.worstCase}
        isPending={storing.isPending}
        act={() => storing.mutate(true)}
      />
    </>
  )
}

/** Files what the text holds, as it stands at that moment. */
function useFiling(source: Source, onFiled: () => void) {
  const toasts = Toast.useToastManager()
  const navigate = useNavigate()
  const [asked, setAsked] = useState<{ count: number; worstCase: number | null } | null>(null)
  const [isOpen, setOpen] = useState(false)
  const storing = useMutation({
    mutationFn: async (approved: boolean) => {
      const { orders } = await checkedOrders(source)
      // A draft stays one, also where the file has it approved: nothing was asked about that.
      const work_orders = orders.map((order) => ({ ...order, approved }))
      return await answer(api.POST('/api/work-orders', { body: { work_orders } }))
    },
    onSuccess: async (filed, approved) => {
      onFiled()
      const count = 'work_orders' in filed ? filed.work_orders.length : 1
      toasts.add({
        title: `${approved ? 'Filed and approved' : 'Filed'}: ${count === 1 ? 'one order' : `${count} orders`}`,
      })
      await navigate({ to: '/orders', search: approved ? {} : { state: 'unapproved' } })
    },
    onSettled: () => setOpen(false),
  })
  const asking = useMutation({
    mutationFn: () => checkedOrders(source),
    onSuccess: ({ orders, worstCase }) => {
      setAsked({ count: orders.length, worstCase })
      setOpen(true)
    },
  })
  const error = storing.error === null ? asking.error : storing.error
  const isPending = storing.isPending || asking.isPending
  return { storing, asking, error, isPending, asked, isOpen, close: () => setOpen(false) }
}

/** As they stand at this moment. */
async function checkedOrders(source: Source) {
  const checked = await queryClient.fetchQuery({ ...checkQuery(bodyOf(source)), staleTime: 0 })
  const orders = checked.work_orders.flatMap(({ order }) => (order === null ? [] : [order]))
  if (!checked.fileable) throw new Error('Nothing was filed: there is something to correct.')
  return { orders, worstCase: checked.worst_case_usd }
}
