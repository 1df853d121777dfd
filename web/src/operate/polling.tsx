import { Link } from '@tanstack/react-router'
import { answer, api, type Schemas } from '../api/client.ts'
import { AskedButton, lackOf, useActing, useHasScope } from '../ui/asked-button.tsx'
import { usd } from '../ui/words.tsx'

type Status = Schemas['OrchestratorStatus']

/** Starting makes approved orders cost, so it is asked; stopping ends nothing. */
export function PollingSwitch({ status, startClass = 'primary' }: { status: Status; startClass?: string }) {
  const { polling, states, budget } = status
  const has = useHasScope()
  const stopping = useActing({
    act: async () => {
      await answer(api.POST('/api/orchestrator/stop'))
      return 'No more orders are taken on; what runs is finished'
    },
  })
  if (polling) {
    return (
      <button
        type="button"
        disabled={!has('operate') || stopping.isPending}
        title={lackOf(has, 'operate')}
        onClick={() => stopping.mutate()}
      >
        Take on no more
      </button>
    )
  }
  const left = budget?.today.left_usd
  const start = async () => {
    await answer(api.POST('/api/orchestrator/start', { body: {} }))
    return 'Approved orders are taken on as they come'
  }
  return (
    <AskedButton label="Start" title="Take on approved orders" doIt="Start" act={start} className={startClass}>
      <p>
        {states.waiting === 0 ? (
          'No approved order waits; those that are approved later begin at once.'
        ) : (
          <>
            <Link to="/orders" search={{ state: 'waiting' }}>
              {states.waiting === 1 ? 'One approved order waits' : `${states.waiting} approved orders wait`}
            </Link>{' '}
            and may begin at once, up to {status.max_concurrent} at a time.
          </>
        )}
      </p>
      <p>
        {left === undefined || left === null ? 'No cap bounds the day.' : `At most ${usd(left)} can be spent today.`}
      </p>
    </AskedButton>
  )
}
