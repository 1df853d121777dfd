import path from 'node:path'
import { text } from 'node:stream/consumers'
import { Command, CommanderError } from 'commander'
import packageJson from '../../package.json' with { type: 'json' }
import { type Config, readConfig } from '../config.ts'
import { Fault, toFault } from '../faults/fault.ts'
import type { Cli } from './cli.ts'
import { addCommand } from './commands/add.ts'
import { approveCommand } from './commands/approve.ts'
import { budgetCommand } from './commands/budget.ts'
import { cancelCommand } from './commands/cancel.ts'
import { checkCommand } from './commands/check.ts'
import { closeCommand } from './commands/close.ts'
import { demoCommand } from './commands/demo.ts'
import { doctorCommand } from './commands/doctor.ts'
import { editCommand } from './commands/edit.ts'
import { initCommand } from './commands/init.ts'
import { listCommand } from './commands/list.ts'
import { logsCommand } from './commands/logs.ts'
import { mergeCommand } from './commands/merge.ts'
import { migrateCommand } from './commands/migrate.ts'
import { rejectCommand } from './commands/reject.ts'
import { retryCommand } from './commands/retry.ts'
import { routeCommand } from './commands/route.ts'
import { runCommand } from './commands/run.ts'
import { showCommand } from './commands/show.ts'
import { startCommand } from './commands/start.ts'
import { statusCommand } from './commands/status.ts'
import { stopCommand } from './commands/stop.ts'
import { upCommand } from './commands/up.ts'
import { workerCommand } from './commands/worker.ts'
import { exitCodeOf } from './exit-code.ts'
import { invocationOf } from './pages/invocation.ts'
import { createOutput, type Output } from './pages/output.ts'

type MakeCommand = (cli: Cli) => Command

/** The commands as `moose --help` groups them. */
const GROUPS: Record<string, readonly MakeCommand[]> = {
  'Begin:': [demoCommand, initCommand, checkCommand, doctorCommand],
  'Work orders:': [addCommand, editCommand, approveCommand, rejectCommand, listCommand, showCommand, logsCommand],
  'Runs:': [runCommand, cancelCommand, retryCommand, mergeCommand, closeCommand],
  'Money:': [budgetCommand, routeCommand],
  'Service:': [upCommand, workerCommand, startCommand, stopCommand, statusCommand, migrateCommand],
}

export type Surroundings = {
  output: Output
  environment: Record<string, string | undefined>
  cwd: string
  readStdin: () => Promise<string>
}

/** The whole command line; parsing runs the command. Nothing in it ends the process. */
export function buildProgram({ output, environment, cwd, readStdin }: Surroundings): Command {
  const program = new Command('moose')
  const cli: Cli = { output, cwd, readStdin, config: () => configOf(program, environment, cwd) }
  program
    .description('Approved work orders in, verified pull requests out: unattended, with the evidence for every step.')
    .usage('<command> [options]')
    .version(packageJson.version, '-V, --version', 'print the version')
    .option('--home <folder>', 'where Moose keeps everything (MOOSE_HOME)')
    .option('--json', 'one JSON document, or JSON lines for streams')
    .option('--no-color', 'no colours (NO_COLOR)')
    .helpOption('-h, --help', 'print help')
    .helpCommand('help [command]', 'print help for a command')
    .exitOverride()
    .showSuggestionAfterError()
    .configureHelp({ showGlobalOptions: true, styleTitle: output.paint.bold, subcommandTerm })
    .configureOutput({
      // Errors are printed as every other fault is; what is left is the help for a bare `moose`.
      outputError: () => {},
      writeErr: output.own,
      writeOut: output.own,
      getOutHasColors: () => output.paint.isColorSupported,
    })
    .addHelpText('after', HELP)
  for (const [heading, makers] of Object.entries(GROUPS)) {
    for (const make of makers) {
      const command = make(cli).copyInheritedSettings(program).helpGroup(heading)
      program.addCommand(command.exitOverride(usageOf(command.name())))
      for (const part of command.commands) {
        part.copyInheritedSettings(command).exitOverride(usageOf(`${command.name()} ${part.name()}`))
      }
    }
  }
  return program
}

function subcommandTerm(command: Command): string {
  return [command.name(), ...command.registeredArguments.map((argument) => `<${argument.name()}>`)].join(' ')
}

const HELP = `
Exit codes: 0 done, 1 failed, 2 wrong usage, 3 blocked: a human is needed.
Ids may be shortened to their first characters.

Begin with:
  $ moose demo
  $ moose init && moose add --title "…" --file … --approve && moose up --start`

function configOf(program: Command, environment: Surroundings['environment'], cwd: string): Config {
  const { home } = program.opts<{ home?: string }>()
  if (home === '') throw new Fault('config_invalid', '--home is empty. Name the folder where Moose keeps everything.')
  return readConfig(home === undefined ? environment : { ...environment, MOOSE_HOME: path.resolve(cwd, home) })
}

/** Names the help of the command that was used wrongly. */
function usageOf(name: string): (error: CommanderError) => never {
  return (error) => {
    throw isUsageError(error) ? usageFault(error, `moose ${name} --help`) : error
  }
}

function isUsageError({ exitCode, code }: CommanderError): boolean {
  return exitCode !== 0 && code !== 'commander.help'
}

function usageFault(error: CommanderError, help: string): Fault {
  const what = error.message
    .replace(/^error: /, '')
    .replaceAll('\n', ' ')
    .replace(/\.$/, '')
  return new Fault('request_invalid', `${what}. See: ${help}`, {}, error)
}

/** What went wrong, as a Fault; null for help and version, which commander throws too. */
export function faultOfRun(thrown: unknown): Fault | null {
  if (!(thrown instanceof CommanderError)) return toFault(thrown)
  return isUsageError(thrown) ? usageFault(thrown, 'moose --help') : null
}

/** Carries out what this process was called with, and leaves its exit code in `process.exitCode`. */
export async function runCommandLine(): Promise<void> {
  const words = process.argv.slice(2)
  // oxlint-disable-next-line node/no-process-env -- config.ts reads it; it is handed over here
  const environment = process.env
  const output = createOutput(process, {
    json: words.includes('--json'),
    color: !words.includes('--no-color'),
    invocation: invocationOf(environment),
  })
  process.stdout.on('error', endWithReader)
  process.stderr.on('error', endWithReader)
  try {
    await buildProgram({
      output,
      environment,
      cwd: process.cwd(),
      readStdin: () => text(process.stdin),
    }).parseAsync(words, { from: 'user' })
  } catch (thrown) {
    const fault = faultOfRun(thrown)
    if (fault === null) return
    output.fault(fault, environment['MOOSE_LOG_LEVEL'] === 'debug')
    process.exitCode = exitCodeOf(fault.code)
  }
}

/** The reader (`head`, `less`) has closed the pipe. */
function endWithReader(error: NodeJS.ErrnoException): void {
  if (error.code === 'EPIPE') process.exit(0)
  throw error
}
