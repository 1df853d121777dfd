import { Command } from 'commander'
import {
  EndedPauseResponse,
  ProposerResponse,
  ProposersResponse,
  type ProposerView,
  RemovedProposerResponse,
} from '../../../contract/proposers.ts'
import { type Cli, withApi } from '../../cli.ts'
import { proposerPath } from '../../client/api-client.ts'
import { proposerPage, proposerTable } from '../../pages/proposer-page.ts'
import { harmless } from '../../pages/terminal-text.ts'
import { proposerAddCommand } from './add.ts'
import { proposerEditCommand } from './edit.ts'
import { proposerTestCommand } from './test-call.ts'

export function proposerCommand(cli: Cli): Command {
  const parts = [
    listCommand,
    showCommand,
    proposerAddCommand,
    proposerEditCommand,
    proposerTestCommand,
    pauseCommand,
    resumeCommand,
    removeCommand,
  ]
  const command = new Command('proposer')
    .description(
      'Lists, adds, changes and tests proposers: the models that work orders can be given to, each with its provider, ' +
        'its price, and how complex an order it is trusted with. Keys stay in environment variables; a proposer holds ' +
        'only the name of one.',
    )
    .addHelpText('after', HELP)
  for (const part of parts) command.addCommand(part(cli))
  return command
}

const HELP = `
Examples:
  $ moose proposer list
  $ moose proposer add qwen --preset ollama --model qwen3-coder:30b --threshold 0.4
  $ moose proposer add sonnet --kind anthropic --model claude-sonnet-5
  $ moose proposer test sonnet`

const example = (line: string) => `\nExample:\n  $ ${line}`

function listCommand(cli: Cli): Command {
  return new Command('list')
    .alias('ls')
    .summary('all proposers, and whether they can be called')
    .description('Lists every proposer with its price and whether it can be called on this machine.')
    .addHelpText('after', example('moose proposer list --json | jq ".proposers[] | select(.active).name"'))
    .action(() =>
      withApi(cli, async (api) => {
        const listed = await api.call({ method: 'GET', path: '/api/proposers', answer: ProposersResponse })
        const { output } = cli
        output.document(listed)
        if (listed.proposers.length + listed.malformed.length === 0) output.note(NONE)
        else output.line(proposerTable(listed, output.paint))
        for (const { command } of listed.malformed) output.note(`Correct the malformed one with: ${harmless(command)}`)
        if (listed.proposers.length > 0 && !listed.proposers.some(isReady)) output.note(NONE_READY)
      }),
    )
}

const NONE = 'There is no proposer. Add one with: moose proposer add NAME --kind anthropic --model ID'
const NONE_READY = 'None can be called now. See why with: moose doctor'

function isReady({ active, unavailable }: ProposerView): boolean {
  return active && unavailable === null
}

function showCommand(cli: Cli): Command {
  return named('show', 'one proposer in full', 'Shows everything that is known of a proposer.')
    .addHelpText('after', example('moose proposer show sonnet'))
    .action((name: string) =>
      withApi(cli, async (api) => {
        const shown = await api.call({ method: 'GET', path: proposerPath(name), answer: ProposerResponse })
        cli.output.document(shown)
        cli.output.line(proposerPage(shown.proposer, cli.output.paint))
        if (shown.proposer.unavailable?.command)
          cli.output.note(`Next: ${harmless(shown.proposer.unavailable.command)}`)
      }),
    )
}

function pauseCommand(cli: Cli): Command {
  return named(
    'pause',
    'give it no further order',
    'Gives a proposer no further order. Attempts that run go on with it, and orders that wait for it keep waiting.',
  )
    .addHelpText('after', example('moose proposer pause sonnet'))
    .action((name: string) =>
      withApi(cli, async (api) => {
        const path = proposerPath(name)
        const changed = await api.call({ method: 'PATCH', path, body: { active: false }, answer: ProposerResponse })
        const { proposers } = await api.call({ method: 'GET', path: '/api/proposers', answer: ProposersResponse })
        cli.output.document(changed)
        cli.output.line(`${harmless(changed.proposer.name)} is paused: it is given no further order`)
        if (proposers.some(isReady)) return
        const resume = `No proposer is left that can be called. Resume it with: moose proposer resume ${harmless(name)}`
        cli.output.note(changed.proposer.unavailable === null ? resume : NONE_READY)
      }),
    )
}

function resumeCommand(cli: Cli): Command {
  return named('resume', 'give it orders again', 'Gives a proposer orders again.')
    .option('--now', 'also end the pause its provider has after an outage')
    .addHelpText('after', example('moose proposer resume sonnet --now'))
    .action((name: string, { now }: { now?: true }) =>
      withApi(cli, async (api) => {
        const path = proposerPath(name)
        const resumed = await api.call({ method: 'PATCH', path, body: { active: true }, answer: ProposerResponse })
        if (now !== true) {
          cli.output.document(resumed)
          return report(cli, resumed.proposer, false)
        }
        const ended = await api.call({ method: 'DELETE', path: `${path}/provider-pause`, answer: EndedPauseResponse })
        cli.output.document(ended)
        report(cli, ended.proposer, ended.ended)
      }),
    )
}

function report({ output }: Cli, { name, unavailable, provider_pause: pause }: ProposerView, isEnded: boolean): void {
  const shown = harmless(name)
  output.line(`${shown} is given orders again${isEnded ? ', and its provider is called again' : ''}`)
  if (unavailable !== null) output.note(`It cannot be called yet: ${harmless(unavailable.reason)}.${next(unavailable)}`)
  if (pause?.running === true)
    output.note(`Its provider is paused until ${pause.until}. Call it now with: moose proposer resume ${shown} --now`)
}

function next({ command }: NonNullable<ProposerView['unavailable']>): string {
  return command === null ? '' : ` Next: ${harmless(command)}`
}

function removeCommand(cli: Cli): Command {
  return named(
    'remove',
    'take it away',
    'Takes a proposer away, unless an attempt runs with it. What it has done and cost keeps its name.',
  )
    .alias('rm')
    .addHelpText('after', example('moose proposer remove gpt-4o-mini'))
    .action((name: string) =>
      withApi(cli, async (api) => {
        const path = proposerPath(name)
        const removed = await api.call({ method: 'DELETE', path, answer: RemovedProposerResponse })
        cli.output.document(removed)
        cli.output.line(`removed ${harmless(removed.removed)}`)
      }),
    )
}

function named(name: string, summary: string, description: string): Command {
  return new Command(name).summary(summary).description(description).argument('<proposer>', 'the proposer')
}
