import { AlertDialog } from '@base-ui/react/alert-dialog'
import { Toast } from '@base-ui/react/toast'
import { useMutation } from '@tanstack/react-query'
import { type ReactNode, useState } from 'react'
import type { Scope } from '../api/client.ts'
import { queryClient } from '../api/queries.ts'
import { lackOf, useHasScope } from '../ui/asked-button.tsx'

type Asked = {
  title: string
  /** What it means, before it is done. */
  text: ReactNode
  /** On its button. */
  label: string
  isDanger: boolean
  /** What the notice says once it is done. */
  done: string
  send: () => Promise<unknown>
}

/** Asks before something is done that is about no order. @returns how to ask, and the dialog to show */
export function useQuestion(): [ask: (asked: Asked) => void, dialog: ReactNode] {
  const toasts = Toast.useToastManager()
  const [asked, setAsked] = useState<Asked | null>(null)
  const [isOpen, setOpen] = useState(false)
  const doing = useMutation({
    mutationFn: ({ send }: Asked) => send(),
    onSettled: async (_sent, error, { done, label }) => {
      setOpen(false)
      if (error === null) toasts.add({ title: done })
      else
        toasts.add({
          title: `Not done: ${label.toLowerCase()}`,
          description: error.message,
          type: 'error',
          timeout: 0,
          priority: 'high',
        })
      await queryClient.invalidateQueries()
    },
  })
  const change = (opens: boolean) => {
    if (!opens && !doing.isPending) setOpen(false)
  }
  const ask = (next: Asked) => {
    setAsked(next)
    setOpen(true)
  }
  const dialog = (
    <AlertDialog.Root open={isOpen} onOpenChange={change}>
      <AlertDialog.Portal>
        <AlertDialog.Backdrop className="backdrop" />
        {asked === null ? null : <Question asked={asked} isPending={doing.isPending} act={() => doing.mutate(asked)} />}
      </AlertDialog.Portal>
    </AlertDialog.Root>
  )
  return [ask, dialog]
}

function Question({ asked, isPending, act }: { asked: Asked; isPending: boolean; act: () => void }) {
  const { title, text, label, isDanger } = asked
  return (
    <AlertDialog.Popup className="dialog">
      <AlertDialog.Title className="dialog-title">{title}</AlertDialog.Title>
      <AlertDialog.Description render={<div />}>{text}</AlertDialog.Description>
      <div className="buttons end">
        <AlertDialog.Close disabled={isPending}>Leave it</AlertDialog.Close>
        <button type="button" className={isDanger ? 'danger' : 'primary'} disabled={isPending} onClick={act}>
          {isPending ? 'Working …' : label}
        </button>
      </div>
    </AlertDialog.Popup>
  )
}

/** Why the session may not; undefined: it may. For the title of a button that cannot be pressed then. */
export function useWhyNot(scope: Scope): string | undefined {
  return lackOf(useHasScope(), scope)
}

/** In place of a part that the session may not see. */
export function NotAllowed({ what }: { what: string }) {
  return (
    <div className="empty">
      <p>This session may not see {what}: it has not the scope operate.</p>
      <p className="quiet">
        Log in with a token that has it: <code>moose open</code>
      </p>
    </div>
  )
}
