/** An order whose pull request cannot be merged as it stands. */
type Stuck = { workOrderId: string; base: string; branch: string }

/** What to type where a branch holds what was not verified. */
export function howToVerify({ workOrderId }: Pick<Stuck, 'workOrderId'>): string {
  const id = workOrderId.slice(0, 8)
  return `Have what is there verified, then merge that: moose verify ${id}   Then: moose merge ${id}`
}

/** Of a longer list the first are named: what to type comes behind them, and a message has an end. */
const MOST_NAMED = 20

/** The files that conflict, as a message has them. */
export function namedFiles(files: readonly string[]): string {
  const more = files.length > MOST_NAMED ? [`and ${files.length - MOST_NAMED} more`] : []
  return [...files.slice(0, MOST_NAMED), ...more].join(', ')
}

/**
 * What to type where git cannot merge a branch by itself.
 *
 * @param isTried a model was to resolve it and has not
 */
export function waysOutOfConflict({
  workOrderId,
  base,
  branch,
  isTried = false,
}: Stuck & { isTried?: boolean }): string {
  const id = workOrderId.slice(0, 8)
  const byModel =
    `Have the model that made the change resolve it, and the checks run again: moose verify ${id} --resolve   ` +
    `That is one answer, two at most, paid for within the budget of the order. Or merge`
  return (
    `${isTried ? 'Either merge' : byModel} ${base} into ${branch} by hand, push that, and type: moose verify ${id}   ` +
    `Then: moose merge ${id}   ` +
    `Or have the change made anew on ${base} as it is now: moose close ${id}   Then: moose retry ${id}`
  )
}
