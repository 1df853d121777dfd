import { AlertDialog } from '@base-ui/react/alert-dialog'
import type { ReactNode } from 'react'
import { usd } from '../ui/words.tsx'

type FileQuestionProps = {
  isOpen: boolean
  close: () => void
  title: string
  /** The most that may be spent, in USD; null: no cap of its own keeps it. */
  worstCase: number | null
  isPending: boolean
  act: () => void
  children?: ReactNode
}

/** Asks before what is filed is approved too: it may then be run, and spend. */
export function FileQuestion({ isOpen, close, title, worstCase, isPending, act, children }: FileQuestionProps) {
  return (
    <AlertDialog.Root open={isOpen} onOpenChange={(opens) => (opens || isPending ? undefined : close())}>
      <AlertDialog.Portal>
        <AlertDialog.Backdrop className="backdrop" />
        <AlertDialog.Popup className="dialog">
          <AlertDialog.Title className="dialog-title">{title}</AlertDialog.Title>
          <AlertDialog.Description>
            {worstCase === null
              ? 'It may then be run. No cap of its own keeps what it may cost.'
              : `It may then be run. At most ${usd(worstCase)} may be spent.`}
          </AlertDialog.Description>
          {children}
          <div className="buttons end">
            <AlertDialog.Close disabled={isPending}>Leave it</AlertDialog.Close>
            <button type="button" className="primary" disabled={isPending} onClick={act}>
              {isPending ? 'Working …' : 'File and approve'}
            </button>
          </div>
        </AlertDialog.Popup>
      </AlertDialog.Portal>
    </AlertDialog.Root>
  )
}
