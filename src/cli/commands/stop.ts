import { Command } from 'commander'
import { StopResponse } from '../../contract/orchestrator.ts'
import { type Cli, withService } from '../cli.ts'

export function stopCommand(cli: Cli): Command {
  return new Command('stop')
    .description('Has the running service take on no more work orders. What runs is finished; the service stays up.')
    .addHelpText('after', '\nExample:\n  $ moose stop')
    .action(() =>
      withService(cli, async (api) => {
        const stopped = await api.call({ method: 'POST', path: '/api/orchestrator/stop', answer: StopResponse })
        cli.output.document(stopped)
        cli.output.line('stopped: no more work orders are taken on; what runs is finished')
      }),
    )
}
