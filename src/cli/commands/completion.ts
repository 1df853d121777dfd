import { type Complete, RootCommand, script } from '@bomb.sh/tab'
import { Argument, Command, type Option } from 'commander'
import { isAlive } from '../../process/is-alive.ts'
import type { Cli } from '../cli.ts'
import type { ApiClient } from '../client/api-client.ts'
import { shortId } from '../pages/humanize.ts'
import { oneLine } from '../pages/terminal-text.ts'

const SHELLS = ['bash', 'zsh', 'fish'] as const

/** A key pressed is answered before it is felt, with or without what the service knows. */
const KNOWN_WITHIN_MS = 250
const OFFERED_ORDERS = 100
const LONGEST_DESCRIPTION = 60

/** Prints the script a shell completes `moose` with; the script asks `moose complete` for what fits. */
export function completionCommand(cli: Cli): Command {
  return new Command('completion')
    .description('Prints the script with which a shell completes commands, options, their values, ids and projects.')
    .addArgument(new Argument('<shell>', 'which shell').choices(SHELLS))
    .addHelpText('after', HELP)
    .action((shell: (typeof SHELLS)[number]) => {
      if (shell === 'bash') cli.output.verbatim(BASH_WORDS)
      script(shell, 'moose', 'moose')
      if (shell === 'bash') cli.output.verbatim(BASH_FILES)
    })
}

const HELP = `
It completes the word moose, so moose has to be in the PATH. Put it where the shell looks, once, and open a new shell:

  bash  $ mkdir -p ~/.local/share/bash-completion/completions
        $ moose completion bash > ~/.local/share/bash-completion/completions/moose
        Without the package bash-completion, add this line to ~/.bashrc instead:
        source <(moose completion bash)

  zsh   $ mkdir -p ~/.zfunc && moose completion zsh > ~/.zfunc/_moose
        and in ~/.zshrc, before compinit: fpath+=~/.zfunc

  fish  $ moose completion fish > ~/.config/fish/completions/moose.fish

Example:
  $ moose completion bash`

/** The script asks a function of the package bash-completion for its words; where that is missing, this does. */
const BASH_WORDS = `type _get_comp_words_by_ref >/dev/null 2>&1 || _get_comp_words_by_ref() {
    words=("\${COMP_WORDS[@]}") cword=$COMP_CWORD cur=\${COMP_WORDS[COMP_CWORD]} prev=\${COMP_WORDS[COMP_CWORD-1]}
}
`
/** Where `moose complete` leaves it to the shell, the names of files. */
const BASH_FILES = 'complete -o default -F __moose_complete moose\n'

/** Where values come from that the command line does not know by itself: the shell, or the service. */
type Source = 'files' | 'paths' | 'orders' | 'projects' | 'proposers'

/** By option, and by the name of an argument. */
const SOURCES: Readonly<Record<string, Source>> = {
  '--bill': 'files',
  '--file': 'paths',
  '--from': 'files',
  '--home': 'files',
  repository: 'files',
  '--create-origin': 'files',
  '--signing-key': 'files',
  '--repository': 'files',
  '--project': 'projects',
  '--proposer': 'proposers',
  project: 'projects',
  proposer: 'proposers',
  id: 'orders',
}

/**
 * Prints what may be typed in place of the last word, one per line with its description behind a tab, and then how the
 * shell is to take it.
 *
 * @param program with the named commands loaded
 * @see https://github.com/bombshell-dev/tab
 */
export function completeCommand(cli: Cli, program: Command): Command {
  return new Command('complete').argument('[words...]').action(async (words: string[]) => {
    const command = named(program, words.slice(0, -1))
    const source = sourceOf(command, program, words)
    if (source === 'files') return cli.output.verbatim(SHELL_FILES)
    if (source === 'paths') return cli.output.verbatim(await pathsOfRepository(cli, words))
    treeOf(program, source === null ? [] : await known(cli, ASK[source])).parse(words)
  })
}

/** The innermost command of these words. */
function named(program: Command, words: readonly string[]): Command {
  let command = program
  for (const word of words) {
    const part = command.commands.find((one) => one.name() === word || one.aliases().includes(word))
    if (part !== undefined) command = part
  }
  return command
}

function sourceOf(command: Command, program: Command, words: readonly string[]): Source | null {
  const before = String(words.at(-2))
  const option = optionsOf(command, program).find(({ long, short }) => long === before || short === before)
  if (option !== undefined && takesValue(option)) return sourceNamed(String(option.long))
  const [argument] = command.registeredArguments
  // The ids of the parts of a command, as `budget settle`, are not those of orders.
  if (argument === undefined || words.at(-1)?.startsWith('-') === true) return null
  if (argument.name() === 'id' && command.parent !== program) return null
  return sourceNamed(argument.name())
}

function sourceNamed(name: string): Source | null {
  const source = SOURCES[name]
  return source === undefined ? null : source
}

function optionsOf(command: Command, program: Command): readonly Option[] {
  const help = program.createHelp()
  return command === program
    ? help.visibleOptions(program)
    : [...help.visibleOptions(command), ...help.visibleOptions(program)]
}

function takesValue(option: Option): boolean {
  return option.required || option.optional
}

type Known = { value: string; description: string }

/** What the library completes from: every command by its whole name, with its options and arguments. */
function treeOf(program: Command, values: readonly Known[]): RootCommand {
  const root = new RootCommand()
  const fill = (part: typeof root | ReturnType<typeof root.command>, command: Command) => {
    for (const option of optionsOf(command, program)) {
      const name = String(option.long).slice(2)
      const alias = option.short?.slice(1)
      if (takesValue(option)) part.option(name, option.description, offering(option.argChoices, values), alias)
      else part.option(name, option.description, alias)
    }
    for (const argument of command.registeredArguments)
      part.argument(argument.name(), offering(argument.argChoices, values), argument.variadic)
  }
  const add = (command: Command, before: string) => {
    for (const name of [command.name(), ...command.aliases()]) {
      fill(root.command(`${before}${name}`, command.summary()), command)
      for (const part of program.createHelp().visibleCommands(command)) add(part, `${before}${name} `)
    }
  }
  fill(root, program)
  for (const command of program.createHelp().visibleCommands(program)) add(command, '')
  return root
}

function offering(choices: readonly string[] | undefined, values: readonly Known[]): (complete: Complete) => void {
  return (complete) => {
    if (choices === undefined) for (const { value, description } of values) complete(value, description)
    else for (const choice of choices) complete(choice, '')
  }
}

/** Bash expands the words it is offered (`compgen -W`), so that a name with anything else in it would be run. */
const HARMLESS_WORD = /^[\w.@%+:,/-]+$/

type AskService = (api: ApiClient, signal: AbortSignal) => Promise<Known[]>

/** What the service knows; nothing where none is up or it does not answer at once. */
async function known(cli: Cli, ask: AskService): Promise<Known[]> {
  try {
    const [{ readServiceFile }, { apiOf }, { readTokenFile }] = await Promise.all([
      import('../client/service-file.ts'),
      import('../client/connect.ts'),
      import('../../files/api-token-file.ts'),
    ])
    const config = cli.config()
    const service = await readServiceFile(config.home)
    // Between two keys no token is made, and none is sent to a process that is gone.
    const hasToken = config.apiToken !== null || (await readTokenFile(config.home)) !== null
    if (service === null || !hasToken || !isAlive(service.pid)) return []
    const signal = AbortSignal.timeout(KNOWN_WITHIN_MS)
    const values = await ask(await apiOf(service, config), signal)
    return values.filter(({ value }) => HARMLESS_WORD.test(value))
  } catch {
    // Whatever it is, the command itself will say it; between two keys there is no place for it.
    return []
  }
}

const ASK: Readonly<Record<Exclude<Source, 'files' | 'paths'>, AskService>> = {
  orders: async (api, signal) => {
    const { ListedWorkOrdersResponse } = await import('../../contract/order-list.ts')
    const path = `/api/work-orders?limit=${OFFERED_ORDERS}`
    const { work_orders } = await api.call({ method: 'GET', path, answer: ListedWorkOrdersResponse, signal })
    return work_orders.map(({ id, title }) => ({
      value: shortId(id),
      description: oneLine(title, LONGEST_DESCRIPTION),
    }))
  },
  projects: async (api, signal) => {
    const { ProjectsResponse } = await import('../../contract/projects.ts')
    const { projects } = await api.call({ method: 'GET', path: '/api/projects', answer: ProjectsResponse, signal })
    return projects.map(({ name, repository }) => ({
      value: name,
      description: oneLine(repository, LONGEST_DESCRIPTION),
    }))
  },
  proposers: async (api, signal) => {
    const { ProposersResponse } = await import('../../contract/proposers.ts')
    const { proposers } = await api.call({ method: 'GET', path: '/api/proposers', answer: ProposersResponse, signal })
    return proposers.map(({ name, model }) => ({
      value: name,
      description: oneLine(model, LONGEST_DESCRIPTION),
    }))
  },
}

const CONTROL = /\p{Cc}/u
/** Nothing is known: the shell may offer files. */
const SHELL_FILES = ':0\n'
/** What is offered is all there is; after a folder no space is put, so that one can go on. */
const [ALL_THERE_IS, NO_SPACE_AFTER] = [':4\n', ':6\n']

/** Paths of the repository that an order would be for; where they are not known, those the shell sees. */
async function pathsOfRepository(cli: Cli, words: readonly string[]): Promise<string> {
  const prefix = String(words.at(-1))
  const paths = await known(cli, async (api, signal) => {
    const [{ ProjectFilesResponse }, { projectHere }] = await Promise.all([
      import('../../contract/order-check.ts'),
      import('../input/project-here.ts'),
    ])
    const named = words[words.findIndex((word) => word === '-p' || word === '--project') + 1]
    const isNamed = words.includes('-p') || words.includes('--project')
    const project = isNamed && named !== undefined ? named : await onlyProject(cli, api, projectHere)
    if (project === null) return []
    const query = new URLSearchParams({ prefix, limit: String(OFFERED_ORDERS) })
    const path = `/api/projects/${encodeURIComponent(project)}/files?${query.toString()}`
    const { files } = await api.call({ method: 'GET', path, answer: ProjectFilesResponse, signal })
    // A name of a repository with a line break or a tab in it would be read as something else.
    return files.filter((value) => !CONTROL.test(value)).map((value) => ({ value, description: '' }))
  })
  if (paths.length === 0) return SHELL_FILES
  const isOpen = paths.some(({ value }) => value.endsWith('/'))
  return `${paths.map(({ value }) => value).join('\n')}\n${isOpen ? NO_SPACE_AFTER : ALL_THERE_IS}`
}

type ProjectHere = (api: ApiClient, cwd: string) => Promise<string | null>

/** That of the checkout, or the only one there is. */
async function onlyProject(cli: Cli, api: ApiClient, projectHere: ProjectHere): Promise<string | null> {
  const here = await projectHere(api, cli.cwd)
  if (here !== null) return here
  const { ProjectsResponse } = await import('../../contract/projects.ts')
  const { projects } = await api.call({ method: 'GET', path: '/api/projects', answer: ProjectsResponse })
  const [only, second] = projects
  return only !== undefined && second === undefined ? only.name : null
}
