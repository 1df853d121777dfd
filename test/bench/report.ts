import { mkdirSync, writeFileSync } from 'node:fs'
import { cpus, totalmem } from 'node:os'
import path from 'node:path'
import { table } from '../../src/cli/pages/table.ts'

/** Git ignores it. */
const FOLDER = path.join('.moose', 'bench')

export type Figure = {
  what: string
  value: number
  /** `ms`, `/s`, `MB`, … ; `×`: a ratio of two others of this run. */
  unit: string
  target?: { atMost: number } | { atLeast: number }
}

export type Report = {
  bench: string
  /** With what: rounds, sizes. */
  settings: Readonly<Record<string, number | string>>
  figures: readonly Figure[]
  /** What one has to know to read the figures. */
  notes: readonly string[]
  /** Every single measurement. */
  samples?: unknown
}

/** Prints the figures as a table and writes them with their samples as `.moose/bench/NAME.json`. */
export function report(found: Report): void {
  const figures = found.figures.map((figure) => ({ ...figure, met: isMet(figure) }))
  const machine = { cpus: cpus().length, memoryGb: Math.round(totalmem() / 1e9), node: process.version }
  console.log(table([['', 'measured', 'target', ''], ...figures.map(rowOf)]))
  for (const note of found.notes) console.log(`\n${note}`)
  mkdirSync(FOLDER, { recursive: true })
  const file = path.join(FOLDER, `${found.bench}.json`)
  writeFileSync(file, `${JSON.stringify({ ...found, figures, machine }, null, 2)}\n`)
  console.log(`\nWritten: ${file}`)
}

/** @returns null without a target */
function isMet({ value, target }: Figure): boolean | null {
  if (target === undefined) return null
  return 'atMost' in target ? value <= target.atMost : value >= target.atLeast
}

function rowOf({ what, value, unit, target, met }: Figure & { met: boolean | null }): string[] {
  const limit = target === undefined ? '' : 'atMost' in target ? `≤ ${target.atMost}` : `≥ ${target.atLeast}`
  return [what, `${shown(value)} ${unit}`, limit, met === null ? '' : met ? 'met' : 'missed']
}

/** Three figures that say something. */
function shown(value: number): string {
  return Math.abs(value) >= 100 ? value.toFixed(0) : String(Number(value.toPrecision(3)))
}
