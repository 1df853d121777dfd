import { z } from 'zod'
import {
  type CheckNode,
  type CommentNode,
  CommentPage,
  type FactsNode,
  type Page,
  type ReviewNode,
  ReviewPage,
  Rollup,
  type ThreadNode,
  ThreadPage,
} from './facts-node.ts'
import { type List, listOf, type Reader, readOn } from './read-on.ts'

export type WholeThread = Omit<ThreadNode, 'comments'> & { comments: CommentNode[] }
export type Conversation = { reviews: ReviewNode[]; threads: WholeThread[]; comments: CommentNode[] }
export type Checks = { ofHead: CheckNode[]; ofBase: CheckNode[] }

/** All of it, or why it is not known. */
export type Whole<Value> = { value: Value } | { unread: string }

/** What was said of a pull request. @param hidden what GitHub has not told of it, by its fields */
export async function wholeConversation(
  reader: Reader,
  node: FactsNode,
  hidden: readonly (string | number)[][],
): Promise<Whole<Conversation>> {
  if (hidden.some(([field]) => field === undefined || OF_CONVERSATION.has(String(field))))
    return { unread: 'GitHub did not tell all of it' }
  const value: Conversation = { reviews: [], threads: [], comments: [] }
  const { id } = node
  const lists = [
    listOf({ kind: 'reviews', id, pageIn: pageWith('reviews', ReviewPage), keep: into(value.reviews) }, node.reviews),
    listOf(
      { kind: 'comments', id, pageIn: pageWith('comments', CommentPage), keep: into(value.comments) },
      node.comments,
    ),
    listOf(
      { kind: 'threads', id, pageIn: pageWith('reviewThreads', ThreadPage), keep: threadsInto(value.threads) },
      node.reviewThreads,
    ),
  ]
  const unread = await readOn(reader, lists)
  return unread === null ? { value } : { unread }
}

const OF_CONVERSATION: ReadonlySet<string> = new Set(['reviews', 'reviewThreads', 'comments', 'reviewDecision'])

function pageWith<Node>(field: string, schema: z.ZodType<Page<Node>>): (told: unknown) => Page<Node> | null {
  const form = z.object({ [field]: schema })
  return (told) => {
    const page = form.safeParse(told).data?.[field]
    return page === undefined ? null : page
  }
}

/** Pages come from the latest to the oldest. */
function into<Node>(kept: Node[]): (nodes: Node[]) => List[] {
  return (nodes) => {
    kept.unshift(...nodes)
    return []
  }
}

function threadsInto(kept: WholeThread[]): (nodes: ThreadNode[]) => List[] {
  return (nodes) => {
    const threads = nodes.map((node) => ({ ...node, comments: [] as CommentNode[] }))
    kept.unshift(...threads)
    return nodes.map(({ id, comments: first }, index) => {
      const keep = into(threads[index]?.comments ?? [])
      return listOf({ kind: 'thread', id, pageIn: pageWith('comments', CommentPage), keep }, first)
    })
  }
}

/** Checks of bases that were read, by their commits, so that those of one that many pull requests have are read once in a look. */
export type OfBases = Map<string, CheckNode[]>

/** The checks of the head, and those of its base, which are none where they cannot be read: a check is judged without them. */
export async function wholeChecks(
  reader: Reader,
  node: FactsNode,
  { hidden, ofBases }: { hidden: readonly (string | number)[][]; ofBases: OfBases },
): Promise<Whole<Checks>> {
  const ofHead: CheckNode[] = []
  if (hidden.some(([field]) => field === 'statusCheckRollup' || field === undefined))
    return { unread: 'GitHub does not show all of them to the account of Moose' }
  const unread = await readOn(reader, listOfChecks(node, ofHead))
  return unread === null ? { value: { ofHead, ofBase: await checksOfBase(reader, node, ofBases) } } : { unread }
}

async function checksOfBase(reader: Reader, node: FactsNode, ofBases: OfBases): Promise<CheckNode[]> {
  const oid = node.baseRef?.target.oid
  if (oid === undefined) return []
  const known = ofBases.get(oid)
  if (known !== undefined) return known
  const found: CheckNode[] = []
  // Another one may have an allowance left.
  if ((await readOn(reader, listOfBase(node, found))) !== null) return []
  ofBases.set(oid, found)
  return found
}

function listOfChecks({ id, headRefOid, statusCheckRollup: rollup }: FactsNode, kept: CheckNode[]): List[] {
  if (rollup === null) return []
  const form = z.object({ headRefOid: z.literal(headRefOid), statusCheckRollup: Rollup })
  const pageIn = (told: unknown) => form.safeParse(told).data?.statusCheckRollup?.contexts ?? null
  return [listOf({ kind: 'checks', id, pageIn, keep: behind(kept) }, rollup.contexts)]
}

function listOfBase({ id, baseRef }: FactsNode, kept: CheckNode[]): List[] {
  const target = baseRef?.target
  if (target?.statusCheckRollup === undefined || target.statusCheckRollup === null) return []
  const form = z.object({
    baseRef: z.object({ target: z.object({ oid: z.literal(target.oid), statusCheckRollup: Rollup }) }),
  })
  const pageIn = (told: unknown) => form.safeParse(told).data?.baseRef.target.statusCheckRollup?.contexts ?? null
  return [listOf({ kind: 'base', id, pageIn, keep: behind(kept) }, target.statusCheckRollup.contexts)]
}

function behind(kept: CheckNode[]): (nodes: CheckNode[]) => List[] {
  return (nodes) => {
    kept.push(...nodes)
    return []
  }
}
