import { Command } from 'commander'
import { EmergencyResponse } from '../../../contract/budget.ts'
import { type Cli, withApi } from '../../cli.ts'
import { budgetWarnings } from '../../pages/budget-line.ts'
import { harmless } from '../../pages/terminal-text.ts'

export function budgetStopCommand(cli: Cli): Command {
  return new Command('stop')
    .summary('stop every call to a model now')
    .description(
      'Stops every call to a model of every process on this database at once, running ones included. Work orders rest ' +
        'and are resumed at the step where they stopped after moose budget resume.',
    )
    .addHelpText('after', '\nExample:\n  $ moose budget stop')
    .action(() => switchTo(cli, 'stop', 'stopped: no model is called. Resume with: moose budget resume'))
}

export function budgetResumeCommand(cli: Cli): Command {
  return new Command('resume')
    .summary('allow model calls again')
    .description(
      'Ends moose budget stop. A day that has reached the emergency kill stays stopped until that is raised.',
    )
    .addHelpText('after', '\nExample:\n  $ moose budget resume')
    .action(() => switchTo(cli, 'resume', 'resumed: models are called again'))
}

async function switchTo(cli: Cli, verb: 'stop' | 'resume', done: string): Promise<void> {
  await withApi(cli, async (api) => {
    const answer = await api.call({ method: 'POST', path: `/api/budget/${verb}`, answer: EmergencyResponse })
    const { output } = cli
    const { budget, problem } = answer
    output.document(answer)
    if (budget === null || budget.emergency_stop.active === (verb === 'stop')) output.line(output.hint(done))
    if (problem !== undefined) output.note(`warning: ${harmless(problem)}`)
    if (verb === 'resume' && budget !== null)
      for (const warning of budgetWarnings(budget)) output.note(`warning: ${warning}`)
  })
}
