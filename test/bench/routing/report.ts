import Table from 'cli-table3'
import type { Comparison, PolicyResult } from './compare.ts'

/** What is asked of the learned policy: so much less per merged pull request, at no lower success. */
const TARGET = 0.3

/** A table and a verdict for humans. */
export function describeComparison({ scenario, orders, seeds, results }: Comparison): string {
  const table = new Table({
    head: ['policy', 'per merged PR', 'saved', 'merged', 'regret', 'seconds'],
    colAligns: ['left', 'right', 'right', 'right', 'right', 'right'],
    style: { head: [], border: [] },
  })
  for (const { policy, costPerMergeUsd, saving, successShare, regretUsd, seconds } of results) {
    const perWorld = (seconds / seeds.length).toFixed(1)
    const regret = `$${regretUsd.toFixed(2)}`
    table.push([policy, usd(costPerMergeUsd), whole(saving), percent(successShare), regret, perWorld])
  }
  const worlds = `${seeds.length} ${seeds.length === 1 ? 'world' : 'worlds'} of ${orders} orders`
  const head = `${scenario} (${worlds}, seeds ${seeds.join(', ')})`
  return [head, table.toString(), ...results.filter(isLearned).map(verdict)].join('\n')
}

/** One line per changed assumption. */
export function describeSensitivity(comparisons: readonly Comparison[]): string {
  const learned = 'learned: saved, points of success, saved in each world'
  const table = new Table({
    head: ['six proposers, but', 'static rule', learned, 'the same, floor stated'],
    style: { head: [], border: [] },
  })
  for (const { scenario, results } of comparisons) {
    const [rule] = results
    if (rule === undefined) continue
    const cells = results.filter(isLearned).map((one) => {
      return `${whole(one.saving)}, ${points(meanOf(one.gains))}, ${one.savings.map(whole).join(' ')}`
    })
    table.push([scenario, `${usd(rule.costPerMergeUsd)}, ${percent(rule.successShare)}`, ...cells])
  }
  return table.toString()
}

function isLearned({ policy }: PolicyResult): boolean {
  return policy.startsWith('learned')
}

function verdict({ policy, saving, savings, gains }: PolicyResult): string {
  const met = saving >= TARGET && meanOf(gains) >= 0 ? 'met' : 'not met'
  const worlds = `in each world ${savings.map(whole).join(', ')} and ${gains.map(points).join(', ')}`
  return `${policy}: ${whole(saving)} saved, ${points(meanOf(gains))} points of success (${worlds}); 30 % at no lower success: ${met}`
}

function meanOf(numbers: readonly number[]): number {
  return numbers.reduce((sum, number) => sum + number, 0) / numbers.length
}

function points(share: number): string {
  const text = (share * 100).toFixed(1)
  return share < 0 ? text : `+${text}`
}

/** One row per order, two columns per policy. */
export function toCsv({ results, orders }: Comparison): string {
  const names = results.map(({ policy }) => policy.replaceAll(/\W+/g, '_'))
  const head = ['order', ...names.flatMap((name) => [`${name}_cost_per_merge_usd`, `${name}_regret_usd`])]
  const rows = Array.from({ length: orders }, (_, index) => [
    index + 1,
    ...results.flatMap((one) => [one.costPerMergeAt[index]?.toFixed(6), one.regretAt[index]?.toFixed(4)]),
  ])
  return `${[head, ...rows].map((row) => row.join(',')).join('\n')}\n`
}

function usd(amount: number): string {
  return `$${amount.toFixed(4)}`
}

function percent(share: number): string {
  return `${(share * 100).toFixed(1)} %`
}

function whole(share: number): string {
  return `${Math.round(share * 100)} %`
}
