import { Command } from 'commander'
import { WhyResponse } from '../../../contract/why/inbox.ts'
import { type Cli, withApi } from '../../cli.ts'
import { workOrderPath } from '../../client/api-client.ts'
import { shortId } from '../../pages/humanize.ts'
import { stateOf } from '../../pages/order-state.ts'
import { LONGEST_TITLE, oneLine } from '../../pages/terminal-text.ts'
import { hiddenNotes, protectionNotes, verificationNotes } from '../../pages/verification-notes.ts'
import { answerLines } from './answer-lines.ts'

export function whyCommand(cli: Cli): Command {
  return new Command('why')
    .description(
      'Says what a work order waits for, or why it stands where it stands, with the evidence and what to type.',
    )
    .argument('<id>', 'id, or its first characters (at least 4)')
    .addHelpText('after', '\nExample:\n  $ moose why 1a2b3c4d')
    .action((id: string) =>
      withApi(cli, async (api) => {
        const found = await api.call({ method: 'GET', path: `${workOrderPath(id)}/why`, answer: WhyResponse })
        const { output } = cli
        const { work_order: order, why } = found
        output.document(found)
        const { paint } = output
        output.line(
          `${paint.bold(shortId(order.id))}  ${stateOf(order, paint)}  ${oneLine(order.title, LONGEST_TITLE)}`,
        )
        output.line(answerLines(why, output, new Date()))
        if (why.kind !== 'unapproved') return
        for (const note of [...hiddenNotes(order), ...verificationNotes(order), ...protectionNotes(order)])
          output.note(note)
      }),
    )
}
