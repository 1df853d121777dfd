import { z } from 'zod'
import { Fault } from '../../../faults/fault.ts'
import type { OfPullRequest, ThreadFact, Written } from '../../../ports/pull-request-facts.ts'
import type { GitHubForgeParts } from '../pulls.ts'
import { retryGitHub } from '../retry-github.ts'
import { askGraphQL } from './ask-graphql.ts'
import { compareMarked, marked, marker } from './marker.ts'

const COMMENT = 'id body url viewerDidAuthor'
const Comment = z.object({ id: z.string(), body: z.string(), url: z.string(), viewerDidAuthor: z.boolean() })
type Comment = z.infer<typeof Comment>
/** The most that GitHub gives at once. */
const PER_PAGE = 100
const Comments = z.object({ nodes: z.array(Comment.nullable()).max(PER_PAGE) })

const THREAD_QUERY = `query ThreadComments($id: ID!) {
  node(id: $id) {
    ... on PullRequestReviewThread { comments(last: ${PER_PAGE}) { nodes { ${COMMENT} } } }
  }
}`
const REPLY = `mutation AnswerThread($thread: ID!, $body: String!) {
  addPullRequestReviewThreadReply(input: { pullRequestReviewThreadId: $thread, body: $body }) { comment { ${COMMENT} } }
}`
const ThreadComments = z.object({ node: z.object({ comments: Comments }).nullable() })
const Reply = z.object({ addPullRequestReviewThreadReply: z.object({ comment: Comment }) })

/** Answers a thread, unless an earlier run has. */
export async function replyToThread(
  parts: GitHubForgeParts,
  { of, thread, key, text }: { of: OfPullRequest; thread: Pick<ThreadFact, 'id'>; key: string; text: string },
  signal: AbortSignal,
): Promise<Written> {
  const mark = marker('reply', `${of.workOrderId} ${thread.id} ${key}`)
  return await retryGitHub(parts, signal, async () => {
    const query = { query: THREAD_QUERY, variables: { id: thread.id } }
    const { node } = await askGraphQL(parts, { of, changes: false, signal }, query, ThreadComments)
    if (node === null) {
      const message = `GitHub has no such review thread on pull request #${of.number} any more.`
      throw new Fault('github_not_found', message, { number: of.number })
    }
    const found = ownAmong(node.comments.nodes, mark, text)
    if (found !== null) return writtenAs(found, false)
    const variables = { thread: thread.id, body: marked(mark, text) }
    const made = await askGraphQL(parts, { of, changes: true, signal }, { query: REPLY, variables }, Reply)
    return writtenAs(made.addPullRequestReviewThreadReply.comment, true)
  })
}

/** Moose's comment is among the first as a rule, and on a busy pull request where it came late among the last. */
const COMMENTS_QUERY = `query OwnComment($id: ID!) {
  node(id: $id) {
    ... on PullRequest {
      first: comments(first: ${PER_PAGE}) { nodes { ${COMMENT} } }
      last: comments(last: ${PER_PAGE}) { nodes { ${COMMENT} } }
    }
  }
}`
const ADD = `mutation AddComment($subject: ID!, $body: String!) {
  addComment(input: { subjectId: $subject, body: $body }) { commentEdge { node { ${COMMENT} } } }
}`
const EDIT = `mutation EditComment($id: ID!, $body: String!) {
  updateIssueComment(input: { id: $id, body: $body }) { issueComment { ${COMMENT} } }
}`
const PullComments = z.object({ node: z.object({ first: Comments, last: Comments }).nullable() })
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
    const query = { query: COMMENTS_QUERY, variables: { id: of.nodeId } }
    const { node } = await askGraphQL(parts, { of, changes: false, signal }, query, PullComments)
    if (node === null) {
      const message = `GitHub has no pull request #${of.number} any more, or the token may not see it.`
      throw new Fault('github_not_found', message, { number: of.number })
    }
    const found = ownAmong([...node.first.nodes, ...node.last.nodes], mark, text)
    if (found === null) {
      const add = { query: ADD, variables: { subject: of.nodeId, body } }
      const added = await askGraphQL(parts, { of, changes: true, signal }, add, Added)
      return writtenAs(added.addComment.commentEdge.node, true)
    }
    if (compareMarked(found.body, mark, text) === 'same') return writtenAs(found, false)
    const edit = { query: EDIT, variables: { id: found.id, body } }
    const edited = await askGraphQL(parts, { of, changes: true, signal }, edit, Edited)
    return writtenAs(edited.updateIssueComment.issueComment, false)
  })
}

/** The oldest, where two processes have written one each. */
function ownAmong(nodes: readonly (Comment | null)[], mark: string, text: string): Comment | null {
  const own = (comment: Comment | null) =>
    comment?.viewerDidAuthor === true && compareMarked(comment.body, mark, text) !== 'unmarked'
  const found = nodes.find(own)
  return found === undefined ? null : found
}

function writtenAs({ id, url }: Comment, is_new: boolean): Written {
  return { id, url, is_new }
}
