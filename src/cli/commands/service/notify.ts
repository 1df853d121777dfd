import { Command, Option } from 'commander'
import {
  EndpointResponse,
  EndpointsResponse,
  type EndpointView,
  type NewEndpoint,
  NewEndpointResponse,
  NOTIFICATION_KINDS,
  TestedEndpointResponse,
} from '../../../contract/notifications/endpoints.ts'
import { type Cli, withApi } from '../../cli.ts'
import type { Paint } from '../../pages/output.ts'
import { table } from '../../pages/table.ts'
import { harmless, oneLine } from '../../pages/terminal-text.ts'

const PATH = '/api/notifications'
const LONGEST_ERROR = 60

export function notifyCommand(cli: Cli): Command {
  const command = new Command('notify')
    .description(
      'Where events of work orders are sent: webhooks signed as Standard Webhooks says, messages for Slack and its likes, or a ' +
        'comment on the pull request on GitHub. ' +
        'What is not taken is tried again for eight hours or more; no order waits for that.',
    )
    .addHelpText('after', HELP)
  for (const part of [listCommand, addCommand, removeCommand, testCommand]) command.addCommand(part(cli))
  return command
}

const HELP = `
Examples:
  $ moose notify add ops https://example.com/hooks/moose
  $ moose notify add team https://hooks.slack.com/services/… --slack --kind escalation.opened pull_request.opened
  $ moose notify add comments --github
  $ moose notify test ops
  $ moose notify remove ops`

const example = (line: string) => `\nExample:\n  $ ${line}`

function listCommand(cli: Cli): Command {
  return new Command('list')
    .alias('ls')
    .summary('list where events are sent')
    .description('Lists where events are sent, and what became of those of the last 30 days.')
    .addHelpText('after', example('moose notify list'))
    .action(() =>
      withApi(cli, async (api) => {
        const listed = await api.call({ method: 'GET', path: PATH, answer: EndpointsResponse })
        const { output } = cli
        output.document(listed)
        if (listed.endpoints.length === 0)
          return output.note('Events are sent nowhere. Add an address: moose notify add')
        output.line(endpointTable(listed.endpoints, output.paint))
      }),
    )
}

function endpointTable(endpoints: readonly EndpointView[], paint: Paint): string {
  const heads = ['NAME', 'URL', 'KINDS', 'PROJECTS', 'SENT', 'WAITING', 'GIVEN UP', 'LAST ERROR'].map((head) =>
    paint.dim(head),
  )
  const rows = endpoints.map((endpoint) => [
    paint.bold(endpoint.name),
    endpoint.url === null ? 'pull requests on GitHub' : harmless(endpoint.url),
    endpoint.kinds.length === 0 ? 'all' : endpoint.kinds.join(', '),
    endpoint.projects.length === 0 ? 'all' : oneLine(endpoint.projects.join(', '), LONGEST_ERROR),
    String(endpoint.delivered),
    String(endpoint.waiting),
    endpoint.dead === 0 ? '0' : paint.red(String(endpoint.dead)),
    endpoint.last_error === null ? '' : oneLine(endpoint.last_error, LONGEST_ERROR),
  ])
  return table([heads, ...rows])
}

type AddOptions = { slack?: true; github?: true; kind?: NewEndpoint['kinds']; project?: string[] }

function addCommand(cli: Cli): Command {
  return new Command('add')
    .summary('have events sent to an address; its secret is shown this once')
    .description(
      'Has events sent to an address from now on, and prints the secret that signs them, this once: the receiver verifies with ' +
        'it. With --slack nothing is signed, and the address itself is the secret. With --github there is no address: each event ' +
        'brings one comment on the pull request of its order up to date, with phase, cost and link.',
    )
    .argument('<name>', 'what it is called')
    .argument('[url]', 'https; http only to this machine; none with --github')
    .option('--slack', 'messages in the form that Slack, Mattermost and their likes take')
    .addOption(new Option('--github', 'one comment on each pull request on GitHub, edited in place').conflicts('slack'))
    .addOption(new Option('--kind <kind...>', 'these kinds of events alone').choices(NOTIFICATION_KINDS))
    .option('--project <name...>', 'events of these projects alone')
    .addHelpText('after', example('moose notify add ops https://example.com/hooks/moose'))
    .action((name: string, url: string | undefined, { slack, github, kind = [], project = [] }: AddOptions) =>
      withApi(cli, async (api) => {
        const format = github === true ? 'github' : slack === true ? 'slack' : 'standard'
        const body: NewEndpoint = {
          name,
          ...(url === undefined ? {} : { url }),
          format,
          kinds: kind,
          projects: project,
        }
        const added = await api.call({ method: 'POST', path: PATH, body, answer: NewEndpointResponse })
        const { output } = cli
        output.document(added)
        // The secret stands alone there, for scripts.
        if (added.secret === null) output.line(`added ${output.paint.bold(added.endpoint.name)}`)
        else output.line(added.secret)
        if (added.endpoint.format === 'github')
          output.note('Each event brings one comment on the pull request of its order up to date.')
        if (added.secret !== null) output.note('It is not shown again. The receiver verifies signatures with it.')
        if (added.endpoint.url !== null) output.note(`Try it with: moose notify test ${name}`)
      }),
    )
}

function removeCommand(cli: Cli): Command {
  return new Command('remove')
    .summary('send nothing to an address any more')
    .description('Sends nothing to an address any more. What was still to be sent is dropped.')
    .argument('<name>', 'which one; see them with: moose notify list')
    .addHelpText('after', example('moose notify remove ops'))
    .action((name: string) =>
      withApi(cli, async (api) => {
        const path = `${PATH}/${encodeURIComponent(name)}`
        const removed = await api.call({ method: 'DELETE', path, answer: EndpointResponse })
        cli.output.document(removed)
        cli.output.line(`removed ${cli.output.paint.bold(removed.endpoint.name)}`)
      }),
    )
}

function testCommand(cli: Cli): Command {
  return new Command('test')
    .summary('send an event to an address now')
    .description('Sends an event "test" to an address now. Where it is taken, what was given up before is tried again.')
    .argument('<name>', 'which one; see them with: moose notify list')
    .addHelpText('after', example('moose notify test ops'))
    .action((name: string) =>
      withApi(cli, async (api) => {
        const path = `${PATH}/${encodeURIComponent(name)}/test`
        const tested = await api.call({ method: 'POST', path, answer: TestedEndpointResponse })
        cli.output.document(tested)
        const what = tested.status === null ? 'tries again what was given up' : `took it: HTTP ${tested.status}`
        cli.output.line(`${cli.output.paint.bold(name)} ${what}`)
      }),
    )
}
