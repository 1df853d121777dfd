import { type ReactNode, useId } from 'react'
import './field.css'

type FieldProps = {
  label: string
  value: string
  change: (value: string) => void
  /** What is said below it while nothing is wrong. */
  hint?: ReactNode
  /** What is wrong with it; null: nothing. */
  problem?: string | null
  disabled?: boolean
  inputMode?: 'decimal' | 'numeric' | 'text'
  placeholder?: string
  /** More than one: it takes lines. */
  rows?: number
}

/** A text to fill in, with what is wrong said as it is typed. */
export function Field({ label, value, change, hint, problem = null, rows = 1, ...more }: FieldProps) {
  const id = useId()
  const said = problem === null ? hint : problem
  const input = {
    ...more,
    id,
    value,
    autoComplete: 'off',
    spellCheck: false,
    'aria-invalid': problem !== null,
    'aria-describedby': said === undefined ? undefined : `${id}-said`,
  }
  return (
    <div className="field">
      <label htmlFor={id}>{label}</label>
      {rows > 1 ? (
        <textarea {...input} rows={rows} onChange={(event) => change(event.target.value)} />
      ) : (
        <input {...input} type="text" onChange={(event) => change(event.target.value)} />
      )}
      {said === undefined ? null : (
        <p id={`${id}-said`} className={problem === null ? 'quiet' : 'failure'}>
          {said}
        </p>
      )}
    </div>
  )
}

type ChoiceProps<Value extends string> = {
  label: string
  value: Value
  change: (value: Value) => void
  options: readonly (readonly [value: Value, words: string])[]
  hint?: string
}

/** One of a few. */
export function Choice<Value extends string>({ label, value, change, options, hint }: ChoiceProps<Value>) {
  const id = useId()
  const choose = (text: string) => {
    const chosen = options.find(([one]) => one === text)
    if (chosen !== undefined) change(chosen[0])
  }
  return (
    <div className="field">
      <label htmlFor={id}>{label}</label>
      <select id={id} value={value} onChange={(event) => choose(event.target.value)}>
        {options.map(([one, words]) => (
          <option key={one} value={one}>
            {words}
          </option>
        ))}
      </select>
      {hint === undefined ? null : <p className="quiet">{hint}</p>}
    </div>
  )
}

/** Why something was not done. */
export function Problem({ error }: { error: Error | null }) {
  if (error === null) return null
  return (
    <p className="failure" role="alert">
      {error.message}
    </p>
  )
}
