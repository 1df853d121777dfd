import path from 'node:path'
import { Command, Option } from 'commander'
import { ChangedProjectResponse, ProjectChange } from '../../../contract/projects.ts'
import { Fault } from '../../../faults/fault.ts'
import { describeProblems, fieldProblems } from '../../../faults/schema-problems.ts'
import { type Cli, withApi } from '../../cli.ts'
import { projectPath } from '../../client/api-client.ts'
import { nullForNone, usdOrNone } from '../../input/arguments.ts'
import { locateRepository } from '../../input/locate-repository.ts'
import { counted, shortId } from '../../pages/humanize.ts'
import { projectPage } from '../../pages/project-page.ts'

type EditOptions = {
  name?: string
  repository?: string
  branch?: string
  forge?: string
  forgeHost?: string
  budget?: string
  branchPattern?: string
  author?: string
  committer?: string
  signOff?: boolean
  signingKey?: string
}

export function projectEditCommand(cli: Cli): Command {
  return new Command('edit')
    .summary('change settings of a project')
    .description(
      'Changes settings of a project. What concerns the repository is tried first: it has to answer, have the branch, and ' +
        'have room for branches of that name; its forge has to let Moose in; the key has to sign. A change counts from the ' +
        'next attempt on: one that has begun goes on with what it began with. Repository and forge change only while no ' +
        'order is under way or in review.',
    )
    .argument('<project>', 'its name')
    .option('--name <name>', 'how work orders call it from now on')
    .option('--repository <url-or-folder>', 'where it is now; of a checkout its origin is taken')
    .option('--branch <branch>', 'the base of every change')
    .addOption(new Option('--forge <forge>', 'where its pull requests live').choices(['local', 'github']))
    .option('--forge-host <host>', 'where the API of the forge is; none: on the host of the URL')
    .option('--budget <usd>', 'the most a month may cost; none: the usual cap', usdOrNone)
    .option(
      '--branch-pattern <pattern>',
      'how branches are called, with {id}, {slug} and {attempt}; none: the usual way',
    )
    .option('--author <identity>', 'of its commits, as "Name <mail>"; none: Moose')
    .option('--committer <identity>', 'of its commits, as "Name <mail>"; none: Moose')
    .option('--sign-off', 'commits say Signed-off-by their committer')
    .option('--no-sign-off', 'they do not')
    .option('--signing-key <file>', 'an SSH key that signs its commits; none: they are not signed')
    .addHelpText('after', HELP)
    .action((name: string, options: EditOptions) => {
      const body = changeFrom(cli, options)
      return withApi(cli, async (api) => {
        const changed = await api.call({
          method: 'PATCH',
          path: projectPath(name),
          body,
          answer: ChangedProjectResponse,
        })
        const { output } = cli
        output.document(changed)
        output.line(projectPage(changed.project, output.paint))
        const { running } = changed
        if (running.length === 0) return
        const ids = running.slice(0, 5).map(shortId).join(', ')
        output.note(
          `${counted(running.length, 'attempt')} under way (${ids}) go on with what they began with; the change counts from the next one on.`,
        )
      })
    })
}

const HELP = `
Branches:
  {id}       the beginning of the order's id; it must be there
  {slug}     the words of its title
  {attempt}  the number of the attempt; without it, an attempt after the first has -2 at the end

Signed commits:
  An Ed25519 or RSA key, without a passphrase or held by the agent of SSH_AUTH_SOCK (then its .pub file will do). Every
  machine that runs orders needs it at this path. GitHub shows "Verified" when the key is a signing key of the committer.

Examples:
  $ moose project edit shop --branch main
  $ moose project edit shop --branch-pattern "moose/{id}-{slug}"
  $ moose project edit shop --committer "Ada Lovelace <ada@example.org>" --sign-off
  $ moose project edit shop --signing-key ~/.ssh/moose_signing`

/** @throws {Fault} `request_invalid` naming the options */
function changeFrom(cli: Cli, options: EditOptions): ProjectChange {
  const orNull = (text: string | undefined) => (text === undefined ? undefined : nullForNone(text))
  const { repository, signingKey: key } = options
  const given = {
    name: options.name,
    repository: repository === undefined ? undefined : locateRepository(cli.cwd, repository),
    default_branch: options.branch,
    forge: options.forge,
    forge_host: orNull(options.forgeHost),
    budget_usd: orNull(options.budget),
    branch_pattern: orNull(options.branchPattern),
    author: orNull(options.author),
    committer: orNull(options.committer),
    sign_off: options.signOff,
    signing_key: key === undefined || key === 'none' ? orNull(key) : path.resolve(cli.cwd, key),
  }
  const asked = Object.fromEntries(Object.entries(given).filter(([, value]) => value !== undefined))
  if (Object.keys(asked).length === 0) {
    const message = 'Nothing to change. Name a setting, such as --branch main. See: moose project edit --help'
    throw new Fault('request_invalid', message)
  }
  const parsed = ProjectChange.safeParse(asked)
  if (parsed.success) return parsed.data
  const problems = fieldProblems(parsed.error).map((problem) => ({ ...problem, field: optionOf(problem.field) }))
  throw new Fault('request_invalid', `Nothing was changed: ${describeProblems(problems)}.`)
}

function optionOf(field: string): string {
  return field === 'default_branch'
    ? '--branch'
    : field === 'budget_usd'
      ? '--budget'
      : `--${field.replaceAll('_', '-')}`
}
