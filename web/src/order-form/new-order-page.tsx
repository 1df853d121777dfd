import { Toast } from '@base-ui/react/toast'
import { useMutation, useQuery } from '@tanstack/react-query'
import { Link, useNavigate } from '@tanstack/react-router'
import { type KeyboardEvent, useEffect, useRef, useState } from 'react'
import { answer, api } from '../api/client.ts'
import { queryClient } from '../api/queries.ts'
import { shortId } from '../ui/words.tsx'
import { checkQuery, type Problem, useSettled, useWhyNot } from './checking.ts'
import { bodyOf, type Fields, NO_FIELDS, useDraft } from './draft.ts'
import { FileQuestion } from './file-question.tsx'
import { OrderFields } from './order-fields.tsx'
import { Outlook } from './outlook.tsx'

export function NewOrderPage() {
  const whyNot = useWhyNot()
  const [draft, setDraft] = useDraft<Fields>('draft new order', NO_FIELDS)
  const fields = draft === null ? NO_FIELDS : draft
  const filing = useFiling(fields, () => setDraft(null))
  const wanted = { work_orders: [bodyOf(useSettled(fields))] }
  const { data, error } = useQuery({ ...checkQuery(wanted), enabled: whyNot('file') === undefined })
  const [check = null] = data === undefined ? [] : data.work_orders
  const problems = check === null ? NO_PROBLEMS : check.problems
  useFocusOnWrong(filing.refusals, problems)
  const onKeyDown = (event: KeyboardEvent) => {
    if (event.key !== 'Enter' || !(event.ctrlKey || event.metaKey) || event.repeat) return
    // Some browsers submit the form by it too, which would file the order twice.
    event.preventDefault()
    if (whyNot('file') === undefined) filing.file(false)
  }
  return (
    <>
      <title>New order · Moose</title>
      <header className="form-head">
        <h1>New order</h1>
        <Link to="/import">Import a file of orders</Link>
      </header>
      {whyNot('file') === undefined ? null : <p className="warn">{whyNot('file')}, so it cannot file orders.</p>}
      <div className="form-sides" onKeyDown={onKeyDown} role="presentation">
        <form
          className="order-form"
          onSubmit={(event) => {
            event.preventDefault()
            filing.file(false)
          }}
        >
          <OrderFields
            fields={fields}
            change={setDraft}
            problems={problems}
            warnings={check === null ? [] : check.warnings}
            tellAll={filing.isTried}
          />
          <FilingButtons filing={filing} discard={draft === null ? null : () => setDraft(null)} />
          <p className="quiet">
            A draft is run once it is approved. What you type is kept in this tab until it is filed. <kbd>Ctrl</kbd>{' '}
            <kbd>Enter</kbd> files it.
          </p>
        </form>
        <Outlook check={check} error={error} criteria={fields.criteria} tellAll={filing.isTried} done="filed" />
      </div>
      {filing.question}
    </>
  )
}

type FilingButtonsProps = {
  filing: ReturnType<typeof useFiling>
  /** Null: nothing was typed. */
  discard: (() => void) | null
}

function FilingButtons({ filing, discard }: FilingButtonsProps) {
  const whyNot = useWhyNot()
  return (
    <>
      <div className="buttons form-end">
        <button type="submit" className="primary" disabled={filing.isPending || whyNot('file') !== undefined}>
          File it as a draft
        </button>
        <button
          type="button"
          disabled={filing.isPending || whyNot('file') !== undefined || whyNot('approve') !== undefined}
          title={whyNot('approve')}
          onClick={() => filing.file(true)}
        >
          File and approve …
        </button>
        {discard === null ? null : (
          <button
            type="button"
            className="plain"
            onClick={() => {
              discard()
              filing.forget()
            }}
          >
            Discard what I typed
          </button>
        )}
      </div>
      {filing.error === null ? null : (
        <p className="failure" role="alert">
          {filing.error.message}
        </p>
      )}
    </>
  )
}

/** Files what is typed, once the API has nothing against it, as it stands at that moment. */
function useFiling(fields: Fields, onFiled: () => void) {
  const toasts = Toast.useToastManager()
  const navigate = useNavigate()
  const [isTried, setTried] = useState(false)
  const [refusals, setRefusals] = useState(0)
  const [asked, setAsked] = useState<{ worstCase: number | null } | null>(null)
  const [isOpen, setOpen] = useState(false)
  const countRefusal = (error: Error) => error instanceof NotYet && setRefusals((count) => count + 1)
  const storing = useMutation({
    mutationFn: async (approved: boolean) => {
      const { order } = await checkedOrder(fields)
      const filed = await answer(api.POST('/api/work-orders', { body: { ...order, approved } }))
      if (!('work_order' in filed)) throw new Error('The API answered with another order than was filed.')
      return filed.work_order
    },
    onSuccess: async (order) => {
      onFiled()
      toasts.add({ title: `${order.approved ? 'Filed and approved' : 'Filed'}: ${shortId(order.id)} ${order.title}` })
      await navigate({ to: '/orders/$id', params: { id: order.id } })
    },
    onSettled: () => setOpen(false),
    onError: countRefusal,
  })
  const asking = useMutation({
    mutationFn: () => checkedOrder(fields),
    onSuccess: ({ worstCase }) => {
      setAsked({ worstCase })
      setOpen(true)
    },
    onError: countRefusal,
  })
  const error = storing.error === null ? asking.error : storing.error
  return {
    isTried,
    refusals,
    isPending: storing.isPending || asking.isPending,
    error: error instanceof NotYet ? null : error,
    forget: () => {
      setTried(false)
      storing.reset()
      asking.reset()
    },
    file: (approved: boolean) => {
      if (storing.isPending || asking.isPending) return
      setTried(true)
      if (approved) asking.mutate()
      else storing.mutate(false)
    },
    question: (
      <FileQuestion
        isOpen={isOpen}
        close={() => setOpen(false)}
        title={`File and approve: ${fields.title.trim()}`}
        worstCase={asked === null ? null : asked.worstCase}
        isPending={storing.isPending}
        act={() => storing.mutate(true)}
      />
    ),
  }
}

/** Its problems are told beside its fields. */
class NotYet extends Error {}

async function checkedOrder(fields: Fields) {
  const query = checkQuery({ work_orders: [bodyOf(fields)] })
  const [check] = (await queryClient.fetchQuery({ ...query, staleTime: 0 })).work_orders
  if (check === undefined || check.order === null || check.problems.length > 0) {
    throw new NotYet()
  }
  return { order: check.order, worstCase: check.worst_case_usd }
}

const NO_PROBLEMS: readonly Problem[] = []

/** Once what is wrong is told of what was refused. */
function useFocusOnWrong(refusals: number, problems: readonly Problem[]): void {
  const answered = useRef(0)
  useEffect(() => {
    const wrong = document.querySelector<HTMLElement>('form [aria-invalid=true]')
    if (answered.current === refusals || wrong === null) return
    answered.current = refusals
    wrong.focus()
    // Where nothing is told to be wrong yet, it is looked for again with what is.
    // oxlint-disable-next-line react/exhaustive-effect-dependencies
  }, [refusals, problems])
}
