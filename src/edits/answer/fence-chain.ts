/** A line that is a fence, by its index. Bare: nothing stands behind its mark. */
export type Fence = { at: number; isBare: boolean }

/** Ascending fences. What is asked of all that are behind one of them is known from one walk over them. */
export class FenceChain {
  readonly all: readonly Fence[]
  /** For each place that of the first fence behind it which `cutBehind` is about; the length where there is none. */
  readonly #cuts: readonly number[]

  /** @param isApart whether there is text between a fence and the next one */
  constructor(all: readonly Fence[], isApart: (fence: Fence, next: Fence) => boolean) {
    this.all = all
    // The first place from each on of a bare fence behind a bare one.
    const bare = all.map(() => all.length)
    const cuts = all.map(() => all.length)
    let text = all.length
    for (let place = all.length - 1; place >= 0; place -= 1) {
      const fence = all[place]
      const before = all[place - 1]
      cuts[place] = bare[text] ?? all.length
      bare[place] = fence?.isBare && before?.isBare ? place : (bare[place + 1] ?? all.length)
      if (fence !== undefined && before !== undefined && isApart(before, fence)) text = place
    }
    this.#cuts = cuts
  }

  /** The place of the first fence behind a line. */
  behind(line: number): number {
    return firstBehind(this.all, line, ({ at }) => at)
  }

  /** The place of the first bare fence that stands outside of the fences behind a bare one, with text in between. */
  cutBehind(place: number): number {
    return this.#cuts[place] ?? this.all.length
  }
}

/** Place of the first of ascending items that stands behind an index. */
export function firstBehind<Item>(items: readonly Item[], index: number, placeOf: (item: Item) => number): number {
  let [low, high] = [0, items.length]
  while (low < high) {
    const middle = (low + high) >> 1
    const item = items[middle]
    if (item !== undefined && placeOf(item) > index) high = middle
    else low = middle + 1
  }
  return low
}
