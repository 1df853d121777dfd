import { Link } from '@tanstack/react-router'
import { useState } from 'react'
import { answer, api, type Schemas } from '../api/client.ts'
import { lackOf, useActing, useHasScope } from '../ui/asked-button.tsx'
import { Field, Problem } from './field.tsx'

type Status = Schemas['OrchestratorStatus']
const MOST_AT_ONCE = 100
const MOST_IN_ONE = 1_000

/** How many attempts may run at once. */
export function Places({ status }: { status: Status }) {
  const { max_concurrent: most, max_per_repository: within } = status
  // What was changed elsewhere is what the form begins with.
  return <PlacesForm key={`${most} ${within}`} status={status} />
}

function PlacesForm({ status }: { status: Status }) {
  const { max_concurrent: most, max_per_repository: within } = status
  const [count, setCount] = useState(String(most))
  const [perRepository, setPerRepository] = useState(within === null ? '' : String(within))
  const has = useHasScope()
  const saving = useSaving({
    max_concurrent: Number(count),
    max_per_repository: perRepository === '' ? null : Number(perRepository),
  })
  const usual = useSaving({ max_concurrent: null, max_per_repository: null })
  const problem = problemOf(count, MOST_AT_ONCE)
  const withinProblem = perRepository === '' ? null : problemOf(perRepository, MOST_IN_ONE)
  const isSame = count === String(most) && perRepository === (within === null ? '' : String(within))
  const isBusy = saving.isPending || usual.isPending || !has('operate')
  return (
    <form
      onSubmit={(event) => {
        event.preventDefault()
        saving.mutate()
      }}
    >
      <Taken status={status} />
      <div className="fields">
        <Field
          label="Attempts at once"
          value={count}
          change={setCount}
          problem={problem}
          inputMode="numeric"
          hint="Over all workers of the database. What runs goes on."
        />
        <Field
          label="Of these in one repository"
          value={perRepository}
          change={setPerRepository}
          problem={withinProblem}
          inputMode="numeric"
          placeholder="any number"
          hint="Empty: as the environment of the service says, any number if it says nothing."
        />
      </div>
      <Problem error={saving.error} />
      <Problem error={usual.error} />
      <div className="buttons">
        <button
          type="submit"
          className="primary"
          disabled={isBusy || isSame || problem !== null || withinProblem !== null}
          title={lackOf(has, 'operate')}
        >
          Set places
        </button>
        <button type="button" disabled={isBusy} title={lackOf(has, 'operate')} onClick={() => usual.mutate()}>
          As the environment says
        </button>
      </div>
    </form>
  )
}

function Taken({ status: { workers, max_concurrent: most } }: { status: Status }) {
  const running = workers.reduce((sum, worker) => sum + worker.running, 0)
  return (
    <p>
      <Link to="/operate/$part" params={{ part: 'workers' }}>
        {running} of {most} places
      </Link>{' '}
      are taken, over all workers.
    </p>
  )
}

function useSaving(body: Schemas['PlacesChange']) {
  return useActing({
    act: async () => {
      const { places } = await answer(api.PUT('/api/orchestrator/places', { body }))
      const { max_concurrent: most, max_per_repository: within } = places
      return `At most ${most} at once, ${within === null ? 'any number' : `at most ${within}`} in one repository`
    },
  })
}

function problemOf(text: string, most: number): string | null {
  const isCount = /^\d+$/.test(text) && Number(text) >= 1 && Number(text) <= most
  return isCount ? null : `A whole number from 1 to ${most}`
}
