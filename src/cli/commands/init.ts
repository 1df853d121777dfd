import path from 'node:path'
import { Command, Option } from 'commander'
import type { ProposedMooseYaml } from '../../app/propose-moose-yaml.ts'
import { grantOptions, plainRule } from '../../contract/hosts/host-rule.ts'
import {
  type AddedProject,
  ChangedProjectResponse,
  NewProject,
  ProjectResponse,
  type ProjectView,
} from '../../contract/projects.ts'
import { Fault } from '../../faults/fault.ts'
import { describeProblems, fieldProblems } from '../../faults/schema-problems.ts'
import { type Cli, withApi } from '../cli.ts'
import { type ApiClient, projectPath } from '../client/api-client.ts'
import { askedYes } from '../input/asked-yes.ts'
import { enclosingRepository, locateRepository } from '../input/locate-repository.ts'
import { mooseYamlDocument, proposedFor, showProposed } from '../input/moose-yaml-of-checkout.ts'
import { projectsHere } from '../input/project-here.ts'
import { quoted } from '../pages/invocation.ts'
import { harmless } from '../pages/terminal-text.ts'
import { checkProject } from './check.ts'

type InitOptions = {
  name?: string
  branch?: string
  forge?: string
  createOrigin?: string
  write?: true
  check?: true
  allowHosts?: true
}

const LONGEST_NAME = 64
const LOGIN_LEFT_OUT =
  'The origin of the checkout, or the configuration of your git, holds a user name, password or token. Moose works without ' +
  'it, and both are as they were. For GitHub Moose logs in by itself (gh auth login, or GH_TOKEN); elsewhere, where a login ' +
  'is needed, use ssh.'

export function initCommand(cli: Cli): Command {
  return new Command('init')
    .description(
      'Adds a repository as a project that work orders can be for. In a checkout it also proposes a moose.yaml: how to ' +
        'set up and check the repository, as its own files say. Nothing in it is changed without --write, and set-up reaches ' +
        'no host without a yes or --allow-hosts.',
    )
    .argument('[repository]', 'a git URL or a folder; without it, the repository of the current folder')
    .option('--name <name>', 'how work orders call it; without it, the name of the folder or URL')
    .option('--branch <branch>', 'the base of every change; without it, what HEAD of the repository names')
    .addOption(
      new Option(
        '--forge <forge>',
        'where its pull requests live; without it, github for a repository on GitHub, otherwise local',
      ).choices(['local', 'github']),
    )
    .option(
      '--create-origin <folder>',
      'for a checkout without an origin: make a bare copy of it in this new folder, which the orders are for',
    )
    .option('--write', 'write the proposed moose.yaml into the checkout, if none is there')
    .option('--allow-hosts', 'let set-up reach the hosts that moose.yaml, there or proposed, asks for')
    .option('--check', 'then run its set-up and checks on the base, as: moose check')
    .addHelpText(
      'after',
      '\nExamples:\n  $ moose init --write\n  $ moose init --check\n  $ moose init https://example.com/team/shop.git --branch main',
    )
    .action(async (repository: string | undefined, options: InitOptions) => {
      const { createOrigin: folder } = options
      const located = repository === undefined ? enclosingRepository(cli.cwd) : locateRepository(cli.cwd, repository)
      const made = folder === undefined ? {} : { create_origin: path.resolve(cli.cwd, folder) }
      await withApi(cli, async (api) => {
        const body = { ...newProject(located, await withKnownName(api, located, options)), ...made }
        const added = await api.call({ method: 'POST', path: '/api/projects', body, answer: ProjectResponse })
        const proposed = await proposedFor(cli, body.repository)
        const hosts = hostsAskedFor(proposed, added.project)
        if (cli.output.json) {
          const moose_yaml = await mooseYamlDocument(proposed, options.write === true)
          const project = options.allowHosts === true ? await grant(api, added.project, hosts) : added.project
          cli.output.document({ ...added, project, moose_yaml })
        } else {
          await showAdded(cli, added, proposed, options)
          await offerHosts(cli, api, { project: added.project, hosts, isGiven: options.allowHosts === true })
          tellWhatNext(cli, added.project, options)
        }
        const checkout = path.isAbsolute(located) ? located : null
        if (options.check === true) await checkProject(cli, api, { project: added.project.name, checkout })
      })
    })
}

async function showAdded(
  cli: Cli,
  { project, added, restored, approved_orders, login_left_out, copied_from }: AddedProject,
  proposed: ProposedMooseYaml | null,
  options: InitOptions,
): Promise<void> {
  const { name, repository, default_branch, forge } = project
  const { output } = cli
  const how = restored ? ' is back' : added ? '' : ' is there already'
  const where = `${harmless(repository)}, branch ${harmless(default_branch)}, forge ${forge}`
  output.line(`project ${output.paint.bold(harmless(name))}${how}: ${where}`)
  if (approved_orders > 0)
    output.note(
      `Orders of it that the first Moose had approved are approved here: ${approved_orders}. See them with: moose list`,
    )
  if (login_left_out) output.note(LOGIN_LEFT_OUT)
  if (copied_from !== null) output.note(harmless(connect(copied_from, repository)))
  await showProposed(cli, proposed, { base: default_branch, write: options.write === true })
}

function tellWhatNext({ output }: Cli, { name }: ProjectView, options: InitOptions): void {
  if (options.check !== true) output.note(`See that its checks run, which costs nothing: moose check ${harmless(name)}`)
  output.note('Add work with: moose add --title "…" --file …')
}

/** Those of `moose.yaml`, there or proposed, for set-up, that are not granted yet. */
function hostsAskedFor(proposed: ProposedMooseYaml | null, { allowed_hosts: granted }: ProjectView): string[] {
  if (proposed === null) return []
  const { existing, proposal } = proposed
  const isAsked = existing !== null && existing.hosts.length > 0
  const hosts = isAsked ? existing.hosts : proposal.hosts.map(({ value }) => value)
  const known = new Set(granted.filter((one) => one.for === 'setup').map(({ host }) => host))
  return hosts.map(plainRule).filter((host) => !known.has(host))
}

/** At a terminal it asks once; elsewhere it says what to type. */
async function offerHosts(
  { output }: Cli,
  api: ApiClient,
  { project, hosts, isGiven }: { project: ProjectView; hosts: readonly string[]; isGiven: boolean },
): Promise<void> {
  if (hosts.length === 0) return
  const named = harmless(hosts.join(', '))
  if (isGiven || (await askedYes(`Let set-up reach ${named}?`)) === true) {
    await grant(api, project, hosts)
    output.line(`set-up can reach ${named}`)
    return
  }
  const options = harmless(grantOptions(hosts, 'setup'))
  output.note(`Set-up cannot reach ${named}. Grant it with: moose project edit ${harmless(project.name)} ${options}`)
}

async function grant(api: ApiClient, project: ProjectView, hosts: readonly string[]): Promise<ProjectView> {
  if (hosts.length === 0) return project
  const body = { allow_hosts: hosts.map((host) => ({ host, for: 'setup' })) }
  const path = projectPath(project.name)
  return (await api.call({ method: 'PATCH', path, body, answer: ChangedProjectResponse })).project
}

/** Another checkout of a project's repository is that project, whatever its folder is called. */
async function withKnownName(api: ApiClient, located: string, options: InitOptions): Promise<InitOptions> {
  if (options.name !== undefined || !path.isAbsolute(located)) return options
  const [only, second] = await projectsHere(api, located)
  return only === undefined || second !== undefined ? options : { ...options, name: only.name }
}

/** The checkout itself is never touched. */
function connect(checkout: string, origin: string): string {
  const git = `git -C ${quoted(checkout)}`
  return (
    `${origin} is a copy of ${checkout}, which does not know of it. Connect them, so that you see what Moose makes: ` +
    `${git} remote add origin ${quoted(origin)}   then: ${git} fetch origin`
  )
}

function newProject(repository: string, { name, branch, forge }: InitOptions): NewProject {
  const parsed = NewProject.safeParse({
    name: name === undefined ? nameOf(repository) : name,
    repository,
    ...(forge === undefined ? {} : { forge }),
    ...(branch === undefined ? {} : { default_branch: branch }),
  })
  if (parsed.success) return parsed.data
  const problems = describeProblems(fieldProblems(parsed.error))
  throw new Fault('request_invalid', `The project was not added: ${problems}. Give it a name with --name.`)
}

/** The last part of a URL or path, in the letters a name may have. */
function nameOf(repository: string): string {
  const last = repository
    .replace(/(?<!\/)\/+$/, '')
    .replace(/(?:\/\.git|\.git)$/, '')
    .split(/[/:\\]/)
    .at(-1)
  return String(last)
    .replaceAll(/[^A-Za-z0-9._-]+/g, '-')
    .replace(/^[^A-Za-z0-9]+/, '')
    .slice(0, LONGEST_NAME)
}
