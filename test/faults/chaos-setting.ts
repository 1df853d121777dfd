import { mkdir } from 'node:fs/promises'
import path from 'node:path'
import { seededChance } from '../../src/manager/learned/seeded-chance.ts'
import { createGitRemote, type GitRemote } from '../support/git-remote.ts'
import { type ModelServer, type ReceivedCall, startModelServer } from '../support/model-server.ts'
import { createMooseHome, type MooseHome } from '../support/moose-home.ts'
import { useStandIn } from '../support/stand-in-proposer.ts'

export const LIMITS = { overall: 6, perRepository: 4 }

/** An order of the run: what is to stand in its files, and whether the check lets that pass. */
export type ChaosOrder = { id: string; number: number; repository: GitRemote; files: string[]; passes: boolean }

/** One database, two repositories and a provider; room for the homes of several workers. */
export type ChaosSetting = AsyncDisposable & {
  home: MooseHome
  provider: ModelServer
  orders: ChaosOrder[]
  /** Where the home of a worker is. */
  homeOf(worker: string): string
  environmentOf(worker: string): Record<string, string>
}

const FILES = 60
const fileOf = (number: number) => `f${String(number % FILES).padStart(3, '0')}.txt`
/** Long enough for a check to be hit. */
const CHECK = 'checks:\n  - { name: whole, run: "sleep 0.2; if grep -q broken *.txt; then exit 1; fi" }\n'

/** @param count of the orders, all approved at once; every tenth changes two files, every twentieth fails its check */
export async function createChaosSetting(count: number, options: { seed: string; leaseMs: number }) {
  await using stack = new AsyncDisposableStack()
  const content = Object.fromEntries(Array.from({ length: FILES }, (_, number) => [fileOf(number), 'old\n']))
  const files = { ...content, 'moose.yaml': CHECK }
  const home = stack.use(await createMooseHome(files, []))
  const other = stack.use(await createGitRemote(files))
  const chance = seededChance(options.seed, 'answers')
  const provider = stack.use(
    await startModelServer((call) => ({ kind: 'text', text: answerTo(call), headersAfterMs: 200 + 1_300 * chance() })),
  )
  await useStandIn(home, 'stand-in', { url: provider.url, threshold: 1 })
  await home.database.db
    .insertInto('projects')
    .values({ name: 'other', repository: other.path, default_branch: 'main', forge: 'local' })
    .execute()
  const orders = await fileOrders(home, other, count)
  const folder = path.dirname(home.config.home)
  await mkdir(path.join(folder, 'user'))
  const homeOf = (worker: string) => path.join(folder, worker)
  const environment = {
    ...home.environment,
    OPENAI_COMPATIBLE_API_KEY: 'sk-real',
    MOOSE_LOG_LEVEL: 'warn',
    MOOSE_LEASE_MS: String(options.leaseMs),
    ORCHESTRATOR_POLLING_INTERVAL_MS: '1000',
    ORCHESTRATOR_EXECUTOR: 'patch',
    // A repair is a call more: each call is to be explained by what was done to a worker.
    MOOSE_REPAIR_MAX: '0',
    ORCHESTRATOR_MAX_CONCURRENT_EXECUTIONS: String(LIMITS.overall),
    ORCHESTRATOR_MAX_PER_REPOSITORY: String(LIMITS.perRepository),
  }
  const owned = stack.move()
  const setting: ChaosSetting = {
    home,
    provider,
    orders,
    homeOf,
    environmentOf: (worker) => ({ ...environment, MOOSE_HOME: homeOf(worker) }),
    [Symbol.asyncDispose]: () => owned.disposeAsync(),
  }
  return setting
}

async function fileOrders({ database: { db }, remote }: MooseHome, other: GitRemote, count: number) {
  const projects = await db.selectFrom('projects').select(['id', 'repository']).execute()
  const orders: ChaosOrder[] = []
  for (let number = 0; number < count; number += 1) {
    const repository = number % 2 === 0 ? remote : other
    const files = number % 10 === 0 ? [fileOf(number), fileOf(number + 1)] : [fileOf(number)]
    const passes = number % 20 !== 7
    const project = projects.find((one) => one.repository === repository.path)
    const title = `${passes ? 'Change' : 'Break'} ${files.join(' and ')} (${number})`
    const row = { title, description: `${title}, please.`, risk_level: 'low', files_in_scope: JSON.stringify(files) }
    const { id } = await db
      .insertInto('work_orders')
      .values({ ...row, project_id: String(project?.id), metadata: JSON.stringify({ approved_by_director: true }) })
      .returning('id')
      .executeTakeFirstOrThrow()
    orders.push({ id, number, repository, files, passes })
  }
  return orders
}

/** What an order has written into its files. */
export const writtenBy = ({ number, passes }: Pick<ChaosOrder, 'number' | 'passes'>) =>
  passes ? `changed by ${number}` : 'broken'

function answerTo({ body }: ReceivedCall): string {
  const [, verb, named = '', number] =
    /(Change|Break) (f\d+\.txt(?: and f\d+\.txt)?) \((\d+)\)/.exec(JSON.stringify(body)) ?? []
  const text = writtenBy({ number: Number(number), passes: verb === 'Change' })
  return named
    .split(' and ')
    .map((file) => `### write ${file}\n\`\`\`\n${text}\n\`\`\`\n`)
    .join('\n')
}
