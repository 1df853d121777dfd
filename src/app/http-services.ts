import type { Kysely } from 'kysely'
import type { Pool } from 'pg'
import { readOrderBudget } from '../budget/spent-by.ts'
import type { Clock } from '../clock.ts'
import type { Config } from '../config.ts'
import type { AddedProject, NewProject } from '../contract/projects.ts'
import type { ListedWorkOrder, ListQuery, WorkOrderDetail } from '../contract/work-orders.ts'
import { attemptHistory, replayedOrders } from '../db/attempts/attempt-history.ts'
import type { EventFeed } from '../db/event-feed.ts'
import { takeDelivery } from '../db/github-deliveries.ts'
import { addProject, findProjectByName, listProjects } from '../db/projects.ts'
import { findPullRequestOfAttempt, pullRequestsInBrief } from '../db/pull-requests.ts'
import type { Database } from '../db/schema.ts'
import { eventsAfter } from '../db/work-order-events.ts'
import { editWorkOrder } from '../db/work-orders/edit-work-order.ts'
import { listWorkOrders } from '../db/work-orders/list-work-orders.ts'
import { addWorkOrders, approveWorkOrder, findWorkOrder, rejectWorkOrder } from '../db/work-orders/work-orders.ts'
import { usualForge } from '../forge/usual-forge.ts'
import { defaultBranchOf } from '../git/default-branch.ts'
import { originOf } from '../git/origin.ts'
import { parseRepositoryUrl } from '../git/repository-url.ts'
import type { GitHubWebhook, HttpServices } from '../http/http-services.ts'
import type { Log } from '../log.ts'
import type { OrchestratorService } from '../orchestrator/orchestrator-service.ts'
import type { SecretSettings } from '../redaction/redaction.ts'
import { createSanitizer } from '../redaction/sanitize-output.ts'
import { standsOn } from '../work-order/standing.ts'
import type { Parts } from './adapters.ts'
import { budgetServices } from './budget-services.ts'
import type { HomeOwnership } from './home-ownership.ts'
import { createMetrics } from './metrics.ts'
import { proposeForApi } from './propose-for-api.ts'
import { createReadiness } from './readiness.ts'
import { routingReview } from './routing-review.ts'

type Deps = {
  clock: Clock
  pool: Pool
  ownership: Pick<HomeOwnership, 'isHeld'>
  db: Kysely<Database>
  parts: Parts
  feed: EventFeed
  orchestrator: OrchestratorService
  config: Pick<Config, 'github'> & SecretSettings
  log: Log
}

/** What the API stands on, bound to this database and these parts. */
export function createHttpServices(deps: Deps): HttpServices {
  const { db, parts, feed, orchestrator, config, log } = deps
  return {
    workOrders: {
      add: (orders) => addWorkOrders(db, orders),
      list: (query) => listedWorkOrders(db, query),
      find: (id) => findWorkOrder(db, id),
      detail: (id) => workOrderDetail(db, id),
      edit: (id, edit) => editWorkOrder(db, id, edit),
      approve: (id) => approveWorkOrder(db, id),
      reject: (id, reason) => rejectWorkOrder(db, id, reason),
    },
    projects: {
      add: (project) => addCheckedProject(db, parts, config.github, project),
      list: () => listProjects(db),
    },
    budget: budgetServices(deps),
    routing: routingReview(db, parts),
    events: { list: (id, afterId) => eventsAfter(db, id, afterId), subscribe: feed.subscribe },
    orchestrator,
    manager: parts.ownManager,
    proposeForApi: (request, signal) => proposeForApi(db, parts, request, signal),
    githubWebhook: githubWebhook(deps),
    whyNotReady: createReadiness({
      ...deps,
      isHomeOwned: () => deps.ownership.isHeld,
      isStopping: () => orchestrator.stopping.aborted,
    }),
    metrics: createMetrics(deps).read,
    shown: createSanitizer(config),
    log,
  }
}

function githubWebhook({
  db,
  orchestrator,
  config,
}: Pick<Deps, 'db' | 'orchestrator' | 'config'>): GitHubWebhook | null {
  const secret = config.githubSecrets.webhook
  if (secret === null) return null
  return { secret, take: (delivery) => takeDelivery(db, delivery), hint: orchestrator.hintAtPullRequest }
}

async function listedWorkOrders(db: Kysely<Database>, query: ListQuery): Promise<ListedWorkOrder[]> {
  if (query.project !== undefined) await findProjectByName(db, query.project)
  const orders = await listWorkOrders(db, query)
  const ids = orders.map(({ id }) => id)
  const replayed = await replayedOrders(db, ids)
  return orders.map((order) => ({ ...order, replayed: replayed.has(order.id) }))
}

async function workOrderDetail(db: Kysely<Database>, idOrPrefix: string): Promise<WorkOrderDetail> {
  const order = await findWorkOrder(db, idOrPrefix)
  const pulls = await pullRequestsInBrief(db, order.id)
  const standing = standsOn(order, pulls)
  const shown = standing === null ? pulls.at(-1) : standing
  const key = shown === undefined ? null : { workOrderId: order.id, attempt: shown.attempt }
  const pullRequest = key === null ? null : await findPullRequestOfAttempt(db, key)
  return {
    ...order,
    budget: await readOrderBudget(db, order.id),
    attempt_history: await attemptHistory(db, order.id),
    pull_request: pullRequest,
  }
}

/**
 * A project whose repository answers: a wrong URL is said now, not at the first attempt. One that is there already under
 * this name, with the same repository and branch, is given back as it is.
 */
async function addCheckedProject(
  db: Kysely<Database>,
  { mirrors }: Parts,
  { enterpriseHost }: Config['github'],
  given: NewProject,
): Promise<AddedProject> {
  const { repository, loginLeftOut } = await originOf(mirrors.git, given.repository)
  parseRepositoryUrl(repository)
  const forge = given.forge === undefined ? usualForge(repository, enterpriseHost) : given.forge
  const wanted = { ...given, forge }
  const known = (await listProjects(db)).find(({ name }) => name === wanted.name)
  const isSame =
    known?.repository === repository &&
    known.forge === wanted.forge &&
    (wanted.default_branch === undefined || wanted.default_branch === known.default_branch)
  if (known !== undefined && isSame) return { project: known, added: false, login_left_out: loginLeftOut }
  const defaultBranch = await defaultBranchOf(mirrors.git, { ...wanted, repository }, wanted.default_branch)
  const project = await addProject(db, { ...wanted, repository, defaultBranch })
  return { project, added: true, login_left_out: loginLeftOut }
}
