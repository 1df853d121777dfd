import { Argument, Command } from 'commander'
import { type ChangedPrice, type PriceBody, PriceResponse } from '../../../contract/budget-changes.ts'
import { Fault } from '../../../faults/fault.ts'
import { type Cli, withApi } from '../../cli.ts'
import { proposerPath } from '../../client/api-client.ts'
import { type RateOptions, ratesOf, usdArgument } from '../../input/arguments.ts'
import { usd } from '../../pages/humanize.ts'
import { harmless } from '../../pages/terminal-text.ts'

type Word = 'free' | 'library' | undefined

export function budgetPriceCommand(cli: Cli): Command {
  return new Command('price')
    .summary('state what a proposer costs')
    .description(
      'States the price of a proposer, instead of what the price library knows: for models it does not know, for local ' +
        'ones that cost nothing, for prices of your own.',
    )
    .argument('<proposer>', 'its name, as moose proposer list shows it')
    .addArgument(
      new Argument('[price]', 'free: it costs nothing; library: as the price library knows it').choices([
        'free',
        'library',
      ]),
    )
    .option('--input <usd>', 'USD per million tokens of input', usdArgument)
    .option('--output <usd>', 'USD per million tokens of output', usdArgument)
    .option('--cache-read <usd>', 'the same, read from the cache; left out: as input', usdArgument)
    .option('--cache-write <usd>', 'the same, written to the cache; left out: as input', usdArgument)
    .addHelpText('after', HELP)
    .action(async (name: string, word: Word, rates: RateOptions) => {
      const body = requested(word, rates)
      await withApi(cli, async (api) => {
        const path = `${proposerPath(name)}/price`
        const changed = await api.call({ method: 'PUT', path, body, answer: PriceResponse })
        cli.output.document(changed)
        cli.output.line(said(changed))
        if (changed.price === null) cli.output.note(UNKNOWN)
      })
    })
}

const HELP = `
Examples:
  $ moose budget price local-qwen free
  $ moose budget price my-model --input 0.15 --output 0.60
  $ moose budget price claude-sonnet-4-5 library`

const UNKNOWN =
  'Its price is unknown, and its calls are refused until you state one with --input and --output, or free.'

function requested(word: Word, options: RateOptions): PriceBody {
  const { input, output } = options
  const rates = ratesOf(options)
  if (word === undefined ? input === undefined || output === undefined : rates.length > 0) {
    throw new Fault(
      'request_invalid',
      'Give free, or library, or both --input and --output. See: moose budget price --help',
    )
  }
  if (word === undefined) return Object.fromEntries(rates)
  return word === 'free' ? { free: true } : { library: true }
}

const SOURCES = { free: 'free', operator: 'as stated', library: 'as the price library knows it' }

function said({ proposer, price }: ChangedPrice): string {
  const name = harmless(proposer)
  if (price === null) return `${name}: price unknown`
  if (price.source === 'free') return `${name}: free`
  const cache = `${usd(price.cache_read_per_million)} read from the cache, ${usd(price.cache_write_per_million)} written`
  return `${name}: ${usd(price.input_per_million)} in, ${usd(price.output_per_million)} out per million tokens (${cache}), ${SOURCES[price.source]}`
}
