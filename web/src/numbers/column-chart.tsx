import { AxisBottom, AxisLeft } from '@visx/axis'
import { GridRows } from '@visx/grid'
import { scaleBand, scaleLinear } from '@visx/scale'
import { type RefObject, useEffect, useRef, useState } from 'react'

const HEIGHT = 220
const EDGE = { top: 12, right: 8, bottom: 26, left: 58 } as const
const BOTTOM = HEIGHT - EDGE.bottom
const TICK_PX = 80
const ROOM = 1.1
/** A limit that is farther above the columns would make lines of them. */
const FARTHEST_LIMIT = 3

export type Column = {
  key: string
  /** On the axis. */
  label: string
  /** As high as the column is; what of it is not certain yet is `more`. */
  value: number
  more: number
  /** A second figure, shown as a line; null: there is none. */
  mark: number | null
  /** All that is to be said of it, for the eye and for a screen reader. */
  words: string
}

type ChartProps = {
  /** What it shows, in one sentence. */
  what: string
  /** What the slider moves along. */
  along: string
  columns: readonly Column[]
  limits: readonly { words: string; value: number }[]
  format: (value: number) => string
}

/**
 * Columns over time. The slider below is how keys, touch and screen readers get at each of them; the table beside the chart has the
 * same figures.
 */
export function ColumnChart({ what, along, columns, limits, format }: ChartProps) {
  const box = useRef<HTMLDivElement>(null)
  const width = useWidth(box)
  const [chosen, choose] = useState<number | null>(null)
  const last = columns.length - 1
  const at = chosen === null ? last : Math.min(chosen, last)
  const column = columns[at]
  return (
    <div className="chart" ref={box}>
      {width === 0 ? (
        <div className="chart-place" />
      ) : (
        <Drawing {...{ what, columns, limits, format, width, at, choose }} />
      )}
      <input
        type="range"
        aria-label={along}
        min={0}
        max={last}
        value={at}
        aria-valuetext={column?.words}
        onChange={({ target }) => choose(Number(target.value))}
      />
      <output>{column?.words}</output>
    </div>
  )
}

type DrawingProps = Omit<ChartProps, 'along'> & { width: number; at: number; choose: (index: number) => void }

function Drawing({ what, columns, limits, format, width, at, choose }: DrawingProps) {
  const right = width - EDGE.right
  const tops = columns.flatMap(({ value, more, mark }) => [value + more, mark === null ? 0 : mark])
  const highest = Math.max(...tops)
  const shown = limits.filter(({ value }) => value <= highest * FARTHEST_LIMIT)
  const most = Math.max(highest, ...shown.map(({ value }) => value))
  const x = scaleBand({ domain: columns.map(({ key }) => key), range: [EDGE.left, right], padding: 0.2 })
  const y = scaleLinear<number>({ domain: [0, most === 0 ? 1 : most * ROOM], range: [BOTTOM, EDGE.top] })
  const every = Math.ceil((columns.length * TICK_PX) / Math.max(TICK_PX, right - EDGE.left))
  const labels = new Map(columns.map(({ key, label }) => [key, label]))
  const ticks = columns.filter((_, index) => index % every === 0).map(({ key }) => key)
  return (
    <svg width={width} height={HEIGHT} role="img" aria-label={what}>
      <GridRows scale={y} left={EDGE.left} width={right - EDGE.left} numTicks={4} className="chart-grid" stroke="" />
      {columns.map(({ key, ...column }, index) => (
        <ColumnBar
          key={key}
          column={column}
          place={{ left: Number(x(key)), width: x.bandwidth(), step: x.step() }}
          y={y}
          isAt={index === at}
          choose={() => choose(index)}
        />
      ))}
      {shown.map(({ words, value }) => (
        <g key={words} className="chart-limit">
          <line x1={EDGE.left} x2={right} y1={y(value)} y2={y(value)} />
          <text x={right} y={y(value) - 4} textAnchor="end">
            {words}
          </text>
        </g>
      ))}
      <AxisLeft
        scale={y}
        left={EDGE.left}
        numTicks={4}
        hideAxisLine
        hideTicks
        tickFormat={(value) => format(Number(value))}
        tickLabelProps={TICK}
      />
      <AxisBottom
        scale={x}
        top={BOTTOM}
        tickValues={ticks}
        hideTicks
        axisLineClassName="chart-line"
        stroke=""
        tickFormat={(key) => labels.get(key)}
        tickLabelProps={TICK}
      />
    </svg>
  )
}

/** The rest is said by the sheet of styles. */
const TICK = { className: 'chart-tick', fill: 'currentColor', fontFamily: 'inherit', fontSize: 12 } as const

type BarProps = {
  column: Omit<Column, 'key'>
  place: { left: number; width: number; step: number }
  y: (value: number) => number
  isAt: boolean
  choose: () => void
}

function ColumnBar({ column: { value, more, mark }, place: { left, width, step }, y, isAt, choose }: BarProps) {
  const middle = left + width / 2
  return (
    <g className={isAt ? 'chart-column at' : 'chart-column'} onPointerEnter={choose}>
      <rect className="chart-catch" x={middle - step / 2} y={EDGE.top} width={step} height={BOTTOM - EDGE.top} />
      <rect className="chart-value" x={left} y={y(value)} width={width} height={BOTTOM - y(value)} />
      {more === 0 ? null : (
        <rect className="chart-more" x={left} y={y(value + more)} width={width} height={y(value) - y(value + more)} />
      )}
      {mark === null ? null : (
        <line className="chart-mark" x1={left - 2} x2={left + width + 2} y1={y(mark)} y2={y(mark)} />
      )}
    </g>
  )
}

/** Of what the box has; 0 before it is known. */
function useWidth(box: RefObject<HTMLDivElement | null>): number {
  const [width, setWidth] = useState(0)
  useEffect(() => {
    const element = box.current
    if (element === null) return undefined
    const observer = new ResizeObserver(() => setWidth(element.clientWidth))
    observer.observe(element)
    return () => observer.disconnect()
  }, [box])
  return width
}
