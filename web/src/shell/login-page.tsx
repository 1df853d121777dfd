import { getRouteApi, useNavigate } from '@tanstack/react-router'
import { useEffect, useState } from 'react'
import { answer, api } from '../api/client.ts'
import { queryClient } from '../api/queries.ts'
import { CommandLine, Loading } from '../ui/states.tsx'

const route = getRouteApi('/login')

/** The code of the address, taken out of it: it counts once, and is in no history. React runs an effect twice while it is developed. */
let taken: Promise<unknown> | null = null
function logIn(): Promise<unknown> {
  const code = window.location.hash.slice(1)
  window.history.replaceState(null, '', window.location.pathname + window.location.search)
  taken ??= answer(api.POST('/api/sessions', { body: { code } }))
  return taken
}

/** Where the link of `moose open` leads. */
export function LoginPage() {
  const navigate = useNavigate()
  const { order } = route.useSearch()
  const [problem, setProblem] = useState<string | null>(null)
  const [hasCode] = useState(() => taken !== null || window.location.hash.length > 1)
  useEffect(() => {
    if (!hasCode) return
    const enter = async () => {
      await logIn()
      await queryClient.invalidateQueries()
      if (order === undefined) await navigate({ to: '/', replace: true })
      else await navigate({ to: '/orders/$id', params: { id: order }, replace: true })
    }
    enter().catch((error: unknown) => setProblem(error instanceof Error ? error.message : String(error)))
  }, [navigate, hasCode, order])
  if (problem === null && hasCode) {
    return (
      <main id="content">
        <Loading what="Mission Control" />
      </main>
    )
  }
  return <LoggedOut problem={problem} />
}

export function LoggedOut({ problem }: { problem: string | null }) {
  return (
    <main className="login card">
      <title>Log in · Moose</title>
      <h1>
        <span className="brand-mark" aria-hidden="true" /> Log in to Moose
      </h1>
      {problem === null ? null : (
        <p className="failure" role="alert">
          {problem}
        </p>
      )}
      <ol>
        <li>
          Where the service runs, type
          <CommandLine text="moose open" />
        </li>
        <li>Open the link that it prints in this browser. It counts once, for two minutes.</li>
      </ol>
      <p className="quiet">The session ends after twelve hours, and with the token the link was made with.</p>
    </main>
  )
}
