import { Command, InvalidArgumentError, Option } from 'commander'
import { OrchestratorStatusResponse } from '../../../contract/orchestrator.ts'
import { MOST_AT_ONCE, MOST_IN_ONE, type Places, type PlacesBody, PlacesResponse } from '../../../contract/places.ts'
import { type Cli, withApi } from '../../cli.ts'
import { countUpTo } from '../../input/arguments.ts'

const USUAL = 'usual'
type Asked = number | typeof USUAL

export function placesCommand(cli: Cli): Command {
  return new Command('places')
    .summary('how many attempts may run at once')
    .description(
      'Shows or sets how many attempts may run at once, over all workers of the database, and how many of them in one ' +
        'repository. It counts from the next one on: what runs goes on.',
    )
    .argument(
      '[count]',
      `attempts at once, 1 to ${MOST_AT_ONCE}; usual: as the environment says`,
      orUsual(MOST_AT_ONCE),
    )
    .addOption(
      new Option(
        '--per-repository <count>',
        `of these in one repository, 1 to ${MOST_IN_ONE}; usual: as the environment says, where nothing is said any number`,
      ).argParser(orUsual(MOST_IN_ONE)),
    )
    .addHelpText(
      'after',
      '\nExamples:\n  $ moose places\n  $ moose places 5 --per-repository 2\n  $ moose places usual',
    )
    .action((count: Asked | undefined, { perRepository }: { perRepository?: Asked }) =>
      withApi(cli, async (api) => {
        const body = { ...asked('max_concurrent', count), ...asked('max_per_repository', perRepository) }
        const { places } =
          Object.keys(body).length === 0
            ? {
                places: (
                  await api.call({ method: 'GET', path: '/api/orchestrator', answer: OrchestratorStatusResponse })
                ).status,
              }
            : await api.call({ method: 'PUT', path: '/api/orchestrator/places', body, answer: PlacesResponse })
        const { max_concurrent, max_per_repository } = places
        cli.output.document({ success: true, places: { max_concurrent, max_per_repository } })
        cli.output.line(said({ max_concurrent, max_per_repository }))
      }),
    )
}

function orUsual(most: number): (text: string) => Asked {
  const count = countUpTo(most)
  return (text) => {
    if (text === USUAL) return text
    try {
      return count(text)
    } catch {
      throw new InvalidArgumentError(`It must be a whole number from 1 to ${most}, or ${USUAL}.`)
    }
  }
}

function asked(name: keyof PlacesBody, value: Asked | undefined): PlacesBody {
  if (value === undefined) return {}
  return { [name]: value === USUAL ? null : value }
}

function said({ max_concurrent: most, max_per_repository: within }: Places): string {
  const inOne = within === null ? 'any number of them in one repository' : `at most ${within} of them in one repository`
  return `at most ${most} at once, ${inOne}`
}
