/**
 * Writes docs/moose-yaml.md from the schema of `moose.yaml` (`src/contract/moose-yaml.ts`); with `--check`, fails where the
 * file is another: `node scripts/moose-yaml.ts [--check]`.
 */
import { stringify } from 'yaml'
import { z } from 'zod'
import { mooseYamlJsonSchema } from '../src/contract/moose-yaml.ts'
import { keepPage, madeBy, markdownTable } from './generated-page.ts'

const COMMAND = 'npm run moose-yaml'

/** What a page can say of a key; a key without description or example is an error. */
const Key = z.object({
  description: z.string(),
  examples: z.array(z.unknown()).min(1),
  type: z.union([z.string(), z.array(z.string())]).optional(),
  anyOf: z.array(z.looseObject({})).optional(),
  items: z.looseObject({}).optional(),
  additionalProperties: z.unknown().optional(),
})
const Group = z.object({
  properties: z.record(z.string(), z.unknown()),
  required: z.array(z.string()).default([]),
})

const NAMES: Record<string, string> = {
  string: 'text',
  array: 'list',
  object: 'group',
  integer: 'number',
  null: 'nothing',
}

/** The forms a value may have, in words. */
function formOf(schema: unknown): string {
  const { type, anyOf, items } = z
    .object({ type: Key.shape.type, anyOf: Key.shape.anyOf, items: Key.shape.items })
    .parse(schema)
  if (anyOf !== undefined) return [...new Set(anyOf.map(formOf))].filter((form) => form !== 'nothing').join(' or ')
  const forms = [type].flat().map((name) => NAMES[String(name)] ?? String(name))
  return items === undefined ? forms.join(' or ') : `${forms.join(' or ')} of ${plural(formOf(items))}`
}

function plural(form: string): string {
  return form
    .split(' or ')
    .map((one) => `${one}s`)
    .join(' or ')
}

function table(schema: unknown): string {
  const { properties, required } = Group.parse(schema)
  const rows = Object.entries(properties).map(([name, property]) => {
    const { description } = Key.parse(property)
    return [`\`${name}\``, formOf(property), required.includes(name) ? 'yes' : 'no', description]
  })
  return markdownTable(['Key', 'Form', 'Needed', 'Meaning'], rows)
}

/** The examples of every key, as they are written. */
function examples(schema: unknown): string {
  const { properties } = Group.parse(schema)
  const parts = Object.entries(properties).flatMap(([name, property]) =>
    Key.parse(property).examples.map((example) => stringify({ [name]: example }).trimEnd()),
  )
  return ['```yaml', parts.join('\n---\n'), '```'].join('\n')
}

function page(): string {
  const schema = mooseYamlJsonSchema()
  const { properties } = Group.parse(schema)
  const check = z.object({ items: z.unknown() }).parse(properties['checks']).items
  return `# moose.yaml

${madeBy(COMMAND, 'src/contract/moose-yaml.ts')}

How Moose sets up and checks a repository: a file at its root, of at most 64 KiB, read from the base commit of each attempt.
[Checks](checks.md) says what each part is for. \`moose init\` proposes one; \`moose schema\` prints this as a JSON schema.

## Keys

${table(schema)}

## A check

${table(check)}

What uses them: \`setup\`, \`cache\`, \`env\`, \`context\` and of a check \`name\`, \`run\`, \`timeout\`, \`report\` and \`proves\`, at every
attempt; \`fix\` and \`repair\` where a change fails a check.

## Scripts

\`setup\`, \`run\` and \`fix\` are scripts: one line, or several with \`|\`. A script ends at its first command that fails, in a line
of its own, after a \`;\` or in a pipeline, and its exit code is that command's. It is run with \`bash -e -o pipefail\` where the
\`PATH\` has bash, and else with \`sh -e\`, which sees only the last command of a pipeline; \`moose doctor\` says which.

| Written | Ends there |
|---|---|
| \`false\`, then any other line | yes |
| \`false; echo x\` | yes |
| \`false \\| cat\` | with bash; with \`sh\` no |
| \`out=$(false)\` | yes |
| \`out=$(false; echo x)\` | with \`sh\`; with bash no: what stands in \`$(…)\` goes on there, and its last command decides |
| \`echo $(false)\`, \`export X=$(false)\` | no: the command around it succeeds |
| \`false \\|\\| true\`, \`! false\`, \`if false\`, \`false && x\` | no: the line itself looks at it |
| \`false &\` | no |

So what has to succeed gets a line of its own: \`X=$(a)\`, then \`export X\`.

## Problems

A file that is not valid is refused as a whole, with the line, the field and what is expected for up to 20 problems:

\`\`\`text
moose.yaml:4: checks[0].tiemout is not a known field (did you mean timeout?)
moose.yaml:9: checks[1].run is missing
\`\`\`

## Examples

Of the file, key by key:

${examples(schema)}

Of a check:

${examples(check)}
`
}

await keepPage({ name: 'moose-yaml.md', command: COMMAND, text: page() })
