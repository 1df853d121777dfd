import { type CommentFact, MOST_TOLD, type ReviewFact, type ThreadFact } from '../../../ports/pull-request-facts.ts'
import { type CommentNode, type FactsNode, type ReviewNode, type ThreadNode, told } from './facts-query.ts'
import { isMarked } from './marker.ts'
import type { MayWrite } from './writers.ts'

type Conversation = { reviews: ReviewFact[]; threads: ThreadFact[]; comments: CommentFact[] }

/** What people said of a pull request, each with whether they may write to the repository. */
export async function conversationFacts(mayWrite: MayWrite, seen: FactsNode): Promise<Conversation> {
  const threads: ThreadFact[] = []
  for (const node of present(seen.reviewThreads.nodes)) {
    const thread = await threadIn(mayWrite, node)
    if (thread !== null) threads.push(thread)
  }
  const comments = await commentsIn(mayWrite, present(seen.comments.nodes))
  const open = threads.filter(({ is_resolved }) => !is_resolved)
  const resolved = threads.filter(({ is_resolved }) => is_resolved)
  return { reviews: await reviewsIn(mayWrite, seen), threads: [...open, ...resolved], comments }
}

function present<Node>(nodes: readonly (Node | null)[] | undefined): Node[] {
  return nodes === undefined ? [] : nodes.filter((node) => node !== null)
}

/** Null: nothing of it is to be seen. */
async function threadIn(mayWrite: MayWrite, node: ThreadNode): Promise<ThreadFact | null> {
  const { id, path, line, isResolved, opening, latest } = node
  const nodes = new Map([...present(opening.nodes), ...present(latest.nodes)].map((one) => [one.id, one]))
  const comments = await commentsIn(mayWrite, [...nodes.values()])
  if (comments.length === 0) return null
  return { id, path, line, is_resolved: isResolved, comments }
}

/** A comment of a review that was not sent yet is shown to its author alone, who may be the one whose account Moose uses. */
async function commentsIn(mayWrite: MayWrite, nodes: readonly CommentNode[]): Promise<CommentFact[]> {
  const sent = nodes.filter(({ isMinimized, state }) => !isMinimized && state !== 'PENDING')
  const facts: CommentFact[] = []
  for (const node of sent) {
    const { id, body, createdAt: at, lastEditedAt: edited_at, url } = node
    facts.push({ id, ...(await writerOf(mayWrite, node)), body: told(body), at, edited_at, url })
  }
  return facts
}

async function writerOf(mayWrite: MayWrite, node: CommentNode | ReviewNode) {
  const login = node.author === null ? null : node.author.login
  const is_moose = node.viewerDidAuthor && isMarked(node.body)
  return { login, may_write: await mayWrite(login, node.authorAssociation), is_moose }
}

const STATES: Readonly<Record<string, ReviewFact['state']>> = {
  APPROVED: 'approved',
  CHANGES_REQUESTED: 'changes_requested',
  COMMENTED: 'commented',
  DISMISSED: 'dismissed',
}

/** A review that only carries comments of threads says nothing by itself. */
async function reviewsIn(mayWrite: MayWrite, seen: FactsNode): Promise<ReviewFact[]> {
  const texts = present(seen.reviews?.nodes).filter(({ body }) => body.trim() !== '')
  const nodes = new Map([...texts, ...present(seen.latestOpinionatedReviews?.nodes)].map((node) => [node.id, node]))
  const facts: ReviewFact[] = []
  for (const node of nodes.values()) {
    const state = STATES[node.state]
    if (state === undefined) continue
    const { id, body, commit, submittedAt: at, lastEditedAt: edited_at, url } = node
    const writer = await writerOf(mayWrite, node)
    const head_sha = commit === null ? null : commit.oid
    facts.push({ id, ...writer, state, body: told(body), head_sha, at, edited_at, url })
  }
  const when = ({ at }: ReviewFact) => (at === null ? 0 : Date.parse(at))
  return facts.sort((one, other) => when(one) - when(other)).slice(-MOST_TOLD.reviews)
}
