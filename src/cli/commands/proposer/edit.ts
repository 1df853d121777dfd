import { isDeepStrictEqual } from 'node:util'
import { Command, Option } from 'commander'
import { ProposerResponse, ProposersResponse, type ProposerView } from '../../../contract/proposers.ts'
import { Fault } from '../../../faults/fault.ts'
import { type Cli, withApi } from '../../cli.ts'
import { proposerPath } from '../../client/api-client.ts'
import { changeOf, type ProposerOptions, withProposerOptions } from '../../input/proposer-options.ts'
import { harmless, oneLine } from '../../pages/terminal-text.ts'

export function proposerEditCommand(cli: Cli): Command {
  const command = new Command('edit')
    .summary('change a proposer')
    .description('Changes what is given and nothing else; it counts from the next call on.')
    .argument('<proposer>', 'the proposer')
  return withProposerOptions(command)
    .addOption(
      new Option('--library', 'the price is what the price library knows').conflicts(['free', 'input', 'output']),
    )
    .option('--remove-header <name...>', 'no longer send these headers')
    .addOption(new Option('--no-headers', 'send no extra header').conflicts(['header', 'removeHeader']))
    .option('--remove-body <field...>', 'no longer send these fields')
    .addOption(new Option('--no-body', 'send no extra field').conflicts(['removeBody']))
    .addHelpText('after', HELP)
    .action(async (name: string, options: ProposerOptions) => {
      const body = changeOf(options)
      if (Object.keys(body).length === 0) throw new Fault('request_invalid', NOTHING)
      await withApi(cli, async (api) => {
        const path = proposerPath(name)
        // A row that is malformed cannot be shown before, and can be mended all the same.
        const { proposers } = await api.call({ method: 'GET', path: '/api/proposers', answer: ProposersResponse })
        const edited = await api.call({ method: 'PATCH', path, body, answer: ProposerResponse })
        cli.output.document(edited)
        const before = proposers.find((proposer) => proposer.name === name)
        report(cli, before, edited.proposer)
      })
    })
}

const NOTHING = 'Nothing to change. Give an option such as --threshold 0.6. See: moose proposer edit --help'

const HELP = `
Examples:
  $ moose proposer edit sonnet --threshold 0.9
  $ moose proposer edit own --base-url 'https://models.example.com/v1?api-version=2' --key-variable OWN_API_KEY
  $ moose proposer edit own --output-limit-parameter max_completion_tokens --body 'reasoning_effort="low"'`

const FIELDS = [
  'kind',
  'model',
  'base_url',
  'key_variable',
  'complexity_threshold',
  'price',
  'context_tokens',
  'output_limit_parameter',
  'answer_form',
  'extra_headers',
  'extra_body',
] as const

function report({ output }: Cli, before: ProposerView | undefined, after: ProposerView): void {
  const changed = before === undefined ? [] : FIELDS.filter((field) => !isDeepStrictEqual(before[field], after[field]))
  const word = before === undefined || changed.length > 0 ? 'edited' : 'unchanged'
  output.line(`${word} ${output.paint.bold(harmless(after.name))}`)
  for (const field of changed)
    output.line(`  ${output.paint.dim(field)}  ${shown(before?.[field])} → ${shown(after[field])}`)
  const { unavailable } = after
  if (unavailable !== null)
    output.note(
      `It cannot be called: ${harmless(unavailable.reason)}.${unavailable.command === null ? '' : ` Next: ${harmless(unavailable.command)}`}`,
    )
}

function shown(value: unknown): string {
  if (value === null || value === undefined) return 'none'
  return oneLine(typeof value === 'string' ? value : JSON.stringify(value), 200)
}
