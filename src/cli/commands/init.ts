import { existsSync } from 'node:fs'
import path from 'node:path'
import { Command, Option } from 'commander'
import { NewProject, ProjectResponse } from '../../contract/projects.ts'
import { Fault } from '../../faults/fault.ts'
import { describeProblems, fieldProblems } from '../../faults/schema-problems.ts'
import { type Cli, withApi } from '../cli.ts'
import { mooseYamlDocument, proposedFor, showProposed } from '../input/moose-yaml-of-checkout.ts'
import { harmless } from '../pages/terminal-text.ts'

type InitOptions = { name?: string; branch?: string; forge?: string; write?: true }

const LONGEST_NAME = 64
const LOGIN_LEFT_OUT =
  'The origin of the checkout holds a user name, password or token. Moose works without it, and the checkout is as it ' +
  'was. For GitHub Moose logs in by itself (gh auth login, or GH_TOKEN); elsewhere, where a login is needed, use ssh.'

export function initCommand(cli: Cli): Command {
  return new Command('init')
    .summary('add a repository')
    .description(
      'Adds a repository as a project that work orders can be for. In a checkout it also proposes a moose.yaml: how to ' +
        'set up and check the repository, as its own files say. Nothing in it is changed without --write.',
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
    .option('--write', 'write the proposed moose.yaml into the checkout, if none is there')
    .addHelpText(
      'after',
      '\nExamples:\n  $ moose init --write\n  $ moose init https://example.com/team/shop.git --branch main',
    )
    .action(async (repository: string | undefined, options: InitOptions) => {
      const body = newProject(locate(cli.cwd, repository), options)
      await withApi(cli, async (api) => {
        const added = await api.call({ method: 'POST', path: '/api/projects', body, answer: ProjectResponse })
        const write = options.write === true
        const proposed = await proposedFor(cli, body.repository)
        if (cli.output.json)
          return cli.output.document({ ...added, moose_yaml: await mooseYamlDocument(proposed, write) })
        const { name, repository, default_branch, forge } = added.project
        const { paint } = cli.output
        cli.output.line(
          `project ${paint.bold(harmless(name))}${added.added ? '' : ' is there already'}: ${harmless(repository)}, branch ${harmless(default_branch)}, forge ${forge}`,
        )
        if (added.login_left_out) cli.output.note(LOGIN_LEFT_OUT)
        await showProposed(cli, proposed, { base: default_branch, write })
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

function enclosingRepository(cwd: string): string {
  for (let folder = cwd; ; folder = path.dirname(folder)) {
    if (existsSync(path.join(folder, '.git'))) return folder
    if (folder === path.dirname(folder)) break
  }
  const message = `${cwd} is not inside a git repository. Change into one, or name it: moose init URL-OR-FOLDER`
  throw new Fault('request_invalid', message)
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
