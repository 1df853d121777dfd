import path from 'node:path'
import { Command } from 'commander'
import { type BaseCheck, type CheckedProject, failsUntold, untoldWarning } from '../../contract/base-checks.ts'
import { grantOptions, NetworkUse, plainRule } from '../../contract/hosts/host-rule.ts'
import { ProjectsResponse, type ProjectView } from '../../contract/projects.ts'
import { Fault } from '../../faults/fault.ts'
import { readPlainFile } from '../../files/plain-file.ts'
import { type Cli, withApi } from '../cli.ts'
import type { ApiClient } from '../client/api-client.ts'
import { checkoutAround } from '../input/locate-repository.ts'
import { projectsHere } from '../input/project-here.ts'
import { listenForInterruption } from '../interruption.ts'
import { duration } from '../pages/humanize.ts'
import type { Output, Paint } from '../pages/output.ts'
import { table } from '../pages/table.ts'
import { harmless, harmlessLines, LONGEST_TITLE, oneLine } from '../pages/terminal-text.ts'

/** More than any moose.yaml may have, which is then refused by its size. */
const MOST_BYTES = 1024 * 1024

type CheckOptions = { fresh?: true; base?: true }

export function checkCommand(cli: Cli): Command {
  return new Command('check')
    .description(
      'Runs set-up and checks of a project on its base commit, where an attempt runs them, and costs nothing. Inside a ' +
        'checkout of the project its moose.yaml is used, also one that is not committed yet.',
    )
    .argument('[project]', 'its name; not needed when there is only one, or in a checkout')
    .option('--base', 'use moose.yaml of the base commit, not that of the checkout')
    .option('--fresh', 'first forget what is known of the base')
    .addHelpText('after', HELP)
    .action((name: string | undefined, options: CheckOptions) =>
      withApi(cli, async (api) => {
        const { projects } = await api.call({ method: 'GET', path: '/api/projects', answer: ProjectsResponse })
        const here = await projectsHere(api, cli.cwd)
        const project = chosen(projects, name, here)
        const checkout = here.some(({ id }) => id === project.id) ? checkoutAround(cli.cwd) : null
        await checkProject(cli, api, { project: project.name, checkout, ...options })
      }),
    )
}

const HELP = `
Exit codes: 0 every check passed, 1 some failed, 3 something cannot be run: an order would be blocked.

Examples:
  $ moose check
  $ moose check shop --fresh`

/** @param here those of the checkout one is in @throws {Fault} `not_found`, `project_required` */
function chosen(projects: readonly ProjectView[], name: string | undefined, here: readonly ProjectView[]): ProjectView {
  const known = `See them with: moose project list`
  if (name !== undefined) {
    const named = projects.find((project) => project.name === name)
    if (named !== undefined) return named
    throw new Fault('not_found', `There is no project "${name.slice(0, 80)}". ${known}`, { name: name.slice(0, 80) })
  }
  const [ofCheckout, another] = here
  if (ofCheckout !== undefined && another === undefined) return ofCheckout
  const [only, second] = projects
  if (only === undefined) throw new Fault('project_required', 'There is no project. Add one with: moose init')
  if (second === undefined) return only
  const names = projects.map((project) => project.name).join(', ')
  throw new Fault('project_required', `There are several projects: ${names}. Name one: moose check NAME`)
}

/** Runs the checks with live output, prints the table and sets the exit code. @param checkout whose moose.yaml is used; null: the base's */
export async function checkProject(
  cli: Cli,
  api: ApiClient,
  { project, checkout, fresh, base }: CheckOptions & { project: string; checkout: string | null },
): Promise<void> {
  using interruption = listenForInterruption(() => cli.output.note('Stopping; what still runs is ended …'))
  const { signal } = interruption
  const { output } = cli
  const own =
    checkout === null || base === true ? null : await readPlainFile(path.join(checkout, 'moose.yaml'), MOST_BYTES)
  const body = { ...(own === null ? {} : { moose_yaml: own }), ...(fresh === true ? { fresh } : {}) }
  try {
    for await (const event of api.check(project, body, signal)) {
      output.document(event)
      if (event.type === 'note') output.note(harmless(event.message))
      if (event.type === 'output') output.note(harmlessLines(event.text).trimEnd())
      if (event.type === 'result') report(output, event.result)
    }
  } catch (error) {
    if (!signal.aborted) throw error
  }
  if (interruption.exitCode() !== null) process.exitCode = Number(interruption.exitCode())
}

function report(output: Output, result: CheckedProject): void {
  const { checks, fault, setup, branch, sha, handed } = result
  const rows = checks.map((check) => row(check, output.paint))
  const isUnprepared = fault !== null && checks.length === 0
  const prepared = setup === null ? [] : [setupRow(setup, output.paint)]
  if (isUnprepared) prepared.push([`${output.paint.red('✗')} setup`, 'failed', '', ''])
  if (rows.length + prepared.length > 0) output.line(table([...prepared, ...rows]))
  const failed = checks.filter(({ outcome }) => outcome !== 'passed')
  for (const { name, told, fault: own } of failed)
    if (own === null && told !== undefined && told !== '')
      output.line(`\n${harmless(name)}:\n${indented(harmlessLines(told))}`)
  // Build tools leave folders that they make anew: where every check passes, none of them was missed.
  for (const folder of setup === null || failed.length === 0 ? [] : setup.not_kept)
    output.note(`setup made ${harmless(folder)}, which cache: of moose.yaml does not name: checks do not find it`)
  const where = `${branch} at ${sha.slice(0, 12)}`
  for (const note of networkNotes(result)) output.note(note)
  const tools = handed.map(({ name, version }) => (version === null ? name : `${name} ${version}`))
  if (tools.length > 0) output.note(`handed beside the PATH: ${harmless(tools.join(', '))}`)
  if (fault !== null) {
    output.line(output.hint(harmlessLines(fault.message)))
    process.exitCode = 3
    return
  }
  if (checks.length === 0) output.line(`no checks: nothing will be verified (no checks in moose.yaml of ${where})`)
  if (failed.length === 0) return
  output.note(
    `${failed.length} fail before any change: orders go on, and these prove nothing unless a change mends them`,
  )
  const untold = failed.filter(failsUntold).map(({ name }) => name)
  if (untold.length > 0) output.note(harmless(untoldWarning(untold)))
  process.exitCode = 1
}

/** What was refused, and what is asked for and would be refused. */
function networkNotes({ project, network: { asked, granted, refused } }: CheckedProject): string[] {
  const times = new Map<string, number>()
  for (const { host, port, times: more, for: use } of refused) {
    const place = `${use}: ${port === null ? host : `${host}:${port}`}`
    const known = times.get(place)
    times.set(place, known === undefined ? more : known + more)
  }
  const told = [...times].map(([place, count]) => `refused to ${place}${count === 1 ? '' : `, ${count} times`}`)
  const isGranted = (host: string, use: NetworkUse) =>
    granted.some((grant) => grant.for === use && plainRule(grant.host) === plainRule(host))
  const missing = asked.filter(({ host, for: use }) => !isGranted(host, use))
  const options = NetworkUse.options.flatMap((use) => {
    const hosts = missing.filter((one) => one.for === use).map(({ host }) => host)
    return hosts.length === 0 ? [] : [`moose project edit ${project} ${grantOptions(hosts, use)}`]
  })
  const named = missing.map(({ host, for: use }) => `${host} (${use})`).join(', ')
  return [
    ...told,
    ...(missing.length === 0 ? [] : [`moose.yaml asks for hosts that are not granted: ${named}`]),
    ...options.map((command) => `to grant them: ${command}`),
  ].map(harmless)
}

function indented(text: string): string {
  return text.replace(/^(?=.)/gm, '  ')
}

function setupRow({ duration_ms, reused }: NonNullable<CheckedProject['setup']>, paint: Paint): string[] {
  return [`${paint.green('✓')} setup`, reused ? 'kept from before' : 'done', duration(duration_ms), '']
}

/** Failures named in a row. */
const MOST_FAILURES = 5

function row({ name, outcome, duration_ms, failures, fault, hint }: BaseCheck, paint: Paint): string[] {
  const mark = fault !== null ? paint.red('✗') : outcome === 'passed' ? paint.green('✓') : paint.yellow('=')
  const named = failures === null ? [] : failures.slice(0, MOST_FAILURES).map((each) => oneLine(each, LONGEST_TITLE))
  const more = failures !== null && failures.length > named.length ? [`${failures.length - named.length} more`] : []
  const notes = [fault, hint, named.length === 0 ? null : [...named, ...more].join(', ')].filter(
    (note) => note !== null,
  )
  return [
    `${mark} ${harmless(name)}`,
    outcome === 'failed' && fault === null ? 'fails on the base' : outcome.replace('_', ' '),
    duration(duration_ms),
    harmless(notes.join('; ')),
  ]
}
