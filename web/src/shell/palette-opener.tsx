import { lazy, Suspense, useEffect, useState } from 'react'
import './palette-opener.css'

const Palette = lazy(async () => ({ default: (await import('./palette.tsx')).Palette }))

const IS_APPLE = /Mac|iPhone|iPad/.test(navigator.userAgent)

/** The way to everything by its name; what it is made of is loaded when it is first wanted. */
export function PaletteOpener() {
  const [isOpen, setOpen] = useState(false)
  const [wasOpen, setWasOpen] = useState(false)
  const change = (opens: boolean) => {
    setOpen(opens)
    if (opens) setWasOpen(true)
  }
  useEffect(() => {
    // Also while something is typed: it is no key of writing.
    const listen = (event: KeyboardEvent) => {
      if (event.key.toLowerCase() !== 'k' || event.altKey || event.shiftKey) return
      if (IS_APPLE ? !event.metaKey : !event.ctrlKey) return
      event.preventDefault()
      if (document.querySelector('[role=alertdialog]:not(.toast)') !== null) return
      setOpen((before) => !before)
      setWasOpen(true)
    }
    window.addEventListener('keydown', listen)
    return () => window.removeEventListener('keydown', listen)
  }, [])
  return (
    <>
      <button type="button" className="plain" aria-haspopup="dialog" onClick={() => change(true)}>
        Go to <kbd className="wide-only">{IS_APPLE ? '⌘ K' : 'Ctrl K'}</kbd>
      </button>
      {wasOpen ? (
        <Suspense>
          <Palette isOpen={isOpen} change={change} />
        </Suspense>
      ) : null}
    </>
  )
}
