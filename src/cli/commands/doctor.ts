import { Command } from 'commander'
import type { Config } from '../../config.ts'
import { toFault } from '../../errors.ts'
import { createLog } from '../../log.ts'
import type { Cli } from '../cli.ts'
import type { Paint } from '../output.ts'
import { table } from '../table.ts'
import { harmless } from '../terminal-text.ts'

type Finding = Awaited<ReturnType<typeof examine>>[number]

export function doctorCommand(cli: Cli): Command {
  return new Command('doctor')
    .summary('what is there, what is missing, how to get it')
    .description(
      'Looks at everything Moose needs and says what is missing and how to get it. Exit code 1 if something is.',
    )
    .addHelpText('after', '\nExample:\n  $ moose doctor')
    .action(async () => {
      const findings = await looked(cli)
      const sound = findings.every(({ state }) => state === 'ok' || state === 'optional')
      cli.output.document({ success: sound, findings })
      cli.output.line(cli.output.hint(table(findings.map((finding) => row(finding, cli.output.paint)))))
      if (!sound) process.exitCode = 1
    })
}

async function looked(cli: Cli): Promise<Finding[]> {
  using _waiting = cli.output.spinner('looking around')
  return await examine(cli.config())
}

/** What cannot even be opened is a finding too. */
async function examine(config: Config) {
  try {
    const { openMoose } = await import('../../app.ts')
    await using moose = await openMoose(config, { log: createLog(config.logLevel), role: 'client' })
    return await moose.doctor()
  } catch (thrown) {
    const broken = { name: 'database', state: 'broken', detail: toFault(thrown).message, remedy: null } as const
    return [{ name: 'node', state: 'ok', detail: process.version, remedy: null } as const, broken]
  }
}

const SYMBOL: Record<Finding['state'], (paint: Paint) => string> = {
  ok: (paint) => paint.green('✓'),
  missing: (paint) => paint.red('✗'),
  broken: (paint) => paint.red('✗'),
  optional: (paint) => paint.dim('–'),
}

function row({ name, state, detail, remedy }: Finding, paint: Paint): string[] {
  const advice = remedy === null ? '' : `  ${paint.yellow(`→ ${harmless(remedy)}`)}`
  return [`${SYMBOL[state](paint)} ${harmless(name)}`, paint.dim(state), `${harmless(detail)}${advice}`]
}
