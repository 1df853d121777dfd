import { Dialog } from '@base-ui/react/dialog'
import { useState } from 'react'
import { useKeys } from '../ui/keys.ts'

const KEYS: readonly (readonly [keys: string, meaning: string])[] = [
  ['j  k', 'the next, the one before'],
  ['Enter', 'open it'],
  ['a', 'approve'],
  ['m', 'merge'],
  ['r', 'retry'],
  ['x', 'cancel, or reject what is not approved'],
  ['s', 'select it, in the list of orders'],
  ['n', 'new order'],
  ['e', 'edit the order, or the proposer'],
  ['Ctrl Enter', 'file the order that is typed'],
  ['/', 'search the orders; filter the audit'],
  ['t  p  x', 'in Operate: test, pause or resume, remove a proposer; x revokes a token'],
  ['Ctrl K', 'go to a view or an order by its name, or act; ⌘ K on a Mac'],
  ['?', 'these keys'],
]

export function Help() {
  const [isOpen, setOpen] = useState(false)
  const [byKey, setByKey] = useState(false)
  const change = (opens: boolean, key: boolean) => {
    setOpen(opens)
    // Until it is closed: where the focus goes then depends on it.
    if (opens) setByKey(key)
  }
  useKeys({ '?': () => change(true, true) })
  return (
    <Dialog.Root open={isOpen} onOpenChange={(opens) => change(opens, false)}>
      <Dialog.Trigger className="plain" aria-label="Keys">
        ?
      </Dialog.Trigger>
      <Dialog.Portal>
        <Dialog.Backdrop className="backdrop" />
        {/* Who came by a key goes on by keys: on the button, Enter would open it again. */}
        <Dialog.Popup className="dialog" finalFocus={!byKey}>
          <Dialog.Title className="dialog-title">Keys</Dialog.Title>
          <dl className="keys">
            {KEYS.map(([keys, meaning]) => (
              <div key={keys}>
                <dt>
                  <kbd>{keys}</kbd>
                </dt>
                <dd>{meaning}</dd>
              </div>
            ))}
          </dl>
          <div className="buttons end">
            <Dialog.Close>Close</Dialog.Close>
          </div>
        </Dialog.Popup>
      </Dialog.Portal>
    </Dialog.Root>
  )
}
