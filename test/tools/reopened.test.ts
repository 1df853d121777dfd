import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { mkdtempDisposable, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { type TestContext, test } from 'node:test'
import { promisify } from 'node:util'
import type { WorkOrderDetail } from '../../src/contract/work-orders.ts'
import { startGitHub } from '../support/github/github-server.ts'
import { createMooseHome, fileOrder, type MooseHome } from '../support/moose-home.ts'
import { orderOverHttp, sendWebhook, WEBHOOK_SECRET } from '../support/real-tools.ts'
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
  /** How many pull requests there are. */
  count: () => number
}

/** A GitHub project whose order waits in review with pull request #1. */
async function inReview(
  t: TestContext,
  settings: Record<string, string>,
  follow: (setting: Setting, service: ServiceProcess, id: string) => Promise<void>,
  files: Record<string, string> = { a: '1\n' },
): Promise<void> {
  for (const tool of ['gh', 'openssl']) if (toolOrSkip(t, tool) === null) return
  await using home = await createMooseHome(files, [ANSWER])
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
  await becomes({ service, home }, id, ({ phase }) => phase === 'in_review')
  const merge = () => github.state.merge(1, 'squash')
  await follow({ home, environment, patch, merge, count: () => github.state.pulls.length }, service, id)
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
    'completed: pull request #1 of attempt 1 was merged by octo-maintainer',
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

/** @returns the order once it is what is wanted */
async function becomes(
  { service, home }: Pick<Setting, 'home'> & { service: ServiceProcess },
  id: string,
  isIt: (order: WorkOrderDetail) => boolean,
): Promise<WorkOrderDetail> {
  const look = async () => isIt(await orderOverHttp({ service, home }, id))
  await until('the order stands where it should', look, {
    withinMs: 110_000,
    say: () => service.printed().slice(-4_000),
  })
  return orderOverHttp({ service, home }, id)
}

const isCancelled = ({ status }: { status: string }) => status === 'cancelled'
const isInReview = ({ phase }: { phase: string | null }) => phase === 'in_review'
const isCompleted = ({ status }: { status: string }) => status === 'completed'

test('closed, reopened, merged on GitHub: the order follows at the looks', { timeout: 300_000 }, async (t) => {
  await inReview(t, { MOOSE_TRACK_INTERVAL_MS: '1000' }, async ({ patch, merge, ...setting }, service, id) => {
    await patch('closed')
    await becomes({ service, ...setting }, id, isCancelled)
    await patch('open')
    await becomes({ service, ...setting }, id, isInReview)
    await merge()
    await becomes({ service, ...setting }, id, isCompleted)
    await assertTold(setting, id)
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
      await becomes({ service, home }, id, isSeen)
    }
    await assertTold({ home, environment }, id)
  })
})

test('the same by webhooks alone', { timeout: 300_000 }, async (t) => {
  const settings = { MOOSE_TRACK_INTERVAL_MS: NEVER }
  await inReview(t, settings, async ({ patch, merge, ...setting }, service, id) => {
    await patch('closed')
    await sendWebhook({ service }, 1, 'delivery-1')
    await becomes({ service, ...setting }, id, isCancelled)
    await patch('open')
    await sendWebhook({ service }, 1, 'delivery-2', 'reopened')
    await becomes({ service, ...setting }, id, isInReview)
    await merge()
    await sendWebhook({ service }, 1, 'delivery-3')
    await becomes({ service, ...setting }, id, isCompleted)
    await assertTold(setting, id)
  })
})

test('a merge of the first pull request stops the attempt that does the order anew', {
  timeout: 300_000,
}, async (t) => {
  await using folder = await mkdtempDisposable(path.join(tmpdir(), 'moose-slow-'))
  const slow = path.join(folder.path, 'slow')
  const files = {
    a: '1\n',
    'moose.yaml': `checks:\n  - { name: waits, run: 'while test -e ${slow}; do sleep 0.1; done' }\n`,
  }
  const follow = async (setting: Setting, service: ServiceProcess, id: string) => {
    await setting.patch('closed')
    await becomes({ service, ...setting }, id, isCancelled)
    await writeFile(slow, '')
    await moose(setting.environment, 'retry', id)
    await becomes({ service, ...setting }, id, ({ phase }) => phase === 'verifying')
    await setting.patch('open')
    await setting.merge()
    const rests = (order: WorkOrderDetail) => order.attempt_history.every(({ status }) => status !== 'running')
    const order = await becomes({ service, ...setting }, id, (one) => isCompleted(one) && rests(one))
    assert.deepEqual(
      order.attempt_history.map(({ status }) => status),
      ['succeeded', 'cancelled'],
    )
    assert.deepEqual([order.pull_request?.attempt, order.pull_request?.state, setting.count()], [1, 'merged', 1])
    assert.deepEqual(await setting.home.remote.branches(), ['main'])
  }
  // The check waits for a file outside of its tree.
  await inReview(t, { MOOSE_TRACK_INTERVAL_MS: '1000', MOOSE_SANDBOX: 'none' }, follow, files)
})
