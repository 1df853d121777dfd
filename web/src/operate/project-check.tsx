import { useEffect, useRef, useState } from 'react'
import type { Schemas } from '../api/client.ts'
import { queryClient } from '../api/queries.ts'
import { lackOf, useHasScope } from '../ui/asked-button.tsx'
import { duration } from '../ui/words.tsx'
import { BEGUN, type CheckRun, followCheck } from './follow-check.ts'
import { GrantHost } from './project-hosts.tsx'

const OUTCOMES: Readonly<Record<string, string>> = {
  passed: 'passed',
  failed: 'fails on the base',
  crashed: 'crashed',
  timed_out: 'timed out',
}

/** Runs set-up and checks on the base commit, as an attempt does, and shows them as they go. Leaving the page ends them. */
export function ProjectCheck({ name }: { name: string }) {
  const [run, setRun] = useState<CheckRun | null>(null)
  const [isFresh, setFresh] = useState(false)
  const running = useRef<AbortController | null>(null)
  const has = useHasScope()
  useEffect(() => () => running.current?.abort(), [])
  const start = () => {
    const left = new AbortController()
    running.current = left
    setRun(BEGUN)
    void followCheck(name, isFresh ? { fresh: true } : {}, { signal: left.signal, onRun: setRun }).then(() =>
      // What will verify an order is known from then on.
      queryClient.invalidateQueries({ queryKey: ['inbox'] }),
    )
  }
  const isRunning = run?.state === 'running'
  return (
    <>
      <p>
        Set-up and checks of the base commit are run where an attempt runs them. No model is called; it costs nothing.
      </p>
      <div className="buttons">
        {isRunning ? (
          <button type="button" onClick={() => running.current?.abort()}>
            End them
          </button>
        ) : (
          <button
            type="button"
            className="primary"
            disabled={!has('operate')}
            title={lackOf(has, 'operate')}
            onClick={start}
          >
            Run the checks
          </button>
        )}
        <label className="tick">
          <input type="checkbox" checked={isFresh} onChange={(event) => setFresh(event.target.checked)} />
          Set up anew
        </label>
      </div>
      <div role="status" data-check={run === null ? 'none' : run.state}>
        {run === null ? null : <State run={run} />}
      </div>
      {run === null ? null : <Seen run={run} name={name} />}
    </>
  )
}

function State({ run: { state, checks, problem, result } }: { run: CheckRun }) {
  if (state === 'running') return <p>Running … {checks.length === 0 ? '' : `${checks.length} checks have ended`}</p>
  if (state === 'stopped') return <p>They were ended.</p>
  if (result === null) return <p className="failure">{problem}</p>
  if (result.fault !== null) return <p className="failure">{result.fault.message}</p>
  if (checks.length === 0)
    return <p className="warn">No checks: nothing will be verified. moose.yaml of {result.branch} names none.</p>
  const failing = checks.filter(({ outcome }) => outcome !== 'passed').length
  return failing === 0 ? (
    <p>All {checks.length} pass: orders can be verified.</p>
  ) : (
    <p className="warn">
      {failing} of {checks.length} fail before any change: orders go on, and these prove nothing unless a change mends
      them.
    </p>
  )
}

function Seen({ run, name }: { run: CheckRun; name: string }) {
  const { notes, output, checks, result } = run
  return (
    <>
      {checks.length === 0 ? null : (
        <ul className="checks">
          {checks.map((check) => (
            <li key={check.name}>
              <Check check={check} />
            </li>
          ))}
        </ul>
      )}
      {result === null ? null : <Found result={result} name={name} />}
      {notes.length === 0 && output === '' ? null : (
        <details open={result === null}>
          <summary>What it says</summary>
          <pre tabIndex={0} aria-label="What set-up and checks print">
            {notes.join('\n')}
            {notes.length === 0 || output === '' ? '' : '\n'}
            {output}
          </pre>
        </details>
      )}
    </>
  )
}

function Check({ check }: { check: Schemas['BaseCheck'] }) {
  const { name, run, outcome, duration_ms: ms, failures, fault, hint, output_tail: tail, told } = check
  const word = OUTCOMES[outcome]
  return (
    <>
      <p className="entry-line">
        <span className={`badge ${outcome === 'passed' ? 'completed' : 'failed'}`}>
          {word === undefined ? outcome : word}
        </span>
        <strong>{name}</strong>
        <span className="quiet">{duration(ms)}</span>
      </p>
      <p>
        <code>{run}</code>
      </p>
      {fault === null ? null : <p className="failure">{fault}</p>}
      {hint === null ? null : <p>{hint}</p>}
      {failures === null || failures.length === 0 ? null : <p>Fails: {failures.slice(0, 5).join(', ')}</p>}
      {told === undefined || told === '' ? null : (
        <pre tabIndex={0} aria-label={`What failed in ${name}`}>
          {told}
        </pre>
      )}
      {outcome === 'passed' || tail === '' || tail === told ? null : (
        <details>
          <summary>Its last lines</summary>
          <pre tabIndex={0} aria-label={`Last lines of ${name}`}>
            {tail}
          </pre>
        </details>
      )}
    </>
  )
}

function Found({ result, name }: { result: Schemas['CheckedProject']; name: string }) {
  const { branch, sha, setup, handed, network } = result
  const { asked, granted, refused } = network
  const isSame = (one: { host: string; for: string }) => (other: { host: string; for: string }) =>
    one.host.toLowerCase() === other.host.toLowerCase() && one.for === other.for
  const missing = asked.filter((one) => !granted.some(isSame(one)))
  const tools = handed.map(({ name: tool, version }) => (version === null ? tool : `${tool} ${version}`))
  return (
    <>
      <p className="quiet">
        {branch} at <code>{sha.slice(0, 12)}</code>
        {setup === null ? ', nothing to set up' : `, set up by ${setup.run} in ${duration(setup.duration_ms)}`}
        {setup?.reused === true ? ' (kept from before)' : ''}
        {tools.length === 0 ? '' : `; handed beside the PATH: ${tools.join(', ')}`}
      </p>
      {refused.length === 0 ? null : (
        <p className="warn">
          Refused:{' '}
          {refused.map(({ host, port, for: use }) => `${host}${port === null ? '' : `:${port}`} (${use})`).join(', ')}
        </p>
      )}
      {missing.length === 0 ? null : (
        <>
          <p className="warn">moose.yaml asks for hosts that are not granted:</p>
          <div className="buttons">
            {missing.map((one) => (
              <GrantHost key={`${one.host} ${one.for}`} name={name} asked={one} />
            ))}
          </div>
        </>
      )}
    </>
  )
}
