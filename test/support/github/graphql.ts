import { schema as githubSchema } from '@octokit/graphql-schema'
import { buildSchema, execute, GraphQLError, isScalarType, parse, validate } from 'graphql'
import { contextsOf, graphRun } from './actions.ts'
import type { Answer } from './answer.ts'
import {
  actorOf,
  graphComment,
  graphConversation,
  graphThread,
  type Place,
  updatedAt,
  writing,
} from './conversation.ts'
import { mergeStateOf, type Pull, type RepositoryState } from './repository-state.ts'

/** The public schema of GitHub: a query that it refuses is refused here. */
const SCHEMA = buildSchema(githubSchema.idl, { assumeValid: true })

/** What GitHub says of its own scalars; the schema alone lets any value of them pass. @see https://docs.github.com/en/graphql/reference/scalars */
const SCALARS: Readonly<Record<string, RegExp>> = {
  DateTime: /^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}(?:\.\d+)?Z$/,
  GitObjectID: /^[0-9a-f]{40}(?:[0-9a-f]{24})?$/,
  URI: /^[a-z][a-z0-9+.-]*:\S+$/,
}
for (const [name, form] of Object.entries(SCALARS)) {
  const scalar = SCHEMA.getType(name)
  if (!isScalarType(scalar)) throw new Error(`GitHub has no scalar ${name}`)
  scalar.serialize = (value) => {
    if (typeof value === 'string' && form.test(value)) return value
    throw new GraphQLError(`the stand-in told a ${name} as GitHub does not: ${String(value)}`)
  }
}

export type GraphQLCall = { query: string; variables: Record<string, unknown>; host: string }

/** Who merges and closes on the page. */
export const MAINTAINER = 'octo-maintainer'

/** Executes one query; like GitHub it answers 200 also with errors. */
export async function answerGraphQL(state: RepositoryState, { query, variables, host }: GraphQLCall): Promise<Answer> {
  await state.refresh()
  const document = parse(query)
  const errors = validate(SCHEMA, document)
  if (errors.length > 0) return { status: 200, body: { errors: errors.map((error) => error.toJSON()) } }
  const rootValue = roots({ ...state, headOf: askedOnce(state.headOf) }, host)
  const result = await execute({ schema: SCHEMA, document, rootValue, variableValues: variables })
  return {
    status: 200,
    body: { ...result, ...(result.errors === undefined ? {} : { errors: result.errors.map(told) }) },
  }
}

/** Fifty pull requests have one base. */
function askedOnce(ask: RepositoryState['headOf']): RepositoryState['headOf'] {
  const known = new Map<string, Promise<string | null>>()
  return (branch) => {
    const before = known.get(branch)
    if (before !== undefined) return before
    const asked = ask(branch)
    known.set(branch, asked)
    return asked
  }
}

function told(error: GraphQLError): object {
  return { ...error.toJSON(), ...error.extensions }
}

function roots(state: RepositoryState, host: string) {
  return {
    repository: ({ owner, name }: { owner: string; name: string }) => {
      if (owner === state.owner && name === state.name) return repository(state, host)
      const message = `Could not resolve to a Repository with the name '${owner}/${name}'.`
      throw new GraphQLError(message, { extensions: { type: 'NOT_FOUND' } })
    },
    viewer: { __typename: 'User', login: state.settings.account },
    node: ({ id }: { id: string }) => nodeOf(state, host, id),
    nodes: ({ ids }: { ids: string[] }) => ids.map((id) => orError(() => nodeOf(state, host, id))),
    ...writing(state, (pull) => placeOf(state, host, pull)),
    ...autoMerging(state),
    createPullRequest: async ({ input }: { input: CreateInput }) => {
      const made = await state.create({
        title: input.title,
        body: input.body,
        head: input.headRefName,
        base: input.baseRefName,
      })
      if ('refused' in made) throw new GraphQLError(made.refused, { extensions: { type: 'UNPROCESSABLE' } })
      return { pullRequest: graphPull(state, host, made.pull) }
    },
  }
}

/** Of several nodes one that is not there is null, with an error of its own. */
function orError<Found>(find: () => Found): Found | Error {
  try {
    return find()
  } catch (error) {
    if (error instanceof GraphQLError) return error
    throw error
  }
}

function nodeOf(state: RepositoryState, host: string, id: string) {
  for (const pull of state.pulls) {
    if (id === `PR_${pull.number}`) return graphPull(state, host, pull)
    const said = [...(pull.comments ?? []), ...(pull.threads ?? []).flatMap(({ comments }) => comments)]
    const comment = said.find((one) => one.id === id)
    const isOfThread = pull.comments?.some((one) => one === comment) !== true
    if (comment !== undefined) return graphComment(placeOf(state, host, pull), comment, isOfThread)
    const thread = pull.threads?.find((one) => one.id === id)
    if (thread !== undefined) return graphThread(placeOf(state, host, pull), thread)
    const runs = (pull.runs ?? []).map((run, index) => graphRun({ ...state, host }, `CR_${pull.number}`, run, index))
    const run = runs.find((one) => one.id === id)
    if (run !== undefined) return run
  }
  throw new GraphQLError(`Could not resolve to a node with the global id of '${id}'`, {
    extensions: { type: 'NOT_FOUND' },
  })
}

/** What GitHub says where it does not merge by itself is taken from its page for the mutation and from what people report. */
function autoMerging({ pulls, settings }: RepositoryState) {
  const find = (id: string) => {
    const pull = pulls.find(({ number }) => id === `PR_${number}`)
    if (pull !== undefined) return pull
    throw new GraphQLError(`Could not resolve to a node with the global id of '${id}'`, {
      extensions: { type: 'NOT_FOUND' },
    })
  }
  const refuse = (message: string) => new GraphQLError(message, { extensions: { type: 'UNPROCESSABLE' } })
  return {
    enablePullRequestAutoMerge: ({ input }: { input: EnableInput }) => {
      const pull = find(input.pullRequestId)
      if (!settings.allowAutoMerge) throw refuse('Pull request Auto merge is not allowed for this repository')
      if (input.expectedHeadOid !== pull.sha) throw refuse('Head sha did not match the expected head sha')
      if (pull.isDraft === true) throw refuse('Pull request Pull request is a draft')
      const state = mergeStateOf(pull).toLowerCase()
      if (state === 'clean' || state === 'unstable') throw refuse(`Pull request Pull request is in ${state} status`)
      const method = String(input.mergeMethod).toLowerCase()
      pull.autoMerge = { by: settings.account, method: method === 'squash' || method === 'rebase' ? method : 'merge' }
      return { pullRequest: { id: input.pullRequestId } }
    },
    disablePullRequestAutoMerge: ({ input }: { input: { pullRequestId: string } }) => {
      const pull = find(input.pullRequestId)
      if (pull.autoMerge === undefined || pull.autoMerge === null)
        throw refuse("Can't disable auto-merge for this pull request.")
      pull.autoMerge = null
      return { pullRequest: { id: input.pullRequestId } }
    },
    dequeuePullRequest: ({ input: { id } }: { input: { id: string } }) => {
      const pull = find(id)
      if (pull.queuedBy === undefined || pull.queuedBy === null) throw refuse('Pull request is not in the merge queue')
      pull.queuedBy = null
      return { mergeQueueEntry: null }
    },
  }
}

type EnableInput = { pullRequestId: string; expectedHeadOid?: string; mergeMethod?: string }
type CreateInput = { title: string; body: string; headRefName: string; baseRefName: string }

function repository(state: RepositoryState, host: string) {
  return {
    __typename: 'Repository',
    id: 'R_1',
    name: state.name,
    owner: { __typename: 'User', login: state.owner },
    hasIssuesEnabled: true,
    description: '',
    hasWikiEnabled: false,
    viewerPermission: state.settings.push ? 'WRITE' : 'READ',
    defaultBranchRef: { name: 'main' },
    parent: null,
    mergeCommitAllowed: true,
    rebaseMergeAllowed: true,
    squashMergeAllowed: true,
    pullRequests: ({ headRefName, states }: { headRefName?: string; states?: string[] }) => {
      const found = state.pulls
        .filter(({ head }) => headRefName === undefined || head === headRefName)
        .map((pull) => graphPull(state, host, pull))
        .filter((pull) => states === undefined || states.includes(pull.state))
      return { nodes: found, totalCount: found.length }
    },
  }
}

function urlOf({ owner, name }: RepositoryState, host: string, { number }: Pull): string {
  return `https://${host}/${owner}/${name}/pull/${number}`
}

function placeOf(state: RepositoryState, host: string, pull: Pull): Place {
  return { url: urlOf(state, host, pull), viewer: state.settings.account }
}

function graphPull(state: RepositoryState, host: string, pull: Pull) {
  const { owner } = state
  const runs = contextsOf({ ...state, host }, `CR_${pull.number}`, pull.runs ?? [])
  const { queuedBy = null } = pull
  return {
    __typename: 'PullRequest',
    id: `PR_${pull.number}`,
    number: pull.number,
    url: urlOf(state, host, pull),
    title: pull.title,
    body: pull.body,
    state: pull.mergedAt === null ? pull.state.toUpperCase() : 'MERGED',
    isDraft: pull.isDraft ?? false,
    updatedAt: updatedAt(pull),
    mergeable: pull.mergeable ?? 'MERGEABLE',
    mergeStateStatus: mergeStateOf(pull),
    isCrossRepository: false,
    headRefName: pull.head,
    headRefOid: pull.sha,
    baseRefName: pull.base,
    baseRef: () => graphBase(state, host, pull.base),
    headRepositoryOwner: { __typename: 'User', id: 'U_1', login: owner },
    repository: { autoMergeAllowed: state.settings.allowAutoMerge },
    mergeCommit: pull.mergeSha === null ? null : { oid: pull.mergeSha },
    reviewDecision: pull.review,
    ...graphConversation(placeOf(state, host, pull), pull),
    autoMergeRequest:
      pull.autoMerge === undefined || pull.autoMerge === null ? null : { enabledBy: actorOf(pull.autoMerge.by) },
    isInMergeQueue: queuedBy !== null,
    mergeQueueEntry: queuedBy === null ? null : { enqueuer: actorOf(queuedBy) },
    statusCheckRollup: pull.checks === null ? null : { state: pull.checks, contexts: runs },
    timelineItems: { nodes: lastChange(pull) },
  }
}

async function graphBase(state: RepositoryState, host: string, branch: string) {
  const oid = await state.headOf(branch)
  if (oid === null) return null
  const contexts = contextsOf({ ...state, host }, 'CR_base', state.baseRuns)
  const isRed = state.baseRuns.some((run) => run.state === 'FAILURE')
  const statusCheckRollup = state.baseRuns.length === 0 ? null : { state: isRed ? 'FAILURE' : 'SUCCESS', contexts }
  return { target: { __typename: 'Commit', oid, statusCheckRollup } }
}

/** Who has ended it last: the maintainer, whose page it is. */
function lastChange({ mergedAt, mergedBy, state }: Pull) {
  const actor = actorOf(mergedBy ?? MAINTAINER)
  if (mergedAt !== null) return [{ __typename: 'MergedEvent', actor }]
  return state === 'closed' ? [{ __typename: 'ClosedEvent', actor }] : []
}
