import { Dialog } from '@base-ui/react/dialog'
import { Toast } from '@base-ui/react/toast'
import { useMutation } from '@tanstack/react-query'
import { type FormEvent, type ReactNode, useId, useState } from 'react'
import { answer, api, type Schemas } from '../api/client.ts'
import { queryClient } from '../api/queries.ts'
import {
  ANSWER_FORMS,
  changeOf,
  type Fields,
  fieldsOf,
  KINDS,
  type Kind,
  newProposerOf,
  type PriceKind,
} from './proposer-fields.ts'

type Proposer = Schemas['Proposer']

/** Adds a proposer, or changes what is changed here and nothing else. */
export function ProposerForm({ of, close }: { of: Proposer | null; close: () => void }) {
  const toasts = Toast.useToastManager()
  const before = fieldsOf(of)
  const [fields, setFields] = useState(before)
  const saving = useMutation({
    mutationFn: async () => await save(of, fields, before),
    onSuccess: async (said) => {
      close()
      toasts.add({ title: said })
      await queryClient.invalidateQueries()
    },
  })
  const submit = (event: FormEvent) => {
    event.preventDefault()
    saving.mutate()
  }
  return (
    <Dialog.Root open onOpenChange={(opens) => !opens && !saving.isPending && close()}>
      <Dialog.Portal>
        <Dialog.Backdrop className="backdrop" />
        <Dialog.Popup className="dialog provide-wide">
          <Dialog.Title className="dialog-title">{of === null ? 'Add a proposer' : `Edit ${of.name}`}</Dialog.Title>
          <Dialog.Description className="quiet">
            {of === null
              ? 'It is given orders as soon as it is added.'
              : 'What is changed counts from the next call on.'}
          </Dialog.Description>
          <form className="provide-form" onSubmit={submit}>
            <Inputs fields={fields} isNew={of === null} set={(changed) => setFields({ ...fields, ...changed })} />
            {saving.error === null ? null : (
              <p className="failure" role="alert">
                {saving.error.message}
              </p>
            )}
            <div className="buttons end">
              <Dialog.Close disabled={saving.isPending}>Leave it</Dialog.Close>
              <button type="submit" className="primary" disabled={saving.isPending}>
                {saving.isPending ? 'Working …' : of === null ? 'Add it' : 'Save'}
              </button>
            </div>
          </form>
        </Dialog.Popup>
      </Dialog.Portal>
    </Dialog.Root>
  )
}

/** @returns what was done @throws {Error} what the API refuses, or a field that is not of its form */
async function save(of: Proposer | null, fields: Fields, before: Fields): Promise<string> {
  if (of === null) {
    const { proposer } = await answer(api.POST('/api/proposers', { body: newProposerOf(fields) }))
    return `Added ${proposer.name}`
  }
  const body = changeOf(fields, before)
  if (Object.keys(body).length === 0) return `${of.name} stays as it is`
  await answer(api.PATCH('/api/proposers/{name}', { params: { path: { name: of.name } }, body }))
  return `Changed ${of.name}`
}

type InputsProps = { fields: Fields; isNew: boolean; set: (changed: Partial<Fields>) => void }

function Inputs({ fields, isNew, set }: InputsProps) {
  const isCompatible = fields.kind === 'openai-compatible'
  return (
    <>
      <div className="provide-grid">
        {isNew ? (
          <Field label="Name" help="What it is called in commands, orders and pull requests">
            {(at) => <input {...at} required value={fields.name} onChange={(e) => set({ name: e.target.value })} />}
          </Field>
        ) : null}
        <Field label="Kind" help="What is spoken at the other end">
          {(at) => (
            <select
              {...at}
              value={fields.kind}
              onChange={({ target: { value } }) =>
                set({ kind: KINDS.find((one): one is Kind => one === value) ?? fields.kind })
              }
            >
              {KINDS.map((kind) => (
                <option key={kind}>{kind}</option>
              ))}
            </select>
          )}
        </Field>
        <Field label="Model" help="The provider’s own id">
          {(at) => <input {...at} required value={fields.model} onChange={(e) => set({ model: e.target.value })} />}
        </Field>
        <Field label="Address" help={isCompatible ? 'Where it is spoken' : 'Empty: the provider’s own'}>
          {(at) => (
            <input
              {...at}
              type="url"
              required={isCompatible}
              placeholder="https://…/v1"
              value={fields.baseUrl}
              onChange={(e) => set({ baseUrl: e.target.value })}
            />
          )}
        </Field>
        <Field label="Variable of its key" help="Ends in _API_KEY; empty: the usual one of its kind">
          {(at) => <input {...at} value={fields.keyVariable} onChange={(e) => set({ keyVariable: e.target.value })} />}
        </Field>
      </div>
      <Limits fields={fields} set={set} />
      <PriceInputs fields={fields} set={set} />
      <Sent fields={fields} set={set} />
    </>
  )
}

function Limits({ fields, set }: Omit<InputsProps, 'isNew'>) {
  return (
    <div className="provide-grid">
      <Field label="Used up to complexity" help="0 to 1: the highest of an order it is trusted with">
        {(at) => (
          <input
            {...at}
            type="number"
            required
            min={0}
            max={1}
            step="any"
            value={fields.threshold}
            onChange={(e) => set({ threshold: e.target.value })}
          />
        )}
      </Field>
      <Field label="Context" help="Tokens of prompt and answer together; empty: not known">
        {(at) => (
          <input
            {...at}
            type="number"
            min={1}
            step={1}
            value={fields.context}
            onChange={(e) => set({ context: e.target.value })}
          />
        )}
      </Field>
    </div>
  )
}

function Sent({ fields, set }: Omit<InputsProps, 'isNew'>) {
  const isCompatible = fields.kind === 'openai-compatible'
  return (
    <details>
      <summary>What is sent with every call</summary>
      <div className="provide-grid">
        <Field label="Form of the answer" help="In what form a change is asked for; any of them is understood">
          {(at) => (
            <select
              {...at}
              value={fields.answerForm}
              onChange={({ target: { value } }) =>
                set({ answerForm: ANSWER_FORMS.find((one) => one === value) ?? fields.answerForm })
              }
            >
              {ANSWER_FORMS.map((form) => (
                <option key={form}>{form}</option>
              ))}
            </select>
          )}
        </Field>
        <Field label="Headers" help="A line each, Name: value; none that carries a credential">
          {(at) => (
            <textarea {...at} rows={3} value={fields.headers} onChange={(e) => set({ headers: e.target.value })} />
          )}
        </Field>
        <Field label="Further fields of the request" help="A JSON object">
          {(at) => <textarea {...at} rows={3} value={fields.body} onChange={(e) => set({ body: e.target.value })} />}
        </Field>
        {isCompatible ? (
          <Field label="Name of the limit" help="Of the answer; empty: what is known of the model">
            {(at) => (
              <input {...at} value={fields.outputLimit} onChange={(e) => set({ outputLimit: e.target.value })} />
            )}
          </Field>
        ) : null}
      </div>
    </details>
  )
}

const PRICES: readonly { kind: PriceKind; label: string }[] = [
  { kind: 'library', label: 'as the price library knows it' },
  { kind: 'free', label: 'its calls cost nothing' },
  { kind: 'stated', label: 'as stated here, in USD per million tokens' },
]

const RATES = [
  { name: 'input', label: 'Input', help: 'What no cache holds' },
  { name: 'output', label: 'Output', help: 'Reasoning included' },
  { name: 'cacheRead', label: 'Read from the cache', help: 'Empty: as the input' },
  { name: 'cacheWrite', label: 'Written to the cache', help: 'Empty: as the input' },
] as const

function PriceInputs({ fields, set }: Omit<InputsProps, 'isNew'>) {
  return (
    <fieldset>
      <legend>Price</legend>
      {PRICES.map(({ kind, label }) => (
        <label key={kind} className="provide-choice">
          <input type="radio" name="price" checked={fields.price === kind} onChange={() => set({ price: kind })} />
          {label}
        </label>
      ))}
      {fields.price === 'stated' ? (
        <div className="provide-grid">
          {RATES.map(({ name, label, help }) => (
            <Field key={name} label={label} help={help}>
              {(at) => (
                <input
                  {...at}
                  inputMode="decimal"
                  pattern="\d{1,9}(\.\d{1,12})?"
                  title="An amount in USD such as 3 or 0.15"
                  required={name === 'input' || name === 'output'}
                  value={fields[name]}
                  onChange={(e) => set({ [name]: e.target.value })}
                />
              )}
            </Field>
          ))}
        </div>
      ) : null}
    </fieldset>
  )
}

type FieldProps = {
  label: string
  help: string
  children: (at: { id: string; 'aria-describedby': string; autoComplete: string }) => ReactNode
}

function Field({ label, help, children }: FieldProps) {
  const id = useId()
  return (
    <div className="provide-field">
      <label htmlFor={id}>{label}</label>
      {children({ id, 'aria-describedby': `${id}-help`, autoComplete: 'off' })}
      <span id={`${id}-help`} className="quiet">
        {help}
      </span>
    </div>
  )
}
