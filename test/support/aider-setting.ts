import { readdir } from 'node:fs/promises'
import path from 'node:path'
import type { Moose } from '../../src/app.ts'
import type { WorkOrderDetail } from '../../src/contract/work-orders.ts'
import { block, PRICE } from './aider-bench.ts'
import { gitIn } from './git-remote.ts'
import { type ModelServer, type Scripted, startModelServer } from './model-server.ts'
import { createMooseHome, detailOf, fileOrder, type MooseHome, settled } from './moose-home.ts'
import { useStandIn } from './stand-in-proposer.ts'
import { until } from './until.ts'

const FILES = {
  'greeting.txt': 'hello\n',
  'moose.yaml': 'checks:\n  - { name: greets, run: grep -q world greeting.txt }\n',
}
/** What the model says to the Proposer, and to Aider. */
export const IDEA = 'Put "hello, world" into greeting.txt.'
export const GOOD = block('greeting.txt', 'hello', 'hello, world')
export const TITLE = 'Greet the world'

/** A running Moose whose executor is Aider and whose only proposer is a stand-in. */
export type AiderSetting = AsyncDisposable & { home: MooseHome; moose: Moose; server: ModelServer }

export async function openAiderSetting(script: Scripted[], settings: Record<string, string>): Promise<AiderSetting> {
  await using stack = new AsyncDisposableStack()
  const server = stack.use(await startModelServer(...script))
  const home = stack.use(
    await createMooseHome(FILES, [], {
      OPENAI_COMPATIBLE_API_KEY: 'sk-real',
      ORCHESTRATOR_EXECUTOR: 'aider',
      ...settings,
    }),
  )
  await useStandIn(home, 'small', { url: server.url, threshold: 0.9 })
  const moose = stack.use(await home.open())
  const owned = stack.move()
  return { home, moose, server, [Symbol.asyncDispose]: () => owned.disposeAsync() }
}

/** What the stand-in charges for all it has answered, in USD. */
export const chargeOf = ({ charged }: ModelServer) =>
  (charged.input * PRICE.input_per_million + charged.output * PRICE.output_per_million) / 1e6

/** Carries one order out. @returns it as it is when nothing of it runs any more */
export async function carryOut({ home, moose }: AiderSetting): Promise<WorkOrderDetail> {
  const id = await fileOrder(home.database, { title: TITLE, files: ['greeting.txt'] })
  await moose.orchestrator.start(null)
  await settled(moose, id, 90_000)
  // An attempt is still being recorded and cleared away when its order shows its end.
  await until('nothing runs', async () => (await moose.orchestrator.status()).executing_count === 0)
  return await detailOf(moose, id)
}

/** What was noted of an order, one line each, oldest first. */
export async function notesOf({ home }: AiderSetting, id: string): Promise<string> {
  const rows = await home.database.db
    .selectFrom('work_order_events')
    .select(['type', 'message'])
    .where('work_order_id', '=', id)
    .orderBy('id')
    .execute()
  return rows.map(({ type, message }) => `${type}: ${message}`).join('\n')
}

export function stepsOf({ attempt_history }: WorkOrderDetail) {
  return attempt_history.flatMap(({ steps }) => steps)
}

/** The refs attempts hold in the mirror, one line each. */
export async function attemptRefsOf({ home }: AiderSetting): Promise<string> {
  const folder = path.join(home.config.home, 'mirrors')
  const [name] = await readdir(folder)
  return gitIn(path.join(folder, String(name)), 'for-each-ref', '--format=%(refname)', 'refs/moose')
}
