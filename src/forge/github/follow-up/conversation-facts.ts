import type { CommentFact, ReviewFact, ThreadFact } from '../../../ports/pull-request-facts.ts'
import type { CommentNode, ReviewNode } from './facts-node.ts'
import type { Conversation, WholeThread } from './whole-facts.ts'
import type { MayWrite } from './writers.ts'

type ConversationFacts = { reviews: ReviewFact[]; threads: ThreadFact[]; comments: CommentFact[] }

/** What people said of a pull request, each with whether they may write to the repository. */
export async function conversationFacts(mayWrite: MayWrite, seen: Conversation): Promise<ConversationFacts> {
  const threads: ThreadFact[] = []
  for (const node of seen.threads) {
    const thread = await threadIn(mayWrite, node)
    if (thread !== null) threads.push(thread)
  }
  const open = threads.filter(({ is_resolved }) => !is_resolved)
  const resolved = threads.filter(({ is_resolved }) => is_resolved)
  const comments = await commentsIn(mayWrite, seen.comments)
  return { reviews: await reviewsIn(mayWrite, seen.reviews), threads: [...open, ...resolved], comments }
}

/** Null: nothing of it is to be seen. */
async function threadIn(mayWrite: MayWrite, node: WholeThread): Promise<ThreadFact | null> {
  const { id, path, line, isResolved } = node
  const comments = await commentsIn(mayWrite, node.comments)
  return comments.length === 0 ? null : { id, path, line, is_resolved: isResolved, comments }
}

/** A comment of a review that was not sent yet is shown to its author alone, who may be the one whose account Moose uses. */
async function commentsIn(mayWrite: MayWrite, nodes: readonly CommentNode[]): Promise<CommentFact[]> {
  const sent = nodes.filter(({ isMinimized, state }) => !isMinimized && state !== 'PENDING')
  const facts: CommentFact[] = []
  for (const node of sent) {
    const { id, body, createdAt: at, lastEditedAt: edited_at, url } = node
    facts.push({ id, ...(await writerOf(mayWrite, node)), body, at, edited_at, url })
  }
  return facts
}

async function writerOf(mayWrite: MayWrite, node: CommentNode | ReviewNode) {
  const login = loginOf(node)
  return { login, may_write: await mayWrite(login, node.authorAssociation), is_moose: node.isMoose }
}

function loginOf({ author }: CommentNode | ReviewNode): string | null {
  return author === null ? null : author.login
}

const STATES: Readonly<Record<string, ReviewFact['state']>> = {
  APPROVED: 'approved',
  CHANGES_REQUESTED: 'changes_requested',
  COMMENTED: 'commented',
  DISMISSED: 'dismissed',
}

/** A review that only carries comments of threads says nothing by itself. */
async function reviewsIn(mayWrite: MayWrite, seen: readonly ReviewNode[]): Promise<ReviewFact[]> {
  const latest = new Map<string, ReviewNode>()
  for (const node of seen) {
    const login = loginOf(node)
    if (node.state in STATES && node.state !== 'COMMENTED') latest.set(login === null ? node.id : login, node)
  }
  const opinions = new Set([...latest.values()].map(({ id }) => id))
  const facts: ReviewFact[] = []
  for (const node of seen.filter(({ id, body }) => body.trim() !== '' || opinions.has(id))) {
    const state = STATES[node.state]
    if (state === undefined) continue
    const { id, body, commit, submittedAt: at, lastEditedAt: edited_at, url } = node
    const head_sha = commit === null ? null : commit.oid
    facts.push({ id, ...(await writerOf(mayWrite, node)), state, body, head_sha, at, edited_at, url })
  }
  const when = ({ at }: ReviewFact) => (at === null ? 0 : Date.parse(at))
  return facts.sort((one, other) => when(one) - when(other))
}
