import { z } from 'zod'
import { plainText } from '../../../redaction/plain-text.ts'

const WRITTEN = 'id body url authorAssociation viewerDidAuthor author { login }'
const COMMENT = `${WRITTEN} createdAt lastEditedAt isMinimized`
const REVIEW = `${WRITTEN} state submittedAt lastEditedAt commit { oid }`
const RUN = '__typename id name status conclusion detailsUrl completedAt checkSuite { app { slug } }'
const STATUS = '__typename id context state targetUrl createdAt'
const CONTEXTS = `contexts(first: 100) { nodes { ... on CheckRun { ${RUN} } ... on StatusContext { ${STATUS} } } }`

/** @see https://docs.github.com/en/graphql/reference/objects#pullrequest */
const FRAGMENT = `fragment Facts on PullRequest {
  id number state headRefOid baseRefName reviewDecision
  autoMergeRequest { enabledBy { login } }
  isInMergeQueue
  baseRef {
    target {
      oid
      ... on Commit {
        statusCheckRollup { ${CONTEXTS} }
      }
    }
  }
  statusCheckRollup { ${CONTEXTS} }
  latestOpinionatedReviews(last: 50) { nodes { ${REVIEW} } }
  reviews(last: 50) { nodes { ${REVIEW} } }
  reviewThreads(last: 50) {
    nodes {
      id path line isResolved
      opening: comments(first: 1) { nodes { ${COMMENT} state } }
      latest: comments(last: 10) { nodes { ${COMMENT} state } }
    }
  }
  comments(last: 50) { nodes { ${COMMENT} } }
}`

/** The query for some pull requests by their node ids; the answer has them as `p0`, `p1` and so on. */
export function factsQuery(ids: readonly string[]): { query: string; variables: Record<string, string> } {
  const asked = ids.map((_, index) => `p${index}: node(id: $id${index}) { ...Facts }`)
  const declared = ids.map((_, index) => `$id${index}: ID!`)
  return {
    query: `query PullRequestFacts(${declared.join(', ')}) { ${asked.join('\n')} }\n${FRAGMENT}`,
    variables: Object.fromEntries(ids.map((id, index) => [`id${index}`, id])),
  }
}

/** Far more than GitHub allows of a name; of a text that people write it is what the port tells. */
const LONGEST_WORD = 500
const LONGEST_BODY = 8_000
/** Read of a text before control characters come off. */
const LONGEST_READ = 70_000

const Sha = z.string().regex(/^[0-9a-f]{40}$/)
const Word = z.string().transform((text) => plainText(text.slice(0, LONGEST_WORD)))
const Body = z.string().transform((text) => plainText(text.slice(0, LONGEST_READ)))
const Moment = z.string().transform((text, context) => {
  const at = Date.parse(text)
  if (!Number.isNaN(at)) return new Date(at).toISOString()
  context.addIssue({ code: 'custom', message: 'must be a time' })
  return z.NEVER
})
/** GitHub gives at most what was asked for. */
const listOf = <Schema extends z.ZodType>(schema: Schema) => z.array(schema.nullable().catch(null)).max(LONGEST_LIST)
const LONGEST_LIST = 1_000

const Author = z.object({ login: Word }).nullable()
const Written = {
  id: Word,
  body: Body,
  url: Word,
  authorAssociation: z.string(),
  viewerDidAuthor: z.boolean(),
  author: Author,
}
export const CommentNode = z.object({
  ...Written,
  createdAt: Moment,
  lastEditedAt: Moment.nullable(),
  isMinimized: z.boolean(),
  state: z.string().optional(),
})
export type CommentNode = z.infer<typeof CommentNode>

const ReviewNode = z.object({
  ...Written,
  state: z.string(),
  submittedAt: Moment.nullable(),
  lastEditedAt: Moment.nullable(),
  commit: z.object({ oid: Sha }).nullable(),
})
export type ReviewNode = z.infer<typeof ReviewNode>

const ThreadNode = z.object({
  id: Word,
  path: Word,
  line: z.number().int().nullable(),
  isResolved: z.boolean(),
  opening: z.object({ nodes: listOf(CommentNode) }),
  latest: z.object({ nodes: listOf(CommentNode) }),
})
export type ThreadNode = z.infer<typeof ThreadNode>

const RunNode = z.object({
  __typename: z.literal('CheckRun'),
  id: Word,
  name: Word,
  status: Word,
  conclusion: Word.nullable(),
  detailsUrl: Word.nullable(),
  completedAt: Moment.nullable(),
  checkSuite: z.object({ app: z.object({ slug: z.string() }).nullable() }),
})
const StatusNode = z.object({
  __typename: z.literal('StatusContext'),
  id: Word,
  context: Word,
  state: Word,
  targetUrl: Word.nullable(),
  createdAt: Moment,
})
const CheckNode = z.discriminatedUnion('__typename', [RunNode, StatusNode])
export type CheckNode = z.infer<typeof CheckNode>

const Contexts = z.object({ nodes: listOf(CheckNode) })
const Rollup = z.object({ contexts: Contexts }).nullish()

export const FactsNode = z.object({
  id: z.string(),
  number: z.number().int(),
  state: z.enum(['OPEN', 'CLOSED', 'MERGED']),
  headRefOid: Sha,
  baseRefName: Word,
  reviewDecision: Word.nullable(),
  autoMergeRequest: z.object({ enabledBy: Author }).nullish(),
  isInMergeQueue: z.boolean().nullish(),
  baseRef: z.object({ target: z.object({ oid: Sha, statusCheckRollup: Rollup.catch(null) }) }).nullish(),
  statusCheckRollup: z.object({ contexts: Contexts }).nullable(),
  latestOpinionatedReviews: z.object({ nodes: listOf(ReviewNode) }).nullish(),
  reviews: z.object({ nodes: listOf(ReviewNode) }).nullish(),
  reviewThreads: z.object({ nodes: listOf(ThreadNode) }),
  comments: z.object({ nodes: listOf(CommentNode) }),
})
export type FactsNode = z.infer<typeof FactsNode>

/** Each is read for itself, so that one of unknown form takes nothing from the others. `errors`: what was not shown. */
export const FactsAnswer = z.object({
  data: z.record(z.string(), z.unknown()),
  errors: z
    .array(z.object({ path: z.array(z.string().or(z.number())).optional() }))
    .max(LONGEST_LIST)
    .optional(),
})

/** A text as the port tells it. */
export function told(body: string): string {
  return body.slice(0, LONGEST_BODY).toWellFormed()
}
