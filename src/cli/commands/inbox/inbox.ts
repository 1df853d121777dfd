import { Command } from 'commander'
import { type InboxEntry, InboxResponse } from '../../../contract/why/inbox.ts'
import { type Cli, withApi } from '../../cli.ts'
import { riskText } from '../../pages/approval-terms.ts'
import { ago, counted, shortId, usd } from '../../pages/humanize.ts'
import type { Output, Paint } from '../../pages/output.ts'
import { LONGEST_TITLE, oneLine } from '../../pages/terminal-text.ts'
import { hiddenNotes, protectionNotes, verificationNotes } from '../../pages/verification-notes.ts'
import { answerLines } from './answer-lines.ts'

/** What an entry is called. */
const WORDS: ReadonlyMap<string, (paint: Paint) => string> = new Map([
  ['stopped', (paint) => paint.red('stopped')],
  ['paused_project', (paint) => paint.red('project paused')],
  ['paused_proposer', (paint) => paint.red('proposer paused')],
  ['approval', (paint) => paint.yellow('to approve')],
  ['held_change', (paint) => paint.magenta('to allow')],
  ['merge', (paint) => paint.green('to merge')],
  ['review', (paint) => paint.cyan('to look at')],
  ['blocked', (paint) => paint.magenta('blocked')],
  ['failed', (paint) => paint.red('failed')],
  ['paused_provider', (paint) => paint.yellow('provider paused')],
  ['budget', (paint) => paint.yellow('budget')],
])

export function inboxCommand(cli: Cli): Command {
  return new Command('inbox')
    .description('Shows what waits for a human, the most urgent first, each with the command to type.')
    .addHelpText('after', '\nExamples:\n  $ moose inbox\n  $ moose inbox --json | jq -r ".inbox[].next[0]"')
    .action(() =>
      withApi(cli, async (api) => {
        const found = await api.call({ method: 'GET', path: '/api/inbox', answer: InboxResponse })
        const { output } = cli
        output.document(found)
        if (found.inbox.length === 0) return output.line('Nothing waits for a human.')
        const now = new Date()
        output.line(found.inbox.map((entry) => entryLines(entry, output, now)).join('\n\n'))
        if (found.left_out > 0)
          output.note(
            `${counted(found.left_out, 'older order')} left out; see them with: moose list --state STATE --limit 1000`,
          )
      }),
    )
}

function entryLines(entry: InboxEntry, output: Output, now: Date): string {
  const { paint } = output
  const { kind, work_order: order, since, worst_case_usd: worst } = entry
  const word = WORDS.get(kind)
  const parts = [
    word === undefined ? oneLine(kind, LONGEST_TITLE) : word(paint),
    ...(order === null ? [] : [paint.bold(shortId(order.id)), oneLine(order.title, LONGEST_TITLE)]),
    ...(worst === null ? [] : [`at most ${usd(worst)}`]),
    ...(order?.risk === undefined ? [] : [`risk ${order.risk.level}`]),
    ...(since === null ? [] : [paint.dim(ago(new Date(since), now))]),
  ]
  const flags = order === null || kind !== 'approval' ? [] : flagsOf(order)
  const lines = answerLines({ ...entry, evidence: [] }, output, now).split('\n')
  return [
    parts.join('  '),
    ...lines.map((line) => `  ${line}`),
    ...flags.map((flag) => `  ${paint.yellow('!')} ${output.hint(flag)}`),
  ].join('\n')
}

/** To be known before an order is approved. */
function flagsOf(order: NonNullable<InboxEntry['work_order']>): string[] {
  const isLow = order.risk === undefined || order.risk.level === 'low'
  const risk = isLow ? null : riskText(order)
  const risky = risk === null ? [] : [`Risk ${risk}`]
  return [...risky, ...hiddenNotes(order), ...verificationNotes(order), ...protectionNotes(order)]
}
