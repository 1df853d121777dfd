import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { type TestContext, test } from 'node:test'
import { promisify } from 'node:util'
import { findWorkOrder } from '../../src/db/work-orders.ts'
import { startGitHub } from '../support/github/github-server.ts'
import { createMooseHome, fileOrder, type MooseHome } from '../support/moose-home.ts'
import { sendWebhook, WEBHOOK_SECRET } from '../support/real-tools.ts'
import { moose, mooseUp, type ServiceProcess } from '../support/service-process.ts'
import { toolOrSkip } from '../support/tool-or-skip.ts'
import { until } from '../support/until.ts'

const ANSWER = { task: 'Change a', turn: 1, text: '### write a\n```\n2\n```\n' }
const NEVER = '3600000'

type Setting = {
  home: MooseHome
  environment: Record<string, string>
  /** As a human with gh does it. */
  patch: (state: 'open' | 'closed') => Promise<void>
  /** Merged on GitHub's page. */
  merge: () => Promise<unknown>
}

/** A GitHub project whose order waits in review with pull request #1. */
async function inReview(
  t: TestContext,
  settings: Record<string, string>,
  follow: (setting: Setting, service: ServiceProcess, id: string) => Promise<void>,
): Promise<void> {
  for (const tool of ['gh', 'openssl']) if (toolOrSkip(t, tool) === null) return
  await using home = await createMooseHome({ a: '1\n' }, [ANSWER])
  await using github = await startGitHub(home.remote)
  const project = { repository: 'https://github.com/acme/shop.git', forge: 'github' } as const
  await home.database.db.updateTable('projects').set(project).execute()
  const gh = { GH_TOKEN: github.token, ...github.network }
  const environment = {
    ...home.environment,
    ...gh,
    MOOSE_GITHUB_WEBHOOK_SECRET: WEBHOOK_SECRET,
    ORCHESTRATOR_AUTO_START: 'true',
    ...settings,
  }
  const env = { ...gh, PATH: String(process.env['PATH']), GH_CONFIG_DIR: home.config.home }
  const patch = async (state: string) => {
    const args = ['api', '--method', 'PATCH', 'repos/acme/shop/pulls/1', '-f', `state=${state}`, '--silent']
    await promisify(execFile)('gh', args, { env })
  }
  await using service = await mooseUp(environment)
  const id = await fileOrder(home.database, { title: 'Change a', files: ['a'] })
  await becomes({ home, service }, id, isInReview)
  await follow({ home, environment, patch, merge: () => github.state.merge(1, 'squash') }, service, id)
  await assertTold({ home, environment }, id)
}

/** What is told afterwards: the whole way, and one outcome. */
async function assertTold({ home, environment }: Pick<Setting, 'home' | 'environment'>, id: string): Promise<void> {
  const { stdout } = await moose(environment, 'logs', id)
  const told = stdout
    .split('\n')
    .flatMap((line) => /(?:cancelled|in_progress\/in_review|completed): .*$/.exec(line) ?? [])
  assert.deepEqual(told, [
    'cancelled: pull request #1 of attempt 1 was closed',
    'in_progress/in_review: pull request #1 of attempt 1 was reopened',
    'completed: pull request #1 of attempt 1 was merged',
  ])
  const { pool } = home.database
  const events = await pool.query(
    `select action from github_events where event_type = 'pull_request' order by created_at`,
  )
  assert.deepEqual(
    events.rows.map(({ action }) => action),
    ['opened', 'closed', 'reopened', 'merged'],
  )
  const ends = await pool.query(`select outcome from outcome_vectors where operation_type = 'pull_request_end'`)
  assert.deepEqual(ends.rows, [{ outcome: 'merged' }])
}

type Stand = { status: string; phase: string | null }

async function becomes(
  { home, service }: { home: MooseHome; service: ServiceProcess },
  id: string,
  isIt: (stand: Stand) => boolean,
): Promise<void> {
  const look = async () => isIt(await findWorkOrder(home.database.db, id))
  await until('the order stands where it should', look, {
    withinMs: 110_000,
    say: () => service.printed().slice(-4_000),
  })
}

const isCancelled = ({ status }: { status: string }) => status === 'cancelled'
const isInReview = ({ phase }: { phase: string | null }) => phase === 'in_review'
const isCompleted = ({ status }: { status: string }) => status === 'completed'

test('closed, reopened, merged on GitHub: the order follows at the looks', { timeout: 300_000 }, async (t) => {
  await inReview(t, { MOOSE_TRACK_INTERVAL_MS: '1000' }, async ({ home, patch, merge }, service, id) => {
    await patch('closed')
    await becomes({ home, service }, id, isCancelled)
    await patch('open')
    await becomes({ home, service }, id, isInReview)
    await merge()
    await becomes({ home, service }, id, isCompleted)
  })
})

test('the same with the service restarted between each', { timeout: 300_000 }, async (t) => {
  await inReview(t, { MOOSE_TRACK_INTERVAL_MS: NEVER }, async ({ home, environment, patch, merge }, first, id) => {
    await first[Symbol.asyncDispose]()
    for (const [happens, isSeen] of [
      [() => patch('closed'), isCancelled],
      [() => patch('open'), isInReview],
      [merge, isCompleted],
    ] as const) {
      await happens()
      await using service = await mooseUp(environment)
      await becomes({ home, service }, id, isSeen)
    }
  })
})

test('the same by webhooks alone', { timeout: 300_000 }, async (t) => {
  const settings = { MOOSE_TRACK_INTERVAL_MS: NEVER }
  await inReview(t, settings, async ({ home, patch, merge }, service, id) => {
    await patch('closed')
    await sendWebhook({ service }, 1, 'delivery-1')
    await becomes({ home, service }, id, isCancelled)
    await patch('open')
    await sendWebhook({ service }, 1, 'delivery-2', 'reopened')
    await becomes({ home, service }, id, isInReview)
    await merge()
    await sendWebhook({ service }, 1, 'delivery-3')
    await becomes({ home, service }, id, isCompleted)
  })
})
