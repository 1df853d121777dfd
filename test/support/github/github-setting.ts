import { randomUUID } from 'node:crypto'
import { mkdir, writeFile } from 'node:fs/promises'
import path from 'node:path'
import { pino } from 'pino'
import { failureTeller } from '../../../src/checks/excerpt/failure-teller.ts'
import type { Clock } from '../../../src/clock.ts'
import { type Config, readConfig } from '../../../src/config.ts'
import { createGitHubFollowUp } from '../../../src/forge/github/follow-up/follow-up.ts'
import { type ApiCalls, createApiCalls, createGh, createMutationPace, type Gh } from '../../../src/forge/github/gh.ts'
import { createGitHubForge } from '../../../src/forge/github/github-forge.ts'
import { createTokens } from '../../../src/forge/github/tokens.ts'
import { Mirrors } from '../../../src/git/mirrors.ts'
import { createLog } from '../../../src/log.ts'
import type { Forge, PublishInput, PullRequestWatch } from '../../../src/ports/pull-request.ts'
import type { FollowUpForge } from '../../../src/ports/pull-request-facts.ts'
import type { Project } from '../../../src/work-order/project.ts'
import { createWorkspaces } from '../../../src/workspace/workspaces.ts'
import { createTestDatabase, type TestDatabase } from '../database.ts'
import { createGitRemote, type GitRemote } from '../git-remote.ts'
import { type GitHubServer, startGitHub } from './github-server.ts'

const WHEN = new Date('2026-01-02T03:04:05Z')

/** A clock that is moved by waiting, and waits not at all. */
export type FastClock = Clock & { waits: number[] }

export function createFastClock(): FastClock {
  const waits: number[] = []
  let now = Date.parse('2026-01-31T12:00:00Z')
  return {
    waits,
    now: () => new Date(now),
    sleep: async (ms, signal) => {
      signal.throwIfAborted()
      waits.push(ms)
      now += ms
    },
  }
}

/** A project on the stand-in, and the GitHub forge over the real gh and git. */
export type GitHubSetting = AsyncDisposable & {
  config: Config
  database: TestDatabase
  remote: GitRemote
  github: GitHubServer
  project: Project
  mirrors: Mirrors
  gh: Gh
  apiCalls: ApiCalls
  clock: FastClock
  /** The waits of mutations for their turn, in ms. */
  turns: readonly number[]
  forge: Forge & PullRequestWatch
  followUp: FollowUpForge
  /** Another process' forge on the same database and repository. */
  otherForge: () => Forge & PullRequestWatch
  /** An order in review-to-be whose change is committed in the mirror, ready to be published. */
  prepare: (content?: string, attempt?: number, workOrderId?: string) => Promise<PublishInput>
}

/** Variables to be set beside the usual ones; given a folder that goes with the setting. */
type Environment = Record<string, string> | ((folder: string) => Promise<Record<string, string>>)

export async function createGitHubSetting(
  options: { host?: string; environment?: Environment; log?: (line: string) => void; token?: string } = {},
): Promise<GitHubSetting> {
  const { host = 'github.com', environment } = options
  await using stack = new AsyncDisposableStack()
  const database = stack.use(await createTestDatabase())
  const remote = stack.use(await createGitRemote({ a: '1\n' }))
  const github = stack.use(await startGitHub(remote, options.token === undefined ? {} : { token: options.token }))
  const repository = `https://${host}/acme/shop.git`
  const { id } = await database.db
    .insertInto('projects')
    .values({ name: 'shop', repository, forge: 'github', default_branch: 'main' })
    .returning('id')
    .executeTakeFirstOrThrow()
  const project = remote.project({ id, name: 'shop', repository, forge: 'github' })
  const config = readConfig({
    MOOSE_HOME: path.join(remote.folder, 'moose'),
    PATH: String(process.env['PATH']),
    GH_TOKEN: github.token,
    ...github.network,
    ...(typeof environment === 'function' ? await environment(remote.folder) : environment),
  })
  const clock = createFastClock()
  const apiCalls = createApiCalls(clock)
  const tokenFor = createTokens(config, clock.now)
  // A clock of its own, so that `clock` shows only the pauses after failures.
  const paceClock = createFastClock()
  const makeGh = () => createGh(config, { tokenFor, apiCalls, pace: createMutationPace(paceClock) })
  const gh = makeGh()
  const log = options.log === undefined ? createLog('silent') : pino({ level: 'trace' }, { write: options.log })
  const mirrors = new Mirrors(config.home, { network: config.networkEnvironment, agent: config.sshAgent, tokenFor })
  const usual = { db: database.db, log, clock, random: () => 0 }
  const make = (own: Mirrors, ownGh: Gh) => createGitHubForge({ ...usual, mirrors: own, gh: ownGh }, apiCalls)
  const owned = stack.move()
  const made = {
    config,
    database,
    remote,
    github,
    project,
    mirrors,
    gh,
    apiCalls,
    clock,
    turns: paceClock.waits,
    forge: make(mirrors, gh),
    followUp: createGitHubFollowUp({ ...usual, mirrors, gh, tellFailure: failureTeller((text) => text) }),
  }
  return {
    ...made,
    otherForge: () =>
      make(
        new Mirrors(config.home, { network: config.networkEnvironment, agent: config.sshAgent, tokenFor }),
        makeGh(),
      ),
    prepare: (content = `${randomUUID()}\n`, attempt = 1, workOrderId) =>
      prepare(made, { content, attempt, workOrderId }),
    [Symbol.asyncDispose]: () => owned.disposeAsync(),
  }
}

async function prepare(
  { database, project, mirrors, config }: Pick<GitHubSetting, 'database' | 'project' | 'mirrors' | 'config'>,
  change: { content: string; attempt: number; workOrderId: string | undefined },
): Promise<PublishInput> {
  const { attempt } = change
  const { signal } = new AbortController()
  const workOrderId = change.workOrderId ?? (await insertOrder(database, project))
  const workspaces = createWorkspaces({ root: config.home, mirrors })
  const baseSha = await workspaces.fetchBase(project, signal)
  await using workspace = await workspaces.open({ project, workOrderId, attempt, sha: baseSha, signal })
  await mkdir(path.join(workspace.path, 'src'), { recursive: true })
  await writeFile(path.join(workspace.path, 'src', `${workOrderId.slice(0, 8)}.txt`), change.content)
  const headSha = await workspace.commit(`WO-${workOrderId}: change`, WHEN)
  if (headSha === null) throw new Error('the prepared change is none')
  const plain = `feature/wo-${workOrderId.slice(0, 8)}-change`
  await database.db
    .insertInto('attempts')
    .values({
      work_order_id: workOrderId,
      number: attempt,
      project_id: project.id,
      content: '{}',
      executor_id: 'test',
      status: 'succeeded',
    })
    .onConflict((conflict) => conflict.doNothing())
    .execute()
  return {
    project,
    workOrderId,
    attempt,
    hold: async () => undefined,
    branches: attempt === 1 ? [plain] : [plain, `${plain}-${attempt}`],
    baseSha,
    headSha,
    title: `WO-${workOrderId.slice(0, 8)}: Change`,
    body: `What it does.\n\n<!-- moose:wo=${workOrderId} attempt=${attempt} -->`,
    labels: ['moose', 'risk: low'],
    signal,
  }
}

async function insertOrder({ db }: TestDatabase, project: Project): Promise<string> {
  const { id } = await db
    .insertInto('work_orders')
    .values({ title: 'Change', description: '', risk_level: 'low', project_id: project.id, attempts: 1 })
    .returning('id')
    .executeTakeFirstOrThrow()
  await db.updateTable('work_orders').set({ status: 'in_progress', phase: 'in_review' }).where('id', '=', id).execute()
  return id
}
