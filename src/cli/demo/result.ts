import { z } from 'zod'
import type { WorkOrderDetail } from '../../contract/work-orders.ts'
import type { DemoPromise } from './orders.ts'

/** The part of the step `verify` that is shown: what git says has changed. */
const VerifyOutput = z.object({ files: z.array(z.object({ path: z.string() })) })

/** How one order of the demo ended. */
export type DemoResult = {
  id: string
  title: string
  /** What this kind of order is there to show. */
  shows: string
  status: string
  phase: string | null
  /** `in_review`, `failed`, or whatever else it ended as. */
  outcome: string
  /** The fault it ended with; null when it did not fail. */
  code: string | null
  message: string | null
  pull_request: { number: number; url: string | null; branch: string } | null
  /** What the commit changes, sorted; empty when there was none. */
  files: string[]
  cost_usd: number | null
  /** From the claim to the end, all attempts together. */
  duration_ms: number
  attempts: number
  /** Answers that were sent back with the reason. */
  refinements: number
  /** Why it did not end as promised; null when it did. */
  broken_promise: string | null
}

/** @param answers how many answers the order was given; undefined for none */
export function demoResult(detail: WorkOrderDetail, promise: DemoPromise, answers: number | undefined): DemoResult {
  const result = {
    id: detail.id,
    title: detail.title,
    shows: promise.shows,
    status: detail.status,
    phase: detail.phase,
    outcome: detail.phase === 'in_review' ? 'in_review' : detail.status,
    code: detail.status_reason === null ? null : detail.status_reason.code,
    message: detail.status_reason === null ? null : detail.status_reason.message,
    pull_request: pullRequestOf(detail),
    files: filesOf(detail),
    cost_usd: detail.actual_cost,
    duration_ms: durationOf(detail),
    attempts: detail.attempts,
    refinements: answers === undefined ? 0 : answers - 1,
  }
  return { ...result, broken_promise: brokenPromise(result, promise) }
}

/** What is not as promised, in a few words; null when everything is. */
function brokenPromise(result: Omit<DemoResult, 'broken_promise'>, promise: DemoPromise): string | null {
  if (result.outcome !== promise.outcome) return `is ${result.outcome}, not ${promise.outcome}`
  if (promise.outcome === 'failed') {
    if (result.code !== promise.code) return `failed with ${result.code}, not ${promise.code}`
    if (!String(result.message).includes(promise.names)) return `failed without naming ${promise.names}`
    return result.pull_request === null ? null : 'failed and has a pull request all the same'
  }
  if (result.pull_request === null) return 'has no pull request'
  if (result.files.join() !== promise.files.join()) return `changes ${result.files.join(', ')}`
  return result.refinements === promise.refinements ? null : `was refined ${result.refinements} times`
}

function pullRequestOf({ pull_request, github_pr_url }: WorkOrderDetail): DemoResult['pull_request'] {
  return pull_request === null ? null : { number: pull_request.number, url: github_pr_url, branch: pull_request.branch }
}

function filesOf({ attempt_history }: WorkOrderDetail): string[] {
  const step = attempt_history.at(-1)?.steps.findLast(({ name }) => name === 'verify')
  const { data } = VerifyOutput.safeParse(step?.output)
  return data === undefined ? [] : data.files.map(({ path }) => path).sort()
}

function durationOf({ attempt_history }: WorkOrderDetail): number {
  return attempt_history.reduce((sum, { claimed_at, ended_at }) => {
    return ended_at === null ? sum : sum + Date.parse(ended_at) - Date.parse(claimed_at)
  }, 0)
}
