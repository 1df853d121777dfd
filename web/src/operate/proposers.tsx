import { queryOptions, useQuery } from '@tanstack/react-query'
import { useState } from 'react'
import { answer, api, type Schemas } from '../api/client.ts'
import { useKeys } from '../ui/keys.ts'
import { CommandLine, Empty, Failed, Loading } from '../ui/states.tsx'
import { Ago, usd } from '../ui/words.tsx'
import { useQuestion, useWhyNot } from './asking.tsx'
import { ProposerForm } from './proposer-form.tsx'
import { ProposerTest } from './proposer-test.tsx'
import './provide.css'
import { useCurrent } from './use-current.ts'

type Proposer = Schemas['Proposer']

const proposersQuery = queryOptions({
  queryKey: ['proposers'],
  queryFn: ({ signal }) => answer(api.GET('/api/proposers', { signal })),
})

/** The models that orders can be given to. */
export function ProposersPart() {
  const { data, error, refetch } = useQuery(proposersQuery)
  const [form, setForm] = useState<{ of: Proposer | null } | null>(null)
  const whyNot = useWhyNot('operate')
  if (data === undefined && error !== null) return <Failed error={error} retry={() => void refetch()} />
  if (data === undefined) return <Loading what="the proposers" />
  const { proposers, malformed } = data
  return (
    <>
      <div className="provide-head">
        <p className="quiet">
          The models that orders can be given to. Keys stay in environment variables of the service; a proposer holds
          only the name of one.
        </p>
        <button
          type="button"
          className="primary"
          disabled={whyNot !== undefined}
          title={whyNot}
          onClick={() => setForm({ of: null })}
        >
          Add a proposer
        </button>
      </div>
      {proposers.some(isReady) || proposers.length === 0 ? null : (
        <p className="warn">None can be called now, so that every order waits.</p>
      )}
      {malformed.map(({ name, problem, command }) => (
        <div key={name} className="provide-card">
          <p className="entry-line">
            <span className="badge failed">malformed</span>
            <strong>{name}</strong>
          </p>
          <p>{problem}</p>
          <CommandLine text={command} />
        </div>
      ))}
      {proposers.length + malformed.length > 0 ? null : (
        <Empty>
          <p>There is no proposer, so that no order can be carried out.</p>
          <p className="quiet">Add one here, or with: moose proposer add NAME --kind anthropic --model ID</p>
        </Empty>
      )}
      <ProposerList proposers={proposers} edit={(of) => setForm({ of })} />
      {form === null ? null : (
        <ProposerForm key={form.of === null ? '' : form.of.name} of={form.of} close={() => setForm(null)} />
      )}
    </>
  )
}

function isReady({ active, unavailable, provider_pause: pause }: Proposer): boolean {
  return active && unavailable === null && pause?.running !== true
}

const named = ({ name }: Proposer) => ({ params: { path: { name } } })

type ListProps = { proposers: readonly Proposer[]; edit: (proposer: Proposer) => void }

function ProposerList({ proposers, edit }: ListProps) {
  const [ask, dialog] = useQuestion()
  const [tested, setTested] = useState<Proposer | null>(null)
  const whyNot = useWhyNot('operate')
  const { at, keys } = useCurrent(proposers.length, 'proposer')
  const acts = {
    edit,
    test: setTested,
    pause: (proposer: Proposer) => ask(proposer.active ? pauseOf(proposer, proposers) : resumeOf(proposer)),
    callAgain: (proposer: Proposer) => ask(callAgainOf(proposer)),
    remove: (proposer: Proposer) => ask(removeOf(proposer)),
  }
  const current = proposers[at]
  const editIt = (proposer: Proposer) => proposer.kind !== 'replay' && edit(proposer)
  const onCurrent = (act: (proposer: Proposer) => unknown) => () => {
    if (current !== undefined && whyNot === undefined) act(current)
  }
  useKeys({
    ...keys,
    Enter: onCurrent(editIt),
    e: onCurrent(editIt),
    t: onCurrent((proposer) => proposer.test_at_most_usd !== null && acts.test(proposer)),
    p: onCurrent(acts.pause),
    x: onCurrent(acts.remove),
  })
  return (
    <>
      <ul className="provide-cards">
        {proposers.map((proposer, index) => (
          <li
            key={proposer.name}
            id={`proposer-${index}`}
            className="provide-card"
            data-current={index === at}
            data-proposer={proposer.name}
          >
            <ProposerCard proposer={proposer} />
            <Buttons proposer={proposer} acts={acts} whyNot={whyNot} />
          </li>
        ))}
      </ul>
      <p className="quiet">
        <kbd>j</kbd> <kbd>k</kbd> move, <kbd>e</kbd> edits, <kbd>t</kbd> tests, <kbd>p</kbd> pauses or resumes,{' '}
        <kbd>x</kbd> removes.
      </p>
      {dialog}
      {tested === null ? null : <ProposerTest proposer={tested} close={() => setTested(null)} />}
    </>
  )
}

type Acts = Record<'edit' | 'test' | 'pause' | 'callAgain' | 'remove', (proposer: Proposer) => void>

function Buttons({ proposer, acts, whyNot }: { proposer: Proposer; acts: Acts; whyNot: string | undefined }) {
  const isTestable = proposer.test_at_most_usd !== null
  const isReplay = proposer.kind === 'replay'
  const button = (act: keyof Acts, label: string, whyNotThis = whyNot) => (
    <button
      type="button"
      disabled={whyNotThis !== undefined}
      title={whyNotThis}
      aria-label={`${label}: ${proposer.name}`}
      onClick={() => acts[act](proposer)}
    >
      {label}
    </button>
  )
  return (
    <div className="buttons">
      {proposer.provider_pause === null ? null : button('callAgain', 'Call its provider again')}
      {button('test', 'Test …', isTestable ? whyNot : 'There is nothing to call, or its price is unknown')}
      {button('edit', 'Edit', isReplay ? 'It reads recordings: there is nothing to edit' : whyNot)}
      {button('pause', proposer.active ? 'Pause' : 'Resume')}
      {button('remove', 'Remove')}
    </div>
  )
}

function pauseOf(proposer: Proposer, all: readonly Proposer[]) {
  const isLast = isReady(proposer) && all.filter(isReady).length === 1
  return {
    title: `Pause ${proposer.name}`,
    text: (
      <>
        <p>It is given no further order. Attempts that run go on with it, and orders that wait for it keep waiting.</p>
        {isLast ? <p className="warn">No other can be called: every order will wait.</p> : null}
      </>
    ),
    label: 'Pause',
    isDanger: false,
    done: `${proposer.name} is given no further order`,
    send: () => answer(api.PATCH('/api/proposers/{name}', { ...named(proposer), body: { active: false } })),
  }
}

function resumeOf(proposer: Proposer) {
  return {
    title: `Resume ${proposer.name}`,
    text: <p>It is given orders again, which cost.</p>,
    label: 'Resume',
    isDanger: false,
    done: `${proposer.name} is given orders again`,
    send: () => answer(api.PATCH('/api/proposers/{name}', { ...named(proposer), body: { active: true } })),
  }
}

function callAgainOf(proposer: Proposer) {
  return {
    title: `Call the provider of ${proposer.name} again`,
    text: <p>The pause ends for all proposers of this provider, and orders that wait for it go on.</p>,
    label: 'Call it again',
    isDanger: false,
    done: `The provider of ${proposer.name} is called again`,
    send: () => answer(api.DELETE('/api/proposers/{name}/provider-pause', named(proposer))),
  }
}

function removeOf(proposer: Proposer) {
  return {
    title: `Remove ${proposer.name}`,
    text: <p>It is taken away, unless an attempt runs with it. What it has done and cost keeps its name.</p>,
    label: 'Remove',
    isDanger: true,
    done: `Removed ${proposer.name}`,
    send: () => answer(api.DELETE('/api/proposers/{name}', named(proposer))),
  }
}

function StateOf({ proposer: { active, unavailable, provider_pause: pause } }: { proposer: Proposer }) {
  if (!active) return <span className="badge other">paused by you</span>
  if (unavailable !== null) return <span className="badge budget">cannot be called</span>
  if (pause?.running === true) return <span className="badge paused_provider">provider paused</span>
  return <span className="badge completed">ready</span>
}

function ProposerCard({ proposer }: { proposer: Proposer }) {
  const { name, kind, model, base_url: url, unavailable, provider_pause: pause } = proposer
  return (
    <>
      <div className="entry-line">
        <h2>{name}</h2>
        <StateOf proposer={proposer} />
        <span className="quiet">
          {kind} <code>{model}</code>
          {url === null ? null : (
            <>
              {' '}
              at <code>{url}</code>
            </>
          )}
        </span>
      </div>
      {unavailable === null ? null : (
        <>
          <p className="warn">{unavailable.reason}</p>
          {unavailable.command === null ? null : <CommandLine text={unavailable.command} />}
        </>
      )}
      {pause === null ? null : (
        <p className="warn">
          {pause.failures} {pause.failures === 1 ? 'outage' : 'outages'} in a row;{' '}
          {pause.running ? 'paused until' : 'the pause ended'} <Ago at={pause.until} />: {pause.reason}
        </p>
      )}
      <ProposerFacts proposer={proposer} />
    </>
  )
}

function ProposerFacts({ proposer }: { proposer: Proposer }) {
  const { complexity_threshold: threshold, context_tokens: context, key_variable: key, key_set: isSet } = proposer
  return (
    <dl className="provide-facts">
      <div>
        <dt>Used for</dt>
        <dd>{threshold === 0 ? 'only the simplest orders' : `orders of a complexity up to ${threshold} of 1`}</dd>
      </div>
      <div>
        <dt>Price</dt>
        <dd>
          <Price proposer={proposer} />
        </dd>
      </div>
      <div>
        <dt>Key</dt>
        <dd>
          {key === null ? (
            'none is sent'
          ) : (
            <>
              <code>{key}</code>, {isSet ? 'which is set' : 'which is not set where Moose runs'}
            </>
          )}
        </dd>
      </div>
      <div>
        <dt>Context</dt>
        <dd>{context === null ? 'not known' : `${context.toLocaleString('en-US')} tokens`}</dd>
      </div>
    </dl>
  )
}

function Price({ proposer }: { proposer: Proposer }) {
  const { price, price_library: library, price_since: since } = proposer
  if (price === null) return <span className="warn">unknown, so that no call is made</span>
  const source = library === null ? (proposer.kind === 'replay' ? '' : 'as you say') : `by ${library}`
  const day =
    since === null ? null : (
      <>
        , since <Ago at={since} />
      </>
    )
  return (
    <>
      {price.source === 'free'
        ? 'free'
        : `${usd(price.input_per_million)} in, ${usd(price.output_per_million)} out per million tokens`}
      {source === '' ? null : (
        <span className="quiet">
          , {source}
          {day}
        </span>
      )}
    </>
  )
}
