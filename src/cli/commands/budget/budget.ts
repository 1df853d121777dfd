import { Command } from 'commander'
import { BudgetResponse } from '../../../contract/budget.ts'
import { type Cli, withApi } from '../../cli.ts'
import { budgetPage } from '../../pages/budget-page.ts'
import { mergedPage } from '../../pages/numbers-page.ts'
import { budgetCapCommand } from './budget-cap.ts'
import { budgetPriceCommand } from './budget-price.ts'
import { budgetReconcileCommand, budgetSettleCommand } from './budget-reconcile.ts'
import { budgetResumeCommand, budgetStopCommand } from './budget-stop.ts'

export function budgetCommand(cli: Cli): Command {
  const parts = [
    budgetCapCommand,
    budgetStopCommand,
    budgetResumeCommand,
    budgetPriceCommand,
    budgetSettleCommand,
    budgetReconcileCommand,
  ]
  const command = new Command('budget')
    .description(
      'Shows what was spent today and this month, by project, model and work order, what calls under way may still ' +
        'cost, and what waits for money. Every call to a model is reserved with the most it can cost before it is made, ' +
        'and none is made that could pass a hard cap. Days and months are those of UTC.',
    )
    .addHelpText('after', HELP)
    .action(() =>
      withApi(cli, async (api) => {
        const answer = await api.call({ method: 'GET', path: '/api/budget', answer: BudgetResponse })
        cli.output.document(answer)
        const { paint, hint, columns } = cli.output
        cli.output.line(budgetPage(answer.budget, { paint, hint, columns }))
        const merged = answer.merged_by === undefined ? '' : mergedPage(answer.merged_by, { paint, hint, columns })
        if (merged !== '') cli.output.line(`\n${merged}`)
      }),
    )
  for (const part of parts) command.addCommand(part(cli))
  return command
}

const HELP = `
Examples:
  $ moose budget
  $ moose budget cap day 20
  $ moose budget cap order:1a2b3c4d 7.50
  $ moose budget stop`
