import { Dialog } from '@base-ui/react/dialog'
import { useMutation, useQuery } from '@tanstack/react-query'
import { type FormEvent, useState } from 'react'
import { answer, api, type Schemas, type Scope } from '../api/client.ts'
import { queryClient, sessionQuery } from '../api/queries.ts'
import { ShownSecret } from './shown-secret.tsx'

const SCOPES: readonly { scope: Scope; allows: string }[] = [
  { scope: 'read', allows: 'see everything; each of the others includes it' },
  { scope: 'file', allows: 'file orders and correct them' },
  { scope: 'approve', allows: 'approve and reject orders, merge and close their pull requests' },
  { scope: 'operate', allows: 'everything else: runs, budget, projects, proposers, tokens' },
]

/** Makes a token. It is held while its dialog is open, and nowhere else. */
export function NewToken({ taken }: { taken: readonly string[] }) {
  const [isOpen, setOpen] = useState(false)
  const making = useMutation({
    mutationFn: (body: Schemas['NewToken']) => answer(api.POST('/api/tokens', { body })),
    onSuccess: () => queryClient.invalidateQueries({ queryKey: ['tokens'] }),
    gcTime: 0,
  })
  const change = (opens: boolean) => {
    setOpen(opens)
    making.reset()
  }
  return (
    <Dialog.Root open={isOpen} onOpenChange={change} disablePointerDismissal={making.data !== undefined}>
      <Dialog.Trigger className="button primary">Make a token</Dialog.Trigger>
      <Dialog.Portal>
        <Dialog.Backdrop className="backdrop" />
        <Dialog.Popup className="dialog">
          {making.data === undefined ? (
            <TokenForm
              taken={taken}
              make={(body) => making.mutate(body)}
              isPending={making.isPending}
              problem={making.error}
            />
          ) : (
            <ShownSecret what={`The token ${making.data.token.name}`} secret={making.data.secret}>
              It is not shown again. Give it to its program as MOOSE_API_TOKEN, or as: Authorization: Bearer …
            </ShownSecret>
          )}
        </Dialog.Popup>
      </Dialog.Portal>
    </Dialog.Root>
  )
}

type FormProps = {
  taken: readonly string[]
  make: (body: Schemas['NewToken']) => void
  isPending: boolean
  problem: Error | null
}

function TokenForm({ taken, make, isPending, problem }: FormProps) {
  const [name, setName] = useState('')
  const [scopes, setScopes] = useState<readonly Scope[]>(['read'])
  const [days, setDays] = useState('')
  const isTaken = taken.includes(name)
  const submit = (event: FormEvent) => {
    event.preventDefault()
    make({ name, scopes: [...scopes], expires_in_days: days === '' ? null : Number(days) })
  }
  return (
    <form className="provide-form" onSubmit={submit}>
      <Dialog.Title className="dialog-title">Make a token</Dialog.Title>
      <label>
        Name
        <input
          required
          value={name}
          onChange={({ target }) => setName(target.value)}
          pattern="[a-z0-9][a-z0-9._\-]{0,62}"
          title="1 to 63 of a-z, 0-9, dot, hyphen and underscore, the first a letter or digit"
          autoComplete="off"
          aria-describedby="token-name-help"
        />
        <span id="token-name-help" className={isTaken ? 'failure' : 'quiet'}>
          {isTaken ? 'Another of this name counts.' : 'Whose it is; it stands beside everything that is done with it.'}
        </span>
      </label>
      <ScopeChoices scopes={scopes} choose={setScopes} />
      <label>
        Days until it expires
        <input
          type="number"
          inputMode="numeric"
          min={1}
          max={3650}
          step={1}
          value={days}
          onChange={({ target }) => setDays(target.value)}
          placeholder="it does not expire"
        />
      </label>
      {problem === null ? null : (
        <p className="failure" role="alert">
          {problem.message}
        </p>
      )}
      <div className="buttons end">
        <Dialog.Close>Leave it</Dialog.Close>
        <button type="submit" className="primary" disabled={isPending || isTaken || scopes.length === 0}>
          {isPending ? 'Working …' : 'Make it'}
        </button>
      </div>
    </form>
  )
}

/** What the session has not cannot be given. */
function ScopeChoices({ scopes, choose }: { scopes: readonly Scope[]; choose: (scopes: readonly Scope[]) => void }) {
  const { data: session } = useQuery(sessionQuery)
  return (
    <fieldset>
      <legend>What it allows</legend>
      {SCOPES.map(({ scope, allows }) => (
        <label key={scope} className="provide-choice">
          <input
            type="checkbox"
            checked={scopes.includes(scope)}
            disabled={session?.scopes.includes(scope) !== true && scope !== 'read'}
            onChange={({ target: { checked } }) =>
              choose(checked ? [...scopes, scope] : scopes.filter((one) => one !== scope))
            }
          />
          {scope}: {allows}
        </label>
      ))}
    </fieldset>
  )
}
