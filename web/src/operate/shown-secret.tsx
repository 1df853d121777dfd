import { Dialog } from '@base-ui/react/dialog'
import { type ReactNode, useRef, useState } from 'react'

type SecretProps = {
  what: string
  secret: string
  /** What to do with it. */
  children: ReactNode
}

/** In a dialog, the one time a secret is shown. */
export function ShownSecret({ what, secret, children }: SecretProps) {
  const field = useRef<HTMLInputElement>(null)
  const [said, setSaid] = useState<string | null>(null)
  const copy = async () => {
    field.current?.select()
    // Without TLS on another machine a browser has no clipboard for pages.
    const copying = 'clipboard' in navigator ? navigator.clipboard.writeText(secret) : Promise.reject(new Error('none'))
    const isCopied = await copying.then(
      () => true,
      () => false,
    )
    setSaid(isCopied ? 'Copied.' : 'The browser does not let it be copied: it is selected, copy it by the keys.')
  }
  return (
    <>
      <Dialog.Title className="dialog-title">{what}</Dialog.Title>
      <Dialog.Description>{children}</Dialog.Description>
      <div className="token-secret">
        <input ref={field} readOnly value={secret} aria-label={what} onFocus={(e) => e.target.select()} />
        <button type="button" className="primary" onClick={() => void copy()}>
          Copy
        </button>
      </div>
      <p role="status" className="quiet">
        {said}
      </p>
      <div className="buttons end">
        <Dialog.Close>I have it</Dialog.Close>
      </div>
    </>
  )
}
