import { Command } from 'commander'
import type { Config } from '../../config.ts'
import { Fault } from '../../faults/fault.ts'
import type { Cli } from '../cli.ts'
import { PORT_HELP, portNumber, serve } from './up.ts'

export function workerCommand(cli: Cli): Command {
  return new Command('worker')
    .description(
      'Takes on approved work orders of the database DATABASE_URL names, beside a moose up and other workers, on this ' +
        'machine (each with a home of its own) or others. Orders are shared and the limits hold over all; what a worker ' +
        'that dies stood in is taken over by another. It serves its own health, metrics and API on loopback. Pull ' +
        'requests are followed by moose up.',
    )
    .option('--port <number>', PORT_HELP, portNumber, 0)
    .addHelpText(
      'after',
      '\nExamples:\n  $ DATABASE_URL=postgresql://… moose worker\n  $ DATABASE_URL=postgresql://… moose --home /srv/moose-2 worker --port 4647',
    )
    .action(({ port }: { port: number }) => {
      const config = cli.config()
      assertShared(config)
      return serve(cli, config, { role: 'worker', start: true, port })
    })
}

/** The database below a home is that home's alone. */
function assertShared({ databaseUrl }: Config): void {
  if (databaseUrl !== null) return
  const message =
    'A worker shares a database with others, and none is named. Set DATABASE_URL to it. To run orders on this machine alone: moose up --start'
  throw new Fault('config_invalid', message, { variables: 'DATABASE_URL' })
}
