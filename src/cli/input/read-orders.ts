import { readFile } from 'node:fs/promises'
import path from 'node:path'
import { type Checked, type OrderFields, wildcardWarnings } from '../../contract/order-file/check-order.ts'
import { type OrderFile, readOrderFile } from '../../contract/order-file/order-file.ts'
import { ProjectsResponse } from '../../contract/projects.ts'
import { utf8Text } from '../../contract/strict-json.ts'
import { errorCode } from '../../faults/error-code.ts'
import { Fault, toFault } from '../../faults/fault.ts'
import type { Cli } from '../cli.ts'
import type { ApiClient } from '../client/api-client.ts'
import { nullForNone } from './arguments.ts'
import { ordersInvalid } from './order-problems.ts'

/** What was asked for on the command line, checked, with every project that is named and where. */
export type ReadOrders<Order> = Pick<OrderFile<Order>, 'orders' | 'projects'>

/** The API takes half of that at once. */
const MOST_BYTES = 4_000_000

type Check<Order> = (value: unknown) => Checked<Order>

/**
 * The orders of several files, `-` for stdin. Warnings are printed.
 *
 * @throws {Fault} `work_order_invalid` with every problem of every file; `request_invalid` for a file that cannot be read
 */
export async function ordersFromFiles<Order extends OrderFields>(
  cli: Cli,
  names: readonly string[],
  check: Check<Order>,
): Promise<ReadOrders<Order>> {
  const files: OrderFile<Order>[] = []
  for (const name of names) files.push(readOrderFile(name === '-' ? 'stdin' : name, await textOf(cli, name), check))
  const problems = files.flatMap((file) => file.problems)
  if (problems.length > 0) throw ordersInvalid(problems)
  for (const warning of files.flatMap((file) => file.warnings)) cli.output.note(`warning: ${warning}`)
  return { orders: files.flatMap(({ orders }) => orders), projects: files.flatMap(({ projects }) => projects) }
}

async function textOf(cli: Cli, name: string): Promise<string> {
  const text = await wholeTextOf(cli, name)
  const bytes = Buffer.byteLength(text)
  if (bytes <= MOST_BYTES) return text
  const shown = name === '-' ? 'stdin' : name
  const message = `${shown} has ${bytes} bytes, more than ${MOST_BYTES}. Split it into several files.`
  throw new Fault('request_invalid', message, { file: name, bytes, max_bytes: MOST_BYTES })
}

async function wholeTextOf(cli: Cli, name: string): Promise<string> {
  if (name === '-') return await cli.readStdin()
  try {
    return utf8Text(await readFile(path.resolve(cli.cwd, name)), name)
  } catch (error) {
    if (error instanceof Fault) throw error
    const message = `Cannot read ${name}: ${whyUnreadable(error)}. Give a YAML or JSON file, or - for stdin.`
    throw new Fault('request_invalid', message, { file: name }, error)
  }
}

/** Why a file cannot be read, in words. */
export function whyUnreadable(error: unknown): string {
  const reason = REASONS[String(errorCode(error))]
  return reason === undefined ? toFault(error).message : reason
}

const REASONS: Record<string, string> = {
  ENOENT: 'there is no such file',
  EISDIR: 'it is a folder',
  EACCES: 'reading it is not permitted',
}

/** The options that describe an order, of `add` and of `edit`. */
export type OrderOptions = {
  title?: string
  description?: string
  criterion?: string[]
  file?: string[]
  context?: string[]
  dependsOn?: string[]
  risk?: string
  /** Decimal text, or `none`: the usual cap. */
  budget?: string
}

/** Which option a field of a work order is on the command line. */
const OPTIONS: Record<string, string> = {
  title: '--title',
  description: '--description',
  acceptance_criteria: '--criterion',
  files_in_scope: '--file',
  context: '--context',
  depends_on: '--depends-on',
  risk_level: '--risk',
  project: '--project',
  budget_usd: '--budget',
}

/** The fields the options give; without those that were not given. */
export function fieldsOf(options: OrderOptions): Record<string, unknown> {
  const { title, description, criterion, file, context, dependsOn, risk, budget } = options
  const amount = budget === undefined ? undefined : nullForNone(budget)
  const fields = {
    title,
    description,
    acceptance_criteria: criterion,
    files_in_scope: file,
    context,
    depends_on: dependsOn?.length === 1 && dependsOn[0] === 'none' ? [] : dependsOn,
    risk_level: risk,
    budget_usd: amount,
  }
  return Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== undefined))
}

/** Warnings are printed. @throws {Fault} `work_order_invalid` naming the options */
export function orderFromOptions<Order extends OrderFields>(
  cli: Cli,
  value: Record<string, unknown>,
  check: Check<Order>,
): Order {
  const checked = check(value)
  if ('order' in checked) {
    for (const { words } of wildcardWarnings(checked.order)) cli.output.note(`warning: --file ${words}`)
    return checked.order
  }
  const named = checked.problems.map(({ field, reason, path: [top] }) => {
    const option = OPTIONS[String(top)]
    return `${option === undefined ? field : option} ${reason}`
  })
  throw ordersInvalid(named)
}

/**
 * Makes sure that every project named exists, before anything is sent.
 *
 * @param named `at`: where it stands, e.g. `order.yaml:3:`
 * @throws {Fault} `work_order_invalid` naming every place
 */
export async function assertProjectsKnown(
  api: ApiClient,
  named: readonly { name: string; at: string }[],
): Promise<void> {
  if (named.length === 0) return
  const { projects } = await api.call({ method: 'GET', path: '/api/projects', answer: ProjectsResponse })
  const known = projects.map(({ name }) => name)
  const advice = known.length === 0 ? 'Add it with: moose init' : `There are: ${known.join(', ')}`
  const unknown = named.filter(({ name }) => !known.includes(name))
  if (unknown.length > 0)
    throw ordersInvalid(unknown.map(({ name, at }) => `${at} there is no project "${name}". ${advice}`))
}
