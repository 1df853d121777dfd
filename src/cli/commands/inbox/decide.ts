import { Argument, Command } from 'commander'
import {
  DecidedResponse,
  type DecideWorkOrder,
  ESCALATION_OPTIONS,
  type EscalationOption,
  EscalationResponse,
  type EscalationView,
  misfitOf,
  type OfferedOption,
  type OpenEscalation,
} from '../../../contract/why/escalation.ts'
import type { EditWorkOrder } from '../../../contract/work-orders.ts'
import { Fault } from '../../../faults/fault.ts'
import { type Cli, withApi } from '../../cli.ts'
import { workOrderPath } from '../../client/api-client.ts'
import { usdArgument } from '../../input/arguments.ts'
import { ago, counted, shortId, usd, withLocalTimes } from '../../pages/humanize.ts'
import type { Output } from '../../pages/output.ts'
import { BAR, harmless, oneLine } from '../../pages/terminal-text.ts'
import { type EditOptions, requestedEdit } from '../edit.ts'

type Options = EditOptions & { budget?: string; proposer?: string; held?: string }

export function decideCommand(cli: Cli): Command {
  return new Command('decide')
    .description(
      'Shows what has to be decided about a work order that failed, is blocked or held, or whose pull request Moose does no more about: its story, and the options, each with ' +
        'its expected cost and how often it ended well. With an option: carries it out, and keeps the answer.',
    )
    .argument('<id>', 'id, or its first characters (at least 4)')
    .addArgument(new Argument('[option]', 'what is to be done; left out: nothing yet').choices(ESCALATION_OPTIONS))
    .option('--budget <usd>', 'with retry, model or amend: the most all its attempts may cost', usdArgument)
    .option('--proposer <name>', 'with model: the proposer it is given to')
    .option('--held <key>', 'with allow: the commit and what is held of it, as moose decide ID shows it')
    .option('-f, --from <file>', 'with amend: YAML or JSON with the fields to change; - reads stdin')
    .option('-t, --title <text>', 'with amend: its title')
    .option('-d, --description <text>', 'with amend: what is to be done, and why')
    .option('-c, --criterion <text...>', 'with amend: acceptance criteria, instead of all there are')
    .option('--file <path...>', 'with amend: files, or folders with a / at the end, instead of all there are')
    .addHelpText('after', HELP)
    .action(async (id: string, option: EscalationOption | undefined, options: Options) => {
      if (option === undefined) return await show(cli, id)
      const body = await wishOf(cli, { id, option }, options)
      await withApi(cli, async (api) => {
        const path = `${workOrderPath(id)}/decide`
        const decided = await api.call({ method: 'POST', path, body, answer: DecidedResponse })
        const { output } = cli
        const { work_order: order, escalation } = decided
        output.document(decided)
        const cost = escalation.answer === null ? '' : `  ${usd(escalation.answer.spent_usd)} spent until then`
        output.line(`${output.paint.bold(shortId(order.id))}  ${option}  ${order.status}${output.paint.dim(cost)}`)
        output.note(decided.sentence)
      })
    })
}

const HELP = `
Options of a decision:
  allow    what is held of its change may be published
  adopt    the pull request is given back to Moose after another push to its branch, or a reopening
  retry    tried again, with a higher cap where the one it has is too low
  model    given to another proposer
  amend    the order is changed, approved as changed, and tried again
  verify   without a model: the checks on the commit that is there
  abort    the order is cancelled, and an open pull request closed

Examples:
  $ moose decide 1a2b3c4d
  $ moose decide 1a2b3c4d retry --budget 7.50
  $ moose decide 1a2b3c4d amend --file src/greet.js src/greet.test.js`

async function wishOf(
  cli: Cli,
  { id, option }: { id: string; option: EscalationOption },
  options: Options,
): Promise<DecideWorkOrder> {
  const { budget, proposer, held, ...edit } = options
  const changes = Object.keys(edit).length === 0 ? null : await changesOf(cli, edit)
  const wish = {
    option,
    ...(budget === undefined ? {} : { budget_usd: budget }),
    ...(proposer === undefined ? {} : { proposer }),
    ...(held === undefined ? {} : { held }),
    ...(changes === null ? {} : { changes }),
  }
  assertFits(wish, { id, edited: Object.keys(edit) })
  return wish
}

/** @throws {Fault} `request_invalid` naming the option that does not belong there, or is missing */
function assertFits(wish: DecideWorkOrder, { id, edited }: { id: string; edited: readonly string[] }): void {
  const misfit = misfitOf(wish)
  if (misfit === null) return
  const { field, isMissing } = misfit
  if (isMissing) {
    const what =
      field === 'held'
        ? `what was looked at: --held KEY, as moose decide ${oneLine(id, 40)} shows it`
        : 'what is to be changed: --file, --criterion, --title, --description, or -f order.yaml'
    throw new Fault('request_invalid', `${wish.option} takes ${what}`)
  }
  const names = { budget_usd: '--budget', proposer: '--proposer', held: '--held', changes: `--${edited[0]}` }
  const named = names[field]
  throw new Fault('request_invalid', `${named} does not belong to the option ${wish.option}. Leave it out.`)
}

async function changesOf(cli: Cli, edit: EditOptions): Promise<EditWorkOrder | null> {
  const { orders } = await requestedEdit(cli, edit)
  const [changes] = orders
  return changes === undefined ? null : changes
}

async function show(cli: Cli, id: string): Promise<void> {
  await withApi(cli, async (api) => {
    const path = `${workOrderPath(id)}/escalation`
    const found = await api.call({ method: 'GET', path, answer: EscalationResponse })
    const { output } = cli
    const now = new Date()
    output.document(found)
    if (found.escalation === null)
      output.line(['Nothing has to be decided about it.', ...nextLines(found, output)].join('\n'))
    else output.line(openPage(found.escalation, output, now))
    for (const past of found.past) output.note(pastLine(past, now))
  })
}

function nextLines({ next }: { next: readonly string[] }, { paint, hint }: Output): string[] {
  return next.map((command) => `  ${paint.bold('$')} ${hint(harmless(command))}`)
}

/** What others have written stays as it is. */
const WRITTEN = 'Asked: '

function openPage({ story, options, opened_at }: OpenEscalation, output: Output, now: Date): string {
  const { paint } = output
  return [
    ...story
      .map((line) => (line.startsWith(WRITTEN) ? line : withLocalTimes(line, now)))
      .map((line) => output.hint(harmless(line)).replaceAll('\n', `\n${BAR} `)),
    paint.dim(`Stopped ${ago(new Date(opened_at), now)}`),
    ...options.flatMap((offer) => ['', ...offerLines(offer, output)]),
  ].join('\n')
}

function offerLines(offer: OfferedOption, { paint, hint }: Output): string[] {
  const { option, sentence, expected_cost_usd: cost, command, chosen, ended, ended_well } = offer
  const price = cost === null ? 'cost not known' : cost === 0 ? 'costs nothing' : `about ${usd(cost)}`
  const before =
    chosen === 0
      ? ''
      : ended === 0
        ? `chosen ${counted(chosen, 'time')} before`
        : `ended well ${ended_well} of ${ended} times`
  return [
    [paint.bold(oneLine(option, 20)), price, ...(before === '' ? [] : [paint.dim(before)])].join('  '),
    `  ${hint(harmless(sentence))}`,
    `  ${paint.bold('$')} ${hint(harmless(command))}`,
  ]
}

function pastLine({ cause, answer, opened_at }: EscalationView, now: Date): string {
  const when = ago(new Date(opened_at), now)
  if (answer === null) return `${when}: ${cause}; it went on by other means`
  return `${when}: ${cause}; ${answer.option} by ${answer.by}, after ${usd(answer.spent_usd)}`
}
