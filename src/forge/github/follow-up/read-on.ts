import type { Clock } from '../../../clock.ts'
import { isTooLong } from '../github-api.ts'
import type { FactsAnswer, Page } from './facts-node.ts'
import { furtherQuery, type OpenList, type Sizes, SMALL, USUAL } from './facts-query.ts'

/** Entries of one list of a pull request; where there are more, none of them is told. */
export const MOST_READ = 1_000
/** Lists that are read on in one request. */
const AT_ONCE = 10
/** Requests in an hour by which lists are read on: of one pull request, and of all. */
const MOST_REQUESTS = { ofOne: 200, ofAll: 1_000 }
const HOUR_MS = 3_600_000

/** Bounds the requests that whoever may comment can cause: lists are as long, and of as many accounts, as they make them. */
export type Allowance = {
  /** How many may be made now for a pull request. */
  left(id: string): number
  take(id: string): void
}

export function createAllowance(clock: Clock): Allowance {
  let taken: { at: number; id: string }[] = []
  return {
    left(id) {
      const since = clock.now().getTime() - HOUR_MS
      taken = taken.filter(({ at }) => at > since)
      const ofOne = taken.filter((one) => one.id === id).length
      return Math.max(0, Math.min(MOST_REQUESTS.ofOne - ofOne, MOST_REQUESTS.ofAll - taken.length))
    },
    take(id) {
      taken.push({ at: clock.now().getTime(), id })
    },
  }
}

/** Takes a request of the allowance of a pull request. @returns false: none is left */
export function takeOne({ allowance, id }: Pick<Reader, 'allowance' | 'id'>): boolean {
  if (allowance.left(id) === 0) return false
  allowance.take(id)
  return true
}

/** A list of a pull request that is read to its end. */
export type List = Omit<OpenList, 'cursor'> & {
  total: number
  read: number
  /** Behind which there is more; null: all was read. */
  rest: string | null
  /** A part of it cannot be read. */
  isBroken: boolean
  /** Lists within what was read, e.g. the comments of a thread. */
  within: List[]
  /** Takes in what its next page answers. */
  take(told: unknown): void
}

type Kept<Node> = {
  kind: OpenList['kind']
  id: string
  /** Null: it has another form. */
  pageIn: (told: unknown) => Page<Node> | null
  /** @returns the lists within these */
  keep: (nodes: Node[]) => List[]
}

/** A list by its first page; null: GitHub did not tell it. */
export function listOf<Node>({ kind, id, pageIn, keep }: Kept<Node>, first: Page<Node> | null): List {
  const list: List = {
    kind,
    id,
    total: 0,
    read: 0,
    rest: null,
    isBroken: false,
    within: [],
    take: (told) => add(pageIn(told)),
  }
  function add(page: Page<Node> | null): void {
    const nodes = page === null ? [] : page.nodes.filter((node) => node !== null)
    list.isBroken = page === null || nodes.length < page.nodes.length
    list.rest = page === null ? null : page.rest
    list.total = page === null ? 0 : page.total
    list.read += nodes.length
    list.within.push(...keep(nodes))
  }
  add(first)
  return list
}

export type Reader = {
  /** @throws {Fault} `github_*` */
  ask: (body: ReturnType<typeof furtherQuery>) => Promise<FactsAnswer>
  allowance: Allowance
  /** Of the pull request. */
  id: string
}

/** Reads lists to their ends. @returns why they are not known; null: they are whole. @throws {Fault} `github_*` */
export async function readOn(reader: Reader, lists: readonly List[]): Promise<string | null> {
  let sizes = USUAL
  for (;;) {
    const all = lists.flatMap((list) => [list, ...list.within])
    const open = all.filter(({ rest }) => rest !== null)
    const why =
      whyUnread(all) ?? (requestsFor(open, sizes) > reader.allowance.left(reader.id) ? TOO_MANY_REQUESTS : null)
    if (why !== null || open.length === 0) return why
    const isRead = await readNext(reader, open.slice(0, sizes === USUAL ? AT_ONCE : 1), sizes)
    if (!isRead && sizes === SMALL) return 'a part of it is longer than Moose reads'
    if (!isRead) sizes = SMALL
  }
}

const TOO_MANY_REQUESTS = 'reading it takes more requests than Moose makes for it in an hour'

function whyUnread(lists: readonly List[]): string | null {
  if (lists.some(({ isBroken }) => isBroken)) return 'GitHub did not tell all of it'
  const long = lists.find(({ total, read }) => total > MOST_READ || read > MOST_READ)
  return long === undefined ? null : `it has more than ${MOST_READ} ${NAMES[long.kind]}`
}

const NAMES: Readonly<Record<OpenList['kind'], string>> = {
  reviews: 'reviews',
  threads: 'review threads',
  comments: 'comments',
  thread: 'comments in a review thread',
  checks: 'checks',
  base: 'checks of its base',
}

/** At least so many are still to be made. */
function requestsFor(open: readonly List[], sizes: Sizes): number {
  const pages = open.map(({ kind, total, read }) => Math.max(1, Math.ceil((total - read) / sizeOf(kind, sizes))))
  const sum = pages.reduce((some, one) => some + one, 0)
  return sizes === USUAL ? Math.max(0, ...pages, Math.ceil(sum / AT_ONCE)) : sum
}

function sizeOf(kind: OpenList['kind'], { threads, contexts, further }: Sizes): number {
  if (kind === 'threads') return threads
  return kind === 'checks' || kind === 'base' ? contexts : further
}

/** @returns false: the answer is too long */
async function readNext({ ask, allowance, id }: Reader, open: readonly List[], sizes: Sizes): Promise<boolean> {
  allowance.take(id)
  const asked = open.map(({ kind, id: of, rest }) => ({ kind, id: of, cursor: String(rest) }))
  const answer = await ask(furtherQuery(asked, sizes)).catch((error: unknown) => {
    if (isTooLong(error)) return null
    throw error
  })
  if (answer === null) return false
  for (const [index, list] of open.entries()) {
    if (hiddenIn(answer, index).length > 0) list.isBroken = true
    else list.take(answer.data[`p${index}`])
  }
  return true
}

/** Paths within one of those asked for that GitHub has not told; one that it does not name is empty, and counts for all. */
export function hiddenIn({ errors = [] }: FactsAnswer, index: number): (string | number)[][] {
  return errors.flatMap(({ path = [] }) => (path.length === 0 || path[0] === `p${index}` ? [path.slice(1)] : []))
}
