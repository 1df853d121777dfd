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
    .option('--fix', 'install first what Moose can install itself (Aider, below its home)')
    .addHelpText('after', '\nExamples:\n  $ moose doctor\n  $ moose doctor --fix')
    .action(async (options: { fix?: true }) => {
      const findings = await looked(cli, options.fix === true)
      const sound = findings.every(({ state }) => state !== 'missing' && state !== 'broken')
      cli.output.document({ success: sound, findings })
      cli.output.line(cli.output.hint(table(findings.map((finding) => row(finding, cli.output.paint)))))
      if (!sound) process.exitCode = 1
    })
}

async function looked(cli: Cli, fix: boolean): Promise<Finding[]> {
  using _waiting = cli.output.spinner(fix ? 'installing and looking around' : 'looking around')
  return await examine(cli.config(), fix ? (message) => cli.output.note(message) : null)
}

/** What cannot even be opened is a finding too. */
async function examine(config: Config, fix: ((message: string) => void) | null) {
  try {
    const { openMoose } = await import('../../app.ts')
    await using moose = await openMoose(config, { log: createLog(config.logLevel), role: 'client' })
    return await moose.doctor(fix)
  } catch (thrown) {
    const fault = toFault(thrown)
    if (!fault.code.startsWith('database_') && fix !== null) throw fault
    const broken = { name: 'database', state: 'broken', detail: fault.message, remedy: null } as const
    return [{ name: 'node', state: 'ok', detail: process.version, remedy: null } as const, broken]
  }
}

const SYMBOL: Record<Finding['state'], (paint: Paint) => string> = {
  ok: (paint) => paint.green('✓'),
  missing: (paint) => paint.red('✗'),
  broken: (paint) => paint.red('✗'),
  warning: (paint) => paint.yellow('!'),
  optional: (paint) => paint.dim('–'),
}

function row({ name, state, detail, remedy }: Finding, paint: Paint): string[] {
  const advice = remedy === null ? '' : `  ${paint.yellow(`→ ${harmless(remedy)}`)}`
  return [`${SYMBOL[state](paint)} ${harmless(name)}`, paint.dim(state), `${harmless(detail)}${advice}`]
}
