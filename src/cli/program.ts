import path from 'node:path'
import { getSystemErrorMessage } from 'node:util'
import { type Argument, Command, CommanderError } from 'commander'
import packageJson from '../../package.json' with { type: 'json' }
import { Fault, toFault } from '../faults/fault.ts'
import type { Cli } from './cli.ts'
import { exitCodeOf } from './exit-code.ts'
import { interruptAll } from './interruption.ts'
import { invocationOf } from './pages/invocation.ts'
import { createOutput, type Output } from './pages/output.ts'

/** A command as `moose --help` shows it; what makes it is loaded only where it is named. */
type Entry = readonly [
  /** Its name and arguments, as commander writes them. */
  usage: string,
  summary: string,
  load: () => Promise<(cli: Cli) => Command>,
  alias?: string,
]

/** The commands as `moose --help` groups them. */
const GROUPS: Readonly<Record<string, readonly Entry[]>> = {
  'Begin:': [
    ['demo', 'watch work orders become pull requests', async () => (await import('./commands/demo.ts')).demoCommand],
    ['init [repository]', 'add a repository', async () => (await import('./commands/init.ts')).initCommand],
    [
      'check [project]',
      'run set-up and checks on the base, as orders do',
      async () => (await import('./commands/check.ts')).checkCommand,
    ],
    ['schema', 'print the JSON schema of moose.yaml', async () => (await import('./commands/schema.ts')).schemaCommand],
    [
      'project',
      'the repositories that work orders are for',
      async () => (await import('./commands/project/project.ts')).projectCommand,
    ],
    [
      'doctor',
      'what is there, what is missing, how to get it',
      async () => (await import('./commands/doctor.ts')).doctorCommand,
    ],
    [
      'completion <shell>',
      'the completion script of a shell',
      async () => (await import('./commands/completion.ts')).completionCommand,
    ],
  ],
  'Work orders:': [
    ['add', 'file work orders', async () => (await import('./commands/add.ts')).addCommand],
    ['edit <id>', 'correct a work order', async () => (await import('./commands/edit.ts')).editCommand],
    ['approve [id...]', 'let work orders be run', async () => (await import('./commands/approve.ts')).approveCommand],
    ['reject <id...>', 'turn work orders down', async () => (await import('./commands/reject.ts')).rejectCommand],
    ['list', 'list work orders', async () => (await import('./commands/list.ts')).listCommand, 'ls'],
    ['show <id>', 'show a work order', async () => (await import('./commands/show.ts')).showCommand],
    [
      'inbox',
      'what waits for a human, most urgent first',
      async () => (await import('./commands/inbox/inbox.ts')).inboxCommand,
    ],
    [
      'why <id>',
      'what a work order waits for, or why it stands there',
      async () => (await import('./commands/inbox/why.ts')).whyCommand,
    ],
    [
      'decide <id> [option]',
      'decide about a work order that is stopped',
      async () => (await import('./commands/inbox/decide.ts')).decideCommand,
    ],
    ['watch', 'all of that on one screen, live', async () => (await import('./watch/watch-command.ts')).watchCommand],
    ['logs <id>', 'what happened to a work order', async () => (await import('./commands/logs.ts')).logsCommand],
  ],
  'Runs:': [
    ['run <id>', 'run a work order now', async () => (await import('./commands/run/run.ts')).runCommand],
    ['cancel <id...>', 'give work orders up', async () => (await import('./commands/cancel.ts')).cancelCommand],
    ['retry [id...]', 'try work orders again', async () => (await import('./commands/retry.ts')).retryCommand],
    [
      'verify <id>',
      'run the checks again on what is there',
      async () => (await import('./commands/run/verify.ts')).verifyCommand,
    ],
    [
      'adopt <id...>',
      'give pull requests back to Moose',
      async () => (await import('./commands/adopt.ts')).adoptCommand,
    ],
    ['merge [id...]', 'merge pull requests', async () => (await import('./commands/merge.ts')).mergeCommand],
    ['close <id...>', 'close pull requests unmerged', async () => (await import('./commands/close.ts')).closeCommand],
  ],
  'Models:': [
    [
      'proposer',
      'the models that work orders go to',
      async () => (await import('./commands/proposer/proposer.ts')).proposerCommand,
    ],
  ],
  'Money:': [
    ['budget', 'what was spent, and the caps', async () => (await import('./commands/budget/budget.ts')).budgetCommand],
    [
      'numbers',
      'spending, rates, times and failures over time',
      async () => (await import('./commands/budget/numbers.ts')).numbersCommand,
    ],
    [
      'route [id]',
      'which proposer would get an order, and why',
      async () => (await import('./commands/route.ts')).routeCommand,
    ],
  ],
  'Service:': [
    ['up', 'serve the API and run work orders', async () => (await import('./commands/up.ts')).upCommand],
    [
      'worker',
      'run work orders of a shared database, beside others',
      async () => (await import('./commands/worker.ts')).workerCommand,
    ],
    [
      'start',
      'let the service take on approved work orders',
      async () => (await import('./commands/start.ts')).startCommand,
    ],
    ['stop', 'take on no more work orders', async () => (await import('./commands/stop.ts')).stopCommand],
    [
      'places [count]',
      'how many attempts may run at once',
      async () => (await import('./commands/service/places.ts')).placesCommand,
    ],
    [
      'open [order]',
      'the page of the service, logged in, in your browser',
      async () => (await import('./commands/service/open.ts')).openCommand,
    ],
    [
      'notify',
      'where events of work orders are sent',
      async () => (await import('./commands/service/notify.ts')).notifyCommand,
    ],
    ['status', 'what the service is doing', async () => (await import('./commands/status.ts')).statusCommand],
    [
      'audit',
      'who did what, and whether that record is whole',
      async () => (await import('./commands/audit.ts')).auditCommand,
    ],
    ['token', 'who may call the API, and for what', async () => (await import('./commands/token.ts')).tokenCommand],
    ['migrate', 'bring the database up to date', async () => (await import('./commands/migrate.ts')).migrateCommand],
  ],
}

export type Surroundings = {
  output: Output
  environment: Record<string, string | undefined>
  cwd: string
  readStdin: () => Promise<string>
}

/**
 * The command line; parsing runs the command. Nothing in it ends the process. A command that is not among the words has
 * its line in the help and no more: what it stands on is not loaded.
 *
 * @param words what it will parse
 */
export async function buildProgram(surroundings: Surroundings, words: readonly string[]): Promise<Command> {
  const { output } = surroundings
  const program = new Command('moose')
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
  for (const [heading, entries] of Object.entries(GROUPS)) {
    for (const entry of entries) {
      const command = await commandOf(entry, program, surroundings, words)
      program.addCommand(command.copyInheritedSettings(program).helpGroup(heading))
      command.exitOverride(usageOf(command.name()))
      for (const part of command.commands) {
        part.copyInheritedSettings(command).exitOverride(usageOf(`${command.name()} ${part.name()}`))
      }
    }
  }
  if (words.includes(COMPLETE)) {
    const { completeCommand } = await import('./commands/completion.ts')
    program.addCommand(completeCommand(await cliFor(program, surroundings), program), { hidden: true })
  }
  return program
}

/** What the completion scripts call. */
const COMPLETE = 'complete'

async function commandOf(
  [usage, summary, load, alias]: Entry,
  program: Command,
  surroundings: Surroundings,
  words: readonly string[],
): Promise<Command> {
  const [name, args] = usage.split(/ (.*)/, 2)
  const isNamed = words.some((word) => word === name || word === alias)
  const command = isNamed ? (await load())(await cliFor(program, surroundings)) : new Command(name)
  if (!isNamed && args !== undefined) command.arguments(args)
  return alias === undefined ? command.summary(summary) : command.summary(summary).alias(alias)
}

/** They have a database of their own, or are read by a shell. */
const QUIET: ReadonlySet<string> = new Set(['demo', COMPLETE])

/** What commands are given. The settings, with the schema they are checked by, are loaded only with a command. */
async function cliFor(program: Command, { output, environment, cwd, readStdin }: Surroundings): Promise<Cli> {
  const { readConfig } = await import('../config.ts')
  const config = () => {
    const read = readSettings()
    if (read.missingConnection !== null && !hasSaid && !QUIET.has(String(program.args[0]))) {
      hasSaid = true
      output.note(`warning: ${read.missingConnection}`)
    }
    return read
  }
  let hasSaid = false
  const readSettings = () => {
    const { home } = program.opts<{ home?: string }>()
    if (home === '') throw new Fault('config_invalid', '--home is empty. Name the folder where Moose keeps everything.')
    return readConfig(home === undefined ? environment : { ...environment, MOOSE_HOME: path.resolve(cwd, home) })
  }
  return { output, cwd, environment, readStdin, config }
}

function term(argument: Argument): string {
  const name = `${argument.name()}${argument.variadic ? '...' : ''}`
  return argument.required ? `<${name}>` : `[${name}]`
}

function subcommandTerm(command: Command): string {
  return [command.name(), ...command.registeredArguments.map((argument) => term(argument))].join(' ')
}

const HELP = `
Exit codes: 0 done, 1 failed, 2 wrong usage, 3 blocked: a human is needed.
Ids may be shortened to their first characters.

Begin with:
  $ moose demo
  $ moose init && moose add --title "…" --file … --approve && moose up --start`

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
    .replace(/^command-argument value ('.*') is invalid for argument '([\w-]+)'\./s, 'There is no $2 $1.')
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
    invocation: invocationOf(environment, words),
  })
  const unwritable = createUnwritable()
  for (const stream of [process.stdout, process.stderr]) stream.on('error', unwritable.hear)
  try {
    const program = await buildProgram({ output, environment, cwd: process.cwd(), readStdin }, words)
    await program.parseAsync(words, { from: 'user' })
  } catch (thrown) {
    const fault = faultOfRun(thrown)
    // What is broken off because nothing takes what it prints has no failure of its own.
    if (fault === null || unwritable.exitCode !== null) return
    output.fault(fault, environment['MOOSE_LOG_LEVEL'] === 'debug')
    process.exitCode = exitCodeOf(fault.code)
  } finally {
    if (unwritable.exitCode !== null) process.exitCode = unwritable.exitCode
  }
}

/** What becomes of a process whose streams take nothing any more. */
type Unwritable = { exitCode: 0 | 1 | null; hear(error: NodeJS.ErrnoException): void }

/**
 * The reader (`head`, `less`) has closed the pipe, which is no failure; or what is printed can be stored nowhere (a full disk,
 * a terminal that is gone), which is one, told on stderr. The command ends in order; nothing more is read.
 */
function createUnwritable(): Unwritable {
  const unwritable: Unwritable = {
    exitCode: null,
    hear({ code, errno, message }) {
      if (unwritable.exitCode !== null) return
      unwritable.exitCode = code === 'EPIPE' ? 0 : 1
      process.exitCode = unwritable.exitCode
      const reason = errno === undefined ? message : getSystemErrorMessage(errno)
      if (code !== 'EPIPE') process.stderr.write(`error: What Moose prints cannot be written: ${reason}.\n`)
      interruptAll()
    },
  }
  return unwritable
}

async function readStdin(): Promise<string> {
  const [{ buffer }, { utf8Text }] = await Promise.all([
    import('node:stream/consumers'),
    import('../contract/strict-json.ts'),
  ])
  return utf8Text(await buffer(process.stdin), 'stdin')
}
