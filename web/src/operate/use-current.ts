import { useEffect, useEffectEvent, useState } from 'react'
import type { Keys } from '../ui/keys.ts'

/** Which of a list is the current one, and the keys that move it; each has the id `NAME-INDEX`. What has the focus is it too. */
export function useCurrent(count: number, name: string): { at: number; keys: Keys } {
  const [place, setPlace] = useState(0)
  const at = Math.max(0, Math.min(place, count - 1))
  const move = (by: number) => {
    const next = Math.max(0, Math.min(count - 1, at + by))
    setPlace(next)
    document.getElementById(`${name}-${next}`)?.scrollIntoView({ block: 'nearest' })
  }
  const follow = useEffectEvent(({ target }: FocusEvent) => {
    const item = target instanceof Element ? target.closest(`[id^="${name}-"]`) : null
    const [, index] = /-(\d+)$/.exec(item === null ? '' : item.id) ?? []
    if (index !== undefined) setPlace(Number(index))
  })
  useEffect(() => {
    const listen = (event: FocusEvent) => follow(event)
    document.addEventListener('focusin', listen)
    return () => document.removeEventListener('focusin', listen)
  }, [])
  return { at, keys: { j: () => move(1), k: () => move(-1) } }
}
