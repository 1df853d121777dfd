/** When something began and ended, in ms since 1970. */
export type Span = { from: number; to: number }

/** In percent of the width. */
export type Place = { left: number; width: number }

export type Scale = {
  place: (span: Span) => Place
  /** Times in which nothing was done, drawn shorter than they were. */
  breaks: readonly (Place & { ms: number })[]
  /** Time that is drawn to scale, in ms. */
  ms: number
}

/** A pause is drawn shorter when it is longer than this, and than everything that was done. */
const SHORTEST_BREAK_MS = 30_000
/** How wide it is then: a part of what was done. */
const BREAK_SHARE = 0.08
const WHOLE = 100

/**
 * Places spans of time on a line as wide as the whole, from the first beginning to the last end. A pause that is longer than
 * everything that was done, such as that of an attempt that waited for a human, takes little room.
 */
export function scaleOf(spans: readonly Span[], whole: Span): Scale {
  const busy = merged(spans.length === 0 ? [whole] : spans)
  const doneMs = busy.reduce((sum, { from, to }) => sum + to - from, 0)
  const isLong = (ms: number) => ms > SHORTEST_BREAK_MS && ms > doneMs
  const pieces = piecesOf(busy, whole, (ms) => (isLong(ms) ? doneMs * BREAK_SHARE : ms))
  const drawnMs = pieces.reduce((sum, { drawn }) => sum + drawn, 0)
  const toWidth = (ms: number) => (drawnMs === 0 ? 0 : (ms / drawnMs) * WHOLE)
  const at = (time: number) => toWidth(pieces.reduce((sum, piece) => sum + drawnUntil(piece, time), 0))
  const place = ({ from, to }: Span) => ({ left: at(from), width: Math.max(0, at(to) - at(from)) })
  const breaks = pieces.filter(({ from, to, isPause }) => isPause && isLong(to - from))
  return { place, breaks: breaks.map((piece) => ({ ...place(piece), ms: piece.to - piece.from })), ms: drawnMs }
}

type Piece = Span & { isPause: boolean; drawn: number }

function drawnUntil({ from, to, drawn }: Piece, time: number): number {
  if (time >= to) return drawn
  return time <= from ? 0 : (drawn * (time - from)) / (to - from)
}

/** What was done and the pauses between, one after the other. */
function piecesOf(busy: readonly Span[], whole: Span, drawnPause: (ms: number) => number): Piece[] {
  const pieces: Piece[] = []
  let end = Math.min(whole.from, ...busy.map(({ from }) => from))
  const pause = (to: number) => {
    if (to > end) pieces.push({ from: end, to, isPause: true, drawn: drawnPause(to - end) })
  }
  for (const { from, to } of busy) {
    pause(from)
    pieces.push({ from, to, isPause: false, drawn: to - from })
    end = to
  }
  pause(whole.to)
  return pieces
}

/** In order, what overlaps together. */
function merged(spans: readonly Span[]): Span[] {
  const ordered = spans.toSorted((one, other) => one.from - other.from)
  const whole: Span[] = []
  for (const { from, to } of ordered) {
    const last = whole.at(-1)
    if (last !== undefined && from <= last.to) last.to = Math.max(last.to, to)
    else whole.push({ from, to: Math.max(from, to) })
  }
  return whole
}
