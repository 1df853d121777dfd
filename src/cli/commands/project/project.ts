import { Command } from 'commander'
import {
  OneProjectResponse,
  ProjectsResponse,
  RemovedProjectResponse,
  ResumedProjectResponse,
} from '../../../contract/projects.ts'
import { type Cli, withApi } from '../../cli.ts'
import { projectPath } from '../../client/api-client.ts'
import { counted } from '../../pages/humanize.ts'
import { isPaused, pauseText, projectPage } from '../../pages/project-page.ts'
import { table } from '../../pages/table.ts'
import { harmless, oneLine } from '../../pages/terminal-text.ts'
import { projectEditCommand } from './project-edit.ts'

const WIDEST = 60

export function projectCommand(cli: Cli): Command {
  const command = new Command('project')
    .description(
      'The repositories work orders are for. A project is added with moose init. Its settings are yours and not the ' +
        'repository’s: base branch, forge, monthly cap, how branches are called, and who commits.',
    )
    .addHelpText('after', HELP)
  for (const part of [
    projectListCommand,
    projectShowCommand,
    projectEditCommand,
    projectResumeCommand,
    projectRemoveCommand,
  ])
    command.addCommand(part(cli))
  return command
}

const HELP = `
Examples:
  $ moose project list
  $ moose project edit shop --branch main
  $ moose project edit shop --author "Ada Lovelace <ada@example.org>" --sign-off
  $ moose project remove shop`

function projectListCommand(cli: Cli): Command {
  return new Command('list')
    .alias('ls')
    .summary('list projects')
    .description('Lists the projects by name.')
    .addHelpText(
      'after',
      '\nExamples:\n  $ moose project list\n  $ moose project list --json | jq -r ".projects[].name"',
    )
    .action(() =>
      withApi(cli, async (api) => {
        const listed = await api.call({ method: 'GET', path: '/api/projects', answer: ProjectsResponse })
        const { output } = cli
        output.document(listed)
        if (listed.projects.length === 0)
          return output.note('No projects yet. Add the repository you are in with: moose init')
        const { paint } = output
        const rows = listed.projects.map(
          ({ name, forge, default_branch: branch, repository, allowed_hosts: hosts }) => [
            paint.bold(harmless(name)),
            forge,
            oneLine(branch, WIDEST),
            oneLine(repository, WIDEST),
            hosts.length === 0 ? 'none' : String(hosts.length),
          ],
        )
        output.line(table([['NAME', 'FORGE', 'BRANCH', 'REPOSITORY', 'HOSTS'].map((head) => paint.dim(head)), ...rows]))
        for (const { name, paused } of listed.projects.filter(isPaused))
          output.line(output.hint(paint.yellow(`${harmless(name)} is paused: ${pauseText(paused)}`)))
      }),
    )
}

function projectShowCommand(cli: Cli): Command {
  return new Command('show')
    .summary('one project with its settings')
    .description('Shows a project with its settings; what is not set is shown as what counts then.')
    .argument('<project>', 'its name')
    .addHelpText('after', '\nExample:\n  $ moose project show shop')
    .action((name: string) =>
      withApi(cli, async (api) => {
        const shown = await api.call({ method: 'GET', path: projectPath(name), answer: OneProjectResponse })
        cli.output.document(shown)
        cli.output.line(cli.output.hint(projectPage(shown.project, cli.output.paint)))
      }),
    )
}

function projectResumeCommand(cli: Cli): Command {
  return new Command('resume')
    .summary('take its orders on again')
    .description(
      'Takes orders of a project on again that was paused because so many in a row failed with one code at one step. Find ' +
        'out why first: the next ones are paid for, and pause it again if they fail too.',
    )
    .argument('<project>', 'its name')
    .addHelpText('after', '\nExample:\n  $ moose project resume shop')
    .action((name: string) =>
      withApi(cli, async (api) => {
        const path = `${projectPath(name)}/pause`
        const answer = await api.call({ method: 'DELETE', path, answer: ResumedProjectResponse })
        cli.output.document(answer)
        const shown = cli.output.paint.bold(harmless(answer.project.name))
        cli.output.line(answer.ended ? `${shown} is taken on again` : `${shown} was not paused`)
      }),
    )
}

function projectRemoveCommand(cli: Cli): Command {
  return new Command('remove')
    .alias('rm')
    .summary('take a project out of use')
    .description(
      'Takes a project out of use: no order of it starts any more, and its name is free. Nothing is deleted: orders, ' +
        'pull requests and costs stay, and the repository is not touched. The same moose init brings it back with its ' +
        'settings. Refused while orders of it are under way or in review.',
    )
    .argument('<project>', 'its name')
    .addHelpText('after', '\nExample:\n  $ moose project remove shop')
    .action((name: string) =>
      withApi(cli, async (api) => {
        const answer = await api.call({ method: 'DELETE', path: projectPath(name), answer: RemovedProjectResponse })
        const { output } = cli
        output.document(answer)
        const { removed } = answer
        output.line(`removed ${output.paint.bold(harmless(removed.name))}; ${kept(removed)}`)
        const place = harmless(removed.repository)
        output.note(`Bring it back with: moose init ${place} --name ${harmless(removed.name)}`)
      }),
    )
}

function kept({ orders, waiting }: { orders: number; waiting: number }): string {
  if (orders === 0) return 'it had no orders'
  const rest = waiting === 0 ? '' : `, ${waiting} of which would still start and do not any more`
  return `${counted(orders, 'order')} and their history are kept${rest}`
}
