import { Command } from 'commander'
import { StopResponse } from '../../contract/orchestrator.ts'
import { type Cli, withService } from '../cli.ts'
import { harmless } from '../pages/terminal-text.ts'

export function stopCommand(cli: Cli): Command {
  return new Command('stop')
    .description(
      'Has the running service take on no more work orders, and takes back that GitHub merges pull requests by itself. What runs is finished; the service stays up.',
    )
    .addHelpText('after', '\nExample:\n  $ moose stop')
    .action(() =>
      withService(cli, async (api) => {
        const stopped = await api.call({ method: 'POST', path: '/api/orchestrator/stop', answer: StopResponse })
        cli.output.document(stopped)
        cli.output.line('stopped: no more work orders are taken on; what runs is finished')
        for (const { number, url, work_order_id: id } of stopped.may_still_merge ?? [])
          cli.output.line(
            `pull request #${number} of ${id.slice(0, 8)} may still be merged by its forge: that was not taken back yet, and is tried again. Switch auto-merge off there: ${harmless(String(url))}`,
          )
      }),
    )
}
