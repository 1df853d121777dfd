import { useQuery } from '@tanstack/react-query'
import { useState } from 'react'
import type { Schemas } from '../api/client.ts'
import { triesQuery, tryQuery } from '../api/queries.ts'
import { Empty, Failed, Loading } from '../ui/states.tsx'
import { Clock, duration, usd } from '../ui/words.tsx'
import './tries.css'
import { Said } from './tries-said.tsx'

/** Every call to a model, with what it was told and what it said. */
export function Tries({ id }: { id: string }) {
  const { data, error, refetch } = useQuery(triesQuery(id))
  if (data === undefined && error !== null) return <Failed error={error} retry={() => void refetch()} />
  if (data === undefined) return <Loading what="the calls" />
  if (data.tries.length === 0) return <Empty>No model was called yet, or the call is still under way.</Empty>
  return (
    <>
      {data.left_out === 0 ? null : <p className="quiet">{data.left_out} older ones are left out.</p>}
      <ol className="tries">
        {data.tries.toReversed().map((one) => (
          <Try key={`${one.attempt} ${one.number}`} id={id} one={one} />
        ))}
      </ol>
    </>
  )
}

function Try({ id, one }: { id: string; one: Schemas['ModelTry'] }) {
  const { attempt, number, step, model, proposer, cost_usd: cost, error_code: code } = one
  const anchor = `try-${attempt === null ? 0 : attempt}-${number}`
  // A link may name one.
  const [isLinked] = useState(() => window.location.hash === `#${anchor}`)
  const [isOpen, setOpen] = useState(isLinked)
  return (
    <li id={anchor}>
      <details open={isLinked} onToggle={({ currentTarget }) => setOpen(currentTarget.open)}>
        <summary>
          <span className="try-sum">
            <strong>
              {attempt === null ? 'outside of an attempt' : `attempt ${attempt}`}, try {number}
            </strong>
            <span>{step}</span>
            <span>
              {proposer} · {model}
            </span>
            <span>
              {one.input_tokens.toLocaleString()} → {one.output_tokens.toLocaleString()} tokens
            </span>
            <span>{duration(one.duration_ms)}</span>
            <span>{cost === null ? 'cost not known' : usd(cost)}</span>
            {one.replayed ? <span>replay: no model was called</span> : null}
            {code === null ? null : <span className="badge failed">{code}</span>}
            <Clock at={one.started_at} />
          </span>
        </summary>
        {isOpen ? <TryTexts id={id} attempt={attempt === null ? 0 : attempt} number={number} /> : null}
      </details>
    </li>
  )
}

const WORDS: Readonly<Record<string, string>> = {
  system: 'System: the rules',
  user: 'User: what is asked',
  assistant: 'Assistant: an answer before',
}

function TryTexts({ id, attempt, number }: { id: string; attempt: number; number: number }) {
  const { data, error, refetch } = useQuery(tryQuery(id, attempt, number))
  if (data === undefined && error !== null) return <Failed error={error} retry={() => void refetch()} />
  if (data === undefined) return <Loading what="prompt and answer" />
  const { prompt, answer } = data
  return (
    <div className="try-parts">
      <h3>Prompt</h3>
      {prompt.messages === null ? <p className="quiet">{prompt.reason}</p> : null}
      {prompt.messages?.map(({ role, text, left_out }, index) => {
        const who = WORDS[role]
        return (
          // In the order they were told; none moves.
          // oxlint-disable-next-line react/no-array-index-key
          <Said
            key={index}
            speaker={role}
            who={who === undefined ? role : who}
            text={text}
            leftOut={left_out}
            isOpen={false}
          />
        )
      })}
      <h3>Answer</h3>
      {answer.text === null ? (
        <p className="quiet">{answer.reason}</p>
      ) : (
        <Said speaker="answer" who={data.model} text={answer.text} leftOut={answer.left_out} isOpen />
      )}
    </div>
  )
}
