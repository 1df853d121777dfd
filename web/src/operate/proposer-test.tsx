import { Dialog } from '@base-ui/react/dialog'
import { useMutation } from '@tanstack/react-query'
import { answer, api, type Schemas } from '../api/client.ts'
import { queryClient } from '../api/queries.ts'
import { duration, usd } from '../ui/words.tsx'

type Proposer = Schemas['Proposer']

/** Says what a test costs at most before it makes the call, and then what it has shown. */
export function ProposerTest({ proposer, close }: { proposer: Proposer; close: () => void }) {
  const { name, test_at_most_usd: most } = proposer
  const testing = useMutation({
    mutationFn: async () => (await answer(api.POST('/api/proposers/{name}/test', { params: { path: { name } } }))).test,
    onSettled: () => queryClient.invalidateQueries(),
  })
  const { data: test, error, isPending } = testing
  return (
    <Dialog.Root open onOpenChange={(opens) => !opens && !isPending && close()}>
      <Dialog.Portal>
        <Dialog.Backdrop className="backdrop" />
        <Dialog.Popup className="dialog provide-test">
          <Dialog.Title className="dialog-title">Test {name}</Dialog.Title>
          <div role="status">
            {test === undefined ? <Terms proposer={proposer} isPending={isPending} /> : <Shown test={test} />}
          </div>
          {error === null ? null : (
            <p className="failure" role="alert">
              {error.message}
            </p>
          )}
          <div className="buttons end">
            <Dialog.Close disabled={isPending}>{test === undefined ? 'Leave it' : 'Close'}</Dialog.Close>
            {test === undefined ? (
              <button type="button" className="primary" disabled={isPending} onClick={() => testing.mutate()}>
                {isPending ? 'Asking …' : most === 0 ? 'Test it' : `Test it for at most ${usd(Number(most))}`}
              </button>
            ) : null}
          </div>
        </Dialog.Popup>
      </Dialog.Portal>
    </Dialog.Root>
  )
}

function Terms({ proposer, isPending }: { proposer: Proposer; isPending: boolean }) {
  const { model, active, provider_pause: pause, test_at_most_usd: most } = proposer
  if (isPending) return <p>Asking {model} for one word …</p>
  return (
    <>
      <p>
        The smallest real call: {model} is asked for one word.{' '}
        {most === 0 ? (
          'It costs nothing.'
        ) : (
          <>
            It costs <strong>at most {usd(Number(most))}</strong>, booked outside of any order, within today’s cap.
          </>
        )}
      </p>
      {active && pause === null ? null : (
        <p className="quiet">It is made also while it is paused; an answer ends the pause of its provider.</p>
      )}
    </>
  )
}

function Shown({ test }: { test: Schemas['ProposerTest'] }) {
  const { text, duration_ms: ms, cost_usd: cost, usage, streamed, finish, stop_reason: word } = test
  const isCut = finish === 'length'
  const said = word === null ? 'none given' : `“${word}”`
  const meaning = isCut ? 'cut off at the limit' : finish === 'stop' ? 'a whole answer' : finish
  const rows: readonly (readonly [name: string, isGood: boolean, shown: string])[] = [
    text.trim() === ''
      ? ['answer', false, 'nothing yet: the test allows few tokens, and this model thinks first; orders allow more']
      : ['answer', true, `“${text}”`],
    ['time', true, duration(ms)],
    ['cost', true, `${usd(cost)}, booked outside of any order`],
    usage === null
      ? ['tokens', false, 'not reported: every call is booked at the most it can cost']
      : ['tokens', true, `${usage.input_tokens} in, ${usage.output_tokens} out`],
    ['stream', streamed, streamed ? 'piece by piece' : 'all at once: a long answer may be cut off on its way'],
    ['ending', !isCut, `${said}, understood as ${meaning}`],
    ['limit', test.output_limit_parameter !== null, test.output_limit_parameter ?? 'no known parameter'],
  ]
  return (
    <>
      <dl className="evidence">
        {rows.map(([name, isGood, shown]) => (
          <div key={name}>
            <dt>{name}</dt>
            <dd className={isGood ? '' : 'warn'}>
              <span className={isGood ? 'provide-good' : ''} aria-hidden>
                {isGood ? '✓' : '!'}
              </span>{' '}
              {shown}
            </dd>
          </div>
        ))}
      </dl>
      {test.pause_ended ? <p>Its provider was paused, and is called again.</p> : null}
    </>
  )
}
