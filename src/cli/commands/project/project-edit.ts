import path from 'node:path'
import { Command, Option } from 'commander'
import type { z } from 'zod'
import { NetworkUse } from '../../../contract/hosts/host-rule.ts'
import {
  ChangedProjectResponse,
  MOST_OPEN_PULL_REQUESTS,
  ProjectChange,
  ProjectsResponse,
} from '../../../contract/projects.ts'
import { Fault } from '../../../faults/fault.ts'
import { describeProblems, fieldProblems } from '../../../faults/schema-problems.ts'
import { RISK_LEVELS } from '../../../work-order/content.ts'
import { MERGE_POLICIES } from '../../../work-order/project.ts'
import { type Cli, withApi } from '../../cli.ts'
import { type ApiClient, projectPath } from '../../client/api-client.ts'
import { countUpToOrNone, nullForNone, usdOrNone } from '../../input/arguments.ts'
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
  allowHost?: string[]
  denyHost?: string[]
  for?: NetworkUse
  protect?: string[]
  unprotect?: string[]
  usualProtection?: true
  image?: string
  maxOpenPullRequests?: number | 'none'
  mergePolicy?: string
  autoMerge?: string
  autoApprove?: string
}

export function projectEditCommand(cli: Cli): Command {
  return withRules(new Command('edit'))
    .summary('change settings of a project')
    .description(
      'Changes settings of a project. What concerns the repository is tried first: it has to answer, have the branch, and ' +
        'have room for branches of that name; its forge has to let Moose in; the key has to sign. A change counts from the ' +
        'next attempt on: one that has begun goes on with what it began with; hosts count from the next set-up or check on. ' +
        'Repository and forge change only while no order is under way or in review.',
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
    .option('--allow-host <host...>', 'hosts that its set-up can reach from now on, or its checks with --for checks')
    .option('--deny-host <host...>', 'hosts that it cannot reach any more')
    .addOption(
      new Option('--for <what>', 'what --allow-host and --deny-host are about; without it, set-up, or both').choices(
        NetworkUse.options,
      ),
    )
    .option('--protect <pattern...>', 'paths whose change has to be allowed, beside those that usually are protected')
    .option('--unprotect <pattern...>', 'paths whose change need not be allowed, though they usually are protected')
    .option('--usual-protection', 'nothing more is protected than usual, and nothing less')
    .option('--image <image>', 'what checks run in where MOOSE_SANDBOX is podman or docker; none: nothing')
    .addHelpText('after', HELP)
    .action((name: string, options: EditOptions) => {
      const body = changeFrom(cli, options)
      return withApi(cli, async (api) => {
        const protection = await protectionFrom(api, name, options)
        const changed = await api.call({
          method: 'PATCH',
          path: projectPath(name),
          body: { ...body, ...protection },
          answer: ChangedProjectResponse,
        })
        show(cli, changed, body)
      })
    })
}

/** What is decided without a human. */
function withRules(command: Command): Command {
  return command
    .option(
      '--max-open-pull-requests <number>',
      'orders beyond so many open pull requests wait; none: any number',
      countUpToOrNone(MOST_OPEN_PULL_REQUESTS),
    )
    .addOption(
      new Option('--merge-policy <policy>', 'who merges what is proved and green: a human, or Moose').choices(
        MERGE_POLICIES,
      ),
    )
    .addOption(new Option('--auto-merge <risk>', 'the highest risk that the policy auto merges').choices(RISK_LEVELS))
    .addOption(
      new Option(
        '--auto-approve <risk>',
        'the highest risk that is approved by rule; none: a human approves each',
      ).choices([...RISK_LEVELS, 'none']),
    )
}

function show({ output }: Cli, changed: z.infer<typeof ChangedProjectResponse>, asked: ProjectChange): void {
  output.document(changed)
  output.line(output.hint(projectPage(changed.project, output.paint)))
  const { running } = changed
  const isOfHosts = Object.keys(asked).every((field) => field === 'allow_hosts' || field === 'deny_hosts')
  if (running.length === 0 || isOfHosts) return
  const ids = running.slice(0, 5).map(shortId).join(', ')
  output.note(
    `${counted(running.length, 'attempt')} under way (${ids}) go on with what they began with; the change counts from the next one on.`,
  )
}

const HELP = `
Branches:
  {id}       the beginning of the order's id; it must be there
  {slug}     the words of its title
  {attempt}  the number of the attempt; without it, an attempt after the first has -2 at the end

Protected files:
  A change of CI workflows, lock files, package scripts, CODEOWNERS, AGENTS.md, editor and agent configuration and the like
  waits for a human. Patterns are those of .gitignore, without ! and [ ]: infra/ is a folder at any depth, /schema.sql a file
  in the root. What --protect names counts before what --unprotect names; naming one again moves it.

Signed commits:
  An Ed25519 or RSA key, without a passphrase or held by the agent of SSH_AUTH_SOCK (then its .pub file will do). Every
  machine that runs orders needs it at this path. GitHub shows "Verified" when the key is a signing key of the committer.

Hosts:
  HOST, HOST:PORT, *.DOMAIN or an address; without a port, 443 and 80. Nothing else can be reached, whatever moose.yaml asks
  for. A name that stands at an inner address needs that address granted too.

Examples:
  $ moose project edit shop --branch main
  $ moose project edit shop --allow-host registry.example --allow-host "*.example.org:8443"
  $ moose project edit shop --branch-pattern "moose/{id}-{slug}"
  $ moose project edit shop --committer "Ada Lovelace <ada@example.org>" --sign-off
  $ moose project edit shop --signing-key ~/.ssh/moose_signing`

/** @throws {Fault} `request_invalid` naming the options */
function changeFrom(cli: Cli, options: EditOptions): ProjectChange {
  const orNull = (text: string | undefined) => (text === undefined ? undefined : nullForNone(text))
  const { repository, signingKey: key, maxOpenPullRequests: most } = options
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
    ...hostsFrom(options),
    sandbox_image: orNull(options.image),
    max_open_pull_requests: most === 'none' ? null : most,
    merge_policy: options.mergePolicy,
    auto_merge: options.autoMerge,
    auto_approve: orNull(options.autoApprove),
  }
  const asked = Object.fromEntries(Object.entries(given).filter(([, value]) => value !== undefined))
  if (Object.keys(asked).length === 0 && protects(options)) return {}
  if (Object.keys(asked).length === 0) {
    const message = 'Nothing to change. Name a setting, such as --branch main. See: moose project edit --help'
    throw new Fault('request_invalid', message)
  }
  const parsed = ProjectChange.safeParse(asked)
  if (parsed.success) return parsed.data
  const problems = fieldProblems(parsed.error).map((problem) => ({ ...problem, field: optionOf(problem.field) }))
  throw new Fault('request_invalid', `Nothing was changed: ${describeProblems(problems)}.`)
}

function hostsFrom({ allowHost: allow, denyHost: deny, for: use }: EditOptions) {
  if (use !== undefined && allow === undefined && deny === undefined)
    throw new Fault('request_invalid', 'Nothing was changed: --for belongs to --allow-host or --deny-host.')
  return {
    allow_hosts: allow?.map((host) => ({ host, for: use === undefined ? 'setup' : use })),
    deny_hosts: deny?.map((host) => ({ host, ...(use === undefined ? {} : { for: use }) })),
  }
}

function protects({ protect, unprotect, usualProtection }: EditOptions): boolean {
  return protect !== undefined || unprotect !== undefined || usualProtection === true
}

/** The lists as they are to be: what is named now is in one of them alone. */
async function protectionFrom(
  api: ApiClient,
  name: string,
  options: EditOptions,
): Promise<Pick<ProjectChange, 'protect' | 'unprotect'>> {
  if (!protects(options)) return {}
  const { protect = [], unprotect = [], usualProtection } = options
  const { projects } = await api.call({ method: 'GET', path: '/api/projects', answer: ProjectsResponse })
  const known = usualProtection === true ? undefined : projects.find((project) => project.name === name)
  const before = known === undefined ? { protect: [], unprotect: [] } : known
  const without = (list: readonly string[], others: readonly string[]) => list.filter((each) => !others.includes(each))
  return {
    protect: [...new Set([...without(before.protect, unprotect), ...protect])],
    unprotect: [...new Set([...without(before.unprotect, protect), ...without(unprotect, before.protect)])],
  }
}

const OPTIONS: Readonly<Record<string, string>> = {
  default_branch: '--branch',
  budget_usd: '--budget',
  sandbox_image: '--image',
}

function optionOf(field: string): string {
  if (/^(?:allow|deny)_hosts/.test(field)) return field.startsWith('allow') ? '--allow-host' : '--deny-host'
  const named = OPTIONS[field]
  return named === undefined ? `--${field.replaceAll('_', '-')}` : named
}
