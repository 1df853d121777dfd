import { globSync, readFileSync } from 'node:fs'
import path from 'node:path'
import { parse } from 'yaml'
import { readTokenFile } from '../../src/files/api-token-file.ts'
import { linkTo } from './logged-in.ts'
import { type ReceivedCall, type ScriptedBy, startModelServer } from './model-server.ts'
import { createMooseHome, type MooseHome } from './moose-home.ts'
import { moose, mooseUp, type ServiceProcess } from './service-process.ts'
import { useStandIn } from './stand-in-proposer.ts'
import { until } from './until.ts'

const DEMO = path.join(import.meta.dirname, '../../demo')

type Recorded = { task: string; turn: number; text_file: string }
type Order = {
  title: string
  description: string
  acceptance_criteria: string[]
  files_in_scope: string[]
  risk_level: string
}

/** Never answered, so that it runs for as long as somebody looks. */
const RUNNING: Order = {
  title: 'Explain every column of the report',
  description: 'The README says what each column of the text report holds, and how it is rounded.',
  acceptance_criteria: ['Every column is explained'],
  files_in_scope: ['README.md'],
  risk_level: 'low',
}
/** Of what waits to be approved. */
const UNAPPROVED: readonly Order[] = [
  {
    title: 'Refuse a negative quantity',
    description: 'A line with a quantity below zero is a RangeError that names the line.',
    acceptance_criteria: ['A negative quantity is refused', 'The test suite passes'],
    files_in_scope: ['src/invoice.js', 'test/invoice.test.js'],
    risk_level: 'low',
  },
  {
    title: 'Pin the version of Node that the tests need',
    description: 'State it in package.json.',
    acceptance_criteria: ['The test suite passes'],
    files_in_scope: ['package.json', 'README.md'],
    risk_level: 'medium',
  },
]

/** Where the orders are that views show; by what has become of them. */
export type ShownOrders = Readonly<
  Record<'review' | 'refined' | 'completed' | 'failed' | 'outOfScope' | 'unapproved' | 'running', string>
>

/** A `moose up` with something of everything in it: nothing of it was written into the database but by Moose. */
export type ShownMoose = AsyncDisposable & {
  home: MooseHome
  service: ServiceProcess
  orders: ShownOrders
  /** As a user gets it: what `moose open` prints. */
  link(): Promise<string>
}

/** Carries the orders of the demo out, with a stand-in for the provider that charges for what the demo has recorded. */
export async function showMoose(): Promise<ShownMoose> {
  await using stack = new AsyncDisposableStack()
  const server = stack.use(await startModelServer(answersOfDemo()))
  const home = stack.use(await createMooseHome(repositoryOfDemo(), [], { OPENAI_COMPATIBLE_API_KEY: 'sk-real' }))
  await useStandIn(home, 'stand-in', { url: server.url, threshold: 1, price: PRICE })
  const service = stack.use(await mooseUp(home.environment, '--start'))
  const ids = await fileAll(service)
  const idOf = (title: string) => String(ids.get(title))
  const settled = async () => {
    const rows = await home.database.db.selectFrom('work_orders').select(['status', 'phase', 'title']).execute()
    return rows.every(({ status, phase, title }) => {
      if (title === RUNNING.title) return phase === 'proposing'
      return (
        UNAPPROVED.some((one) => one.title === title) ||
        (status !== 'pending' && (status !== 'in_progress' || phase === 'in_review'))
      )
    })
  }
  await until('all have come to where they are shown', settled, { withinMs: 120_000 })
  const completed = idOf('Move the discount into a module of its own')
  const merged = await moose(home.environment, 'merge', completed)
  if (merged.exitCode !== 0) throw new Error(merged.stderr)
  // It never ends by itself.
  stack.defer(async () => void (await moose(home.environment, 'cancel', idOf(RUNNING.title))))
  const owned = stack.move()
  return {
    home,
    service,
    orders: {
      review: idOf('Read durations such as 1h30m'),
      refined: idOf('Name the line of a CSV file that is wrong'),
      completed,
      failed: idOf('Round a half to the even cent'),
      outOfScope: idOf("Write amounts as the customer's country does"),
      unapproved: idOf('Pin the version of Node that the tests need'),
      running: idOf(RUNNING.title),
    },
    link: () => linkTo(home.environment),
    [Symbol.asyncDispose]: () => owned.disposeAsync(),
  }
}

const PRICE = { input_per_million: 3, output_per_million: 15 }
const TOKENS_OF_A_PROMPT = 4_200
const CHARACTERS_OF_A_TOKEN = 4

function repositoryOfDemo(): Record<string, string> {
  const folder = path.join(DEMO, 'repository')
  const files = globSync('**/*.*', { cwd: folder })
  return Object.fromEntries(files.map((file) => [file, readFileSync(path.join(folder, file), 'utf8')]))
}

function answersOfDemo(): ScriptedBy {
  const { answers }: { answers: Recorded[] } = JSON.parse(readFileSync(path.join(DEMO, 'recordings/demo.json'), 'utf8'))
  const turns = new Map<string, number>()
  return (call) => {
    const said = JSON.stringify(call.body)
    if (said.includes(RUNNING.title)) return { kind: 'silent' }
    const task = taskOf(call, answers)
    const before = turns.get(task)
    const turn = before === undefined ? 1 : before + 1
    turns.set(task, turn)
    const recorded = answers.find((one) => one.task === task && one.turn === turn)
    if (recorded === undefined) return { kind: 'refused' }
    const text = readFileSync(path.join(DEMO, 'recordings', recorded.text_file), 'utf8')
    return { kind: 'text', text, input: TOKENS_OF_A_PROMPT, output: Math.ceil(text.length / CHARACTERS_OF_A_TOKEN) }
  }
}

function taskOf({ body }: ReceivedCall, answers: readonly Recorded[]): string {
  const said = JSON.stringify(body)
  const found = answers.find(({ task }) => said.includes(JSON.stringify(task).slice(1, -1)))
  if (found === undefined) throw new Error(`no answer was recorded for: ${said.slice(0, 2_000)}`)
  return found.task
}

/** The orders of the demo, those that wait to be approved, and the one that goes on and on. @returns ids by title */
async function fileAll(service: ServiceProcess): Promise<Map<string, string>> {
  const ofDemo: Order[] = parse(readFileSync(path.join(DEMO, 'work-orders.yaml'), 'utf8'))
  const body = {
    work_orders: [...ofDemo, RUNNING, ...UNAPPROVED].map((order) => ({
      ...order,
      approved: !UNAPPROVED.includes(order),
    })),
  }
  const token = await readTokenFile(service.status.home)
  const response = await fetch(`${service.url}/api/work-orders`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', authorization: `Bearer ${token}` },
    body: JSON.stringify(body),
  })
  if (!response.ok) throw new Error(await response.text())
  const { work_orders: filed }: { work_orders: { id: string; title: string }[] } = JSON.parse(await response.text())
  return new Map(filed.map(({ id, title }) => [title, id]))
}
