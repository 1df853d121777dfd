import { createHmac } from 'node:crypto'
import { mkdir, writeFile } from 'node:fs/promises'
import path from 'node:path'
import { type WorkOrderDetail, WorkOrderDetailResponse, type WorkOrderView } from '../../src/contract/work-orders.ts'
import { findWorkOrder } from '../../src/db/work-orders/work-orders.ts'
import { PRICE, REAL_KEY } from './aider-bench.ts'
import { AIDER } from './aider-program.ts'
import { fetchAt } from './api-token.ts'
import type { FileChange } from './git-remote.ts'
import { type GitHubServer, startGitHub } from './github/github-server.ts'
import { type ModelServer, startModelServer } from './model-server.ts'
import { createMooseHome, type MooseHome, rested } from './moose-home.ts'
import { moose, mooseUp, type ServiceProcess } from './service-process.ts'
import { lacking } from './tool-or-skip.ts'
import { until } from './until.ts'

export const WEBHOOK_SECRET = 'webhook-canary-0123456789'

/** What must be seen by nobody but whom it is for: GitHub, the provider, GitHub's webhooks. */
export const SECRETS = ['ghp_canary0123456789canary0123456789cana', REAL_KEY, WEBHOOK_SECRET]

/**
 * Moose as a user has it: `moose up` in a process of its own that takes orders on, with real Aider, real gh and real
 * git; GitHub and the only provider are stand-ins on loopback.
 */
export type RealTools = AsyncDisposable & {
  home: MooseHome
  github: GitHubServer
  model: ModelServer
  service: ServiceProcess
  /** Of the service and of every command. */
  environment: Record<string, string>
  /** Holds everything of this Moose: its home, `user` (HOME) and `tmp` (TMPDIR). */
  folder: string
}

/** For the option `skip` of every test that starts them. */
export const lackingRealTools = () => lacking('aider', 'gh', 'openssl')

export async function startRealTools({
  files,
  userFiles = {},
  settings = {},
}: {
  files: Readonly<Record<string, FileChange>>
  /** Written into HOME. */
  userFiles?: Readonly<Record<string, string>>
  settings?: Record<string, string>
}): Promise<RealTools> {
  await using stack = new AsyncDisposableStack()
  const home = stack.use(await createMooseHome(files, []))
  const github = stack.use(await startGitHub(home.remote, { token: String(SECRETS[0]) }))
  const model = stack.use(await startModelServer())
  await useStandIns(home, model)
  const folder = path.dirname(home.config.home)
  const [user, temporary] = [path.join(folder, 'user'), path.join(folder, 'tmp')]
  for (const made of [user, temporary]) await mkdir(made)
  for (const [name, content] of Object.entries(userFiles)) await writeFile(path.join(user, name), content)
  const environment = {
    ...home.environment,
    ...github.network,
    HOME: user,
    TMPDIR: temporary,
    GH_TOKEN: github.token,
    OPENAI_COMPATIBLE_API_KEY: REAL_KEY,
    MOOSE_GITHUB_WEBHOOK_SECRET: WEBHOOK_SECRET,
    MOOSE_LOG_LEVEL: 'debug',
    // Only a notification starts an order, and only a webhook ends it.
    ORCHESTRATOR_POLLING_INTERVAL_MS: '3600000',
    MOOSE_TRACK_INTERVAL_MS: '3600000',
    ORCHESTRATOR_AUTO_START: 'true',
    ORCHESTRATOR_AIDER_BIN: AIDER,
    ...settings,
  }
  const service = stack.use(await mooseUp(environment))
  const owned = stack.move()
  return { home, github, model, service, environment, folder, [Symbol.asyncDispose]: () => owned.disposeAsync() }
}

async function useStandIns({ database: { db } }: MooseHome, { url }: ModelServer): Promise<void> {
  const repository = 'https://github.com/acme/shop.git'
  await db.updateTable('projects').set({ name: 'shop', repository, forge: 'github' }).execute()
  await db.updateTable('proposer_configs').set({ active: false }).execute()
  const row = { name: 'stand-in', provider: 'openai-compatible', model: 'stand-in', base_url: url }
  await db
    .insertInto('proposer_configs')
    .values({ ...row, complexity_threshold: 1, cost_profile: JSON.stringify(PRICE) })
    .execute()
}

export type OrderBySql = { title: string; description: string; criteria?: readonly string[]; files: readonly string[] }

/** Files and approves an order by plain SQL, as a Director does. @returns its id */
export async function fileBySql({ home }: RealTools, order: OrderBySql): Promise<string> {
  const { pool } = home.database
  const { rows } = await pool.query<{ id: string }>(
    `insert into work_orders (title, description, acceptance_criteria, files_in_scope, risk_level)
     values ($1, $2, $3, $4, 'low') returning id`,
    [order.title, order.description, JSON.stringify(order.criteria ?? []), JSON.stringify(order.files)],
  )
  const id = String(rows[0]?.id)
  await pool.query(
    `update work_orders set metadata = metadata || '{"approved_by_director": true}'::jsonb where id = $1`,
    [id],
  )
  return id
}

/** The order as the service's API shows it. */
export async function orderOverHttp(
  { service, home }: Pick<RealTools, 'service' | 'home'>,
  id: string,
): Promise<WorkOrderDetail> {
  const response = await fetchAt(home.config.home, `${service.url}/api/work-orders/${id}`)
  return WorkOrderDetailResponse.parse(await response.json()).work_order
}

/** The order as `moose show --json` prints it. */
export async function orderByCommand({ environment }: RealTools, id: string): Promise<WorkOrderDetail> {
  const { stdout } = await moose(environment, 'show', id, '--json')
  return WorkOrderDetailResponse.parse(JSON.parse(stdout)).work_order
}

/** The order as the service's API shows it once it is at rest. */
export async function settledOverHttp(tools: RealTools, id: string): Promise<WorkOrderDetail> {
  await rested(tools.home.database.db, id, 110_000)
  return await orderOverHttp(tools, id)
}

/** Waits until the order's row is what is wanted. @param what for the message */
export async function untilOrder(
  { home, service }: RealTools,
  id: string,
  what: string,
  isIt: (order: WorkOrderView) => boolean,
): Promise<void> {
  const look = async () => isIt(await findWorkOrder(home.database.db, id))
  await until(what, look, { withinMs: 110_000, say: () => service.printed().slice(-4_000) })
}

/** Sends what GitHub sends when something happens to a pull request. @returns whether the service took it */
export async function sendWebhook(
  { service }: Pick<RealTools, 'service'>,
  number: number,
  delivery: string,
  action: 'closed' | 'reopened' = 'closed',
): Promise<unknown> {
  const body = JSON.stringify({
    action,
    repository: { html_url: 'https://github.com/acme/shop' },
    pull_request: { number },
  })
  const signature = createHmac('sha256', WEBHOOK_SECRET).update(body).digest('hex')
  const response = await fetch(`${service.url}/api/webhooks/github`, {
    method: 'POST',
    headers: {
      'content-type': 'application/json',
      'x-github-event': 'pull_request',
      'x-github-delivery': delivery,
      'x-hub-signature-256': `sha256=${signature}`,
    },
    body,
  })
  return { status: response.status, answer: await response.json() }
}

/** What the stand-in charges for all it has answered, in USD. */
export function chargedBy({ charged }: ModelServer): number {
  return (charged.input * PRICE.input_per_million + charged.output * PRICE.output_per_million) / 1e6
}
