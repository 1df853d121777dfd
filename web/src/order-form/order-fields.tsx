import { useQuery } from '@tanstack/react-query'
import { type ReactNode, useState } from 'react'
import { ORDER_FIELDS } from '../../generated/order-fields.ts'
import { projectsQuery } from '../api/queries.ts'
import { fieldOf, type Problem, sentenceOf } from './checking.ts'
import type { Fields } from './draft.ts'
import { FileField } from './file-field.tsx'
import './order-form.css'

type OrderFieldsProps = {
  fields: Fields
  change: (fields: Fields) => void
  problems: readonly Problem[]
  warnings: readonly Problem[]
  /** Also of what was not touched yet. */
  tellAll: boolean
  /** Why what is approved cannot be changed, and why the budget cannot; null: it can. */
  fixed?: { content: string | null; budget: string | null }
}

/** What the fields share. */
type Form = {
  fields: Fields
  set: (part: Partial<Fields>) => void
  /** What is told to be wrong with a field. */
  told: (name: string) => readonly Problem[]
  touch: (name: string) => void
}

/** The form of an order: the words of its help are those of the contract, what is wrong is what the API says. */
export function OrderFields({ fields, change, problems, warnings, tellAll, fixed = FREE }: OrderFieldsProps) {
  const [touched, setTouched] = useState<ReadonlySet<string>>(new Set())
  const form: Form = {
    fields,
    set: (part) => change({ ...fields, ...part }),
    told: (name) => problems.filter((problem) => fieldOf(problem) === name && (tellAll || touched.has(name))),
    touch: (name) => setTouched((before) => new Set([...before, name])),
  }
  return (
    <>
      <fieldset className="form-group" disabled={fixed.content !== null}>
        <TypedField form={form} name="title" part="title" label="Title" placeholder="Greet in French" />
        <ProjectField form={form} />
        <TypedField form={form} name="description" part="description" label="Description" rows={6} />
        <TypedField
          form={form}
          name="acceptance_criteria"
          part="criteria"
          label="Acceptance criteria"
          rows={4}
          placeholder="greet('fr') says Bonjour"
        />
        <FileField
          files={fields.files}
          change={(files) => {
            form.touch('files_in_scope')
            form.set({ files })
          }}
          project={useOwnProject(fields.project)}
          problems={form.told('files_in_scope')}
          warnings={warnings.filter((warning) => fieldOf(warning) === 'files_in_scope')}
        />
        <TypedField
          form={form}
          name="context"
          part="context"
          label="Files to read"
          rows={2}
          placeholder="docs/style.md"
          note={warned(warnings, 'context')}
        />
        <DependsField form={form} />
        <RiskField form={form} />
      </fieldset>
      <fieldset className="form-group" disabled={fixed.budget !== null}>
        <TypedField
          form={form}
          name="budget_usd"
          part="budget"
          label="Budget in USD"
          placeholder="as any order"
          note={fixed.budget}
          isAmount
        />
      </fieldset>
    </>
  )
}

/** What is probably not meant with a field, in words; null: nothing. */
function warned(warnings: readonly Problem[], name: string): string | null {
  const told = warnings.filter((warning) => fieldOf(warning) === name)
  return told.length === 0 ? null : told.map(sentenceOf).join(' ')
}

type TypedFieldProps = {
  form: Form
  /** As the contract calls it, and as the form does. */
  name: keyof typeof ORDER_FIELDS
  part: 'title' | 'description' | 'criteria' | 'context' | 'dependsOn' | 'budget'
  label: string
  placeholder?: string
  note?: string | null
  /** Left out: one line. */
  rows?: number
  isAmount?: boolean
}

function TypedField({ form, name, part, label, placeholder, note = null, rows, isAmount = false }: TypedFieldProps) {
  const { fields, set, told, touch } = form
  return (
    <Field name={name} label={label} problems={told(name)} note={note}>
      {(described) => {
        const typed = {
          ...described,
          className: `form-input ${isAmount ? 'form-amount' : ''}`,
          value: fields[part],
          placeholder,
          onChange: ({ target }: { target: { value: string } }) => set({ [part]: target.value }),
          onBlur: () => touch(name),
        }
        return rows === undefined ? (
          <input {...typed} inputMode={isAmount ? 'decimal' : 'text'} />
        ) : (
          <textarea {...typed} rows={rows} />
        )
      }}
    </Field>
  )
}

function DependsField({ form }: { form: Form }) {
  return <TypedField form={form} name="depends_on" part="dependsOn" label="Waits for" rows={2} placeholder="1a2b3c4d" />
}

function RiskField({ form: { fields, set, told } }: { form: Form }) {
  return (
    <Field name="risk_level" label="Risk" problems={told('risk_level')}>
      {(described) => (
        <select {...described} value={fields.risk} onChange={({ target }) => set({ risk: target.value })}>
          {ORDER_FIELDS.risk_level.choices.map((risk) => (
            <option key={risk}>{risk}</option>
          ))}
        </select>
      )}
    </Field>
  )
}

const FREE = { content: null, budget: null }

type Described = { id: string; 'aria-describedby': string; 'aria-invalid': boolean }
type FieldProps = {
  name: keyof typeof ORDER_FIELDS
  label: string
  problems: readonly Problem[]
  note?: string | null
  children: (described: Described) => ReactNode
}

function Field({ name, label, problems, note = null, children }: FieldProps) {
  const id = `form-${name}`
  const isWrong = problems.length > 0
  const described = `${id}-help${isWrong ? ` ${id}-problem` : ''}`
  return (
    <div className="form-field">
      <label className="form-label" htmlFor={id}>
        {label}
      </label>
      <p className="quiet form-help" id={`${id}-help`}>
        {ORDER_FIELDS[name].help}.{note === null ? '' : ` ${note}.`}
      </p>
      {children({ id, 'aria-describedby': described, 'aria-invalid': isWrong })}
      {isWrong ? (
        <ul className="form-problems failure" id={`${id}-problem`}>
          {problems.map((problem) => (
            <li key={`${problem.field} ${problem.reason}`}>{sentenceOf(problem)}</li>
          ))}
        </ul>
      ) : null}
    </div>
  )
}

/** Not asked for where there is one project and the order names none. */
function ProjectField({ form: { fields, set, told, touch } }: { form: Form }) {
  const { data: projects } = useQuery(projectsQuery)
  if (projects === undefined || (projects.length === 1 && fields.project === '')) return null
  if (projects.length === 0) return <p className="warn">There is no project yet: the order waits for the first one.</p>
  const isGone = fields.project !== '' && projects.every(({ name }) => name !== fields.project)
  return (
    <Field name="project" label="Project" problems={told('project')}>
      {(described) => (
        <select
          {...described}
          value={fields.project}
          onChange={({ target }) => set({ project: target.value })}
          onBlur={() => touch('project')}
        >
          {projects.length === 1 ? null : <option value="">choose one</option>}
          {isGone ? <option>{fields.project}</option> : null}
          {projects.map(({ name }) => (
            <option key={name}>{name}</option>
          ))}
        </select>
      )}
    </Field>
  )
}

/** The project an order is for; null: that is not known yet. */
function useOwnProject(chosen: string): string | null {
  const { data: projects } = useQuery(projectsQuery)
  if (chosen !== '') return chosen
  const [only, second] = projects === undefined ? [] : projects
  return only !== undefined && second === undefined ? only.name : null
}
