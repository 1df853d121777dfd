import { z } from 'zod'
import { commentIdOf, keepCommentId } from '../../../db/notifications/commented-pull-request.ts'
import { Fault } from '../../../faults/fault.ts'
import type { OfPullRequest, ThreadFact, Written } from '../../../ports/pull-request-facts.ts'
import type { GitHubForgeParts } from '../pulls.ts'
import { retryGitHub } from '../retry-github.ts'
import { type Asking, askGraphQL, asPassing } from './ask-graphql.ts'
import { carries, compareMarked, marked, marker } from './marker.ts'

const COMMENT = 'id body url viewerDidAuthor'
const Comment = z.object({ id: z.string(), body: z.string(), url: z.string(), viewerDidAuthor: z.boolean() })
type Comment = z.infer<typeof Comment>

/** The most that GitHub gives at once. */
const PER_PAGE = 100
/** Far more than GitHub lets be written on one pull request. */
const MOST_PAGES = 100
/** A comment may have 65,536 signs of several bytes each, and what gh prints is bounded. */
const BODIES_AT_ONCE = 10

/** Without bodies, of which others may have written long ones. */
const PAGE = `comments(first: ${PER_PAGE}, after: $after) { nodes { id viewerDidAuthor } pageInfo { hasNextPage endCursor } }`
const Page = z.object({
  nodes: z.array(z.object({ id: z.string(), viewerDidAuthor: z.boolean() }).nullable()).max(PER_PAGE),
  pageInfo: z.object({ hasNextPage: z.boolean(), endCursor: z.string().nullable() }),
})
const Pages = z.object({ node: z.object({ comments: Page }).nullable() })
const THREAD_QUERY = `query ThreadComments($id: ID!, $after: String) {
  node(id: $id) { ... on PullRequestReviewThread { ${PAGE} } }
}`
const COMMENTS_QUERY = `query OwnComment($id: ID!, $after: String) {
  node(id: $id) { ... on PullRequest { ${PAGE} } }
}`
const BODIES_QUERY = `query CommentBodies($ids: [ID!]!) {
  nodes(ids: $ids) { ... on IssueComment { ${COMMENT} } ... on PullRequestReviewComment { ${COMMENT} } }
}`
/** One that was deleted meanwhile is null, or nothing. */
const Bodies = z.object({ nodes: z.array(Comment.nullable().catch(null)).max(BODIES_AT_ONCE) })

const REPLY = `mutation AnswerThread($thread: ID!, $body: String!) {
  addPullRequestReviewThreadReply(input: { pullRequestReviewThreadId: $thread, body: $body }) { comment { ${COMMENT} } }
}`
const Reply = z.object({ addPullRequestReviewThreadReply: z.object({ comment: Comment }) })

/** Answers a thread, unless an earlier run has. @throws {Fault} `github_unreachable` also where another look may end better */
export async function replyToThread(
  parts: GitHubForgeParts,
  { of, thread, key, text }: { of: OfPullRequest; thread: Pick<ThreadFact, 'id'>; key: string; text: string },
  signal: AbortSignal,
): Promise<Written> {
  const mark = marker('reply', `${of.workOrderId} ${thread.id} ${key}`)
  return await retryGitHub(parts, signal, async () => {
    const gone = `GitHub has no such review thread on pull request #${of.number} any more.`
    const found = await ownAmong(
      parts,
      { of, changes: false, signal },
      { query: THREAD_QUERY, id: thread.id, mark, gone },
    )
    if (found !== null) return writtenAs(found, false)
    const variables = { thread: thread.id, body: marked(mark, text) }
    const made = await askGraphQL(parts, { of, changes: true, signal }, { query: REPLY, variables }, Reply)
    return writtenAs(made.addPullRequestReviewThreadReply.comment, true)
  }).catch(asPassing)
}

const ADD = `mutation AddComment($subject: ID!, $body: String!) {
  addComment(input: { subjectId: $subject, body: $body }) { commentEdge { node { ${COMMENT} } } }
}`
const EDIT = `mutation EditComment($id: ID!, $body: String!) {
  updateIssueComment(input: { id: $id, body: $body }) { issueComment { ${COMMENT} } }
}`
const Added = z.object({ addComment: z.object({ commentEdge: z.object({ node: Comment }) }) })
const Edited = z.object({ updateIssueComment: z.object({ issueComment: Comment }) })

/** Writes Moose's one comment on a pull request, or edits it where its text is another. */
export async function keepOneComment(
  parts: GitHubForgeParts,
  { of, text }: { of: OfPullRequest; text: string },
  signal: AbortSignal,
): Promise<Written> {
  const mark = marker('comment', of.workOrderId)
  const body = marked(mark, text)
  return await retryGitHub(parts, signal, async () => {
    const found = await oneComment(parts, { of, changes: false, signal }, mark)
    if (found === null) {
      const add = { query: ADD, variables: { subject: of.nodeId, body } }
      const added = await askGraphQL(parts, { of, changes: true, signal }, add, Added)
      const { node } = added.addComment.commentEdge
      await keepCommentId(parts.db, of, node.id)
      return writtenAs(node, true)
    }
    if (compareMarked(found.body, mark, text) === 'same') return writtenAs(found, false)
    const edit = { query: EDIT, variables: { id: found.id, body } }
    const edited = await askGraphQL(parts, { of, changes: true, signal }, edit, Edited)
    return writtenAs(edited.updateIssueComment.issueComment, false)
  })
}

/** The one that is known, or else, e.g. after a crash before that was kept, the one that carries the marker. */
async function oneComment(parts: GitHubForgeParts, asking: OwnAsking, mark: string): Promise<Comment | null> {
  const { of } = asking
  const known = await commentIdOf(parts.db, of)
  const [comment = null] = known === null ? [] : await bodiesOf(parts, asking, [known])
  if (comment !== null) return comment
  const gone = `GitHub has no pull request #${of.number} any more, or the token may not see it.`
  const found = await ownAmong(parts, asking, { query: COMMENTS_QUERY, id: of.nodeId, mark, gone })
  if (found !== null) await keepCommentId(parts.db, of, found.id)
  return found
}

const NOT_TOLD = 'GitHub has not told all comments of Moose’s account. It is tried again later.'

type OwnAsking = Asking & { of: OfPullRequest }

/**
 * The own comment that carries a marker: the oldest, where two processes have written one each.
 *
 * @throws {Fault} `github_not_found` with the message `gone`
 */
async function ownAmong(
  parts: GitHubForgeParts,
  asking: OwnAsking,
  { query, id, mark, gone }: { query: string; id: string | null; mark: string; gone: string },
): Promise<Comment | null> {
  const { number } = asking.of
  let after: string | null = null
  for (let page = 0; page < MOST_PAGES; page += 1) {
    const { nodes, pageInfo }: z.infer<typeof Page> = await pageOf(parts, asking, { query, id, after, gone })
    const own = nodes.flatMap((comment) => (comment?.viewerDidAuthor === true ? [comment.id] : []))
    for (let at = 0; at < own.length; at += BODIES_AT_ONCE) {
      const ids = own.slice(at, at + BODIES_AT_ONCE)
      const comments = await bodiesOf(parts, asking, ids)
      // One that is not told may be the one.
      if (comments.length < ids.length) throw new Fault('github_unreachable', NOT_TOLD, { number })
      const found = comments.find(({ body }) => carries(body, mark))
      if (found !== undefined) return found
    }
    if (!pageInfo.hasNextPage || pageInfo.endCursor === null) return null
    after = pageInfo.endCursor
  }
  const message =
    `Pull request #${number} has more than ${MOST_PAGES * PER_PAGE} comments in one place, among which that of Moose was not found, ` +
    'so that none is written. Look at it on GitHub.'
  throw new Fault('github_failed', message, { number })
}

async function pageOf(
  parts: GitHubForgeParts,
  asking: OwnAsking,
  { query, gone, ...variables }: { query: string; id: string | null; after: string | null; gone: string },
): Promise<z.infer<typeof Page>> {
  const { node } = await askGraphQL(parts, asking, { query, variables }, Pages)
  if (node === null) throw new Fault('github_not_found', gone, { number: asking.of.number })
  return node.comments
}

/** Those that are there, and are by the account of Moose. */
async function bodiesOf(parts: GitHubForgeParts, asking: Asking, ids: readonly string[]): Promise<Comment[]> {
  const { nodes } = await askGraphQL(parts, asking, { query: BODIES_QUERY, variables: { ids } }, Bodies)
  return nodes.flatMap((comment) => (comment?.viewerDidAuthor === true ? [comment] : []))
}

function writtenAs({ id, url }: Comment, is_new: boolean): Written {
  return { id, url, is_new }
}
