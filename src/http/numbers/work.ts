import type { Kysely } from 'kysely'
import { STEPS } from '../../attempt/steps.ts'
import type { Numbers } from '../../contract/numbers.ts'
import {
  countRuns,
  type EndsOfDay,
  type FailedRuns,
  type ProposerRuns,
  type RunCounts,
  readEnds,
  readFailures,
  readProposers,
  readStepTimes,
  type StepTimes,
} from '../../db/numbers/outcomes.ts'
import type { NumbersRange } from '../../db/numbers/range.ts'
import type { Database } from '../../db/schema.ts'
import { Usd } from '../../money.ts'
import { exactUsd } from './money.ts'
import { compared, perEach, rateOf } from './rates.ts'

type Work = Pick<Numbers, 'rates' | 'steps' | 'failures' | 'proposers'>

/** What came of the attempts and pull requests that ended in the range; `ended`: of how many attempts. */
export async function workOf(
  db: Kysely<Database>,
  range: NumbersRange,
): Promise<Work & { ended: number; ends: EndsOfDay[] }> {
  const counts = await countRuns(db, range)
  const ends = await readEnds(db, range)
  return {
    ended: counts.ended,
    ends,
    rates: ratesOf(counts, ends),
    steps: stepsOf(await readStepTimes(db, range)),
    failures: (await readFailures(db, range)).map(failureOf),
    proposers: compared((await readProposers(db, range)).map(proposerOf)),
  }
}

function ratesOf({ ended, succeeded, again, repaired }: RunCounts, ends: readonly EndsOfDay[]): Work['rates'] {
  const merged = ends.reduce((sum, day) => sum + day.merged, 0)
  const closed = ends.reduce((sum, day) => sum + day.closed, 0)
  return [
    { name: 'success', ...rateOf(succeeded, ended) },
    { name: 'first_try', ...rateOf(succeeded - repaired, ended) },
    { name: 'repair', ...rateOf(repaired, again) },
    { name: 'merge', ...rateOf(merged, merged + closed) },
  ]
}

const REVIEW = 'review'
/** In the order of an attempt; what a newer version has beside them comes after. */
const ORDER = Object.keys(STEPS)

function stepsOf(times: readonly StepTimes[]): Work['steps'] {
  const all = times.reduce((sum, { step, total_ms: ms }) => sum + (step === REVIEW ? 0 : ms), 0)
  const place = (step: string) => {
    if (step === REVIEW) return ORDER.length + 1
    return ORDER.includes(step) ? ORDER.indexOf(step) : ORDER.length
  }
  return times
    .toSorted((one, other) => place(one.step) - place(other.step) || (one.step < other.step ? -1 : 1))
    .map((row) => ({ ...row, share: row.step === REVIEW ? null : all === 0 ? 0 : row.total_ms / all }))
}

function failureOf({ code, attempts, counted, orders, spent, latest }: FailedRuns): Work['failures'][number] {
  return { code, attempts, counted, orders, spent_usd: exactUsd(spent), latest_work_order_id: latest }
}

function proposerOf({ proposer, judged, merged, replayed, spent, median_ms }: ProposerRuns) {
  const cost = { spent_usd: exactUsd(spent), cost_per_merged_usd: perEach(new Usd(spent), merged) }
  return { proposer, ...rateOf(merged, judged), replayed, ...cost, median_ms }
}
