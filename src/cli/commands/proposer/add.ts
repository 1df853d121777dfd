import { Command, Option } from 'commander'
import { type ProposerChange, ProposerResponse } from '../../../contract/proposers.ts'
import { Fault } from '../../../faults/fault.ts'
import { type Cli, withApi } from '../../cli.ts'
import { changeOf, type ProposerOptions, withProposerOptions } from '../../input/proposer-options.ts'
import { PRESETS, type Preset } from '../../input/proposer-presets.ts'
import { proposerPage } from '../../pages/proposer-page.ts'
import { harmless } from '../../pages/terminal-text.ts'

type AddOptions = ProposerOptions & { preset?: string; paused?: true }

export function proposerAddCommand(cli: Cli): Command {
  const command = new Command('add')
    .summary('add a proposer')
    .description(
      'Adds a model that work orders can be given to. The price is what the price library knows of the model; what it ' +
        'does not know is stated with --input and --output, or --free. A preset fills in kind, address and the ' +
        'variable of the key; what is given beside it goes first.',
    )
    .argument('<name>', 'what it is called in Moose')
    .addOption(new Option('--preset <service>', 'a service that is known').choices(Object.keys(PRESETS)))
  return withProposerOptions(command)
    .option('--paused', 'give it no order yet')
    .addHelpText('after', HELP)
    .action(async (name: string, options: AddOptions) => {
      const body = { name, ...requested(cli, options), ...(options.paused === true ? { active: false } : {}) }
      await withApi(cli, async (api) => {
        const added = await api.call({ method: 'POST', path: '/api/proposers', body, answer: ProposerResponse })
        const { output } = cli
        output.document(added)
        output.line(proposerPage(added.proposer, output.paint))
        const { unavailable } = added.proposer
        if (unavailable?.command) output.note(`First: ${harmless(unavailable.command)}, where Moose is started from`)
        output.note(`See that it answers, by one small call: moose proposer test ${harmless(name)}`)
      })
    })
}

const HELP = `
Examples:
  $ moose proposer add sonnet --kind anthropic --model claude-sonnet-5
  $ moose proposer add qwen --preset openrouter --model qwen/qwen3-coder --header 'X-Title: Moose'
  $ moose proposer add local --preset vllm --model my-model --threshold 0.4
  $ moose proposer add own --kind openai-compatible --base-url https://models.example.com/v1 \\
      --key-variable OWN_API_KEY --model m-1 --input 0.15 --output 0.60`

function requested({ output }: Cli, { preset: service, ...options }: AddOptions): ProposerChange {
  const preset = service === undefined ? undefined : PRESETS[service]
  const given = changeOf(options)
  const filled = preset === undefined ? {} : filledBy(preset, given)
  const whole = { ...filled, ...given }
  if (whole.kind === undefined) throw missing('--kind, or --preset,')
  if (whole.model === undefined) throw missing('--model')
  if (preset !== undefined && preset.own !== null && given.base_url === undefined)
    throw new Fault('request_invalid', `Each account has its own address there. Give it: --base-url ${preset.own}`)
  if (preset !== undefined) output.note(`Filled in by ${service}: ${named(filled)} (${preset.documentation})`)
  return whole
}

function missing(option: string): Fault {
  return new Fault('request_invalid', `${option} is missing. See: moose proposer add --help`)
}

/** What a preset says of what was not given. */
function filledBy(preset: Preset, given: ProposerChange): ProposerChange {
  const { kind, baseUrl, keyVariable, free } = preset
  const all: ProposerChange = {
    kind,
    ...(baseUrl === null ? {} : { base_url: baseUrl }),
    ...(keyVariable === null ? {} : { key_variable: keyVariable }),
    ...(free ? { price: { free } } : {}),
  }
  return Object.fromEntries(Object.entries(all).filter(([field]) => !Object.hasOwn(given, field)))
}

function named({ price, ...filled }: ProposerChange): string {
  const fields = Object.entries(filled).map(([field, value]) => `${field} ${JSON.stringify(value)}`)
  const all = price === undefined ? fields : [...fields, 'free']
  return all.length === 0 ? 'nothing' : all.join(', ')
}
