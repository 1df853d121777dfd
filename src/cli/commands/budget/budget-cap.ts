import { Command, InvalidArgumentError } from 'commander'
import {
  CAP_TARGETS,
  type CapBody,
  CapResponse,
  type CapTarget,
  type ChangedCap,
} from '../../../contract/budget-changes.ts'
import { type Cli, withApi } from '../../cli.ts'
import { nullForNone, usdOrNone } from '../../input/arguments.ts'
import { budgetWarnings } from '../../pages/budget-line.ts'
import { counted, shortId, usd } from '../../pages/humanize.ts'
import { harmless } from '../../pages/terminal-text.ts'

type Target = Pick<CapBody, 'target' | 'id'>

export function budgetCapCommand(cli: Cli): Command {
  return new Command('cap')
    .summary('set or remove a cap')
    .description('Sets a cap; it counts from the next call on. Suspended work orders that fit now are resumed.')
    .argument('<target>', 'day, day-soft, month, month-soft, kill, order, order:ID, project, project:NAME', target)
    .argument('<usd>', 'an amount; none: no cap, and for one work order or project the usual cap again', usdOrNone)
    .addHelpText('after', HELP)
    .action((of: Target, amount: string) =>
      withApi(cli, async (api) => {
        const body: CapBody = { ...of, usd: nullForNone(amount) }
        const changed = await api.call({ method: 'PUT', path: '/api/budget/caps', body, answer: CapResponse })
        const { output } = cli
        output.document(changed)
        output.line(said(changed.cap))
        for (const warning of budgetWarnings(changed.budget)) output.note(`warning: ${warning}`)
        const { length: waiting } = changed.budget.waiting
        if (waiting > 0) {
          output.note(
            `${counted(waiting, 'work order')} waited; a running service resumes those that fit. See: moose budget`,
          )
        }
      }),
    )
}

const HELP = `
Targets:
  day, month            no call is made that could pass it
  day-soft, month-soft  passing it warns
  kill                  a day that has spent so much stops everything at once
  order, project        the usual cap of a work order (all attempts) and of a project (a month)
  order:ID              the cap of one work order
  project:NAME          the cap of one project

Examples:
  $ moose budget cap day 20
  $ moose budget cap order 2.50
  $ moose budget cap order:1a2b3c4d 7.50
  $ moose budget cap project:hello none`

function target(text: string): Target {
  const [name, ...rest] = text.split(':')
  const id = rest.join(':')
  const found = CAP_TARGETS.find((one) => one === name)
  const takesId = found === 'order' || found === 'project'
  if (found !== undefined && rest.length === 0) return { target: found }
  if (found !== undefined && takesId && id !== '') return { target: found, id }
  throw new InvalidArgumentError(
    'It must be day, day-soft, month, month-soft, kill, order, order:ID, project or project:NAME.',
  )
}

const NAMES: Record<CapTarget, string> = {
  order: 'usual cap of a work order',
  project: "usual cap of a project's month",
  day: 'cap of the day',
  'day-soft': 'soft cap of the day',
  month: 'cap of the month',
  'month-soft': 'soft cap of the month',
  kill: 'emergency kill of the day',
}

function said({ target: of, id, usd: amount }: ChangedCap): string {
  const name = id === null ? NAMES[of] : of === 'order' ? `cap of WO-${shortId(id)}` : `cap of ${harmless(id)}'s month`
  if (amount !== null) return `${name}: ${usd(amount)}`
  return id === null ? `${name}: none` : `${name}: the usual one`
}
