import type { Block, FailureKind, Line } from './failure-format.ts'

/** Kept of each kind; the first ones. Of failures so many of those that the base has, and so many others. */
const MOST_BLOCKS: Record<FailureKind, number> = { failure: 60, trace: 20, mention: 12, name: 0, noise: 0 }
const MOST_NAMES = 60
/** Failures of one report that are told: so many of those that the base has, and so many others. */
const MOST_REPORTED = 200
/** Ends of one name by which it is found. */
const MOST_ENDS = 32

/** Failures by the names that a comparison with the base has for them (`FailingTests.read`). */
export class KnownFailures {
  readonly #ends = new Set<string>()

  constructor(names: readonly string[]) {
    for (const name of names) for (const end of endsOf(name)) this.#ends.add(end)
  }

  get isEmpty(): boolean {
    return this.#ends.size === 0
  }

  /** Whether one of them is called like this, or ends so. */
  has({ called }: Pick<Line, 'called'>): boolean {
    return called?.some((name) => this.#ends.has(name)) === true
  }
}

/** Itself, and what follows a space, a colon or a `>` in it: some tools name the suite or the file elsewhere. */
function endsOf(name: string): string[] {
  const ends = [name]
  for (let at = name.length - 1; at > 0 && ends.length < MOST_ENDS; at -= 1)
    if (' :>'.includes(name.charAt(at - 1)) && name.charAt(at) !== ' ') ends.push(name.slice(at))
  return ends
}

/** Failures of a report; the first ones. */
export class ReportedBlocks {
  readonly kept: Block[] = []
  readonly #before: KnownFailures
  readonly #room = { old: MOST_REPORTED, other: MOST_REPORTED }

  /** @param before what fails on the base, which takes no room from the others */
  constructor(before: KnownFailures) {
    this.#before = before
  }

  push(block: Block): void {
    const kind = block.some((line) => this.#before.has(line)) ? 'old' : 'other'
    if (this.#room[kind] === 0) return
    this.#room[kind] -= 1
    this.kept.push(block)
  }
}

/** A failure is `old` where everything it is called by is known of the base; `unnamed`: it is called by nothing. */
type Standing = 'new' | 'unnamed' | 'old'

/** What is told of the failures that were kept. */
export type SortedFailures = {
  reported: readonly Block[]
  failures: readonly Block[]
  names: readonly string[]
  dropped: number
  /** Names of those that the base has, where they are told apart. */
  before: readonly string[]
}

type Kept = { blocks: { at: number; block: Block }[]; dropped: number; names: Set<string> }

/** Failures as they are found. However many the base has, they take no room from the others. */
export class KeptFailures {
  readonly #before: KnownFailures
  readonly #kept: Record<Standing, Kept> = { new: nothing(), unnamed: nothing(), old: nothing() }
  readonly #others: Record<'trace' | 'mention', Block[]> = { trace: [], mention: [] }
  #count = 0

  /** @param before what failed on the base */
  constructor(before: KnownFailures) {
    this.#before = before
  }

  get traces(): readonly Block[] {
    return this.#others.trace
  }

  get mentions(): readonly Block[] {
    return this.#others.mention
  }

  /** @param name what it is told by where there is no room for more */
  keep(kind: 'failure' | 'trace' | 'mention', block: Block, name: string): void {
    const of = this.#kept[kind === 'failure' ? this.#standingOf(block) : 'unnamed']
    const { length } = kind === 'failure' ? of.blocks : this.#others[kind]
    if (length >= MOST_BLOCKS[kind]) {
      if (kind === 'mention') return
      of.dropped += 1
      if (of.names.size < MOST_NAMES) of.names.add(name)
    } else if (kind === 'failure') of.blocks.push({ at: (this.#count += 1), block })
    else this.#others[kind].push(block)
  }

  /** What failed, without why. */
  keepName(block: Block, name: string): void {
    const { names } = this.#kept[this.#standingOf(block)]
    if (names.size < MOST_NAMES) names.add(name)
  }

  /**
   * @param reported failures of the report that the check wrote
   * @param added names of what the base does not have; with none the failures are told as they came
   */
  sorted(reported: readonly Block[], added: readonly string[]): SortedFailures {
    const { new: fresh, unnamed, old } = this.#kept
    if (added.length === 0) return { reported, ...asTheyCame([fresh, unnamed, old]), before: [] }
    const isAdded = new KnownFailures(added)
    const ofReport = this.#told(reported, isAdded)
    const found = [fresh, unnamed, old].flatMap(({ blocks }) => blocks).toSorted((one, other) => one.at - other.at)
    const ofOutput = this.#told(
      found.map(({ block }) => block),
      isAdded,
    )
    const blocks = [...reported, ...found.map(({ block }) => block)]
    const called = blocks.flatMap((block) => block.filter((line) => this.#before.has(line) && !isAdded.has(line)))
    const before = called.flatMap(({ called: names }) => (names === undefined ? [] : names.slice(0, 1)))
    return {
      reported: ofReport.new,
      failures: [...ofOutput.new, ...ofReport.unnamed, ...ofOutput.unnamed],
      names: [...fresh.names, ...unnamed.names].slice(0, MOST_NAMES),
      dropped: fresh.dropped + unnamed.dropped,
      before: [...new Set([...before, ...old.names])],
    }
  }

  #told(blocks: readonly Block[], isAdded: KnownFailures): Record<Standing, Block[]> {
    const told: Record<Standing, Block[]> = { new: [], unnamed: [], old: [] }
    for (const block of blocks) {
      const isNew = block.some((line) => isAdded.has(line))
      const isOld = (line: Line) => this.#before.has(line) && !isAdded.has(line)
      if (isNew) told.new.push(block.filter((line) => !isOld(line)))
      else told[this.#standingOf(block) === 'old' ? 'old' : 'unnamed'].push(block)
    }
    return told
  }

  #standingOf(block: Block): Standing {
    if (this.#before.isEmpty) return 'unnamed'
    const called = block.filter((line) => line.called !== undefined)
    if (called.length === 0) return 'unnamed'
    return called.every((line) => this.#before.has(line)) ? 'old' : 'new'
  }
}

function nothing(): Kept {
  return { blocks: [], dropped: 0, names: new Set() }
}

function asTheyCame(kept: readonly Kept[]): Pick<SortedFailures, 'failures' | 'names' | 'dropped'> {
  const found = kept.flatMap(({ blocks }) => blocks).toSorted((one, other) => one.at - other.at)
  const all = found.map(({ block }) => block)
  const failures = all.slice(0, MOST_BLOCKS.failure)
  const left = all.slice(MOST_BLOCKS.failure).flatMap(([line]) => (line === undefined ? [] : [line.text]))
  const names = [...kept.flatMap((of) => [...of.names]), ...left].slice(0, MOST_NAMES)
  return { failures, names, dropped: kept.reduce((sum, { dropped }) => sum + dropped, left.length) }
}
