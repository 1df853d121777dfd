import { Command } from 'commander'
import { type Cli, serviceApi } from '../cli.ts'

export function watchCommand(cli: Cli): Command {
  return new Command('watch')
    .description(
      'Shows on the whole screen, live, what waits for a human, what runs and waits and why, what is spent, and the log of the ' +
        'selected order; approves, cancels, retries and merges by keys. Closing it leaves runs alone. Where the output is no ' +
        'terminal, prints what happens as lines.',
    )
    .addHelpText('after', HELP)
    .action(async () => {
      // Before anything is shown: without a service there is nothing to wait for.
      await serviceApi(cli)
      if (!cli.output.json && isScreen(cli)) {
        // React keeps measurements of each frame in memory unless it is told this before it is loaded.
        // oxlint-disable-next-line node/no-process-env -- React reads nothing else
        process.env['NODE_ENV'] = 'production'
        const { watchOnScreen } = await import('./watch-on-screen.ts')
        return await watchOnScreen(cli)
      }
      const { watchAsLines } = await import('./watch-as-lines.ts')
      return await watchAsLines(cli)
    })
}

/** A terminal that can be written over and says which keys are pressed. */
function isScreen({ environment }: Cli): boolean {
  const { stdin, stdout } = process
  return stdin.isTTY && stdout.isTTY && environment['TERM'] !== 'dumb'
}

const HELP = `
Keys: j/k move, enter order, a approve, x cancel, r retry, m merge, o open, / search, ? help, q quit.

Lines: what waits for a human, then each event. With --json {"type":"connected"} with status and inbox after each
connection, {"type":"inbox"} when that changes, {"type":"lost"} when the service does not answer, and the events.

Examples:
  $ moose watch
  $ moose watch --json | jq -r 'select(.type == "inbox").inbox[].next[0]'`
