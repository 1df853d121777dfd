import { execFileSync } from 'node:child_process'
import { readdir, writeFile } from 'node:fs/promises'
import path from 'node:path'
import { attemptHistory } from '../../src/db/attempts/attempt-history.ts'
import { findWorkOrder } from '../../src/db/work-orders/work-orders.ts'
import { Fault } from '../../src/faults/fault.ts'
import { type MooseHome, rested } from './moose-home.ts'
import { type OrchestratorBench, openBench } from './orchestrator-bench.ts'
import { until } from './until.ts'

export const FILES = {
  'greeting.txt': 'hello\n',
  'other.txt': 'other\n',
  'moose.yaml': 'checks:\n  - { name: has greeting, run: test -s greeting.txt, proves: [1] }\n',
}
export const write = (file: string, text: string) => `### write ${file}\n\`\`\`\n${text}\n\`\`\`\n`
export const greet = { task: 'Greet the world', turn: 1, text: write('greeting.txt', 'hello, world') }
/** Free text, which Aider carries out. */
export const empty = { task: 'Empty it', turn: 1, text: 'Take everything out of greeting.txt.' }
/** So long that only a notification can have woken the dispatcher. */
export const NEVER_POLLS = { ORCHESTRATOR_POLLING_INTERVAL_MS: '3600000' }
export const KEY = { OPENAI_COMPATIBLE_API_KEY: 'sk-real' }

/** As src/budget/ceilings.ts makes it, of a call there is no money for. */
export const noMoney = (needed_usd = '9999') => {
  const call = { proposer: 'scripted', provider: 'replay', model: 'scripted' }
  return new Fault('budget_exceeded', 'The cap of this order has $0.00 left.', { needed_usd, ...call })
}

/** The order once it is at rest, with its attempts. */
export async function atRest({ database: { db } }: MooseHome, id: string) {
  await rested(db, id)
  const running = db
    .selectFrom('attempt_steps')
    .select('name')
    .where('work_order_id', '=', id)
    .where('status', '=', 'running')
  await until('no step runs', async () => (await running.execute()).length === 0)
  return { ...(await findWorkOrder(db, id)), history: await attemptHistory(db, id) }
}

export type Rested = Awaited<ReturnType<typeof atRest>>
export const stands = ({ status, phase, status_reason: reason }: Rested) =>
  `${status}/${phase === null ? String(reason?.code) : phase}`
export const stepsOf = ({ history }: Rested) =>
  history.at(-1)?.steps.map(({ name, try: number, status, runs }) => `${name} ${number} ${status} ${runs}`)

export const executions = ({ database: { db } }: MooseHome, id: string) =>
  db
    .selectFrom('outcome_vectors')
    .select(['attempt', 'outcome'])
    .where('operation_type', '=', 'work_order_execution')
    .where('work_order_id', '=', id)
    .orderBy('attempt')
    .execute()

export async function claims({ database: { db } }: MooseHome, id: string): Promise<string[]> {
  const rows = await db
    .selectFrom('work_order_events')
    .select('message')
    .where('work_order_id', '=', id)
    .where('type', '=', 'claimed')
    .orderBy('id')
    .execute()
  return rows.map(({ message }) => message)
}

export const bench = (home: MooseHome, putAwayMs = 0) =>
  openBench(home, {
    putAwayMs,
    repair: (tree, { repair }) => writeFile(path.join(tree, 'greeting.txt'), repair === null ? '' : 'repaired\n'),
  })

/** Waits until what has ended is put away too. */
export const putAway = ({ orchestrator }: OrchestratorBench) =>
  until('all is put away', async () => (await orchestrator.status()).executing_count === 0)

/** Refs that attempts of an order hold in the mirrors of a home. */
export async function attemptRefs({ config }: MooseHome, id: string): Promise<string[]> {
  const mirrors = path.join(config.home, 'mirrors')
  const names = (await readdir(mirrors)).filter((name) => name.endsWith('.git'))
  return names.flatMap((name) =>
    execFileSync('git', ['--git-dir', path.join(mirrors, name), 'for-each-ref', '--format=%(refname)'], {
      encoding: 'utf8',
    })
      .split('\n')
      .filter((ref) => ref.startsWith('refs/moose/') && ref.includes(id)),
  )
}
