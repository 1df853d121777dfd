import { block } from '../../support/aider-bench.ts'

/** A change of a part of a file, or a new file: what a model is to answer, whoever asks and in whatever form. */
export type TokenOrder = { title: string; file: string; before: string; after: string }

const FUNCTION_LINES = 6

/** One function of a made-up module; every line of it is unique in its file. */
function functionOf(module: string, number: number, version: string): string {
  const name = `${module}Step${number}`
  return `/** Step ${number} of ${module}, ${version}. */
export function ${name}(input: readonly number[]): number {
  const chosen${number} = input.filter((value) => value % ${number + 2} !== 0)
  return chosen${number}.reduce((sum, value) => sum + value * ${number}, ${number})
}
`
}

function functionsOf(module: string, from: number, to: number, version: string): string {
  const numbers = Array.from({ length: to - from }, (_, index) => from + index)
  return numbers.map((number) => functionOf(module, number, version)).join('\n')
}

type Size = { module: string; lines: number; changed: number }

/** Small, medium and large files, of which some functions are written anew; and a file that is new. */
const SIZES: readonly Size[] = [
  { module: 'prices', lines: 60, changed: 1 },
  { module: 'orders', lines: 200, changed: 3 },
  { module: 'ledger', lines: 400, changed: 5 },
]
const NEW_FUNCTIONS = 10

const countOf = ({ lines }: Size) => Math.floor(lines / FUNCTION_LINES)
const fileOf = (module: string) => `src/${module}.ts`

export const TOKEN_FILES = Object.fromEntries(
  SIZES.map((size) => [fileOf(size.module), functionsOf(size.module, 0, countOf(size), 'first version')]),
)

export const TOKEN_ORDERS: readonly TokenOrder[] = [
  ...SIZES.map((size) => {
    const { module, changed } = size
    const from = Math.floor(countOf(size) / 2)
    const part = (version: string) => functionsOf(module, from, from + changed, version)
    const title = `Rewrite ${changed} of the steps of ${module}`
    return { title, file: fileOf(module), before: part('first version'), after: part('second version') }
  }),
  {
    title: 'Add the steps of refunds',
    file: fileOf('refunds'),
    before: '',
    after: functionsOf('refunds', 0, NEW_FUNCTIONS, 'first version'),
  },
]

/** The same answer where the model has misquoted what it wants to replace. */
export function misquoted(order: TokenOrder): TokenOrder {
  return { ...order, before: `${'// this line is in no file\n'.repeat(3)}${order.before}` }
}

const bare = (text: string) => text.replace(/\n$/, '')

/** Moose's own edit format (src/edits/format-guide.ts). */
export function asEdits({ file, before, after }: TokenOrder): string {
  if (before === '') return `### write ${file}\n\`\`\`\n${after}\`\`\`\n`
  return `### edit ${file}\n<<<<<<< SEARCH\n${before}=======\n${after}>>>>>>> REPLACE\n`
}

/** What the Proposer is asked for where Aider makes the edits: the path and the new code, complete, and where it goes. */
export function asText({ file, before, after }: TokenOrder): string {
  const where = before === '' ? `A new file, ${file}:` : `In ${file}, in place of the functions of the same names:`
  return `${where}\n\n\`\`\`ts\n${after}\`\`\`\n`
}

/** Aider's `diff` format. */
export function asAiderBlocks({ file, before, after }: TokenOrder): string {
  return block(file, bare(before), bare(after))
}
