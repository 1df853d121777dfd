/** An order whose pull request cannot be merged as it stands. */
type Stuck = { workOrderId: string; base: string; branch: string }

/** Each says what it does and what to type for it, and stands on a line of its own. */
export type Ways = readonly string[]

/** What to type where a branch holds what was not verified. */
export function waysToVerify({ workOrderId }: Pick<Stuck, 'workOrderId'>): Ways {
  const id = workOrderId.slice(0, 8)
  return [`Have what is there verified, then merge that: moose verify ${id}   then: moose merge ${id}`]
}

/** What to type where what a branch holds was verified, and failed. */
export function waysToMend({ workOrderId, branch }: Omit<Stuck, 'base'>): Ways {
  const id = workOrderId.slice(0, 8)
  return [
    `Mend it on ${branch}, push that, and have it verified: moose verify ${id}   then: moose merge ${id}`,
    `Or have the change made anew: moose close ${id}   then: moose retry ${id}`,
  ]
}

/** Of a longer list the first are named: what to type comes behind them, and a message has an end. */
const MOST_NAMED = 20
/** Characters of the list as JSON, which a detail of a fault holds whole. */
const MOST_OF_NAMES = 5_000

/** The files that conflict, as they are shown: where those are too many, the last entry says how many more. */
export function shownFiles(files: readonly string[]): string[] {
  const named: string[] = []
  for (const file of files.slice(0, MOST_NAMED)) {
    if (JSON.stringify([...named, file]).length > MOST_OF_NAMES) break
    named.push(file)
  }
  const more = files.length - named.length
  return more === 0 ? named : [...named, `and ${more} more`]
}

/** The same, as a message has them. */
export function namedFiles(files: readonly string[]): string {
  return shownFiles(files).join(', ')
}

/** The same as flat details of a fault: as its message has them, and as a list in JSON, because a name may hold a comma. */
export function filesAsDetails(files: readonly string[]): { files: string; files_json: string } {
  return { files: namedFiles(files), files_json: JSON.stringify(shownFiles(files)) }
}

/**
 * What to type where git cannot merge a branch by itself.
 *
 * @param maySolve a model may be asked to resolve it
 */
export function waysOutOfConflict({ workOrderId, base, branch, maySolve }: Stuck & { maySolve: boolean }): Ways {
  const id = workOrderId.slice(0, 8)
  const byModel =
    'Have the model that made the change resolve it, with one answer or two within the budget of the order, and the checks ' +
    `run again: moose verify ${id} --resolve`
  const byHand = `erge ${base} into ${branch} by hand, and push that: moose verify ${id}   then: moose merge ${id}`
  return [
    ...(maySolve ? [byModel, `Or m${byHand}`] : [`M${byHand}`]),
    `Or have the change made anew on ${base} as it is now: moose close ${id}   then: moose retry ${id}`,
  ]
}

/** The ways out below a message, and what it says before them. */
export function waysIn(
  message: string,
  { ways: count }: Readonly<Record<string, unknown>>,
): { said: string; ways: string[] } {
  const lines = message.split('\n')
  const at = typeof count === 'number' && count > 0 ? Math.max(1, lines.length - count) : lines.length
  return { said: lines.slice(0, at).join('\n'), ways: lines.slice(at) }
}

/** A message with the ways out below it, and of the details of its fault the one that says how many lines these are. */
export function withWaysOut(said: string, ways: Ways): { message: string; details: { ways: number } } {
  return { message: [said, ...ways].join('\n'), details: { ways: ways.length } }
}
