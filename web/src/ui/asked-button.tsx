import { AlertDialog } from '@base-ui/react/alert-dialog'
import { Toast } from '@base-ui/react/toast'
import { useMutation, useQuery } from '@tanstack/react-query'
import { type ReactNode, useState } from 'react'
import type { Scope } from '../api/client.ts'
import { queryClient, sessionQuery } from '../api/queries.ts'

/** Whether the session has a scope. */
export function useHasScope(): (scope: Scope) => boolean {
  const { data: session } = useQuery(sessionQuery)
  return (scope) => session?.scopes.includes(scope) === true
}

/** For a control that the session may not use; undefined: it may. */
export function lackOf(has: (scope: Scope) => boolean, scope: Scope): string | undefined {
  return has(scope) ? undefined : `This session has not the scope ${scope}`
}

type Act = {
  /** What is done. @returns what is said then */
  act: () => Promise<string>
  scope?: Scope
}

/** Does something, and says that it is done; what keeps it is thrown to who shows it. */
export function useActing({ act }: Pick<Act, 'act'>, onDone: () => void = () => undefined) {
  const toasts = Toast.useToastManager()
  return useMutation({
    mutationFn: act,
    onSuccess: (said) => {
      onDone()
      toasts.add({ title: said })
    },
    onSettled: () => queryClient.invalidateQueries(),
  })
}

type AskedProps = Act & {
  label: ReactNode
  /** What is asked, as the heading of the question. */
  title: string
  /** What it means: what it costs, what it ends. */
  children: ReactNode
  /** On the button that does it. */
  doIt: string
  isDanger?: boolean
  /** False: what has to be filled in is not. */
  isReady?: boolean
  className?: string
  /** It begins anew. */
  onOpen?: () => void
}

/** A button that asks before it acts. What fails is said in the question, which stays open. */
export function AskedButton(props: AskedProps) {
  const { label, title, children, doIt, act, scope = 'operate', isDanger = false, isReady = true, className } = props
  const [isOpen, setOpen] = useState(false)
  const has = useHasScope()
  const acting = useActing({ act }, () => setOpen(false))
  const change = (opens: boolean) => {
    if (acting.isPending) return
    if (opens) {
      acting.reset()
      props.onOpen?.()
    }
    setOpen(opens)
  }
  return (
    <AlertDialog.Root open={isOpen} onOpenChange={change}>
      <AlertDialog.Trigger className={className} disabled={!has(scope)} title={lackOf(has, scope)}>
        {label}
      </AlertDialog.Trigger>
      <AlertDialog.Portal>
        <AlertDialog.Backdrop className="backdrop" />
        <AlertDialog.Popup className="dialog">
          <AlertDialog.Title className="dialog-title">{title}</AlertDialog.Title>
          <form
            onSubmit={(event) => {
              event.preventDefault()
              if (isReady && !acting.isPending) acting.mutate()
            }}
          >
            <AlertDialog.Description render={<div />}>{children}</AlertDialog.Description>
            {acting.error === null ? null : (
              <p className="failure" role="alert">
                {acting.error.message}
              </p>
            )}
            <div className="buttons end">
              <AlertDialog.Close disabled={acting.isPending}>Leave it</AlertDialog.Close>
              <button type="submit" className={isDanger ? 'danger' : 'primary'} disabled={!isReady || acting.isPending}>
                {acting.isPending ? 'Working …' : doIt}
              </button>
            </div>
          </form>
        </AlertDialog.Popup>
      </AlertDialog.Portal>
    </AlertDialog.Root>
  )
}
