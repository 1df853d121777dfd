import { GraphQLError } from 'graphql'
import type { Pull, RepositoryState } from './repository-state.ts'

type Association = 'OWNER' | 'MEMBER' | 'COLLABORATOR' | 'CONTRIBUTOR' | 'NONE'

export type StandInComment = {
  id: string
  /** Null: the account is gone. */
  login: string | null
  association: Association
  body: string
  at?: string
  editedAt?: string
  /** Hidden by a maintainer. */
  isHidden?: boolean
  /** Of a review that its author has not sent yet. */
  isPending?: boolean
}

export type StandInThread = {
  id: string
  path: string
  line: number | null
  isResolved?: boolean
  comments: StandInComment[]
}

export type StandInReview = {
  login: string | null
  state: 'APPROVED' | 'CHANGES_REQUESTED' | 'COMMENTED' | 'DISMISSED'
  body?: string
  association?: Association
  at?: string
  editedAt?: string
  sha?: string
}

/** Whose token it is, unless a test says otherwise. */
export const VIEWER = 'tester'
export const SAID_AT = '2026-01-31T12:00:00Z'

type Asked = { first?: number | null; last?: number | null; after?: string | null; before?: string | null }

/** The most that GitHub gives at once. */
const MOST_AT_ONCE = 100

/** One page of a list, as GitHub gives it: its cursors are opaque. */
export function page<Item>(items: readonly Item[], { first, last, after, before }: Asked) {
  const asked = typeof first === 'number' ? first : last
  // How many there are is told of any list, and which they are of a page alone.
  if (typeof asked !== 'number') return { totalCount: items.length, pageInfo: unpaged, nodes: unpaged }
  if (asked > MOST_AT_ONCE) throw new GraphQLError(`Requesting ${asked} records exceeds the limit of 100 records.`)
  const from = typeof after === 'string' ? positionOf(after) + 1 : 0
  const to = typeof before === 'string' ? positionOf(before) : items.length
  const start = typeof first === 'number' ? from : Math.max(from, to - asked)
  const end = typeof first === 'number' ? Math.min(to, from + asked) : to
  const nodes = items.slice(start, end)
  const isEmpty = nodes.length === 0
  const pageInfo = {
    hasPreviousPage: start > 0,
    hasNextPage: end < items.length,
    startCursor: isEmpty ? null : cursorOf(start),
    endCursor: isEmpty ? null : cursorOf(end - 1),
  }
  return { totalCount: items.length, pageInfo, nodes }
}

function unpaged(): never {
  throw new GraphQLError('You must provide a `first` or `last` value to properly paginate.')
}

function cursorOf(position: number): string {
  return Buffer.from(`cursor:${position}`).toString('base64')
}

function positionOf(cursor: string): number {
  const position = /^cursor:(\d+)$/.exec(Buffer.from(cursor, 'base64').toString('utf8'))?.[1]
  if (position !== undefined) return Number(position)
  throw new GraphQLError(`\`${cursor}\` does not appear to be a valid cursor.`)
}

/** An account where it is not the viewer: GitHub leaves out the ending of an app's name there. */
export function actorOf(login: string) {
  const isApp = login.endsWith('[bot]')
  return { __typename: isApp ? 'Bot' : 'User', login: isApp ? login.slice(0, -'[bot]'.length) : login }
}

function author(login: string | null) {
  return login === null ? null : actorOf(login)
}

/** The address of a pull request, and whose token asks. */
export type Place = { url: string; viewer: string }

export function graphComment({ url, viewer }: Place, comment: StandInComment, isOfThread = false) {
  const { id, login, association, body, at = SAID_AT, editedAt = null, isHidden = false, isPending = false } = comment
  return {
    __typename: isOfThread ? 'PullRequestReviewComment' : 'IssueComment',
    id,
    body,
    url: `${url}#${id}`,
    createdAt: at,
    lastEditedAt: editedAt,
    authorAssociation: association,
    author: author(login),
    viewerDidAuthor: login === viewer,
    isMinimized: isHidden,
    state: isPending ? 'PENDING' : 'SUBMITTED',
  }
}

export function graphThread(place: Place, thread: StandInThread) {
  const { id, path, line, isResolved = false, comments } = thread
  const all = comments.map((comment) => graphComment(place, comment, true))
  const facts = { __typename: 'PullRequestReviewThread', id, path, line, isResolved }
  return { ...facts, comments: (asked: Asked) => page(all, asked) }
}

function graphReview({ url, viewer }: Place, pull: Pull, review: StandInReview, index: number) {
  const { login, state, body = '', association = 'NONE', at = SAID_AT, editedAt = null, sha = pull.sha } = review
  return {
    id: `PRR_${pull.number}_${index}`,
    url: `${url}#review-${index}`,
    state,
    body,
    submittedAt: at,
    lastEditedAt: editedAt,
    authorAssociation: association,
    author: author(login),
    viewerDidAuthor: login === viewer,
    commit: { oid: sha },
  }
}

/** What was said of a pull request. */
export function graphConversation(place: Place, pull: Pull) {
  const { threads = [], comments = [], reviews = [] } = pull
  const all = reviews.map((review, index) => graphReview(place, pull, review, index))
  const opinionated = all.filter(({ state }) => state !== 'COMMENTED')
  return {
    latestReviews: (asked: Asked) => page(all, asked),
    latestOpinionatedReviews: (asked: Asked) => page(opinionated, asked),
    reviews: (asked: Asked) => page(all, asked),
    comments: (asked: Asked) =>
      page(
        comments.map((comment) => graphComment(place, comment)),
        asked,
      ),
    reviewThreads: (asked: Asked) =>
      page(
        threads.map((thread) => graphThread(place, thread)),
        asked,
      ),
  }
}

function notFound(id: string): GraphQLError {
  const message = `Could not resolve to a node with the global id of '${id}'`
  return new GraphQLError(message, { extensions: { type: 'NOT_FOUND' } })
}

let made = 0

function written({ viewer }: Place, body: string): StandInComment {
  made += 1
  return { id: `IC_made_${made}`, login: viewer, association: 'OWNER', body }
}

/** The mutations that write comments. */
export function writing({ pulls }: RepositoryState, placeOf: (pull: Pull) => Place) {
  return {
    addPullRequestReviewThreadReply: ({ input }: { input: { pullRequestReviewThreadId: string; body: string } }) => {
      const id = input.pullRequestReviewThreadId
      const pull = pulls.find(({ threads }) => threads?.some((thread) => thread.id === id))
      const thread = pull?.threads?.find((one) => one.id === id)
      if (pull === undefined || thread === undefined) throw notFound(id)
      const comment = written(placeOf(pull), input.body)
      thread.comments.push(comment)
      touch(pull)
      return { comment: graphComment(placeOf(pull), comment, true) }
    },
    addComment: ({ input }: { input: { subjectId: string; body: string } }) => {
      const pull = pulls.find(({ number }) => input.subjectId === `PR_${number}`)
      if (pull === undefined) throw notFound(input.subjectId)
      const comment = written(placeOf(pull), input.body)
      pull.comments = [...(pull.comments ?? []), comment]
      touch(pull)
      return { commentEdge: { node: graphComment(placeOf(pull), comment) } }
    },
    updateIssueComment: ({ input }: { input: { id: string; body: string } }) => {
      const pull = pulls.find(({ comments }) => comments?.some(({ id }) => id === input.id))
      const comment = pull?.comments?.find(({ id }) => id === input.id)
      if (pull === undefined || comment === undefined) throw notFound(input.id)
      Object.assign(comment, { body: input.body, editedAt: SAID_AT })
      touch(pull)
      return { issueComment: graphComment(placeOf(pull), comment) }
    },
  }
}

/** As GitHub does at a comment, a review and a push. */
export function touch(pull: Pull): void {
  pull.touched = (pull.touched ?? 0) + 1
}

/** In whole seconds, as GitHub tells it. */
export function updatedAt({ touched = 0, touchedAt = new Date(Date.parse(SAID_AT) + touched * 1_000) }: Pull): string {
  return `${touchedAt.toISOString().slice(0, 19)}Z`
}
