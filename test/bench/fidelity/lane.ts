import { mkdir, rename, writeFile } from 'node:fs/promises'
import path from 'node:path'
import { approveWorkOrder } from '../../../src/db/work-orders/approve-work-order.ts'
import { findWorkOrder } from '../../../src/db/work-orders/work-orders.ts'
import { heldFrom } from '../../../src/work-order/protection/held-change.ts'
import { fileOrder, type MooseHome, rested } from '../../support/moose-home.ts'
import { type Commit, gitBytes } from './history.ts'

/**
 * A repository and its project, in which one order is carried out at a time: orders of one repository that name the same
 * file would wait for each other.
 */
export type Lane = { home: MooseHome; repository: string; projectId: string; name: string }

const BASE = 'base'
/** Longer than any order takes on a busy machine. */
const WITHIN_MS = 300_000

/**
 * What the home of a bench of orders needs: nothing polls, big files are shown and nothing beside the scope, which a recorded
 * answer does not read, and failures do not end it.
 */
export const FIDELITY_SETTINGS = {
  ORCHESTRATOR_POLLING_INTERVAL_MS: '3600000',
  MOOSE_TRACK_INTERVAL_MS: '3600000',
  ORCHESTRATOR_PAUSE_AFTER_FAILURES: '0',
  MOOSE_CONTEXT_MAX_BYTES: '10000000',
  MOOSE_EXTRA_CONTEXT_TOKENS: '0',
}

/** Makes a lane with the history of a branch of a repository. */
export async function openLane(home: MooseHome, source: string, branch: string, number: number): Promise<Lane> {
  const repository = path.join(home.remote.folder, `lane-${number}.git`)
  await mkdir(repository)
  await gitBytes(repository, ['init', '--quiet', '--bare', '--initial-branch', BASE])
  await gitBytes(repository, ['fetch', '--quiet', '--no-tags', path.resolve(source), `${branch}:refs/history`])
  return await laneIn(home, repository, number)
}

/** Makes a lane of a bare repository that nothing else uses. */
export async function laneIn(home: MooseHome, repository: string, number: number): Promise<Lane> {
  const name = `lane-${number}`
  const { id } = await home.database.db
    .insertInto('projects')
    .values({ name, repository, default_branch: BASE, forge: 'local' })
    .returning('id')
    .executeTakeFirstOrThrow()
  return { home, repository, projectId: id, name }
}

/** An order, where it starts and what the model says to it; of several answers one to each turn. */
export type Task = { title: string; files: readonly string[]; baseSha: string; answers: readonly string[] }

export type Ended = {
  id: string
  /** Null: it is in review. */
  fault: { code: string; message: string } | null
  /** Whether something of it had to be allowed first. */
  wasHeld: boolean
}

/** Carries an order out on a base branch that stands at its commit; what is protected is allowed, as by a human. */
export async function carryOut(lane: Lane, { title, files, baseSha, answers }: Task): Promise<Ended> {
  const { home, repository, projectId } = lane
  await gitBytes(repository, ['update-ref', `refs/heads/${BASE}`, baseSha])
  await record(lane, title, answers)
  const id = await fileOrder(home.database, { title, files, projectId })
  const { db } = home.database
  for (let wasHeld = false; ; wasHeld = true) {
    await rested(db, id, WITHIN_MS)
    const { phase, status, status_reason: reason } = await findWorkOrder(db, id)
    if (status === 'in_progress' && phase === 'in_review') return { id, fault: null, wasHeld }
    const held = heldFrom(reason?.details)
    const fault = { code: String(reason?.code), message: String(reason?.message) }
    if (fault.code !== 'protected_change' || held === null) return { id, fault, wasHeld }
    const keys = held.held.flatMap(({ fingerprint }) => (fingerprint === null ? [] : [fingerprint]))
    await approveWorkOrder(db, id, { allow: [], allow_secrets: keys, allow_all_protected: true })
  }
}

/** A reader sees the whole recording or the one before. */
async function record({ home, name }: Lane, title: string, answers: readonly string[]): Promise<void> {
  const folder = home.environment['MOOSE_REPLAY_DIR']
  const usage = { input: 100, output: 20 }
  const recording = {
    proposer: 'scripted',
    note: 'made of a commit',
    answers: answers.map((text, index) => ({ task: title, turn: index + 1, text, usage })),
  }
  const draft = path.join(String(folder), `${name}.draft`)
  await writeFile(draft, JSON.stringify(recording))
  await rename(draft, path.join(String(folder), `${name}.json`))
}

/** In what a branch of an order differs from the commit it was made of; null: in nothing. */
export async function differenceTo(
  lane: Lane,
  { id }: Ended,
  { tree, parents: [parent] }: Commit,
): Promise<string | null> {
  const { branch } = await lane.home.database.db
    .selectFrom('pull_requests')
    .select('branch')
    .where('work_order_id', '=', id)
    .executeTakeFirstOrThrow()
  const args = ['log', '--format=%T %P', `refs/heads/${BASE}..refs/heads/${branch}`, '--']
  const commits = (await gitBytes(lane.repository, args)).toString('latin1').trim().split('\n')
  if (commits.length !== 1) return `the branch has ${commits.length} commits`
  const [made, base] = String(commits[0]).split(' ')
  if (base !== parent) return `the branch stands on ${base}`
  if (made === tree) return null
  const differs = await gitBytes(lane.repository, ['diff-tree', '-r', '--abbrev', tree, String(made)])
  return `the tree differs: ${differs.toString('utf8').trim()}`
}

/** Branches that an order has left in its repository. */
export async function branchesOf({ repository }: Pick<Lane, 'repository'>, id: string): Promise<string[]> {
  const refs = (await gitBytes(repository, ['for-each-ref', '--format=%(refname)'])).toString('utf8').trim().split('\n')
  return refs.filter((ref) => ref.includes(id.slice(0, 8)))
}
