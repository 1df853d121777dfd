import { AlertDialog } from '@base-ui/react/alert-dialog'
import { Toast } from '@base-ui/react/toast'
import { queryOptions, useMutation, useQuery } from '@tanstack/react-query'
import { createContext, type ReactNode, useContext, useState } from 'react'
import { ACTIONS, type Actable, type Verb } from '../api/actions.ts'
import { ApiFault, answer, api, type Order } from '../api/client.ts'
import { queryClient } from '../api/queries.ts'
import { ApprovalTerms } from '../inbox/approval-terms.tsx'
import { lackOf, useHasScope } from './asked-button.tsx'
import { shortId, usd } from './words.tsx'

type Asked = { verb: Verb; orders: readonly Actable[]; more?: ReactNode }
type Ask = (asked: Asked) => void

const Acting = createContext<Ask>(() => undefined)

/** Asks before something is done to orders, does it, and says how it went. */
export function useAsk(): Ask {
  return useContext(Acting)
}

/** Whether the session may do that. */
export function useMay(): (verb: Verb) => boolean {
  const has = useHasScope()
  return (verb) => has(ACTIONS[verb].scope)
}

export function ActingProvider({ children }: { children: ReactNode }) {
  return (
    <Toast.Provider timeout={6_000}>
      <Asking>{children}</Asking>
      <Toast.Portal>
        <Toast.Viewport className="toasts">
          <Toasts />
        </Toast.Viewport>
      </Toast.Portal>
    </Toast.Provider>
  )
}

function Toasts() {
  const { toasts } = Toast.useToastManager()
  return toasts.map((toast) => (
    <Toast.Root key={toast.id} toast={toast} className={`toast ${toast.type === 'error' ? 'bad' : ''}`}>
      <Toast.Content>
        <Toast.Title className="toast-title" />
        <Toast.Description className="toast-text" />
      </Toast.Content>
      <Toast.Close className="plain" aria-label="Close">
        ×
      </Toast.Close>
    </Toast.Root>
  ))
}

/** These would be the answer for every other order too. */
const FOR_ALL: ReadonlySet<string> = new Set(['unauthenticated', 'scope_missing', 'no_answer'])

type Outcome = { done: number; problems: string[] }

/** One after the other, as the command line does it; what is refused for one order does not stop the others. */
async function actOnAll({ verb, orders }: Asked, tell: (settled: number) => void): Promise<Outcome> {
  const problems: string[] = []
  for (const [index, order] of orders.entries()) {
    tell(index)
    try {
      await ACTIONS[verb].send(order)
    } catch (error) {
      problems.push(`${order.title}: ${messageOf(error)}`)
      if (error instanceof ApiFault && FOR_ALL.has(error.code)) return { done: index + 1 - problems.length, problems }
    }
  }
  return { done: orders.length - problems.length, problems }
}

/** What a page with an order that is approved by its title alone knows of it: too little. So each is looked at before. */
const toApproveQuery = (ids: readonly string[]) =>
  queryOptions({
    queryKey: ['to-approve', ids],
    queryFn: async ({ signal }) => {
      const looked: { order: Order; worst: number | null }[] = []
      for (const id of ids) {
        const call = api.GET('/api/work-orders/{id}/why', { params: { path: { id } }, signal })
        const { work_order: order, worst_case_usd: worst } = await answer(call)
        looked.push({ order, worst })
      }
      return looked
    },
    staleTime: 0,
    gcTime: 0,
  })

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error)
}

function Asking({ children }: { children: ReactNode }) {
  const toasts = Toast.useToastManager()
  // It stays while the dialog closes, which the dialog sees through only with what it shows.
  const [asked, setAsked] = useState<Asked | null>(null)
  const [isOpen, setOpen] = useState(false)
  const ask = (next: Asked) => {
    setAsked(next)
    setOpen(true)
  }
  const [settled, setSettled] = useState(0)
  const acting = useMutation({
    mutationFn: (wanted: Asked) => actOnAll(wanted, setSettled),
    onSettled: async (outcome, error, { verb, orders }) => {
      setOpen(false)
      toasts.add(summaryOf({ verb, orders }, outcome ?? { done: 0, problems: [messageOf(error)] }))
      await queryClient.invalidateQueries()
    },
  })
  const change = (opens: boolean) => {
    if (!opens && !acting.isPending) setOpen(false)
  }
  return (
    <Acting value={ask}>
      {children}
      <AlertDialog.Root open={isOpen} onOpenChange={change}>
        <AlertDialog.Portal>
          <AlertDialog.Backdrop className="backdrop" />
          {asked === null ? null : (
            <Question
              asked={asked}
              settled={acting.isPending ? settled : null}
              act={(orders) => acting.mutate({ ...asked, orders })}
            />
          )}
        </AlertDialog.Portal>
      </AlertDialog.Root>
    </Acting>
  )
}

const MOST_PROBLEMS = 5

/** One notice of all that was asked for: what was done, and what was not and why. */
function summaryOf({ verb, orders }: Asked, { done, problems }: Outcome) {
  const [only] = orders
  const isOne = only !== undefined && orders.length === 1
  const which = isOne ? `${shortId(only.id)} ${only.title}` : `${done} of ${orders.length} orders`
  if (problems.length === 0) return { title: `${ACTIONS[verb].done}: ${isOne ? which : `${done} orders`}` }
  const left = problems.length - MOST_PROBLEMS
  const said = [...problems.slice(0, MOST_PROBLEMS), ...(left > 0 ? [`And ${left} more.`] : [])]
  const title = done === 0 ? `Not done: ${ACTIONS[verb].label.toLowerCase()}` : `${ACTIONS[verb].done}: ${which}`
  return { title, description: said.join(' '), type: 'error', timeout: 0, priority: 'high' as const }
}

type QuestionProps = {
  asked: Asked
  /** How many are settled; null: it was not begun. */
  settled: number | null
  act: (orders: readonly Actable[]) => void
}

function Question({ asked, settled, act }: QuestionProps) {
  const { verb, orders, more } = asked
  const { label, asks, isDanger } = ACTIONS[verb]
  const isUnknown = verb === 'approve' && orders.some((order) => order.content_sha256 === undefined)
  // Its risk and what verifies it are of no list.
  const looking = useQuery({ ...toApproveQuery(orders.map(({ id }) => id)), enabled: verb === 'approve' })
  const meant = isUnknown ? looking.data?.map(({ order }) => order) : orders
  const [first] = orders
  if (first === undefined) return null
  const isPending = settled !== null
  return (
    <AlertDialog.Popup className="dialog">
      <AlertDialog.Title className="dialog-title">
        {orders.length === 1 ? `${label}: ${first.title}` : `${label} ${orders.length} orders`}
      </AlertDialog.Title>
      <AlertDialog.Description>
        {orders.length === 1 ? asks(first) : `Of each: ${asks({ ...first, github_pr_number: null })}`}
      </AlertDialog.Description>
      {looking.data === undefined ? more : <Terms looked={looking.data} />}
      {looking.error === null || !isUnknown ? null : <p className="failure">{looking.error.message}</p>}
      {orders.length === 1 ? null : (
        <ul className="named" tabIndex={0} aria-label="Orders">
          {orders.map(({ id, title }) => (
            <li key={id}>
              <code>{shortId(id)}</code> {title}
            </li>
          ))}
        </ul>
      )}
      <div className="buttons end">
        <AlertDialog.Close disabled={isPending}>Leave it</AlertDialog.Close>
        <button
          type="button"
          className={isDanger ? 'danger' : 'primary'}
          disabled={isPending || meant === undefined}
          onClick={() => meant !== undefined && act(meant)}
        >
          {isPending ? `Working … ${orders.length === 1 ? '' : `${settled} of ${orders.length}`}` : label}
        </button>
      </div>
    </AlertDialog.Popup>
  )
}

/** What approving these means; of several, all together. */
function Terms({ looked }: { looked: readonly { order: Order; worst: number | null }[] }) {
  const [first] = looked
  if (first === undefined) return null
  if (looked.length === 1) return <ApprovalTerms entry={{ worst_case_usd: first.worst, work_order: first.order }} />
  const without = looked.filter(({ worst }) => worst === null).length
  const sum = looked.reduce((total, { worst }) => total + (worst === null ? 0 : worst), 0)
  const unverified = looked.filter(({ order }) => order.verification?.checks === 0).length
  const risky = looked.filter(({ order }) => order.risk !== undefined && order.risk.level !== 'low')
  const hidden = looked.filter(({ order }) => order.hidden_text.length > 0).length
  return (
    <ul className="terms">
      <li>At most {usd(sum)} may be spent on all of them together.</li>
      {without === 0 ? null : <li className="warn">{without} of them have no cap of their own.</li>}
      {unverified === 0 ? null : <li className="warn">{unverified} of them are verified by no check.</li>}
      {risky.map(({ order: { id, title, risk } }) => (
        <li key={id}>
          Risk {risk?.level}: {title}, because {risk?.reasons.map(({ reason }) => reason).join('; ')}
        </li>
      ))}
      {hidden === 0 ? null : <li className="warn">{hidden} of them hold text that a reader does not see.</li>}
    </ul>
  )
}

/** Buttons for what can be done with an order; what the session may not do is named, and cannot be pressed. */
export function ActionButtons({ order, verbs, more }: { order: Actable; verbs: readonly Verb[]; more?: ReactNode }) {
  const ask = useAsk()
  const has = useHasScope()
  return (
    <div className="buttons">
      {verbs.map((verb, index) => (
        <button
          key={verb}
          type="button"
          className={index === 0 && !ACTIONS[verb].isDanger ? 'primary' : ''}
          disabled={!has(ACTIONS[verb].scope)}
          title={lackOf(has, ACTIONS[verb].scope)}
          onClick={() => ask({ verb, orders: [order], more })}
        >
          {ACTIONS[verb].label}
        </button>
      ))}
    </div>
  )
}
