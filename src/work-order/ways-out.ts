/** An order whose pull request cannot be merged as it stands. */
type Stuck = { workOrderId: string; base: string; branch: string }

/** What to type where a branch holds what was not verified. */
export function howToVerify({ workOrderId }: Pick<Stuck, 'workOrderId'>): string {
  const id = workOrderId.slice(0, 8)
  return `Have what is there verified, then merge that: moose verify ${id}   Then: moose merge ${id}`
}

/** What to type where git cannot merge a branch by itself. */
export function waysOutOfConflict({ workOrderId, base, branch }: Stuck): string {
  const id = workOrderId.slice(0, 8)
  return (
    `Either merge ${base} into ${branch} by hand, push that, and type: moose verify ${id}   Then: moose merge ${id}   ` +
    `Or have the change made anew on ${base} as it is now: moose close ${id}   Then: moose retry ${id}`
  )
}
