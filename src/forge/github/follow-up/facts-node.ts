import { z } from 'zod'
import { LONGEST_BODY } from '../../../ports/pull-request-facts.ts'
import { plainText } from '../../../redaction/plain-text.ts'
import { accountOf } from '../accounts.ts'
import { isMarked } from './marker.ts'
import { isCalledMember } from './writers.ts'

/** Far more than GitHub allows of a name. */
const LONGEST_WORD = 500
/** Read of a text before control characters come off; GitHub allows fewer. */
const LONGEST_READ = 70_000
/** Kept of the text of an account that GitHub calls no member, until it is known whether it may write. */
const LONGEST_OF_OTHERS = 2_000
/** Kept of the text of an account that may not write: nothing of it is reacted to. */
const LONGEST_OF_STRANGER = 300
const LONGEST_LIST = 1_000

const Sha = z.string().regex(/^[0-9a-f]{40}$/)
const Word = z.string().transform((text) => plainText(text.slice(0, LONGEST_WORD)))
const Body = z.string().transform((text) => plainText(text.slice(0, LONGEST_READ)))
const Moment = z.string().transform((text, context) => {
  const at = Date.parse(text)
  if (!Number.isNaN(at)) return new Date(at).toISOString()
  context.addIssue({ code: 'custom', message: 'must be a time' })
  return z.NEVER
})

/** One page of a list. `rest`: the cursor behind which there is more; null: there is none. A null node is one that cannot be read. */
export type Page<Node> = { total: number; rest: string | null; nodes: (Node | null)[] }

const Rest = z.object({ hasMore: z.boolean(), cursor: z.string().nullable() }).transform((told, context) => {
  if (!told.hasMore) return null
  if (told.cursor !== null) return told.cursor
  context.addIssue({ code: 'custom', message: 'must have a cursor where there is more' })
  return z.NEVER
})
const pageOf = <Schema extends z.ZodType>(schema: Schema) =>
  z
    .object({
      totalCount: z.number().int(),
      pageInfo: Rest,
      nodes: z.array(schema.nullable().catch(null)).max(LONGEST_LIST),
    })
    .transform(({ totalCount: total, pageInfo: rest, nodes }) => ({ total, rest, nodes }))

const Author = accountOf(Word).nullable()
const Written = {
  id: Word,
  body: Body,
  url: Word,
  authorAssociation: z.string(),
  viewerDidAuthor: z.boolean(),
  author: Author,
}

/** The text as it is told, and whether Moose has written it, which its last line says. */
function bounded({ body, ...by }: { body: string; authorAssociation: string; viewerDidAuthor: boolean }) {
  const isMoose = by.viewerDidAuthor && isMarked(body)
  return { isMoose, body: cut(body, isCalledMember(by.authorAssociation) ? LONGEST_BODY : LONGEST_OF_OTHERS) }
}

/** What is kept of the text of an account that may not write. */
export function asOfStranger(body: string): string {
  return body.length <= LONGEST_OF_STRANGER ? body : held(body.slice(0, LONGEST_OF_STRANGER))
}

const LONGEST_NOTE = 100

function cut(body: string, longest: number): string {
  if (body.length <= longest) return body.toWellFormed()
  const kept = longest - LONGEST_NOTE
  return `${held(body.slice(0, kept))}\n[Cut here: ${body.length - kept} more characters stand on GitHub.]`
}

/** A part of a string keeps the whole of it in memory. */
function held(part: string): string {
  return Buffer.from(part.toWellFormed(), 'utf8').toString('utf8')
}

export const CommentNode = z
  .object({
    ...Written,
    createdAt: Moment,
    lastEditedAt: Moment.nullable(),
    isMinimized: z.boolean(),
    state: z.string().optional(),
  })
  .transform((node) => ({ ...node, ...bounded(node) }))
export type CommentNode = z.infer<typeof CommentNode>

export const ReviewNode = z
  .object({
    ...Written,
    state: z.string(),
    submittedAt: Moment.nullable(),
    lastEditedAt: Moment.nullable(),
    commit: z.object({ oid: Sha }).nullable(),
  })
  .transform((node) => ({ ...node, ...bounded(node) }))
export type ReviewNode = z.infer<typeof ReviewNode>

export const CommentPage = pageOf(CommentNode)
export const ReviewPage = pageOf(ReviewNode)

const ThreadNode = z.object({
  id: Word,
  path: Word,
  line: z.number().int().nullable(),
  isResolved: z.boolean(),
  comments: CommentPage,
})
export type ThreadNode = z.infer<typeof ThreadNode>
export const ThreadPage = pageOf(ThreadNode)

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

export const Rollup = z.object({ contexts: pageOf(CheckNode) }).nullable()

export const FactsNode = z.object({
  id: z.string(),
  number: z.number().int(),
  state: z.enum(['OPEN', 'CLOSED', 'MERGED']),
  headRefOid: Sha,
  baseRefName: Word,
  reviewDecision: Word.nullable(),
  autoMergeRequest: z.object({ enabledBy: Author }).nullish(),
  isInMergeQueue: z.boolean().nullish(),
  baseRef: z.object({ target: z.object({ oid: Sha, statusCheckRollup: Rollup.nullish().catch(null) }) }).nullish(),
  statusCheckRollup: Rollup,
  reviews: ReviewPage.nullable().catch(null),
  reviewThreads: ThreadPage.nullable().catch(null),
  comments: CommentPage.nullable().catch(null),
})
export type FactsNode = z.infer<typeof FactsNode>

const Path = z.array(z.string().or(z.number())).optional()

/** Each is read for itself, so that one of unknown form takes nothing from the others. `errors`: what was not shown. */
export const FactsAnswer = z.object({
  data: z.record(z.string(), z.unknown()),
  errors: z
    .array(z.object({ path: Path }))
    .max(LONGEST_LIST)
    .optional(),
})
export type FactsAnswer = z.infer<typeof FactsAnswer>
