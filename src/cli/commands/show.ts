import { Command, Option } from 'commander'
import { ChangesResponse } from '../../contract/changes.ts'
import { type WorkOrderDetail, WorkOrderDetailResponse } from '../../contract/work-orders.ts'
import { Fault } from '../../faults/fault.ts'
import { readableDiff } from '../../work-order/diff-files.ts'
import { type Cli, withApi } from '../cli.ts'
import { type ApiClient, workOrderPath } from '../client/api-client.ts'
import { serviceStateOf, waitsFor } from '../client/service-state.ts'
import { countUpTo } from '../input/arguments.ts'
import { changesPage } from '../pages/changes-page.ts'
import { shortId } from '../pages/humanize.ts'
import { orderPage } from '../pages/order-page.ts'
import { asksForTries, showTries, type TriesOptions } from './show-tries.ts'

const MOST = 1_000_000
const OF_TRIES = ['tries', 'prompt', 'answer', 'try', 'attempt']

export function showCommand(cli: Cli): Command {
  return new Command('show')
    .description('Shows a work order: what it asks for, where it stands, and what each attempt did.')
    .argument('<id>', 'id, or its first characters (at least 4)')
    .addOption(new Option('--steps', 'also what went into each step and what came out').conflicts(OF_TRIES))
    .addOption(new Option('--diff', DIFF).conflicts(OF_TRIES))
    .addOption(new Option('--files', FILES).conflicts([...OF_TRIES, 'steps', 'diff']))
    .addOption(new Option('--pull-request', PULL_REQUEST).conflicts([...OF_TRIES, 'steps', 'diff', 'files']))
    .option('--tries', 'only the calls to models: tokens, cost, how each ended')
    .option('--prompt', 'only what a model was told, in the last try or the one that is named')
    .option('--answer', 'only what it said')
    .option('--try <number>', 'one try, as --tries counts them; with both unless one is asked for', countUpTo(MOST))
    .option('--attempt <number>', 'of this attempt; without it, of the last one that called a model', countUpTo(MOST))
    .addHelpText('after', HELP)
    .action((id: string, options: ShowOptions & TriesOptions) =>
      withApi(cli, async (api, service) => {
        if (asksForTries(options)) return await showTries(cli, api, { id, options })
        if (options.files === true) return await showFiles(cli, api, id)
        const shown = await api.call({ method: 'GET', path: workOrderPath(id), answer: WorkOrderDetailResponse })
        const { output } = cli
        const only = onlyPart(shown.work_order, options)
        output.document(shown)
        if (only !== null && output.json) return
        if (only !== null) return output.verbatim(only, options.diff === true ? readableDiff : undefined)
        const { paint } = output
        const { work_order: order } = shown
        // Of an order that was begun it depends on who is there whether anything happens.
        const waits = order.status === 'in_progress' ? waitsFor(order, await serviceStateOf(api, service)) : null
        output.line(
          orderPage(order, { paint, hint: output.hint, now: new Date(), waits, steps: options.steps === true }),
        )
      }),
    )
}

const DIFF =
  'only the diff of its pull request, as git apply takes it (on a terminal as it is read: text in any encoding as text); of a ' +
  'change that waits for a human, what is held'

const FILES = 'only which files it has changed, with the lines won and lost, and what is out of its scope or protected'

const PULL_REQUEST = 'only the text of its pull request: the title, an empty line and the body in Markdown'

const HELP = `
Prompts and answers are shown without the secrets Moose knows and what looks like a key.

Examples:
  $ moose show 1a2b3c4d
  $ moose show 1a2b3c4d --diff | git apply
  $ moose show 1a2b3c4d --files
  $ moose show 1a2b3c4d --pull-request
  $ moose show 1a2b3c4d --try 2`

type ShowOptions = { steps?: true; diff?: true; files?: true; pullRequest?: true }

async function showFiles({ output }: Cli, api: ApiClient, id: string): Promise<void> {
  const shown = await api.call({ method: 'GET', path: `${workOrderPath(id)}/changes`, answer: ChangesResponse })
  output.document(shown)
  if (shown.changes === null) return output.note('It has no pull request yet, and nothing of it is held.')
  output.line(changesPage(shown.changes, output.paint))
}

/** What is shown alone, as it is; null: the whole page is. @throws {Fault} `not_found` where it has none */
function onlyPart(order: WorkOrderDetail, { diff, pullRequest }: ShowOptions): string | null {
  if (diff === true) return diffOf(order)
  return pullRequest === true ? pullRequestText(order) : null
}

function pullRequestText({ id, pull_request: pull }: WorkOrderDetail): string {
  if (pull !== null) return `${pull.title}\n\n${pull.body.trimEnd()}\n`
  throw new Fault(
    'not_found',
    `Work order ${id} has no pull request yet. See where it stands: moose show ${shortId(id)}`,
    { id },
  )
}

function diffOf(order: WorkOrderDetail): string {
  const { status, status_reason: reason } = order
  const held = status === 'blocked' && reason?.code === 'protected_change' ? reason.details?.['diff'] : undefined
  if (typeof held === 'string') return held
  if (order.pull_request !== null) return order.pull_request.diff
  const where = order.github_pr_url === null ? 'It has no pull request yet.' : `It is at ${order.github_pr_url}.`
  throw new Fault('not_found', `Moose keeps no diff for work order ${order.id}. ${where}`, { id: order.id })
}
