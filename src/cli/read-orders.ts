import { readFile } from 'node:fs/promises'
import path from 'node:path'
import type { NewWorkOrder } from '../contract/work-orders.ts'
import { Fault } from '../errors.ts'
import type { Cli } from './cli.ts'
import { readOrderFile } from './order-file.ts'
import { checkOrder, ordersInvalid } from './order-problems.ts'

/**
 * The orders of several files, `-` for stdin.
 *
 * @throws {Fault} `work_order_invalid` with every problem of every file; `request_invalid` for a file that cannot be read
 */
export async function ordersFromFiles(cli: Cli, names: readonly string[]): Promise<NewWorkOrder[]> {
  const files = []
  for (const name of names) files.push(readOrderFile(name === '-' ? 'stdin' : name, await textOf(cli, name)))
  const problems = files.flatMap((file) => file.problems)
  if (problems.length > 0) throw ordersInvalid(problems)
  return files.flatMap(({ orders }) => orders)
}

async function textOf(cli: Cli, name: string): Promise<string> {
  if (name === '-') return await cli.readStdin()
  try {
    return await readFile(path.resolve(cli.cwd, name), 'utf8')
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? error.code : undefined
    const reason = REASONS[String(code)]
    const message = `Cannot read ${name}: ${reason === undefined ? String(error) : reason}. Give a YAML or JSON file, or - for stdin.`
    throw new Fault('request_invalid', message, { file: name }, error)
  }
}

const REASONS: Record<string, string> = {
  ENOENT: 'there is no such file',
  EISDIR: 'it is a folder',
  EACCES: 'reading it is not permitted',
}

/** Which option a field of a work order is on the command line. */
const OPTIONS: Record<string, string> = {
  title: '--title',
  description: '--description',
  acceptance_criteria: '--criterion',
  files_in_scope: '--file',
  risk_level: '--risk',
  project: '--project',
}

/** @throws {Fault} `work_order_invalid` naming the options */
export function orderFromOptions(value: Record<string, unknown>): NewWorkOrder {
  const checked = checkOrder(value)
  if ('order' in checked) return checked.order
  const named = checked.problems.map(({ field, reason, path: [top] }) => {
    const option = OPTIONS[String(top)]
    return `${option === undefined ? field : option} ${reason}`
  })
  throw ordersInvalid(named)
}
