import { Command, Option } from 'commander'
import type { Moose } from '../../app.ts'
import type { Config } from '../../config.ts'
import { type DoctorFinding, DoctorResponse } from '../../contract/doctor.ts'
import { toFault } from '../../faults/fault.ts'
import { createLogFor } from '../../log.ts'
import { type Cli, serviceApi } from '../cli.ts'
import { serviceOf } from '../client/connect.ts'
import { staleService } from '../client/service-file.ts'
import { listenForInterruption } from '../interruption.ts'
import type { Paint } from '../pages/output.ts'
import { table } from '../pages/table.ts'
import { harmless } from '../pages/terminal-text.ts'

export function doctorCommand(cli: Cli): Command {
  return new Command('doctor')
    .description(
      'Looks at everything Moose needs, says what is missing and how to get it, and what is left over of processes that ' +
        'are gone. Exit code 1 if something is missing.',
    )
    .option('--fix', 'first remove what is no longer used, and install what Moose can install itself (Aider)')
    .addOption(
      new Option('--service', 'what the running service finds, with its own environment and machine').conflicts('fix'),
    )
    .addHelpText('after', '\nExamples:\n  $ moose doctor\n  $ moose doctor --fix\n  $ moose doctor --service')
    .action(async (options: { fix?: true; service?: true }) => {
      const findings = await found(cli, options)
      if (findings === null) return
      const sound = findings.every(({ state }) => state !== 'missing' && state !== 'broken')
      cli.output.document({ success: sound, findings })
      cli.output.line(cli.output.hint(table(findings.map((finding) => row(finding, cli.output.paint)))))
      if (!sound) process.exitCode = 1
    })
}

async function found(cli: Cli, { fix, service }: { fix?: true; service?: true }): Promise<DoctorFinding[] | null> {
  if (fix === true) return await repaired(cli)
  return service === true ? await ofService(cli) : await looked(cli, null)
}

/** @throws {Fault} `not_running` */
async function ofService(cli: Cli): Promise<DoctorFinding[]> {
  const api = await serviceApi(cli)
  using _waiting = cli.output.spinner('the service looks around')
  const { findings } = await api.call({ method: 'GET', path: '/api/doctor', answer: DoctorResponse })
  return findings
}

/** @returns null when it was interrupted */
async function repaired(cli: Cli): Promise<DoctorFinding[] | null> {
  using interruption = listenForInterruption(() => cli.output.note('Stopping; nothing half installed is kept …'))
  const { signal } = interruption
  try {
    return await looked(cli, { onProgress: (message) => cli.output.note(harmless(message)), signal })
  } catch (thrown) {
    if (!signal.aborted) throw thrown
    cli.output.document({ success: false, error: { code: 'interrupted', message: 'Interrupted by a signal.' } })
    process.exitCode = Number(interruption.exitCode())
    return null
  }
}

type Fix = Parameters<Moose['doctor']>[0]

async function looked(cli: Cli, fix: Fix): Promise<DoctorFinding[]> {
  using _waiting = cli.output.spinner(fix === null ? 'looking around' : 'installing and looking around')
  return await examine(cli.config(), fix)
}

/** What cannot even be opened is a finding too. */
async function examine(config: Config, fix: Fix): Promise<DoctorFinding[]> {
  try {
    const { openMoose } = await import('../../app.ts')
    await using moose = await openMoose(config, { log: createLogFor(config), role: 'client' })
    const service = await staleService(config.home, fix !== null)
    return [...(await moose.doctor(fix)), ...service, ...(await otherDatabase(config))]
  } catch (thrown) {
    const fault = toFault(thrown)
    if (!fault.code.startsWith('database_') && fix !== null) throw fault
    const broken = { name: 'database', state: 'broken', detail: fault.message, remedy: null } as const
    return [{ name: 'node', state: 'ok', detail: process.version, remedy: null } as const, broken]
  }
}

/** Empty where the service of the home, if there is one, works on this database too. */
async function otherDatabase(config: Config): Promise<DoctorFinding[]> {
  try {
    await serviceOf(config)
    return []
  } catch (thrown) {
    const { code, message } = toFault(thrown)
    if (code !== 'config_invalid') throw thrown
    return [
      { name: 'service', state: 'broken', detail: message, remedy: 'unset DATABASE_URL, or choose another --home' },
    ]
  }
}

const SYMBOL: Record<DoctorFinding['state'], (paint: Paint) => string> = {
  ok: (paint) => paint.green('✓'),
  missing: (paint) => paint.red('✗'),
  broken: (paint) => paint.red('✗'),
  warning: (paint) => paint.yellow('!'),
  optional: (paint) => paint.dim('–'),
}

function row({ name, state, detail, remedy }: DoctorFinding, paint: Paint): string[] {
  const advice = remedy === null ? '' : `  ${paint.yellow(`→ ${harmless(remedy)}`)}`
  return [`${SYMBOL[state](paint)} ${harmless(name)}`, paint.dim(state), `${harmless(detail)}${advice}`]
}
