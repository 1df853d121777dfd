import assert from 'node:assert/strict'
import type { TestContext } from 'node:test'
import { type Moose, openMoose } from '../../../src/app.ts'
import { readConfig } from '../../../src/config.ts'
import { createLog } from '../../../src/log.ts'
import { type ReceivedCall, type Scripted, startModelServer } from '../model-server.ts'
import { createMooseHome, detailOf, fileOrder, type MooseHome, settled } from '../moose-home.ts'
import { useStandIn } from '../stand-in-proposer.ts'
import { NEVER_POLLS, write } from '../suspended-bench.ts'
import { toolOrSkip } from '../tool-or-skip.ts'
import { until } from '../until.ts'
import type { StandInComment, StandInThread } from './conversation.ts'
import { type GitHubServer, startGitHub } from './github-server.ts'
import type { Pull } from './repository-state.ts'

const FILES = {
  'greeting.txt': 'hello\n',
  'other.txt': 'other\n',
  'moose.yaml': 'checks:\n  - { name: polite, run: "! grep -q rude greeting.txt other.txt", proves: [1] }\n',
}
const SETTINGS = { ...NEVER_POLLS, MOOSE_TRACK_INTERVAL_MS: '1000', ORCHESTRATOR_EXECUTOR: 'patch' }
/** Of a machine that is busy with other things. */
const PATIENCE = { withinMs: 240_000 }

/** What a model answers to have the greeting be so. */
export const greeted = (how: string): Scripted => ({ kind: 'text', text: write('greeting.txt', how) })

/** A project on the stand-in whose model answers in turn. */
export type OnGitHub = AsyncDisposable & {
  home: MooseHome
  github: GitHubServer
  calls: ReceivedCall[]
  /** Of a process of its own. */
  environment: Record<string, string>
  /** A process that takes orders on. */
  open(): Promise<Moose>
  /** A process that takes none on until it is told to. */
  openIdle(): Promise<Moose>
}

/** Null when a program is missing. */
export async function onGitHub(
  t: TestContext,
  answers: readonly Scripted[],
  { files = {}, settings = {} }: { files?: Record<string, string>; settings?: Record<string, string> } = {},
): Promise<OnGitHub | null> {
  if (toolOrSkip(t, 'gh') === null || toolOrSkip(t, 'openssl') === null) return null
  await using stack = new AsyncDisposableStack()
  const home = stack.use(await createMooseHome({ ...FILES, ...files }, [], { ...SETTINGS, ...settings }))
  const server = stack.use(await startModelServer(...answers))
  await useStandIn(home, 'stand-in', { url: server.url, threshold: 1 })
  const github = stack.use(await startGitHub(home.remote))
  github.state.settings.writers = ['ada']
  const repository = 'https://github.com/acme/shop.git'
  await home.database.db.updateTable('projects').set({ repository, forge: 'github' }).execute()
  const environment = { ...home.environment, ...github.network, GH_TOKEN: github.token }
  const config = readConfig(environment)
  const openIdle = () => openMoose(config, { log: createLog('silent'), role: 'service' })
  const owned = stack.move()
  return {
    home,
    github,
    calls: server.calls,
    environment,
    openIdle,
    async open() {
      const moose = await openIdle()
      await moose.orchestrator.start(null)
      return moose
    },
    [Symbol.asyncDispose]: () => owned.disposeAsync(),
  }
}

/** An order in review on GitHub. */
export type InReview = { moose: Moose; id: string; branch: string; head: string; pull: Pull }

export async function reviewed(
  { home, github }: Pick<OnGitHub, 'home' | 'github'>,
  moose: Moose,
  title = 'Greet the world',
): Promise<InReview> {
  const files = ['greeting.txt', 'other.txt']
  const id = await fileOrder(home.database, { title, files, criteria: ['It is polite'] })
  const order = await settled(moose, id, PATIENCE.withinMs)
  assert.equal(order.phase, 'in_review', JSON.stringify(order.status_reason))
  const branch = String(order.github_branch)
  const pull = github.state.pulls.at(-1) ?? assert.fail()
  return { moose, id, branch, head: await home.remote.git('rev-parse', branch), pull }
}

/** An order in review, and what the model answers from then on; null when a program is missing. */
export async function inReview(t: TestContext, ...answers: Scripted[]): Promise<(OnGitHub & InReview) | null> {
  const given = await onGitHub(t, [greeted('hello, world'), ...answers])
  if (given === null) return null
  await using stack = new AsyncDisposableStack()
  stack.use(given)
  const moose = stack.use(await given.open())
  const one = await reviewed(given, moose)
  const owned = stack.move()
  return { ...given, ...one, [Symbol.asyncDispose]: () => owned.disposeAsync() }
}

/** The reactions to what became of the pull requests of an order. */
export const rowsOf = ({ home, id }: Pick<OnGitHub & InReview, 'home' | 'id'>) =>
  home.database.db
    .selectFrom('follow_ups')
    .select(['kind', 'outcome'])
    .where('work_order_id', '=', id)
    .orderBy('id')
    .execute()

/** Waits until an order's pull request is seen to stand so. @returns why it does */
export async function becomes(
  { moose, id }: Pick<InReview, 'moose' | 'id'>,
  wanted: { state?: string; code?: string },
): Promise<string> {
  const followUp = async () => (await detailOf(moose, id)).pull_request?.follow_up
  const isSo = async () => {
    const now = await followUp()
    return (
      (wanted.state === undefined || now?.state === wanted.state) &&
      (wanted.code === undefined || now?.code === wanted.code)
    )
  }
  const say = async () => JSON.stringify(await followUp())
  await until(`it is ${JSON.stringify(wanted)}`, isSo, { ...PATIENCE, say })
  return String((await followUp())?.why)
}

/** Waits until the reactions are these, each with what came of it. */
export async function haveEnded(given: Pick<OnGitHub & InReview, 'home' | 'moose' | 'id'>, expected: string[]) {
  const shown = async () => (await rowsOf(given)).map(({ kind, outcome }) => `${kind} ${outcome}`)
  const isSo = async () => JSON.stringify(await shown()) === JSON.stringify(expected)
  const say = async () => JSON.stringify(await shown())
  await until(`follow-ups are ${expected.join(', ')}`, isSo, { ...PATIENCE, say })
  await settled(given.moose, given.id, PATIENCE.withinMs)
}

/** The escalations of an order, each with what closed it. */
export async function escalations({ home, id }: Pick<OnGitHub & InReview, 'home' | 'id'>): Promise<string[]> {
  const all = home.database.db.selectFrom('order_escalations').selectAll().where('work_order_id', '=', id)
  const rows = await all.orderBy('opened_at').execute()
  return rows.map(({ cause, option, closed_as: by }) => `${cause} ${option ?? by ?? 'open'}`)
}

/** Of `ada`, who may write, or of a stranger. */
export const said = (id: string, login: string, body: string): StandInComment => ({
  id,
  login,
  association: login === 'ada' ? 'COLLABORATOR' : 'NONE',
  body,
})
export const thread = (id: string, comment: StandInComment): StandInThread => ({
  id,
  path: 'greeting.txt',
  line: 1,
  comments: [comment],
})

/** What Moose has answered in each thread. */
export const answersIn = ({ threads = [] }: Pull): string[][] =>
  threads.map(({ comments }) => comments.slice(1).map(({ body }) => body))
