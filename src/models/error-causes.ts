const DEEPEST = 10

/** An error and its causes, outermost first, with what an AggregateError is made of. */
export function causesOf(thrown: unknown, depth = 0): Error[] {
  if (!(thrown instanceof Error) || depth === DEEPEST) return []
  const parts = thrown instanceof AggregateError ? thrown.errors : []
  return [thrown, ...[thrown.cause, ...parts].flatMap((cause) => causesOf(cause, depth + 1))]
}
