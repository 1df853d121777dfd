import type { Kysely } from 'kysely'
import type { Pool } from 'pg'
import { z } from 'zod'
import { Repair } from '../../contract/evidence/repair.ts'
import { type AttemptRow, attemptsOf } from '../../db/attempts/attempts.ts'
import { attemptsAsAsked } from '../../db/attempts/last-attempt.ts'
import { projectOf } from '../../db/projects.ts'
import {
  findPullRequestOfAttempt,
  type PullRequestRow,
  pullRequestsInBrief,
} from '../../db/pull-requests/pull-requests.ts'
import type { Database } from '../../db/schema.ts'
import { isSuspendCode } from '../../db/work-orders/suspended-orders.ts'
import { findWorkOrder } from '../../db/work-orders/work-orders.ts'
import { isOf } from '../../faults/families.ts'
import { Fault } from '../../faults/fault.ts'
import { ProposerResponse } from '../../ports/proposal.ts'
import { RoutingDecision } from '../../ports/routing.ts'
import type { Workspaces } from '../../ports/workspace.ts'
import { workflowId } from '../../work-order/naming.ts'
import { standsOn } from '../../work-order/standing.ts'
import { type GivenBySteps, givenBySteps, givenInDatabase } from '../journal.ts'
import type { StepName } from '../steps.ts'

type Db = Kysely<Database>

/** What the steps of the attempt whose commit is verified gave: of `propose` and `apply` what came before any repair. */
const Given = z.object({
  route: z.object({ decision: RoutingDecision }),
  propose: z.object({
    baseSha: z.string(),
    proposer: z.string(),
    response: ProposerResponse,
    failover: z.object({ instead_of: z.string(), because: z.string(), decision: RoutingDecision }).nullable(),
  }),
  apply: z.object({ executor: z.enum(['patch', 'aider']), reason: z.string() }),
  /** Those its last verification knew of. */
  repairs: z.array(Repair),
})

function readGiven(given: GivenBySteps) {
  const last = (step: StepName) => given.get(step)?.at(-1)?.output
  const first = (step: StepName) => given.get(step)?.at(0)?.output
  const known = readRepairs(given)
  const repairs = known === null ? [] : known
  return Given.safeParse({ route: last('route'), propose: first('propose'), apply: first('apply'), repairs })
}

/** Those the last verification of an attempt knew of; null: it told of none, as an older Moose did. */
function readRepairs(given: GivenBySteps): Repair[] | null {
  const verified = z.object({ repairs: z.array(Repair) }).safeParse(given.get('verify')?.at(-1)?.output)
  return verified.success ? verified.data.repairs : null
}

/** A commit that an attempt made, and what led to it. */
export type ToVerify = z.infer<typeof Given> & {
  /** The attempt that made it. */
  attempt: number
  headSha: string
  /** The one that is open, whose branch is verified as it stands; null: the commit has no pull request yet. */
  pull: OpenPull | null
}

/** `headSha` is the commit that was verified last, `baseSha` the one of the base that it builds on. */
export type OpenPull = {
  number: number
  attempt: number
  branch: string
  baseSha: string
  headSha: string
  title: string
}

type Looked = Pick<Workspaces, 'keptCommit'> & { pool: Pool }

/**
 * What can be verified: `attempt` has made the commit, by an answer of `proposer`; `branch` is that of the pull request it is in;
 * null: of none.
 */
export type Verifiable = { attempt: number; proposer: string; branch: string | null }

/**
 * The attempt whose commit can be verified without a model: that of the pull request an order is in review with, else the
 * latest whose commit is kept here. It was begun for what the order asks for now, and what its steps gave can be read.
 *
 * @throws {Fault} `work_order_conflict` when there is none, or the last attempt rests and will go on by itself
 */
export async function findVerifiable(db: Db, { keptCommit, pool }: Looked, workOrderId: string): Promise<Verifiable> {
  const attempts = await attemptsOf(db, workOrderId)
  const last = attempts.at(-1)
  if (last !== undefined && isSuspended(last)) throw rests(last)
  const proposerOf = async (attempt: number) =>
    readGiven(await givenInDatabase(pool, workflowId(workOrderId, attempt))).data?.propose.proposer
  const pull = await openPullOf(db, workOrderId)
  const asAsked = await attemptsAsAsked(db, workOrderId)
  if (pull !== null) {
    const maker = makerOf(attempts, pull)
    if (!asAsked.has(maker)) throw madeForOther(workOrderId, maker, pull.number)
    const proposer = await proposerOf(maker)
    if (proposer !== undefined) return { attempt: maker, proposer, branch: pull.branch }
    throw nothingToVerify(workOrderId)
  }
  let other: number | null = null
  for (const { number, project_id: projectId, head_sha: headSha, verifies, error } of attempts.toReversed()) {
    if (headSha === null || projectId === null || verifies !== null) continue
    // Its commit is about to be removed.
    if (error !== null && isOf('worthless', error.code)) continue
    const project = await projectOf(db, projectId)
    if ((await keptCommit(project, workOrderId, number)) !== headSha) continue
    if (!asAsked.has(number)) {
      other ??= number
      continue
    }
    const proposer = await proposerOf(number)
    if (proposer !== undefined) return { attempt: number, proposer, branch: null }
  }
  throw other === null ? nothingToVerify(workOrderId) : madeForOther(workOrderId, other, null)
}

/** @throws {Fault} `work_order_conflict` where that attempt has left nothing, or nothing that this Moose can read */
export async function whatToVerify(db: Db, workOrderId: string, attempt: number): Promise<ToVerify> {
  const attempts = await attemptsOf(db, workOrderId)
  const row = attempts.find(({ number }) => number === attempt)
  const given = readGiven(await givenBySteps(workflowId(workOrderId, attempt)))
  if (!given.success || row === undefined || row.head_sha === null) throw nothingToVerify(workOrderId)
  const pull = await openPullOf(db, workOrderId)
  const isOfAttempt = pull !== null && makerOf(attempts, pull) === attempt
  const verifiedBy = isOfAttempt ? pull.verified_by : null
  const later = verifiedBy === null ? null : readRepairs(await givenBySteps(workflowId(workOrderId, verifiedBy)))
  const repairs = later === null ? given.data.repairs : later
  return { ...given.data, repairs, attempt, headSha: row.head_sha, pull: isOfAttempt ? openPull(pull) : null }
}

/** The attempt whose model made what a pull request is of; one that was only verified is opened by a later attempt. */
function makerOf(attempts: readonly AttemptRow[], { attempt }: Pick<PullRequestRow, 'attempt'>): number {
  const opener = attempts.find(({ number }) => number === attempt)
  return opener === undefined || opener.verifies === null ? attempt : opener.verifies
}

function openPull({ number, attempt, branch, base_sha: baseSha, head_sha: headSha, title }: PullRequestRow): OpenPull {
  return { number, attempt, branch, baseSha, headSha, title }
}

/** The open pull request the order stands on; of several, that of the latest attempt. */
async function openPullOf(db: Db, workOrderId: string): Promise<PullRequestRow | null> {
  const open = (await pullRequestsInBrief(db, workOrderId)).filter(({ state }) => state === 'open')
  const standing = standsOn(await findWorkOrder(db, workOrderId), open)
  const chosen = standing === null ? open.at(-1) : standing
  return chosen === undefined ? null : findPullRequestOfAttempt(db, { workOrderId, attempt: chosen.attempt })
}

function isSuspended({ status, error }: AttemptRow): boolean {
  return status === 'blocked' && error !== null && isSuspendCode(error.code)
}

function rests({ work_order_id: id, number }: AttemptRow): Fault {
  const message =
    `Attempt ${number} of work order ${id} rests and goes on where it stopped: what it has made is not made again, nor paid ` +
    `for. See what it waits for with: moose why ${id.slice(0, 8)}`
  return new Fault('work_order_conflict', message, { id, attempt: number })
}

/** What passed the checks would not be published. @param pull the open pull request that holds it; null: none does */
function madeForOther(id: string, attempt: number, pull: number | null): Fault {
  const short = id.slice(0, 8)
  const first = pull === null ? '' : `Close pull request #${pull} with: moose close ${short}   Then have`
  const message =
    `Work order ${id}: the commit of attempt ${attempt} was made for what the order asked before, so it is not verified. ` +
    `${pull === null ? 'Have' : first} the change made anew with: moose retry ${short}`
  return new Fault('work_order_conflict', message, { id, attempt })
}

export function nothingToVerify(id: string): Fault {
  const message =
    `Work order ${id}: there is no commit to verify. No attempt of it has left one here, or it was removed since. ` +
    `Have the change made anew with: moose retry ${id.slice(0, 8)}`
  return new Fault('work_order_conflict', message, { id })
}
