import { useRouter } from '@tanstack/react-router'
import type { MouseEvent } from 'react'

/** Leads to what was done to an order, and by whom. */
export function AuditLink({ order }: { order: string }) {
  const { history } = useRouter()
  const href = `/operate/audit?order=${order}`
  const follow = (event: MouseEvent) => {
    // The browser opens it in a tab of its own.
    if (event.ctrlKey || event.metaKey || event.shiftKey || event.altKey) return
    event.preventDefault()
    history.push(href)
  }
  return (
    <a href={href} onClick={follow}>
      who did what
    </a>
  )
}
