import { Command, InvalidArgumentError } from 'commander'
import { StartResponse } from '../../contract/orchestrator.ts'
import { type Cli, withService } from '../cli.ts'
import { duration } from '../pages/humanize.ts'

const UNITS: Record<string, number> = { ms: 1, s: 1_000, m: 60_000 }
const LEAST_MS = 100
const MOST_MS = 3_600_000

export function startCommand(cli: Cli): Command {
  return new Command('start')
    .description('Has the running service take on approved work orders, at once and as they come.')
    .option('--interval <time>', 'how often to look beside being notified, e.g. 10s', milliseconds)
    .addHelpText('after', '\nExample:\n  $ moose start --interval 30s')
    .action(({ interval }: { interval?: number }) =>
      withService(cli, async (api) => {
        const body = interval === undefined ? {} : { interval_ms: interval }
        const path = '/api/orchestrator/start'
        const started = await api.call({ method: 'POST', path, body, answer: StartResponse })
        cli.output.document(started)
        cli.output.line(
          `started: approved work orders are taken on as they come; looking every ${duration(started.interval_ms)}`,
        )
      }),
    )
}

function milliseconds(text: string): number {
  const match = /^(\d+(?:\.\d+)?)(ms|s|m)$/.exec(text)
  const unit = match === null ? undefined : UNITS[String(match[2])]
  if (match === null || unit === undefined)
    throw new InvalidArgumentError('Write a time with its unit: 500ms, 10s, 2m.')
  const ms = Math.round(Number(match[1]) * unit)
  if (ms >= LEAST_MS && ms <= MOST_MS) return ms
  throw new InvalidArgumentError('It must be between 100ms and 60m.')
}
