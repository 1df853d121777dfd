import { useMutation } from '@tanstack/react-query'
import { answer, api } from '../api/client.ts'
import { queryClient } from '../api/queries.ts'
import { forgetDrafts } from '../order-form/draft.ts'

export function LogOut() {
  const leaving = useMutation({
    mutationFn: () => answer(api.DELETE('/api/session')),
    onSuccess: () => {
      forgetDrafts()
      return queryClient.resetQueries()
    },
  })
  return (
    <button type="button" className="plain" disabled={leaving.isPending} onClick={() => leaving.mutate()}>
      Log out
    </button>
  )
}
