import { Command, Option } from 'commander'
import { Fault } from '../../faults/fault.ts'
import { RouteExplanationResponse, RouteReplayResponse } from '../../ports/routing-review.ts'
import { type Cli, withApi } from '../cli.ts'
import { workOrderPath } from '../client/api-client.ts'
import { countUpTo } from '../input/arguments.ts'
import { explanationPage, replayPage } from '../pages/route-page.ts'

type RouteOptions = { explain?: true; replay?: true; limit: number }

const MOST = 1_000

export function routeCommand(cli: Cli): Command {
  return new Command('route')
    .description(
      'Says to which proposer an order would go now and why, without spending anything; or what today’s policy would\n' +
        'have done with past orders.',
    )
    .argument('[id]', 'id, or its first characters (at least 4)')
    .option('--explain', 'with what is expected of every proposer, and past decisions')
    .addOption(new Option('--replay', 'past orders instead of one').conflicts('explain'))
    .option('-n, --limit <count>', `with --replay: the latest so many attempts (1 to ${MOST})`, countUpTo(MOST), 200)
    .addHelpText('after', '\nExamples:\n  $ moose route 1a2b3c4d --explain\n  $ moose route --replay --limit 500')
    .action((id: string | undefined, options: RouteOptions) =>
      id === undefined ? replay(cli, options) : explain(cli, id, options),
    )
}

async function explain(cli: Cli, id: string, { explain: whole, replay: both }: RouteOptions): Promise<void> {
  if (both === true) throw usage('--replay takes no id: it looks at all past orders')
  await withApi(cli, async (api) => {
    const path = `${workOrderPath(id)}/route`
    const answer = await api.call({ method: 'GET', path, answer: RouteExplanationResponse })
    cli.output.document(answer)
    cli.output.line(explanationPage(answer.explanation, { paint: cli.output.paint, whole: whole === true }))
    if (whole !== true) cli.output.note(`See what is expected of every proposer: moose route ${id} --explain`)
  })
}

async function replay(cli: Cli, { replay: wanted, limit }: RouteOptions): Promise<void> {
  if (wanted !== true) throw usage('name an order, or say --replay')
  await withApi(cli, async (api) => {
    const path = `/api/manager/replay?limit=${limit}`
    const answer = await api.call({ method: 'GET', path, answer: RouteReplayResponse })
    cli.output.document(answer)
    if (answer.replay.attempts.length === 0) cli.output.note('No order has been carried out by a model yet.')
    else cli.output.line(replayPage(answer.replay, cli.output.paint))
  })
}

function usage(what: string): Fault {
  return new Fault('request_invalid', `moose route: ${what}. See: moose route --help`)
}
