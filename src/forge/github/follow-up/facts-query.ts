import { ACCOUNT } from '../accounts.ts'

const WRITTEN = `id body url authorAssociation viewerDidAuthor author { ${ACCOUNT} }`
const COMMENT = `${WRITTEN} createdAt lastEditedAt isMinimized`
const REVIEW = `${WRITTEN} state submittedAt lastEditedAt commit { oid }`
const RUN = '__typename id name status conclusion detailsUrl completedAt checkSuite { app { slug } }'
const STATUS = '__typename id context state targetUrl createdAt'
const CONTEXT = `... on CheckRun { ${RUN} } ... on StatusContext { ${STATUS} }`

/** How many of each are asked for at once. */
export type Sizes = {
  contexts: number
  threads: number
  /** Of each thread, with the threads. */
  ofThread: number
  comments: number
  reviews: number
  /** Of a list that is read on, whose nodes hold texts. */
  further: number
}
export const USUAL: Sizes = { contexts: 100, threads: 50, ofThread: 10, comments: 50, reviews: 50, further: 100 }
/** However long the texts are that GitHub takes, twenty of them are less than Moose reads of an answer. */
export const SMALL: Sizes = { contexts: 50, threads: 5, ofThread: 2, comments: 5, reviews: 5, further: 20 }

/** The last of a list, or those before a cursor. */
const last = (many: number, before: string | null, nodes: string) =>
  `(last: ${many}${before === null ? '' : `, before: ${before}`}) {
    totalCount pageInfo { hasMore: hasPreviousPage cursor: startCursor } nodes { ${nodes} }
  }`
const contexts = (many: number, after: string | null) =>
  `contexts(first: ${many}${after === null ? '' : `, after: ${after}`}) {
    totalCount pageInfo { hasMore: hasNextPage cursor: endCursor } nodes { ${CONTEXT} }
  }`
const threads = (many: number, before: string | null, { ofThread }: Sizes) =>
  `reviewThreads${last(many, before, `id path line isResolved comments${last(ofThread, null, `${COMMENT} state`)}`)}`

/** @see https://docs.github.com/en/graphql/reference/objects#pullrequest */
const fragment = (sizes: Sizes) => `fragment Facts on PullRequest {
  id number state headRefOid baseRefName reviewDecision
  autoMergeRequest { enabledBy { ${ACCOUNT} } }
  isInMergeQueue
  baseRef { target { oid ... on Commit { statusCheckRollup { ${contexts(sizes.contexts, null)} } } } }
  statusCheckRollup { ${contexts(sizes.contexts, null)} }
  reviews${last(sizes.reviews, null, REVIEW)}
  ${threads(sizes.threads, null, sizes)}
  comments${last(sizes.comments, null, COMMENT)}
}`

type Query = { query: string; variables: Record<string, string> }

/** The query for some pull requests by their node ids; the answer has them as `p0`, `p1` and so on. */
export function factsQuery(ids: readonly string[], sizes: Sizes = USUAL): Query {
  const asked = ids.map((_, index) => `p${index}: node(id: $id${index}) { ...Facts }`)
  const declared = ids.map((_, index) => `$id${index}: ID!`)
  return {
    query: `query PullRequestFacts(${declared.join(', ')}) { ${asked.join('\n')} }\n${fragment(sizes)}`,
    variables: Object.fromEntries(ids.map((id, index) => [`id${index}`, id])),
  }
}

/** A list that has more than was read. `id`: of the pull request, or of the thread whose comments they are. */
export type OpenList = {
  kind: 'reviews' | 'threads' | 'comments' | 'thread' | 'checks' | 'base'
  id: string
  cursor: string
}

const FURTHER: Readonly<Record<OpenList['kind'], (cursor: string, sizes: Sizes) => string>> = {
  reviews: (at, { further }) => `... on PullRequest { reviews${last(further, at, REVIEW)} }`,
  comments: (at, { further }) => `... on PullRequest { comments${last(further, at, COMMENT)} }`,
  threads: (at, sizes) => `... on PullRequest { ${threads(sizes.threads, at, sizes)} }`,
  thread: (at, { further }) => `... on PullRequestReviewThread { comments${last(further, at, `${COMMENT} state`)} }`,
  checks: (at, sizes) => `... on PullRequest { headRefOid statusCheckRollup { ${contexts(sizes.contexts, at)} } }`,
  base: (at, sizes) =>
    `... on PullRequest { baseRef { target { oid ... on Commit { statusCheckRollup { ${contexts(sizes.contexts, at)} } } } } }`,
}

/** The next page of each list; the answer has them as `p0`, `p1` and so on. */
export function furtherQuery(lists: readonly OpenList[], sizes: Sizes): Query {
  const asked = lists.map(
    ({ kind }, index) => `p${index}: node(id: $id${index}) { ${FURTHER[kind](`$at${index}`, sizes)} }`,
  )
  const declared = lists.map((_, index) => `$id${index}: ID!, $at${index}: String!`)
  const variables = lists.flatMap(({ id, cursor }, index): [string, string][] => [
    [`id${index}`, id],
    [`at${index}`, cursor],
  ])
  return {
    query: `query PullRequestFactsFurther(${declared.join(', ')}) { ${asked.join('\n')} }`,
    variables: Object.fromEntries(variables),
  }
}
