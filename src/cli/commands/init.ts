import path from 'node:path'
import { Command, Option } from 'commander'
import { NewProject, ProjectResponse } from '../../contract/projects.ts'
import { Fault } from '../../faults/fault.ts'
import { describeProblems, fieldProblems } from '../../faults/schema-problems.ts'
import { type Cli, withApi } from '../cli.ts'
import { enclosingRepository } from '../input/checkout.ts'
import { harmless } from '../pages/terminal-text.ts'
import { checkProject } from './check.ts'

type InitOptions = { name?: string; branch?: string; forge?: string; check?: true }

const LONGEST_NAME = 64
const LOGIN_LEFT_OUT =
  'The origin of the checkout holds a user name, password or token. Moose works without it, and the checkout is as it ' +
  'was. For GitHub Moose logs in by itself (gh auth login, or GH_TOKEN); elsewhere, where a login is needed, use ssh.'

export function initCommand(cli: Cli): Command {
  return new Command('init')
    .summary('add a repository')
    .description('Adds a repository as a project that work orders can be for. Nothing in it is changed.')
    .argument('[repository]', 'a git URL or a folder; without it, the repository of the current folder')
    .option('--name <name>', 'how work orders call it; without it, the name of the folder or URL')
    .option('--branch <branch>', 'the base of every change; without it, what HEAD of the repository names')
    .addOption(
      new Option(
        '--forge <forge>',
        'where its pull requests live; without it, github for a repository on GitHub, otherwise local',
      ).choices(['local', 'github']),
    )
    .option('--check', 'then run its set-up and checks on the base, as: moose check')
    .addHelpText(
      'after',
      '\nExamples:\n  $ moose init\n  $ moose init --check\n  $ moose init https://example.com/team/shop.git --branch main',
    )
    .action(async (repository: string | undefined, options: InitOptions) => {
      const body = newProject(locate(cli.cwd, repository), options)
      await withApi(cli, async (api) => {
        const added = await api.call({ method: 'POST', path: '/api/projects', body, answer: ProjectResponse })
        cli.output.document(added)
        const { name, repository, default_branch, forge } = added.project
        const { paint } = cli.output
        cli.output.line(
          `project ${paint.bold(harmless(name))}${added.added ? '' : ' is there already'}: ${harmless(repository)}, branch ${harmless(default_branch)}, forge ${forge}`,
        )
        if (added.login_left_out) cli.output.note(LOGIN_LEFT_OUT)
        if (options.check === true) await checkProject(cli, api, { project: name, checkout: null })
        else cli.output.note(`See that its checks run, which costs nothing: moose check ${harmless(name)}`)
        cli.output.note('Add work with: moose add --title "…" --file …')
      })
    })
}

/** What git would call it: a URL as it is, a folder as its absolute path. */
function locate(cwd: string, repository: string | undefined): string {
  if (repository === undefined) return enclosingRepository(cwd)
  const isUrl = /^[a-z][a-z0-9+.-]*:\/\//i.test(repository) || /^[^/\\][^/\\@]*@[^/\\][^/\\:]*:/.test(repository)
  return isUrl ? repository : path.resolve(cwd, repository)
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
