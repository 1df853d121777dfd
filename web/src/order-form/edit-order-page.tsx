import { Toast } from '@base-ui/react/toast'
import { useMutation, useQuery } from '@tanstack/react-query'
import { getRouteApi, Link, useNavigate } from '@tanstack/react-router'
import { useMemo } from 'react'
import { isFixed, isMadeAnew, isToDecide, stateOf } from '../api/actions.ts'
import { answer, api, type OrderDetail, type Scope } from '../api/client.ts'
import { orderQuery, queryClient } from '../api/queries.ts'
import { Failed, Loading, StateBadge } from '../ui/states.tsx'
import { shortId } from '../ui/words.tsx'
import { checkQuery, fieldOf, useSettled, useWhyNot } from './checking.ts'
import { bodyOf, changesOf, type Fields, fieldsOf, useDraft } from './draft.ts'
import { OrderFields } from './order-fields.tsx'
import { Outlook } from './outlook.tsx'

const route = getRouteApi('/shell/orders/$id/edit')

/** What was typed, and what the order asked for when it was looked at. */
type Draft = { content: string; before: Fields; after: Fields }

export function EditOrderPage() {
  const { id } = route.useParams()
  const { data: order, error, refetch } = useQuery(orderQuery(id))
  if (order === undefined && error !== null) return <Failed error={error} retry={() => void refetch()} />
  if (order === undefined) return <Loading what="the order" />
  return <Editing key={order.id} order={order} />
}

function Editing({ order }: { order: OrderDetail }) {
  const whyNot = useWhyNot()
  const { draft, change, rebase, discard } = useEdit(order)
  const changes = changesOf(draft.before, draft.after)
  const names = Object.keys(changes)
  const amends = isAmended(order, names)
  const saving = useSaving(order, { draft, amends }, discard)
  const body = useSettled(draft.after)
  const query = checkQuery({ work_orders: [bodyOf(body)], edit_of: order.id })
  const { data, error } = useQuery({ ...query, enabled: whyNot('file') === undefined })
  const [check = null] = data === undefined ? [] : data.work_orders
  // What it asked for before may not be what is taken now; that is no reason to keep its budget.
  const problems = check === null ? [] : check.problems.filter((problem) => names.includes(fieldOf(problem)))
  const isConflict = draft.content !== order.content_sha256
  const fixed = { content: whyFixed(order), budget: notOf(whyNot('operate'), 'a budget is changed') }
  const mayNot = whyNotAll(whyNot, amends ? ['approve', 'operate'] : ['file'])
  const isReady = names.length > 0 && problems.length === 0 && !isConflict
  const maySave = isReady && !saving.isPending && mayNot === undefined
  return (
    <>
      <title>{`Edit ${order.title} · Moose`}</title>
      <EditHead order={order} mayNot={mayNot} fixed={fixed.content} />
      {isConflict ? <Conflict order={order} draft={draft} rebase={rebase} discard={discard} /> : null}
      <div className="form-sides">
        <form
          className="order-form"
          onSubmit={(event) => {
            event.preventDefault()
            saving.mutate()
          }}
        >
          <OrderFields
            fields={draft.after}
            change={change}
            problems={problems}
            warnings={check === null ? [] : check.warnings}
            tellAll
            fixed={fixed}
          />
          <div className="buttons form-end">
            <button type="submit" className="primary" disabled={!maySave}>
              {saving.isPending ? 'Working …' : amends ? 'Amend and make anew' : 'Save'}
            </button>
            {names.length === 0 ? null : (
              <button type="button" className="plain" onClick={discard}>
                Discard what I typed
              </button>
            )}
          </div>
          <Changed names={names} />
          {saving.error === null || isConflict ? null : (
            <p className="failure" role="alert">
              {saving.error.message}
            </p>
          )}
        </form>
        <Outlook check={check} error={error} criteria={body.criteria} tellAll={false} done="saved" />
      </div>
    </>
  )
}

type EditHeadProps = { order: OrderDetail; mayNot: string | undefined; fixed: string | null }

/** Which order it is, and what has to be known before it is edited. */
function EditHead({ order, mayNot, fixed }: EditHeadProps) {
  return (
    <>
      <header className="form-head">
        <h1>Edit {order.title}</h1>
        <StateBadge state={stateOf(order)} />
        <Link to="/orders/$id" params={{ id: order.id }}>
          <code>{shortId(order.id)}</code>
        </Link>
      </header>
      {mayNot === undefined ? null : <p className="warn">{mayNot}, so it cannot edit orders.</p>}
      {fixed === null ? null : <p className="warn">{fixed}</p>}
      {isMadeAnew(order) ? (
        <p className="warn">
          Its pull request is closed unmerged; the order is approved as changed, and tried again from the start.
          {isToDecide(order) ? '' : ' A change of its budget or of what it depends on alone closes nothing.'}
        </p>
      ) : order.approved && fixed === null ? (
        <p className="warn">
          It is approved. A change withdraws the approval, and it has to be approved anew; the budget alone withdraws
          nothing.
        </p>
      ) : null}
    </>
  )
}

function Changed({ names }: { names: readonly string[] }) {
  return (
    <p className="quiet" role="status">
      {names.length === 0 ? 'Nothing is changed.' : `Changed: ${names.join(', ').replaceAll('_', ' ')}.`}
    </p>
  )
}

function notOf(why: string | undefined, act: string): string | null {
  return why === undefined ? null : `${why}, by which ${act}`
}

/** Why the session may not do what takes all of these scopes; undefined: it may. */
function whyNotAll(whyNot: ReturnType<typeof useWhyNot>, scopes: readonly Scope[]): string | undefined {
  return scopes.map(whyNot).find((why) => why !== undefined)
}

/** Fields that can be changed while the pull request of an order is open. */
const BESIDE_CONTENT: ReadonlySet<string> = new Set(['budget_usd', 'depends_on'])

/** Whether these changes are sent as the decision `amend`. */
function isAmended(order: OrderDetail, names: readonly string[]): boolean {
  return isToDecide(order) || (isMadeAnew(order) && names.some((name) => !BESIDE_CONTENT.has(name)))
}

/** Why only its budget can be changed; null: all can. */
function whyFixed(order: OrderDetail): string | null {
  const { status, phase } = order
  if (status === 'completed') return 'It is completed. What it asked for stays; its budget alone can be changed.'
  if (!isFixed(order)) return null
  const now = status === 'in_progress' && phase !== 'in_review' ? 'It is being carried out' : 'Its pull request is open'
  return `${now}, so what it asks for stays as it is; its budget alone can be changed.`
}

function useEdit(order: OrderDetail) {
  // Nothing was typed: what is shown is what the order asks for now. The same object while it is the same order: what waits
  // until nothing changes any more would wait for ever.
  const fresh = useMemo(() => draftOf(order), [order])
  const [kept, keep] = useDraft<Draft>(`draft edit ${order.id}`, fresh)
  const draft = kept === null ? fresh : kept
  const change = (after: Fields) => {
    const next = { ...draft, after }
    keep(Object.keys(changesOf(draft.before, after)).length === 0 ? null : next)
  }
  const discard = () => keep(null)
  const rebase = () => {
    const now = draftOf(order)
    keep({ ...now, after: merged(draft, now.before) })
  }
  return { draft, change, discard, rebase }
}

function draftOf(order: OrderDetail): Draft {
  const fields = fieldsOf(order)
  return { content: String(order.content_sha256), before: fields, after: fields }
}

/** What was typed over what the order asks for now; fields that were left alone are as they are now. */
function merged({ before, after }: Draft, now: Fields): Fields {
  const typed = Object.entries(after).filter(([name, value]) => !isSame(value, Reflect.get(before, name)))
  return { ...now, ...Object.fromEntries(typed) }
}

function isSame(one: unknown, other: unknown): boolean {
  return JSON.stringify(one) === JSON.stringify(other)
}

type ConflictProps = { order: OrderDetail; draft: Draft; rebase: () => void; discard: () => void }

/** The order was edited elsewhere meanwhile. */
function Conflict({ order, draft, rebase, discard }: ConflictProps) {
  const theirs = changesOf(draft.before, fieldsOf(order))
  const both = Object.keys(changesOf(draft.before, draft.after)).filter((name) => name in theirs)
  return (
    <section className="why form-conflict" role="alert" aria-label="Edited meanwhile">
      <p>
        <strong>The order was edited elsewhere meanwhile.</strong> Now it asks for something else in:
      </p>
      <dl className="evidence">
        {Object.entries(theirs).map(([name, value]) => (
          <div key={name}>
            <dt>{name.replaceAll('_', ' ')}</dt>
            <dd>{Array.isArray(value) ? value.join(', ') : String(value)}</dd>
          </div>
        ))}
      </dl>
      <div className="buttons">
        <button type="button" onClick={rebase}>
          Keep what I typed{both.length === 0 ? '' : `, also of ${both.join(', ').replaceAll('_', ' ')}`}
        </button>
        <button type="button" onClick={discard}>
          Take theirs, and discard what I typed
        </button>
      </div>
    </section>
  )
}

type Change = { draft: Draft; amends: boolean }

function useSaving(order: OrderDetail, { draft, amends }: Change, discard: () => void) {
  const toasts = Toast.useToastManager()
  const navigate = useNavigate()
  return useMutation({
    mutationFn: async () => {
      const params = { path: { id: order.id } }
      const changes = { ...changesOf(draft.before, draft.after), content_sha256: draft.content }
      if (amends) {
        const decided = await answer(
          api.POST('/api/work-orders/{id}/decide', { params, body: { option: 'amend', changes } }),
        )
        return { edited: decided.work_order, said: decided.sentence }
      }
      const { work_order: edited } = await answer(api.PATCH('/api/work-orders/{id}', { params, body: changes }))
      const lost = order.approved && !edited.approved
      return {
        edited,
        said: `Edited${lost ? ', the approval is withdrawn' : ''}: ${shortId(edited.id)} ${edited.title}`,
      }
    },
    onSuccess: async ({ edited, said }) => {
      discard()
      toasts.add({ title: said })
      await navigate({ to: '/orders/$id', params: { id: edited.id } })
    },
    // What it asks for now is shown beside what was typed.
    onSettled: () => queryClient.invalidateQueries(),
  })
}
