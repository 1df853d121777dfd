import { schema as githubSchema } from '@octokit/graphql-schema'
import { buildSchema, execute, GraphQLError, parse, validate } from 'graphql'
import type { Answer } from './answer.ts'
import type { Pull, RepositoryState } from './repository-state.ts'

/** The public schema of GitHub: a query that it refuses is refused here. */
const SCHEMA = buildSchema(githubSchema.idl, { assumeValid: true })

export type GraphQLCall = { query: string; variables: Record<string, unknown>; host: string }

/** Who merges and closes on the page. */
export const MAINTAINER = 'octo-maintainer'

/** Executes one query; like GitHub it answers 200 also with errors. */
export async function answerGraphQL(state: RepositoryState, { query, variables, host }: GraphQLCall): Promise<Answer> {
  await state.refresh()
  const document = parse(query)
  const errors = validate(SCHEMA, document)
  if (errors.length > 0) return { status: 200, body: { errors: errors.map((error) => error.toJSON()) } }
  const rootValue = roots(state, host)
  const result = await execute({ schema: SCHEMA, document, rootValue, variableValues: variables })
  return {
    status: 200,
    body: { ...result, ...(result.errors === undefined ? {} : { errors: result.errors.map(told) }) },
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
    viewer: { __typename: 'User', login: 'tester' },
    nodes: ({ ids }: { ids: string[] }) =>
      ids.map((id) => {
        const pull = state.pulls.find(({ number }) => id === `PR_${number}`)
        if (pull !== undefined) return graphPull(state, host, pull)
        throw new GraphQLError(`Could not resolve to a node with the global id of '${id}'`, {
          extensions: { type: 'NOT_FOUND' },
        })
      }),
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

function graphPull({ owner, name }: RepositoryState, host: string, pull: Pull) {
  return {
    __typename: 'PullRequest',
    id: `PR_${pull.number}`,
    number: pull.number,
    url: `https://${host}/${owner}/${name}/pull/${pull.number}`,
    title: pull.title,
    body: pull.body,
    state: pull.mergedAt === null ? pull.state.toUpperCase() : 'MERGED',
    isDraft: false,
    updatedAt: REVIEWED_AT,
    mergeable: 'MERGEABLE',
    isCrossRepository: false,
    headRefName: pull.head,
    headRefOid: pull.sha,
    baseRefName: pull.base,
    headRepositoryOwner: { __typename: 'User', id: 'U_1', login: owner },
    mergeCommit: pull.mergeSha === null ? null : { oid: pull.mergeSha },
    reviewDecision: pull.review,
    latestReviews: { nodes: reviewsOf(pull) },
    statusCheckRollup: pull.checks === null ? null : { state: pull.checks, contexts: contextsOf(pull) },
    timelineItems: { nodes: lastChange(pull) },
  }
}

const REVIEWED_AT = '2026-01-31T12:00:00Z'

function reviewsOf({ reviews = [] }: Pull) {
  return reviews.map(({ login, state }) => ({
    state,
    submittedAt: REVIEWED_AT,
    author: login === null ? null : { __typename: 'User', login },
  }))
}

/** As GitHub has them: one that has not ended has a status, and no conclusion. */
function contextsOf({ runs = [] }: Pull) {
  const nodes = runs.map(({ name, state, url, isStatus }) => {
    if (isStatus === true) return { __typename: 'StatusContext', context: name, state, targetUrl: url }
    const hasEnded = state !== 'IN_PROGRESS'
    const run = { __typename: 'CheckRun', name, detailsUrl: url }
    return { ...run, status: hasEnded ? 'COMPLETED' : state, conclusion: hasEnded ? state : null }
  })
  return { totalCount: nodes.length, nodes }
}

/** Who has ended it last: the maintainer, whose page it is. */
function lastChange({ mergedAt, state }: Pull) {
  const actor = { __typename: 'User', login: MAINTAINER }
  if (mergedAt !== null) return [{ __typename: 'MergedEvent', actor }]
  return state === 'closed' ? [{ __typename: 'ClosedEvent', actor }] : []
}
