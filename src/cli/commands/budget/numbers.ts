import { Command, Option } from 'commander'
import { NumbersResponse, type NumbersTable, TABLE_NAMES } from '../../../contract/numbers.ts'
import { Fault } from '../../../faults/fault.ts'
import { type Cli, withApi } from '../../cli.ts'
import { numbersPage, tablePage } from '../../pages/numbers-page.ts'

type Options = { from?: string; to?: string; project?: string; tz?: string; by?: NumbersTable; csv?: true }

export function numbersCommand(cli: Cli): Command {
  return new Command('numbers')
    .description(
      'Shows what was spent in a range of days and what came of it: money by day, project and model, the cost of a merged pull ' +
        'request, rates, where time went, failures by kind, and proposers compared. Money is that of the ledger, as in moose budget.',
    )
    .option('--from <day>', 'the first day, such as 2026-01-31; 30 days in all without it')
    .option('--to <day>', 'the last day, which is in the range; today without it')
    .option('--project <name>', 'of one project alone')
    .option('--tz <zone>', 'whose days they are, such as Europe/Berlin; UTC without it')
    .addOption(new Option('--by <table>', 'one table alone, whole').choices(TABLE_NAMES))
    .option('--csv', 'the table of --by as CSV')
    .addHelpText('after', HELP)
    .action(({ by, csv, ...options }: Options) =>
      withApi(cli, async (api) => {
        const query = new URLSearchParams(options).toString()
        const { output } = cli
        if (csv === true) {
          if (by === undefined || output.json) throw new Fault('request_invalid', CSV_OF_ONE)
          return output.verbatim(await api.text(`/api/numbers/${by}?format=csv&${query}`, 'text/csv'))
        }
        const answer = await api.call({ method: 'GET', path: `/api/numbers?${query}`, answer: NumbersResponse })
        output.document(answer)
        const { numbers } = answer
        output.line(by === undefined ? numbersPage(numbers, output) : tablePage(numbers, by, output))
      }),
    )
}

const CSV_OF_ONE = `--csv prints one table, without --json. Name it with: moose numbers --csv --by ${TABLE_NAMES.join('|')}`

const HELP = `
Examples:
  $ moose numbers
  $ moose numbers --from 2026-01-01 --project hello --by merges
  $ moose numbers --tz Europe/Berlin --by days --csv > days.csv`
