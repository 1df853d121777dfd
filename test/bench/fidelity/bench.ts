import { parseArgs } from 'node:util'
import type { TestDatabase } from '../../support/database.ts'
import { createMooseHome } from '../../support/moose-home.ts'
import { mooseUp } from '../../support/service-process.ts'
import { asLaunched } from '../as-launched.ts'
import { median, quantile, whole } from '../numbers.ts'
import { type Figure, report } from '../report.ts'
import { type Controlled, openControls, runControls } from './controls.ts'
import { FORMS, type Form } from './forms.ts'
import { type Commit, commitsOf, gitBytes } from './history.ts'
import { FIDELITY_SETTINGS, type Lane, openLane } from './lane.ts'
import { judge, replayOf, type Skipped, shuffled, type Verdict } from './replay-history.ts'

/** Of the commits, those that the edit format cannot say. */
const MOST_SKIPPED_PERCENT = 2
const SAID_EVERY = 50

type Options = { repository: string; commits: number | null; seed: number; forms: readonly Form[]; lanes: number }

/** Commits of a repository as orders, each with the answer that asks for it, through the whole pipeline. */
export async function benchFidelity(args: readonly string[]): Promise<void> {
  const options = optionsFrom(args)
  const controls = await throughControls()
  await using home = await createMooseHome({ 'README.md': '# Home\n' }, [], {
    ...FIDELITY_SETTINGS,
    ORCHESTRATOR_MAX_CONCURRENT_EXECUTIONS: String(options.lanes),
  })
  const commits = await chosenCommits(options)
  const lanes = await Promise.all(
    Array.from({ length: options.lanes }, (_, number) => openLane(home, options.repository, 'HEAD', number)),
  )
  await using _moose = await mooseUp({ ...home.environment, ...asLaunched() }, '--start')
  const begin = performance.now()
  const { verdicts, skipped } = await replayAll(lanes, commits, options)
  const seconds = (performance.now() - begin) / 1_000
  say({ options, controls, verdicts, skipped, seconds, times: await timesOf(home.database, verdicts) })
}

async function throughControls(): Promise<Controlled[]> {
  await using opened = await openControls()
  await using _moose = await mooseUp({ ...opened.home.environment, ...asLaunched() }, '--start')
  const controls = await runControls(opened.lane)
  for (const { name, problem } of controls) console.log(`${problem === null ? '✔' : '✖'} ${name} ${problem ?? ''}`)
  return controls
}

function optionsFrom(args: readonly string[]): Options {
  const { values } = parseArgs({
    args: [...args],
    options: {
      repository: { type: 'string', default: '.' },
      commits: { type: 'string', default: '100' },
      seed: { type: 'string', default: '1' },
      forms: { type: 'string', default: FORMS.join(',') },
      lanes: { type: 'string', default: '3' },
    },
  })
  return {
    repository: values.repository,
    commits: values.commits === 'all' ? null : whole('commits', values.commits),
    seed: whole('seed', values.seed, 0),
    forms: values.forms.split(',').map(formOf),
    lanes: whole('lanes', values.lanes),
  }
}

function formOf(name: string): Form {
  const form = FORMS.find((known) => known === name)
  if (form === undefined) throw new TypeError(`--forms names "${name}"; it takes ${FORMS.join(', ')}.`)
  return form
}

/** As many as are asked for, the seed says which, oldest first. */
async function chosenCommits({ repository, commits: count, seed }: Options): Promise<Commit[]> {
  const isShallow = (await gitBytes(repository, ['rev-parse', '--is-shallow-repository'])).toString('latin1').trim()
  if (isShallow === 'true') throw new TypeError(`${repository} is shallow. Type there: git fetch --unshallow`)
  const all = await commitsOf(repository)
  const chosen = new Set(count === null ? all : shuffled(all, seed).slice(0, count))
  return all.filter((commit) => chosen.has(commit)).toReversed()
}

type Replay = { verdicts: Verdict[]; skipped: Skipped[] }

/** Each lane takes the next commit when it is done with one. */
async function replayAll(lanes: readonly Lane[], commits: readonly Commit[], options: Options): Promise<Replay> {
  const found: Replay = { verdicts: [], skipped: [] }
  const queue = commits.entries()
  const forms = shuffled(
    commits.map((_, index) => options.forms[index % options.forms.length] ?? 'edit'),
    options.seed,
  )
  await Promise.all(
    lanes.map(async (lane) => {
      for (const [number, commit] of queue) {
        const replay = await replayOf(options.repository, commit, { number, form: forms[number] ?? 'edit' })
        if ('reason' in replay) found.skipped.push(replay)
        else found.verdicts.push(sayOf(await judge(lane, replay)))
        const done = found.verdicts.length + found.skipped.length
        if (done % SAID_EVERY === 0) console.log(`${done} of ${commits.length} …`)
      }
    }),
  )
  return found
}

function sayOf(verdict: Verdict): Verdict {
  const { replayed, problem } = verdict
  if (problem !== null) console.log(`${replayed.commit.sha.slice(0, 10)} as ${replayed.form}: ${problem}`)
  return verdict
}

/** Of the orders that nothing held: ms from when they were filed until their last step ended, and ms of each step. */
type Times = { orders: number[]; steps: { name: string; ms: number }[] }

async function timesOf({ pool }: TestDatabase, verdicts: readonly Verdict[]): Promise<Times> {
  const ids = verdicts.filter(({ wasHeld, problem }) => !wasHeld && problem === null).map(({ id }) => id)
  const { rows: orders } = await pool.query<{ ms: number }>(
    `select extract(epoch from max(s.ended_at) - min(o.created_at))::float8 * 1000 as ms
     from attempt_steps s join work_orders o on o.id = s.work_order_id where o.id = any($1) group by o.id`,
    [ids],
  )
  const { rows: steps } = await pool.query<{ name: string; ms: number }>(
    `select name, avg(extract(epoch from ended_at - started_at))::float8 * 1000 as ms
     from attempt_steps where work_order_id = any($1) group by name order by min(started_at)`,
    [ids],
  )
  return { orders: orders.map(({ ms }) => ms), steps }
}

type Found = Replay & { options: Options; controls: readonly Controlled[]; seconds: number; times: Times }

function say({ options, controls, verdicts, skipped, seconds, times }: Found): void {
  const refused = controls.filter(({ problem }) => problem === null)
  const faithful = verdicts.filter(({ problem }) => problem === null)
  console.log(`\nSkipped ${skipped.length}:`)
  for (const { commit, reason } of skipped) console.log(`${commit.sha.slice(0, 10)} ${reason}`)
  console.log(`\n${faithful.length}/${verdicts.length} commits came out as they are in the history.\n`)
  report({
    bench: 'fidelity',
    settings: { ...options, commits: verdicts.length + skipped.length, forms: options.forms.join(',') },
    figures: [
      {
        what: 'controls refused as they must be',
        value: refused.length,
        unit: '',
        target: { atLeast: controls.length },
      },
      ...figuresOf({ verdicts, skipped, seconds, times, faithful }),
    ],
    notes: NOTES,
    samples: { orders: times.orders, skipped: skipped.map(({ commit, reason }) => ({ sha: commit.sha, reason })) },
  })
  if (faithful.length < verdicts.length || refused.length < controls.length) process.exitCode = 1
}

const NOTES = [
  'Patch executor, local forge, recorded answers, no checks. Equal: one commit on its parent, with the same tree. Times are those of ' +
    'orders that nothing held, several at once; what is protected or looks like a key is allowed, as by a human.',
]

function figuresOf({
  verdicts,
  skipped,
  seconds,
  times,
  faithful,
}: Omit<Found, 'options' | 'controls'> & { faithful: readonly Verdict[] }): Figure[] {
  const share = (100 * skipped.length) / Math.max(1, verdicts.length + skipped.length)
  const perForm = FORMS.map((form) => ({
    what: `of them as ${form}`,
    value: faithful.filter(({ replayed }) => replayed.form === form).length,
    unit: '',
  }))
  const inSteps = times.steps.reduce((sum, { ms }) => sum + ms, 0)
  const mean = times.orders.reduce((sum, ms) => sum + ms, 0) / Math.max(1, times.orders.length)
  return [
    { what: 'equal', value: faithful.length, unit: '', target: { atLeast: verdicts.length } },
    ...perForm,
    { what: 'skipped', value: share, unit: '%', target: { atMost: MOST_SKIPPED_PERCENT } },
    { what: 'held for a human first', value: verdicts.filter(({ wasHeld }) => wasHeld).length, unit: '' },
    { what: 'an order, p50', value: median(times.orders), unit: 'ms' },
    { what: 'an order, p95', value: quantile(times.orders, 0.95), unit: 'ms' },
    ...times.steps.map(({ name, ms }) => ({ what: `step ${name}, mean`, value: ms, unit: 'ms' })),
    { what: 'between the steps, mean', value: mean - inSteps, unit: 'ms' },
    { what: 'all', value: seconds, unit: 's' },
  ]
}
