/**
 * Writes docs/configuration.md from the schema of the settings (`src/config/environment.ts`); with `--check`, fails where the
 * file is another: `node scripts/configuration.ts [--check]`.
 */
import { z } from 'zod'
import { Environment } from '../src/config/environment.ts'
import { CERTIFICATE_VARIABLES, LOGIN_VARIABLES, NETWORK_VARIABLES } from '../src/config/handed-on.ts'
import { KeptDaysRows, OrchestratorRows } from '../src/db/system-config.ts'
import { keepPage, madeBy, markdownTable } from './generated-page.ts'

const COMMAND = 'npm run configuration'

/** What the last words of a name say of its unit. */
const UNITS = {
  _MS: 'milliseconds',
  _BYTES: 'bytes',
  _DAYS: 'days',
  _USD: 'USD',
  _MB: 'megabytes',
  _SECONDS: 'seconds',
}

/** Rows of `system_config` that override no variable. */
const ROWS_ALONE = {
  orchestrator_enabled: '`false`: nothing new is taken on, by any process',
  budget_limits: 'the caps, as JSON; see [budget](budget.md)',
  emergency_stop: '`true`: no model is called; see [budget](budget.md)',
  routing_policy: 'what the Manager learns from past orders, as JSON; see [routing](routing.md)',
}

const Meaning = z.object({
  description: z.string().optional(),
  form: z.string().optional(),
  unset: z.string().optional(),
  row: z.string().optional(),
})
type Meaning = z.infer<typeof Meaning>

/** A schema and those it wraps, outermost first. */
function wrapped(schema: z.core.$ZodType): z.core.$ZodType[] {
  if (schema instanceof z.ZodOptional || schema instanceof z.ZodDefault || schema instanceof z.ZodPrefault)
    return [schema, ...wrapped(schema.def.innerType)]
  return schema instanceof z.ZodPipe ? [schema, ...wrapped(schema.def.in)] : [schema]
}

function meaningOf(schema: z.core.$ZodType): Meaning {
  return Meaning.parse(z.globalRegistry.get(schema) ?? {})
}

function formOf(name: string, schemas: readonly z.core.$ZodType[]): string {
  const stated = schemas.map((schema) => meaningOf(schema).form).find((form) => form !== undefined)
  const choice = schemas.find((schema) => schema instanceof z.ZodEnum)
  const form = stated ?? choice?.options.map((option) => `\`${String(option)}\``).join(', ') ?? 'text'
  const unit = Object.entries(UNITS).find(([ending]) => name.endsWith(ending))
  return unit === undefined ? form : `${unit[1]}: ${form}`
}

function defaultOf(name: string, schemas: readonly z.core.$ZodType[], { unset }: Meaning): string {
  const [value] = schemas.flatMap((schema) => (schema instanceof z.ZodDefault ? [schema.def.defaultValue] : []))
  if (value !== undefined) return `\`${JSON.stringify(value).replaceAll('"', '')}\``
  if (unset === undefined) throw new Error(`${name} has neither a default nor says what holds without one.`)
  return unset
}

function cellsOf(name: string, schema: z.core.$ZodType): string[] {
  const schemas = wrapped(schema)
  const meaning = meaningOf(schema)
  const { description, row } = meaning
  if (description === undefined) throw new Error(`${name} has no description.`)
  const cells = [`\`${name}\``, description, formOf(name, schemas), defaultOf(name, schemas, meaning)]
  return [...cells, row === undefined ? '–' : `\`${row}\``]
}

/** A row that is named must be one that is read, and the other way round. */
function assertSameRows(): void {
  const named = Object.values(Environment.shape).flatMap((schema) => meaningOf(schema).row ?? [])
  const known = [...named, ...Object.keys(ROWS_ALONE)]
  const read = [...Object.keys(OrchestratorRows.shape), ...Object.keys(KeptDaysRows.shape)]
  const wrong = [...read.filter((row) => !known.includes(row)), ...named.filter((row) => !read.includes(row))]
  if (wrong.length > 0) throw new Error(`Rows of system_config that are only read, or only named: ${wrong.join(', ')}`)
}

function page(): string {
  assertSameRows()
  const names = (list: readonly string[]) => list.map((name) => `\`${name}\``).join(', ')
  return `# Configuration

${madeBy(COMMAND, 'src/config/environment.ts')}

Moose is configured by environment variables. An empty one counts as unset. A malformed value is an error that names every
malformed variable, never a default. A row of \`system_config\` overrides its variable for all processes of a database,
without a restart.

${markdownTable(
  ['Variable', 'Meaning', 'Value', 'Default', 'Row of `system_config`'],
  Object.entries(Environment.shape).map(([name, schema]) => cellsOf(name, schema)),
)}

## Rows of \`system_config\` that have no variable

${markdownTable(
  ['Row', 'Meaning'],
  Object.entries(ROWS_ALONE).map(([row, meaning]) => [`\`${row}\``, meaning]),
)}

## Variables that are passed on

- To \`gh auth token\`, which reads the login of your \`gh\`: ${names(LOGIN_VARIABLES)}.
- To git and gh, and to reach the providers of models and a Manager or Proposer of your own: ${names(NETWORK_VARIABLES)}.
- To set-ups and checks, which reach the net [through a proxy of Moose's own](checks.md#network): of these the certificates, and
  ${names(CERTIFICATE_VARIABLES)}.
- To the installation of Aider: \`HOME\`, \`PATH\`, \`LANG\`, all \`PIP_…\` and \`UV_…\`, the proxy variables, and those that name
  certificates.
`
}

await keepPage({ name: 'configuration.md', command: COMMAND, text: page() })
