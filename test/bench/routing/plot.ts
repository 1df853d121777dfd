import type { Comparison, PolicyResult } from './compare.ts'

const PANEL = { width: 560, height: 300, left: 64, top: 48, gap: 40 } as const
const COLORS: Record<PolicyResult['policy'], string> = {
  'static rule': '#b4552d',
  learned: '#2d6bb4',
  'learned, floor stated': '#2f8f5b',
  oracle: '#6a6a6a',
}
const TICKS = 4
const POINTS = 250

type Curve = { name: PolicyResult['policy']; values: number[] }

/** Two panels over the orders: cumulative regret, and what a merged pull request has cost so far. */
export function toSvg({ scenario, results, orders, seeds }: Comparison): string {
  const regret = results.map(({ policy, regretAt }) => ({ name: policy, values: regretAt }))
  const cost = results.map(({ policy, costPerMergeAt }) => ({ name: policy, values: costPerMergeAt }))
  const width = PANEL.left + PANEL.width + PANEL.gap
  const height = PANEL.top + 2 * (PANEL.height + PANEL.top)
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" width="${width}" height="${height}" font-family="sans-serif" font-size="12">`,
    `<rect width="${width}" height="${height}" fill="#ffffff"/>`,
    text(PANEL.left, 20, `Routing: ${scenario}, mean of ${seeds.length} worlds of ${orders} orders`, 14),
    panel(regret, PANEL.top, 'cumulative regret against the oracle, USD', 2),
    panel(cost, 2 * PANEL.top + PANEL.height, 'USD per merged pull request so far', 3),
    '</svg>\n',
  ].join('\n')
}

function panel(curves: readonly Curve[], top: number, title: string, digits: number): string {
  // The first orders swing too far to show anything.
  const settled = curves.flatMap(({ values }) => values.slice(Math.floor(values.length / 50)))
  const highest = Math.max(...settled) * 1.05 || 1
  const count = curves[0]?.values.length ?? 1
  const x = (index: number) => PANEL.left + ((index + 1) / count) * PANEL.width
  const y = (value: number) => top + PANEL.height - (Math.min(value, highest) / highest) * PANEL.height
  const ticks = Array.from({ length: TICKS + 1 }, (_, tick) => tick / TICKS)
  return [
    text(PANEL.left, top - 8, title),
    ...ticks.flatMap((share) => [
      `<line x1="${PANEL.left}" x2="${PANEL.left + PANEL.width}" y1="${y(share * highest)}" y2="${y(share * highest)}" stroke="#dddddd"/>`,
      text(8, y(share * highest) + 4, (share * highest).toFixed(digits)),
      text(x(share * count - 1) - 10, top + PANEL.height + 16, String(Math.round(share * count))),
    ]),
    ...curves.map(({ name, values }, index) => {
      const every = Math.max(1, Math.floor(count / POINTS))
      const points = values.flatMap((value, at) =>
        at % every === 0 ? [`${x(at).toFixed(1)},${y(value).toFixed(1)}`] : [],
      )
      const line = `<polyline fill="none" stroke="${COLORS[name]}" stroke-width="2" points="${points.join(' ')}"/>`
      return `${line}<g fill="${COLORS[name]}">${text(PANEL.left + PANEL.width - 130, top + 16 + 16 * index, name)}</g>`
    }),
  ].join('\n')
}

function text(x: number, y: number, content: string, size = 12): string {
  return `<text x="${x.toFixed(1)}" y="${y.toFixed(1)}" font-size="${size}">${content}</text>`
}
