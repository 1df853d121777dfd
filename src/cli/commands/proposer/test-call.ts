import { Command } from 'commander'
import { ProposerTestResponse } from '../../../contract/proposers.ts'
import { type Cli, withApi } from '../../cli.ts'
import { proposerPath } from '../../client/api-client.ts'
import { testPage } from '../../pages/proposer-page.ts'
import { harmless } from '../../pages/terminal-text.ts'

export function proposerTestCommand(cli: Cli): Command {
  return new Command('test')
    .summary('make the smallest real call')
    .description(
      'Asks a proposer for one word, and says what came back, what it cost, and whether Moose understands how the server ' +
        'counts, streams and ends. The call is reserved and booked as every other, and belongs to no order. It is made ' +
        'also while the proposer or its provider is paused; an answer ends the pause of the provider. What it can cost at most stands in: moose proposer show',
    )
    .argument('<proposer>', 'the proposer')
    .addHelpText('after', '\nExample:\n  $ moose proposer test sonnet')
    .action((name: string) =>
      withApi(cli, async (api) => {
        const { output } = cli
        const tested = await waitingFor(cli, name, () =>
          api.call({ method: 'POST', path: `${proposerPath(name)}/test`, answer: ProposerTestResponse }),
        )
        output.document(tested)
        output.line(`${output.paint.bold(harmless(tested.test.proposer))}  ${harmless(tested.test.model)}`)
        output.line(testPage(tested.test, output.paint))
        if (tested.test.pause_ended) output.note('Its provider was paused, and is called again.')
      }),
    )
}

async function waitingFor<Value>({ output }: Cli, name: string, work: () => Promise<Value>): Promise<Value> {
  using _waiting = output.spinner(`asking ${harmless(name)}`)
  return await work()
}
