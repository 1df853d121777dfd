import { type CommentFact, isSaidToMoose, type ReviewFact, type ThreadFact } from '../../../ports/pull-request-facts.ts'
import { asOfStranger, type CommentNode, type ReviewNode } from './facts-node.ts'
import type { Conversation, Whole, WholeThread } from './whole-facts.ts'
import { type Account, isCalledMember, type MayWrite } from './writers.ts'

type ConversationFacts = { reviews: ReviewFact[]; threads: ThreadFact[]; comments: CommentFact[] }
/** Logins of accounts that may write. */
type Writing = ReadonlySet<string>

/** What people said of a pull request, each with whether they may write to the repository; unread: of one who matters that is not known. */
export async function conversationFacts(
  mayWrite: MayWrite,
  mayAsk: () => boolean,
  seen: Conversation,
): Promise<Whole<ConversationFacts>> {
  const found = await writingIn(mayWrite, mayAsk, seen)
  if ('unread' in found) return found
  const { value: writing } = found
  const threads = seen.threads.flatMap((node) => threadIn(writing, node))
  const open = threads.filter(({ is_resolved }) => !is_resolved)
  const resolved = threads.filter(({ is_resolved }) => is_resolved)
  const comments = commentsIn(writing, seen.comments)
  return { value: { reviews: reviewsIn(writing, seen.reviews), threads: [...open, ...resolved], comments } }
}

/** Of an account that GitHub calls no member it is asked only where it asks for something. */
async function writingIn(mayWrite: MayWrite, mayAsk: () => boolean, seen: Conversation): Promise<Whole<Writing>> {
  const writing = new Set<string>()
  for (const { asks, ...account } of accountsIn(seen)) {
    if (!asks && !isCalledMember(account.association)) continue
    const told = await mayWrite(account, mayAsk)
    if ('unread' in told && asks) return told
    if ('value' in told && told.value) writing.add(account.login)
  }
  return { value: writing }
}

/** Who said something, each once; `asks`: something of it would be reacted to, or keep the pull request from being merged. */
function accountsIn({ threads, reviews, comments }: Conversation): Iterable<Account & { asks: boolean }> {
  const found = new Map<string, Account & { asks: boolean }>()
  const add = (nodes: readonly (CommentNode | ReviewNode)[], asks: (body: string) => boolean) => {
    for (const node of nodes) {
      const login = loginOf(node)
      if (login === null) continue
      const isAsking = found.get(login)?.asks === true || (!node.isMoose && asks(node.body))
      found.set(login, { login, association: node.authorAssociation, asks: isAsking })
    }
  }
  for (const { isResolved, comments: within } of threads) add(sentOf(within), () => !isResolved)
  add(sentOf(comments), isSaidToMoose)
  for (const node of reviews.filter(isTold))
    add([node], () => node.state === 'CHANGES_REQUESTED' || node.state === 'COMMENTED')
  return found.values()
}

/** Empty: nothing of it is to be seen. */
function threadIn(writing: Writing, node: WholeThread): ThreadFact[] {
  const { id, path, line, isResolved } = node
  const comments = commentsIn(writing, node.comments)
  return comments.length === 0 ? [] : [{ id, path, line, is_resolved: isResolved, comments }]
}

/** A comment of a review that was not sent yet is shown to its author alone, who may be the one whose account Moose uses. */
function sentOf(nodes: readonly CommentNode[]): CommentNode[] {
  return nodes.filter(({ isMinimized, state }) => !isMinimized && state !== 'PENDING')
}

function commentsIn(writing: Writing, nodes: readonly CommentNode[]): CommentFact[] {
  return sentOf(nodes).map((node) => {
    const { id, createdAt: at, lastEditedAt: edited_at, url } = node
    return { id, ...writtenBy(writing, node), at, edited_at, url }
  })
}

function writtenBy(writing: Writing, node: CommentNode | ReviewNode) {
  const login = loginOf(node)
  const may_write = login !== null && writing.has(login)
  return { login, may_write, is_moose: node.isMoose, body: may_write ? node.body : asOfStranger(node.body) }
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

/** A review that is not sent yet is none. */
function isTold({ state, body }: ReviewNode): boolean {
  return state in STATES && (state !== 'COMMENTED' || body.trim() !== '')
}

/** A review that only carries comments of threads says nothing by itself. */
function reviewsIn(writing: Writing, seen: readonly ReviewNode[]): ReviewFact[] {
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
    const { id, commit, submittedAt: at, lastEditedAt: edited_at, url } = node
    const head_sha = commit === null ? null : commit.oid
    facts.push({ id, ...writtenBy(writing, node), state, head_sha, at, edited_at, url })
  }
  const when = ({ at }: ReviewFact) => (at === null ? 0 : Date.parse(at))
  return facts.sort((one, other) => when(one) - when(other))
}
