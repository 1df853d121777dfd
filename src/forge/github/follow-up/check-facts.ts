import type { CheckFact, CheckState } from '../../../ports/pull-request-facts.ts'
import { type GitHubRepository, slug } from '../github-repository.ts'
import { pageIn } from '../seen-parts.ts'
import type { CheckNode } from './facts-node.ts'
import type { Checks } from './whole-facts.ts'

const STATES: Readonly<Record<string, CheckState>> = {
  SUCCESS: 'green',
  NEUTRAL: 'skipped',
  SKIPPED: 'skipped',
  FAILURE: 'red',
  ERROR: 'red',
  TIMED_OUT: 'red',
  STARTUP_FAILURE: 'red',
  CANCELLED: 'cancelled',
  STALE: 'cancelled',
  ACTION_REQUIRED: 'waiting',
  WAITING: 'waiting',
}
/** Of checks of one name on the base the worst counts. */
const WORST_FIRST: readonly CheckState[] = ['red', 'cancelled', 'waiting', 'pending', 'green', 'skipped']

/** The checks of the head, each beside how the one of its name stands on the base. */
export function checkFacts(repository: GitHubRepository, headSha: string, { ofHead, ofBase }: Checks): CheckFact[] {
  const onBase = Map.groupBy(ofBase, nameOf)
  return ofHead.map((node) => {
    const states = onBase.get(nameOf(node))?.map(stateOf)
    const worst = WORST_FIRST.find((state) => states?.includes(state))
    return { ...checkIn(repository, node), head_sha: headSha, on_base: worst === undefined ? null : worst }
  })
}

/** Names of checks of the base's tip of which the head has none, each once. */
export function absentChecks({ ofHead, ofBase }: Checks): string[] {
  const onHead = new Set(ofHead.map(nameOf))
  return [...new Set(ofBase.map(nameOf))].filter((name) => !onHead.has(name)).toSorted()
}

function nameOf(node: CheckNode): string {
  return node.__typename === 'CheckRun' ? node.name : node.context
}

function saidBy(node: CheckNode): string {
  return node.__typename === 'CheckRun' && node.conclusion === null ? node.status : String(conclusionOf(node))
}

function conclusionOf(node: CheckNode): string | null {
  return node.__typename === 'CheckRun' ? node.conclusion : node.state
}

/** What GitHub may say one day and Moose does not know has not passed. */
function stateOf(node: CheckNode): CheckState {
  const state = STATES[saidBy(node)]
  return state === undefined ? 'pending' : state
}

function checkIn(repository: GitHubRepository, node: CheckNode): Omit<CheckFact, 'head_sha' | 'on_base'> {
  const common = { id: node.id, name: nameOf(node), state: stateOf(node), said: saidBy(node) }
  if (node.__typename === 'StatusContext') {
    const url = pageIn(node.targetUrl)
    const ended_at = common.state === 'pending' ? null : node.createdAt
    return { ...common, kind: 'status', url, actions: null, ended_at }
  }
  const url = pageIn(node.detailsUrl)
  const actions = node.checkSuite.app?.slug === 'github-actions' ? jobAt(repository, url) : null
  return { ...common, kind: 'run', url, actions, ended_at: node.completedAt }
}

/**
 * A job by its page: the numbers of GraphQL end at 32 bits, and those of jobs do not.
 *
 * @see https://docs.github.com/en/rest/actions/workflow-jobs
 */
function jobAt(repository: GitHubRepository, url: string | null): CheckFact['actions'] {
  if (url === null) return null
  const { host, pathname } = new URL(url)
  const found = /^\/([^/]+\/[^/]+)\/actions\/runs\/(\d{1,20})\/job\/(\d{1,20})$/.exec(pathname)
  if (found === null || host !== repository.host) return null
  const [, named, run_id, job_id] = found
  if (named?.toLowerCase() !== slug(repository).toLowerCase() || run_id === undefined || job_id === undefined)
    return null
  return { run_id, job_id }
}
