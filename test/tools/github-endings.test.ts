import assert from 'node:assert/strict'
import { chmod, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import path from 'node:path'
import { type TestContext, test } from 'node:test'
import { findPullRequestOfAttempt, pullRequestsInBrief } from '../../src/db/pull-requests/pull-requests.ts'
import { type FaultCode, NEXT_MOVE, toFault } from '../../src/faults/fault.ts'
import type { PublishInput } from '../../src/ports/pull-request.ts'
import { gitIn } from '../support/git-remote.ts'
import type { ServerFault } from '../support/github/github-server.ts'
import { createGitHubSetting, type GitHubSetting } from '../support/github/github-setting.ts'
import { toolOrSkip } from '../support/tool-or-skip.ts'

const CREATE = /PullRequestCreate$/
const FIND = /^GET \/repos\/acme\/shop\/pulls$/
const PUSH = /^git git-receive-pack$/
const REFS = /^git refs/
const LABELS = /labels$/

const says = (status: number, message: string, headers: Record<string, string> = {}) => ({
  status,
  headers,
  body: { message },
})
const graphqlError = (type: string, message: string) => ({
  status: 200,
  body: { data: { createPullRequest: null }, errors: [{ type, path: ['createPullRequest'], message }] },
})
const UNSEEN =
  "Head sha can't be blank, Base sha can't be blank, No commits between main and x, Head ref must be a branch"
const SECONDARY = 'You have exceeded a secondary rate limit. Please wait a few minutes before you try again.'

/** One way gh and git can end, and how the world must stand afterwards. */
type Ending = {
  name: string
  faults?: (given: GitHubSetting, input: PublishInput, cancel: AbortController) => ServerFault[]
  before?: (given: GitHubSetting, input: PublishInput) => Promise<unknown>
  /** Null: the pull request is open. */
  fault: FaultCode | null
  /** What its message must say. */
  says?: RegExp
  /** Attempt branches, pull requests and rows; each 1 where it ends well. */
  left?: { branches: number; pulls: number; rows: number }
  /** The pauses that were made, in ms. */
  waits?: number[]
  labels?: string[]
  change?: (input: PublishInput) => PublishInput
  /** Whether publishing once more, without the fault, ends well; true unless told. */
  again?: boolean
}

const ALL = { branches: 1, pulls: 1, rows: 1 }
const NOTHING = { branches: 0, pulls: 0, rows: 0 }
const BRANCH_ONLY = { branches: 1, pulls: 0, rows: 0 }

const ENDINGS: readonly Ending[] = [
  { name: 'all goes well', fault: null, labels: ['moose', 'risk: low'], waits: [] },
  { name: 'the answer to the creation is lost', faults: () => [{ on: CREATE, what: 'lose' }], fault: null },
  { name: 'the connection breaks before the creation', faults: () => [{ on: CREATE, what: 'drop' }], fault: null },
  {
    name: 'the creation answers 502 although it was carried out',
    faults: (given, input) => [
      { on: CREATE, what: says(502, 'Server Error'), first: () => createByHand(given, input, input.body) },
    ],
    fault: null,
  },
  {
    name: 'the creation answers 502 twice',
    faults: () => [{ on: CREATE, times: 2, what: says(502, 'Server Error') }],
    fault: null,
    waits: [1_000, 2_000],
  },
  {
    name: 'the creation answers 502 for good',
    faults: () => [{ on: CREATE, times: 99, what: says(502, 'Server Error') }],
    fault: 'github_unreachable',
    left: BRANCH_ONLY,
  },
  {
    name: 'a query of gh before the creation answers 502',
    faults: () => [{ on: /RepositoryInfo$/, what: says(502, 'Server Error') }],
    fault: null,
  },
  {
    name: 'the creation meets the secondary limit once',
    faults: () => [{ on: CREATE, what: says(403, SECONDARY, { 'retry-after': '30' }) }],
    fault: null,
    waits: [60_000],
  },
  {
    name: 'the creation comes too quickly',
    faults: () => [{ on: CREATE, what: graphqlError('UNPROCESSABLE', 'was submitted too quickly') }],
    fault: null,
    waits: [60_000],
  },
  {
    name: 'the search meets the secondary limit with Retry-After',
    faults: () => [{ on: FIND, what: says(403, SECONDARY, { 'retry-after': '17' }) }],
    fault: null,
    waits: [17_000],
  },
  {
    name: 'the search is told to wait an hour',
    faults: () => [{ on: FIND, times: 9, what: says(429, 'Too many requests', { 'retry-after': '3600' }) }],
    fault: 'github_rate_limited',
    left: NOTHING,
    waits: [],
  },
  {
    name: 'the primary limit is used up until a named time',
    faults: () => [
      {
        on: FIND,
        what: says(403, 'API rate limit exceeded', {
          'x-ratelimit-remaining': '0',
          'x-ratelimit-reset': String(Math.floor(Date.now() / 1000) + 40),
        }),
      },
    ],
    fault: null,
  },
  {
    name: 'the search answers 502 once',
    faults: () => [{ on: FIND, what: says(502, 'Server Error') }],
    fault: null,
    waits: [1_000],
  },
  {
    name: 'the connection of the search breaks',
    faults: () => [{ on: FIND, what: 'drop' }],
    fault: null,
    waits: [1_000],
  },
  {
    name: 'a proxy answers the search with a page',
    faults: () => [
      { on: FIND, what: { status: 200, headers: { 'content-type': 'text/html' }, body: '<html>Welcome' } },
    ],
    fault: 'github_failed',
    left: NOTHING,
  },
  {
    name: 'GitHub is down for good',
    faults: () => [{ on: /./, times: 99, what: says(503, 'Unavailable') }],
    fault: 'github_unreachable',
    left: NOTHING,
    waits: [1_000, 2_000, 4_000, 8_000],
  },
  {
    name: 'the token has ended',
    faults: () => [{ on: FIND, what: says(401, 'Bad credentials') }],
    fault: 'github_unauthorized',
    left: NOTHING,
    waits: [],
  },
  {
    name: 'the token may not read',
    faults: () => [{ on: FIND, what: says(403, 'Resource not accessible by personal access token') }],
    fault: 'github_forbidden',
    left: NOTHING,
    waits: [],
  },
  {
    name: 'the repository is not there',
    faults: () => [{ on: FIND, what: says(404, 'Not Found') }],
    fault: 'github_not_found',
    left: NOTHING,
    waits: [],
  },
  {
    name: 'the token may push but open no pull request',
    faults: () => [{ on: CREATE, times: 9, what: graphqlError('FORBIDDEN', 'Resource not accessible by integration') }],
    fault: 'github_forbidden',
    left: BRANCH_ONLY,
    waits: [],
  },
  {
    name: 'the token ends between push and creation',
    faults: () => [{ on: CREATE, what: says(401, 'Bad credentials') }],
    fault: 'github_unauthorized',
    left: BRANCH_ONLY,
  },
  {
    name: 'GitHub does not see the pushed branch at once',
    faults: () => [{ on: CREATE, times: 2, what: graphqlError('UNPROCESSABLE', UNSEEN) }],
    fault: null,
    waits: [1_000, 2_000],
  },
  {
    name: 'GitHub never sees the pushed branch',
    faults: () => [{ on: CREATE, times: 9, what: graphqlError('UNPROCESSABLE', UNSEEN) }],
    fault: 'github_unreachable',
    left: BRANCH_ONLY,
    waits: [1_000, 2_000, 4_000, 8_000],
  },
  {
    name: 'GitHub refuses the creation for a reason of its own',
    faults: () => [{ on: CREATE, times: 9, what: graphqlError('UNPROCESSABLE', 'Base ref must be a branch') }],
    fault: 'github_failed',
    left: BRANCH_ONLY,
    waits: [],
  },
  {
    name: 'GitHub refuses the creation and names a branch whose words sound like a limit',
    change: (input) => ({ ...input, branches: [`${input.branches[0]}-rate limit timeout`.replaceAll(' ', '-')] }),
    faults: (_given, { branches }) => [
      { on: CREATE, times: 9, what: graphqlError('UNPROCESSABLE', `No commits between main and ${branches[0]}`) },
    ],
    fault: 'github_failed',
    left: BRANCH_ONLY,
    waits: [],
  },
  {
    name: 'another process opens the pull request first',
    faults: (given, input) => [
      { on: /RepositoryInfo$/, what: 'pass', first: () => createByHand(given, input, input.body) },
    ],
    fault: null,
  },
  {
    name: 'another process opens it between the look of gh and its creation',
    faults: (given, input) => [{ on: CREATE, what: 'pass', first: () => createByHand(given, input, input.body) }],
    fault: null,
  },
  {
    name: 'an earlier run crashed after the push',
    before: (given, input) => pushByHand(given, input),
    fault: null,
  },
  {
    name: 'an earlier run crashed after the creation',
    before: async (given, input) => {
      await pushByHand(given, input)
      await createByHand(given, input, input.body)
    },
    fault: null,
    labels: ['moose', 'risk: low'],
  },
  {
    name: 'a human has removed the marker of an open pull request',
    before: async (given, input) => {
      await pushByHand(given, input)
      await createByHand(given, input, 'rewritten')
    },
    fault: null,
  },
  {
    name: 'a human has closed the pull request of this attempt',
    before: async (given, input) => {
      await pushByHand(given, input)
      await createByHand(given, input, input.body)
      await given.github.state.close(numberOf(given, input))
    },
    fault: 'pull_request_closed',
    left: { branches: 1, pulls: 1, rows: 1 },
    again: false,
  },
  {
    name: 'a human has merged it already',
    before: async (given, input) => {
      await pushByHand(given, input)
      await createByHand(given, input, input.body)
      await given.github.state.merge(numberOf(given, input), 'squash')
    },
    fault: null,
  },
  {
    name: 'a closed pull request of another attempt used the branch',
    before: async (given, input) => {
      await pushByHand(given, input)
      await createByHand(given, input, '<!-- moose:wo=00000000-0000-4000-8000-000000000000 attempt=1 -->')
      await given.github.state.close(numberOf(given, input))
    },
    fault: null,
    left: { branches: 1, pulls: 2, rows: 1 },
  },
  {
    name: 'the branch holds a foreign commit',
    before: (given, input) => given.remote.commit(String(input.branches[0]), { b: 'foreign\n' }),
    fault: 'branch_taken',
    left: BRANCH_ONLY,
    again: false,
  },
  { name: 'the answer to the push is lost', faults: () => [{ on: PUSH, what: 'lose' }], fault: null },
  {
    name: 'the connection of the push breaks',
    faults: () => [{ on: PUSH, times: 9, what: 'drop' }],
    fault: 'repository_unreachable',
    left: NOTHING,
  },
  {
    name: 'the push is answered 403',
    faults: () => [{ on: /refs git-receive-pack/, times: 9, what: says(403, 'no') }],
    fault: 'repository_unreachable',
    left: NOTHING,
  },
  {
    name: 'the push is answered 500',
    faults: () => [{ on: PUSH, what: says(500, 'oops') }],
    fault: 'repository_unreachable',
    left: NOTHING,
  },
  {
    name: 'git asks in vain where the branch stands',
    faults: () => [{ on: REFS, times: 9, what: says(503, 'no') }],
    fault: 'repository_unreachable',
    left: NOTHING,
  },
  {
    name: 'a classic protection of the branch refuses the push',
    before: (given, { branches }) =>
      refusal(given, [
        `error: GH006: Protected branch update failed for refs/heads/${branches[0]}.`,
        'error: You are not authorized to push to this branch.',
      ]),
    fault: 'push_rejected',
    says: /GH006: Protected branch update failed for refs\/heads\/feature.* You are not authorized/,
    left: NOTHING,
    again: false,
  },
  {
    name: 'a ruleset forbids to create the branch, at length',
    before: (given, { branches }) =>
      refusal(given, [
        `error: GH013: Repository rule violations found for refs/heads/${branches[0]}.`,
        '',
        '- Cannot create ref due to creations being restricted.',
        ...Array.from({ length: 30 }, (_, index) => `      (?) a hint of many words, number ${index}`),
      ]),
    fault: 'push_rejected',
    says: /GH013: Repository rule violations found for refs\/heads\/feature.* Cannot create ref/,
    left: NOTHING,
    again: false,
  },
  {
    name: 'the token may not change workflows',
    before: (given) =>
      refusal(given, [
        'refusing to allow a Personal Access Token to create or update workflow without `workflow` scope',
      ]),
    fault: 'push_rejected',
    says: /without `workflow` scope/,
    left: NOTHING,
    again: false,
  },
  {
    name: "the branch is the repository's default one, whatever the project calls its base",
    before: async (given, input) => {
      await pushByHand(given, input)
      await given.remote.git('symbolic-ref', 'HEAD', `refs/heads/${input.branches[0]}`)
    },
    fault: 'push_rejected',
    says: /default branch/,
    left: BRANCH_ONLY,
    again: false,
  },
  {
    name: 'the attempt is cancelled while the push lands',
    before: (given) => hook(given, 'sleep 1'),
    faults: (_given, _input, cancel) => [
      { on: PUSH, what: 'pass', first: async () => void setTimeout(() => cancel.abort(), 300) },
    ],
    fault: 'attempt_cancelled',
    left: BRANCH_ONLY,
  },
  {
    name: 'the base is asked for as branch',
    change: (input) => ({ ...input, branches: ['main'] }),
    fault: 'push_rejected',
    left: { branches: 1, pulls: 0, rows: 0 },
    again: false,
  },
  {
    name: 'the labels are refused',
    faults: () => [{ on: LABELS, times: 99, what: says(403, 'no labels for you') }],
    fault: null,
    labels: [],
  },
  {
    name: 'the connection breaks at the labels',
    faults: () => [{ on: LABELS, times: 99, what: 'drop' }],
    fault: null,
    labels: [],
  },
]

async function pushByHand({ mirrors, project, remote }: GitHubSetting, input: PublishInput): Promise<void> {
  await gitIn(
    mirrors.of(project).dir,
    'push',
    '--quiet',
    remote.path,
    `${input.headSha}:refs/heads/${input.branches[0]}`,
  )
}

async function createByHand({ github }: GitHubSetting, { title, branches }: PublishInput, body: string): Promise<void> {
  await github.state.create({ title, body, head: String(branches[0]), base: 'main' })
}

function pullsOf({ github }: GitHubSetting, { branches }: PublishInput) {
  return github.state.pulls.filter(({ head }) => branches.includes(head))
}

function numberOf(given: GitHubSetting, input: PublishInput): number {
  const [pull] = pullsOf(given, input)
  assert.ok(pull !== undefined)
  return pull.number
}

async function hook({ remote }: GitHubSetting, script: string): Promise<void> {
  const file = path.join(remote.path, 'hooks', 'pre-receive')
  await writeFile(file, `#!/bin/sh\n${script}\n`)
  await chmod(file, 0o755)
}

async function refusal(given: GitHubSetting, lines: readonly string[]): Promise<void> {
  await hook(given, `cat >&2 <<'END'\n${lines.join('\n')}\nEND\nexit 1`)
}

async function standing(given: GitHubSetting, input: PublishInput) {
  await given.github.state.refresh()
  const branches = (await given.remote.branches()).filter((branch) => input.branches.includes(branch))
  const rows = await pullRequestsInBrief(given.database.db, input.workOrderId)
  return { branches: branches.length, pulls: pullsOf(given, input).length, rows: rows.length }
}

async function play(given: GitHubSetting, ending: Ending): Promise<void> {
  const cancel = new AbortController()
  const prepared = { ...(await given.prepare()), signal: cancel.signal }
  const input = ending.change === undefined ? prepared : ending.change(prepared)
  await ending.before?.(given, input)
  given.clock.waits.length = 0
  given.github.faults.push(...(ending.faults === undefined ? [] : ending.faults(given, input, cancel)))
  const ended = await given.forge.publish(input).catch(toFault)
  assert.equal(ended instanceof Error ? ended.code : null, ending.fault, ended instanceof Error ? ended.message : '')
  if (ending.says !== undefined) assert.match(String(ended instanceof Error && ended.message), ending.says)
  if (ending.fault === 'attempt_cancelled') await new Promise((resolve) => setTimeout(resolve, 1_500))
  assert.deepEqual(await standing(given, input), ending.left === undefined ? ALL : ending.left)
  if (ending.waits !== undefined) assert.deepEqual(given.clock.waits, ending.waits)
  const pull = pullsOf(given, input).at(-1)
  if (ending.labels !== undefined) assert.deepEqual(pull?.labels, ending.labels)
  given.github.faults.length = 0
  if (ending.again === false) return
  const again = await given.forge.publish({ ...input, signal: new AbortController().signal })
  assert.equal(again.headSha, input.headSha)
  const row = await findPullRequestOfAttempt(given.database.db, input)
  assert.deepEqual([row?.number, row?.branch, row?.node_id], [again.number, again.branch, `PR_${again.number}`])
  const { pulls = 1 } = ending.fault === null && ending.left !== undefined ? ending.left : {}
  assert.deepEqual(await standing(given, input), { branches: 1, pulls, rows: 1 }, 'publishing once more')
}

// Forty-five endings, each with pushes and calls of the real gh: minutes on a busy machine.
test('every ending of gh and git has its end', { timeout: 900_000 }, async (t: TestContext) => {
  if (toolOrSkip(t, 'gh') === null || toolOrSkip(t, 'openssl') === null) return
  await using given = await createGitHubSetting()
  assert.ok(ENDINGS.length >= 40)
  for (const ending of ENDINGS) {
    await t.test(ending.name, async () => {
      try {
        await play(given, ending)
      } finally {
        given.github.faults.length = 0
        await rm(path.join(given.remote.path, 'hooks', 'pre-receive'), { force: true })
        await given.remote.git('symbolic-ref', 'HEAD', 'refs/heads/main')
      }
    })
  }
  assert.deepEqual(await processesOf(given), [], 'no gh or git is left')
})

/** What becomes of the order, by what follows from the fault (`NEXT_MOVE`). */
const ORDER = {
  retry: 'tried again, then `blocked`',
  block: '`blocked`',
  suspend: '`blocked`',
  fail: '`failed`',
  stop: '`cancelled`',
  leave: 'left to the other worker',
} as const

function documented({ name, fault, left = ALL }: Ending): string {
  // A limit has been waited for within the step, which is not tried again.
  const move = fault === 'github_rate_limited' ? 'block' : fault === null ? null : NEXT_MOVE[fault]
  const order = move === null ? '`in_review`' : ORDER[move]
  const code = fault === null ? '' : `\`${fault}\``
  return `| ${name} | ${code} | ${order} | ${left.branches} | ${left.pulls} | ${left.rows} |`
}

test('docs/github.md has every ending, as it is, and no other', async () => {
  const page = await readFile(path.join(import.meta.dirname, '../../docs/github.md'), 'utf8')
  const rows = page.split('\n').filter((line) => /^\|.*\| \d+ \| \d+ \| \d+ \|$/.test(line))
  assert.deepEqual(rows, ENDINGS.map(documented))
})

/** Processes whose command line or environment names this test's folders. */
async function processesOf({ remote }: GitHubSetting): Promise<string[]> {
  const found: string[] = []
  for (const pid of (await readdir('/proc').catch(() => [])).filter((name) => /^\d+$/.test(name))) {
    if (Number(pid) === process.pid) continue
    const texts = ['cmdline', 'environ'].map((file) => readFile(`/proc/${pid}/${file}`, 'utf8').catch(() => ''))
    const text = (await Promise.all(texts)).join(' ')
    if (text.includes(path.dirname(remote.path))) found.push(text.slice(0, 200))
  }
  return found
}
