import type { NetworkUse } from '../../contract/hosts/host-rule.ts'
import type { ProjectView } from '../../contract/projects.ts'
import type { FailurePause } from '../../contract/why/why.ts'
import { lastOrders } from '../../work-order/words.ts'
import { counted, usd } from './humanize.ts'
import type { Paint } from './output.ts'
import { table } from './table.ts'
import { harmless, LONGEST_TITLE, oneLine } from './terminal-text.ts'

/** Every setting in a line of its own. */
export function projectPage(project: ProjectView, paint: Paint): string {
  const { budget_usd: budget, sign_off: signsOff } = project
  const usual = (value: string | null, otherwise: string) => (value === null ? otherwise : harmless(value))
  const rows = [
    ['project', paint.bold(harmless(project.name))],
    ...(isPaused(project) ? [['paused', paint.yellow(pauseText(project.paused))]] : []),
    ['repository', harmless(project.repository)],
    ['branch', harmless(project.default_branch)],
    ['forge', project.forge_host === null ? project.forge : `${project.forge} on ${harmless(project.forge_host)}`],
    ['budget', budget === null ? 'the usual cap of a month' : `${usd(budget)} a month`],
    ['branches', usual(project.branch_pattern, 'feature/wo-{id}-{slug}')],
    ['author', usual(project.author, 'Moose <moose@localhost>')],
    ['committer', usual(project.committer, 'Moose <moose@localhost>')],
    ['sign-off', signsOff ? 'yes' : 'no'],
    ['set-up reaches', grantedTo(project, 'setup')],
    ['checks reach', grantedTo(project, 'checks')],
    ['protected too', listed(project.protect, 'nothing beyond what usually is')],
    ['not protected', listed(project.unprotect, 'no exception')],
    ['signing key', usual(project.signing_key, 'none: commits are not signed')],
    [
      'open at once',
      project.max_open_pull_requests === null
        ? 'any number of pull requests'
        : counted(project.max_open_pull_requests, 'pull request'),
    ],
    ['merging', project.merge_policy === 'manual' ? 'by a human' : `by Moose, up to risk ${project.auto_merge}`],
    ['approving', project.auto_approve === null ? 'by a human' : `by rule, up to risk ${project.auto_approve}`],
    ['image', usual(project.sandbox_image, 'none: needed only where the sandbox is podman or docker')],
  ]
  return table(rows.map(([name, value]) => [paint.dim(String(name)), String(value)]))
}

export function isPaused(project: ProjectView): project is ProjectView & { paused: FailurePause } {
  return project.paused !== null && project.paused !== undefined
}

/** Why, and what to type. */
export function pauseText({ kind, name, code, step, orders }: FailurePause): string {
  const shown = oneLine(name, LONGEST_TITLE)
  return `its ${lastOrders(orders.length)} failed with ${code} at ${step}; then: moose ${kind} resume ${shown}`
}

function grantedTo({ allowed_hosts: granted }: ProjectView, use: NetworkUse): string {
  const hosts = granted.filter((grant) => grant.for === use).map(({ host }) => harmless(host))
  return hosts.length === 0 ? 'no host' : hosts.join(', ')
}

function listed(patterns: readonly string[], none: string): string {
  return patterns.length === 0 ? none : harmless(patterns.join(', '))
}
