/**
 * Writes docs/proposers.md from the schema of a new proposer (`src/contract/proposers.ts`); with `--check`, fails where the
 * file is another: `node scripts/proposers.ts [--check]`.
 */
import { z } from 'zod'
import { PriceBody } from '../src/contract/budget-changes.ts'
import { NewProposer } from '../src/contract/proposers.ts'
import { keepPage, madeBy, markdownTable } from './generated-page.ts'

const COMMAND = 'npm run proposers'

/** What a page can say of a field. */
const Field = z.object({
  type: z.union([z.string(), z.array(z.string())]).optional(),
  anyOf: z.array(z.looseObject({})).optional(),
  enum: z.array(z.string()).optional(),
  minimum: z.number().optional(),
  maximum: z.number().optional(),
  maxLength: z.number().optional(),
  pattern: z.string().optional(),
})
const Group = z.object({
  properties: z.record(z.string(), z.looseObject({ description: z.string().optional() })),
  required: z.array(z.string()).default([]),
})

const NAMES: Record<string, string> = {
  string: 'text',
  array: 'list',
  object: 'group',
  integer: 'whole number',
  boolean: 'true or false',
}

/** Its forms and limits, in words. */
function formOf(schema: unknown): string {
  const field = Field.parse(schema)
  if (field.anyOf !== undefined) return field.anyOf.map(formOf).join(' or ')
  if (field.enum !== undefined) return field.enum.map((word) => `\`${word}\``).join(', ')
  const forms = [field.type].flat().map((name) => NAMES[String(name)] ?? String(name))
  const limits = [
    field.minimum === undefined ? [] : `from ${field.minimum}`,
    field.maximum === undefined ? [] : `to ${field.maximum}`,
    field.maxLength === undefined ? [] : `of at most ${field.maxLength} characters`,
    field.pattern === undefined ? [] : `that fits \`${field.pattern}\``,
  ].flat()
  return [forms.join(' or '), ...limits].join(' ')
}

function table(schema: z.ZodType): string {
  const { properties, required } = Group.parse(z.toJSONSchema(schema, { io: 'input' }))
  const rows = Object.entries(properties).map(([name, field]) => {
    if (field.description === undefined) throw new Error(`${name} has no description.`)
    return [`\`${name}\``, formOf(field), required.includes(name) ? 'yes' : 'no', field.description]
  })
  return markdownTable(['Field', 'Form and limits', 'Needed', 'Meaning'], rows)
}

await keepPage({
  name: 'proposers.md',
  command: COMMAND,
  text: `# The fields of a proposer

${madeBy(COMMAND, 'src/contract/proposers.ts')}

What \`POST /api/proposers\` takes, and a change with \`PATCH /api/proposers/{name}\` but for the name: there what is left out
stays as it is. [Models](models.md) says what they are for and has examples, [moose proposer add](commands.md#moose-proposer-add)
the options of the same meaning.

${table(NewProposer)}

## The price

${table(PriceBody)}
`,
})
