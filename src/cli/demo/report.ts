import { z } from 'zod'
import type { WorkOrderDetail } from '../../contract/work-orders.ts'
import type { DemoPlaces } from '../../demo/places.ts'
import { REPLAY_NOTE } from '../../demo/replay.ts'
import { shortId } from '../pages/humanize.ts'
import type { DemoPromise } from './orders.ts'

export type DemoReport = {
  success: boolean
  replay: true
  note: string
  home: string
  remote: string
  /** Where a `moose up` in this home serves. */
  url: string
  orders: DemoResult[]
  /** Commands for a shell. */
  look_further: string[]
  totals: { orders: number; in_review: number; failed: number; cost_usd: number; duration_ms: number }
}

/** @param run.durationMs of the demo as a whole, as the clock on the wall has it */
export function demoReport(
  places: DemoPlaces,
  orders: DemoResult[],
  run: { port: number; durationMs: number },
): DemoReport {
  const count = (outcome: string) => orders.filter((order) => order.outcome === outcome).length
  return {
    success: orders.every((order) => order.broken_promise === null),
    replay: true,
    note: REPLAY_NOTE,
    home: places.home,
    remote: places.remote,
    url: `http://127.0.0.1:${run.port}`,
    orders,
    look_further: demoLooks(places, orders),
    totals: {
      orders: orders.length,
      in_review: count('in_review'),
      failed: count('failed'),
      cost_usd: orders.reduce((sum, order) => sum + Number(order.cost_usd), 0),
      duration_ms: run.durationMs,
    },
  }
}

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

/** Commands that show more of what the demo left, each complete, with `moose` as hints have it; most telling first. */
export function demoLooks({ home, remote }: DemoPlaces, orders: readonly DemoResult[]): string[] {
  const moose = `moose --home ${quoted(home)}`
  const opened = orders.filter(({ pull_request }) => pull_request !== null).map(({ id }) => shortId(id))
  const stopped = orders.filter(({ outcome }) => outcome === 'failed').map(({ id }) => shortId(id))
  return [
    ...opened.slice(0, 1).map((id) => `${moose} show ${id} --diff`),
    ...stopped.slice(0, 1).map((id) => `${moose} logs ${id}`),
    ...opened.slice(0, 1).map((id) => `${moose} merge ${id}`),
    `git --git-dir=${quoted(remote)} log --all --oneline --graph`,
    `${moose} up`,
  ]
}

/** A path as one word of a shell. */
export function quoted(path: string): string {
  return /^[\w@%+=:,./-]+$/.test(path) ? path : `'${path.replaceAll("'", `'\\''`)}'`
}
