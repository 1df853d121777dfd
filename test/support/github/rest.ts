import { jobLog, permissionOf, rerun, workflowRun } from './actions.ts'
import type { Answer } from './answer.ts'
import type { Pull, RepositoryState } from './repository-state.ts'

export type RestCall = {
  method: string
  path: string
  query: URLSearchParams
  body: Record<string, unknown>
  host: string
}

const ok = (body: object): Answer => ({ status: 200, body })
export const refused = (status: number, message: string): Answer => ({ status, body: { message } })

type Handler = (state: RepositoryState, call: RestCall, params: string[]) => Promise<Answer> | Answer

/** The routes of GitHub's REST API that Moose uses, below `/repos/OWNER/NAME`. */
const ROUTES: readonly (readonly [string, RegExp, Handler])[] = [
  ['GET', /^$/, (state) => ok(repositoryOf(state))],
  ['GET', /^\/pulls$/, (state, call) => ok(list(state, call).map((pull) => restPull(state, call, pull)))],
  [
    'GET',
    /^\/pulls\/(\d+)$/,
    (state, call, [number]) => withPull(state, number, (pull) => ok(restPull(state, call, pull))),
  ],
  ['PATCH', /^\/pulls\/(\d+)$/, (state, call, [number]) => withPull(state, number, (pull) => patch(state, call, pull))],
  [
    'PUT',
    /^\/pulls\/(\d+)\/merge$/,
    (state, call, [number]) => withPull(state, number, (pull) => merge(state, call, pull)),
  ],
  [
    'POST',
    /^\/issues\/(\d+)\/labels$/,
    (state, call, [number]) => withPull(state, number, (pull) => label(state, call, pull)),
  ],
  ['POST', /^\/labels$/, makeLabel],
  [
    'GET',
    /^\/branches\/([^/]+)$/,
    ({ settings }, { path }) => ok({ name: path, protected: settings.hiddenProtection }),
  ],
  ['GET', /^\/actions\/workflows$/, ({ settings }) => ok({ total_count: settings.workflows, workflows: [] })],
  ['GET', /^\/rules\/branches\/(.+)$/, ({ settings }) => ok(rules(settings))],
  ['GET', /^\/branches\/[^/]+\/protection$/, ({ settings }) => protection(settings)],
  ['GET', /^\/actions\/runs\/(\d+)$/, (state, _, [id]) => workflowRun(state, Number(id))],
  ['POST', /^\/actions\/runs\/(\d+)\/rerun-failed-jobs$/, (state, _, [id]) => rerun(state, Number(id))],
  ['GET', /^\/actions\/jobs\/(\d+)\/logs$/, (state, _, [id]) => jobLog(state, Number(id))],
  ['GET', /^\/collaborators\/([^/]+)\/permission$/, (state, _, [login]) => permissionOf(state, String(login))],
  ['GET', /^\/collaborators$/, ({ settings }) => ok(settings.writers.map((login) => ({ login })))],
]

export async function answerRest(state: RepositoryState, call: RestCall): Promise<Answer> {
  const { account } = state.settings
  if (call.method === 'GET' && call.path === '/user')
    return account.endsWith('[bot]') ? refused(403, 'Resource not accessible by integration') : ok({ login: account })
  const prefix = `/repos/${state.owner}/${state.name}`
  if (!call.path.startsWith(prefix)) return refused(404, 'Not Found')
  const rest = decodeURIComponent(call.path.slice(prefix.length))
  await state.refresh()
  for (const [method, pattern, handle] of ROUTES) {
    const match = method === call.method ? pattern.exec(rest) : null
    if (match !== null) return await handle(state, call, match.slice(1))
  }
  return refused(404, 'Not Found')
}

function repositoryOf({ owner, name, settings }: RepositoryState): object {
  return {
    full_name: `${owner}/${name}`,
    permissions: { admin: false, push: settings.push, pull: true },
    allow_merge_commit: settings.allowMergeCommit,
    allow_squash_merge: settings.allowSquashMerge,
  }
}

type Settings = RepositoryState['settings']

function rules({ reviewsRequired: count, ruledMethods: methods, ruledLinear, mergeQueue }: Settings): object[] {
  const reviews = { required_approving_review_count: count, require_code_owner_review: false }
  const ways = methods === null ? {} : { allowed_merge_methods: methods }
  return [
    ...(count === 0 && methods === null ? [] : [{ type: 'pull_request', parameters: { ...reviews, ...ways } }]),
    ...(ruledLinear ? [{ type: 'required_linear_history' }] : []),
    ...(mergeQueue ? [{ type: 'merge_queue', parameters: { merge_method: 'SQUASH' } }] : []),
  ]
}

function protection({ classicReviews: count, classicLinear }: Settings): Answer {
  if (count === null && !classicLinear) return refused(404, 'Branch not protected')
  const reviews = count === null ? {} : { required_pull_request_reviews: { required_approving_review_count: count } }
  return ok({ ...reviews, required_linear_history: { enabled: classicLinear } })
}

/** Why a way of merging is not allowed; null: it is. */
function notAllowed(method: unknown, settings: Settings): string | null {
  if (settings.mergeQueue) return 'Changes must be made through the merge queue'
  if (method === 'merge' && !settings.allowMergeCommit) return 'Merge commits are not allowed on this repository.'
  if (method === 'merge' && (settings.ruledLinear || settings.classicLinear))
    return 'Repository rule violations found: This branch must not contain merge commits.'
  if (settings.ruledMethods?.includes(String(method)) === false)
    return `Repository rule violations found: The merge method ${String(method)} is not allowed.`
  return null
}

function list({ pulls, owner }: RepositoryState, { query }: RestCall): Pull[] {
  const head = query.get('head')
  const state = query.get('state')
  return pulls.filter(
    (pull) => (head === null || head === `${owner}:${pull.head}`) && (state === 'all' || pull.state === 'open'),
  )
}

export function restPull({ owner, name }: RepositoryState, { host }: { host: string }, pull: Pull): object {
  return {
    number: pull.number,
    draft: pull.isDraft ?? false,
    node_id: `PR_${pull.number}`,
    html_url: `https://${host}/${owner}/${name}/pull/${pull.number}`,
    state: pull.state,
    merged_at: pull.mergedAt,
    merge_commit_sha: pull.mergeSha,
    title: pull.title,
    body: pull.body,
    head: { ref: pull.head, sha: pull.sha },
    base: { ref: pull.base },
  }
}

async function withPull(
  state: RepositoryState,
  number: string | undefined,
  use: (pull: Pull) => Promise<Answer> | Answer,
): Promise<Answer> {
  const pull = state.pulls.find((one) => one.number === Number(number))
  return pull === undefined ? refused(404, 'Not Found') : await use(pull)
}

/** @see https://docs.github.com/en/rest/pulls/pulls#update-a-pull-request */
async function patch(state: RepositoryState, call: RestCall, pull: Pull): Promise<Answer> {
  const wanted = call.body['state']
  if (wanted === 'closed') pull.state = 'closed'
  if (typeof call.body['body'] === 'string') pull.body = call.body['body']
  const why = wanted === 'open' && pull.state === 'closed' ? await state.reopen(pull.number) : null
  if (why === null) return ok(restPull(state, call, pull))
  const errors = [{ resource: 'PullRequest', code: 'invalid', field: 'state', message: why }]
  return { status: 422, body: { message: 'Validation Failed', errors } }
}

async function merge(state: RepositoryState, { body }: RestCall, pull: Pull): Promise<Answer> {
  if (body['sha'] !== pull.sha) return refused(409, 'Head branch was modified. Review and try the merge again.')
  const method = body['merge_method']
  if (pull.state !== 'open') return refused(405, 'Pull Request is not mergeable')
  if (pull.isDraft === true) return refused(405, 'Pull Request is still a draft')
  const why = notAllowed(method, state.settings)
  if (why !== null) return refused(405, why)
  try {
    pull.mergedBy = state.settings.account
    const { mergeSha } = await state.merge(pull.number, method === 'squash' || method === 'rebase' ? method : 'merge')
    return ok({ sha: mergeSha, merged: true })
  } catch {
    delete pull.mergedBy
    return refused(405, 'Pull Request is not mergeable')
  }
}

/** GitHub makes unknown labels of a writer; this one is stricter, so that Moose need not count on it. */
function label({ labels }: RepositoryState, { body }: RestCall, pull: Pull): Answer {
  const wanted = Array.isArray(body['labels']) ? body['labels'].map(String) : []
  if (wanted.some((name) => !labels.has(name))) return refused(422, 'Validation Failed')
  pull.labels = [...new Set([...pull.labels, ...wanted])]
  return ok(pull.labels.map((name) => ({ name })))
}

function makeLabel({ labels }: RepositoryState, { body }: RestCall): Answer {
  const name = String(body['name'])
  if (labels.has(name)) return refused(422, 'Validation Failed: already_exists')
  labels.add(name)
  return { status: 201, body: { name } }
}
