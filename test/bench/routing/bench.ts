import { mkdirSync, writeFileSync } from 'node:fs'
import path from 'node:path'
import { parseArgs } from 'node:util'
import { whole } from '../numbers.ts'
import { type Comparison, compare } from './compare.ts'
import { toSvg } from './plot.ts'
import { describeComparison, describeSensitivity, toCsv } from './report.ts'
import { SCENARIOS, SENSITIVITY } from './scenarios.ts'

type RoutingBenchOptions = {
  /** Of the first world; the others follow. */
  seed: number
  worlds: number
  orders: number
  json: boolean
  /** Also with one assumption changed at a time. */
  sensitivity: boolean
}

/** Git ignores it. */
const FOLDER = path.join('.moose', 'bench')

/** Compares the static rule, the learned policy and an oracle; prints, and writes a plot and its numbers. */
export function benchRouting(args: readonly string[]): void {
  const { seed, worlds, orders, json, sensitivity } = optionsFrom(args)
  const seeds = Array.from({ length: worlds }, (_, index) => seed + index)
  const comparisons = SCENARIOS.map((scenario) => {
    const comparison = compare(scenario, orders, seeds)
    if (!json) console.log(`${describeComparison(comparison)}\n`)
    return comparison
  })
  const varied = sensitivity ? SENSITIVITY.map((scenario) => compare(scenario, orders, seeds)) : []
  if (!json && sensitivity) console.log(describeSensitivity(varied))
  const files = writeFiles(comparisons)
  if (json) console.log(JSON.stringify({ comparisons: comparisons.map(brief), sensitivity: varied.map(brief), files }))
  else console.log(`Written: ${files.join(', ')}`)
}

function optionsFrom(args: readonly string[]): RoutingBenchOptions {
  const { values } = parseArgs({
    args: [...args],
    options: {
      seed: { type: 'string', default: '1' },
      worlds: { type: 'string', default: '5' },
      orders: { type: 'string', default: '5000' },
      sensitivity: { type: 'boolean', default: false },
      json: { type: 'boolean', default: false },
    },
  })
  const { sensitivity, json } = values
  const numbers = { seed: whole('seed', values.seed, 0), worlds: whole('worlds', values.worlds) }
  return { ...numbers, orders: whole('orders', values.orders), sensitivity, json }
}

function writeFiles([main]: readonly Comparison[]): string[] {
  if (main === undefined) return []
  mkdirSync(FOLDER, { recursive: true })
  const [plot, numbers] = [path.join(FOLDER, 'routing.svg'), path.join(FOLDER, 'routing.csv')]
  writeFileSync(plot, toSvg(main))
  writeFileSync(numbers, toCsv(main))
  return [plot, numbers]
}

/** Without the numbers of each order; those are in the file. */
function brief({ results, ...comparison }: Comparison) {
  const totals = results.map((result) => ({ ...result, regretAt: undefined, costPerMergeAt: undefined }))
  return { ...comparison, results: totals }
}
