import { Command } from 'commander'
import { createLogFor } from '../../log.ts'
import type { Cli } from '../cli.ts'

export function migrateCommand(cli: Cli): Command {
  return new Command('migrate')
    .description(
      'Brings the database up to date. Every command that opens it does so too; this one does nothing else. ' +
        'Migrations only add: an older Moose database keeps every row.',
    )
    .addHelpText('after', '\nExample:\n  $ DATABASE_URL=postgresql://moose@db.example/moose moose migrate')
    .action(async () => {
      using _waiting = cli.output.spinner('migrating')
      const config = cli.config()
      const { openMoose } = await import('../../app.ts')
      await using moose = await openMoose(config, { log: createLogFor(config), role: 'client' })
      const { applied } = moose.migrated
      cli.output.document({ success: true, database_url: moose.databaseUrl, applied })
      cli.output.line(`${moose.databaseUrl}: ${applied.length === 0 ? 'up to date' : `applied ${applied.join(', ')}`}`)
    })
}
