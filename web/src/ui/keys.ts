import { useEffect, useEffectEvent } from 'react'

/** What a key does; `/`, `?`, `Enter` and letters. */
export type Keys = Readonly<Record<string, () => void>>

/** A notice has the role of a dialog too, but takes nobody's attention away. */
const DIALOG = '[role=dialog]:not(.toast),[role=alertdialog]:not(.toast)'

/** Keys of a page. They do nothing while something is typed, a dialog is open, or another key is held. */
export function useKeys(keys: Keys): void {
  const press = useEffectEvent((event: KeyboardEvent) => {
    const act = Object.hasOwn(keys, event.key) ? keys[event.key] : undefined
    if (act === undefined || event.ctrlKey || event.metaKey || event.altKey || event.defaultPrevented) return
    if (isTyping(event.target) || document.querySelector(DIALOG) !== null) return
    if (event.key === 'Enter' && isOperated(event.target)) return
    event.preventDefault()
    act()
  })
  useEffect(() => {
    const listen = (event: KeyboardEvent) => press(event)
    window.addEventListener('keydown', listen)
    return () => window.removeEventListener('keydown', listen)
  }, [])
}

function isTyping(target: EventTarget | null): boolean {
  return target instanceof HTMLElement && target.closest('input,select,textarea,[contenteditable]') !== null
}

/** Enter already means something there. */
function isOperated(target: EventTarget | null): boolean {
  return target instanceof HTMLElement && target.closest('a,button,summary') !== null
}
