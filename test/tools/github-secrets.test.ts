import assert from 'node:assert/strict'
import { chmod, mkdir, readdir, readFile, writeFile } from 'node:fs/promises'
import path from 'node:path'
import { type TestContext, test } from 'node:test'
import { inspect } from 'node:util'
import { toFault } from '../../src/faults/fault.ts'
import { examineGitHub } from '../../src/forge/github/examine.ts'
import { createTokens } from '../../src/forge/github/tokens.ts'
import { createGitHubSetting } from '../support/github/github-setting.ts'
import { toolOrSkip } from '../support/tool-or-skip.ts'

const missing = (t: TestContext) => toolOrSkip(t, 'gh') === null || toolOrSkip(t, 'openssl') === null

async function filesBelow(folder: string): Promise<string[]> {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true })
  return entries.filter((entry) => entry.isFile()).map((entry) => path.join(entry.parentPath, entry.name))
}

/** The arguments of every process of this machine, as anybody on it can see them. */
async function allArguments(): Promise<string[]> {
  const pids = (await readdir('/proc')).filter((name) => /^\d+$/.test(name))
  return await Promise.all(pids.map((pid) => readFile(`/proc/${pid}/cmdline`, 'utf8').catch(() => '')))
}

const asGitSendsIt = (token: string) => Buffer.from(`x-access-token:${token}`).toString('base64')

test('the token is in no argument, URL, file or row, and reaches only its host', async (t) => {
  if (missing(t)) return
  if (process.platform !== 'linux') return t.skip('there is no /proc to look at')
  await using watched = await createGitHubSetting()
  const { token } = watched.github
  const seen = new Set<string>()
  const look = async () => {
    for (const line of await allArguments()) seen.add(line)
  }
  // At every request of gh and git, while they wait for its answer.
  watched.github.faults.push({ on: /./, times: 1_000, what: 'pass', first: look })
  const opened = await watched.forge.publish(await watched.prepare())
  await watched.forge.merge(watched.project, opened.number)
  const lines = [...seen]
  for (const program of [/^gh\0pr\0create\0/, /^gh\0api\0/, /^git\0.*\0push\0/, /^\S*git-remote-https\0/]) {
    assert.ok(
      lines.some((line) => program.test(line)),
      `${program} was seen`,
    )
  }
  for (const secret of [token, asGitSendsIt(token)]) {
    assert.deepEqual(
      lines.filter((line) => line.includes(secret)),
      [],
    )
    assert.ok(watched.github.log.every(({ url }) => !url.includes(secret)))
    for (const file of await filesBelow(watched.config.home)) {
      assert.ok(!(await readFile(file)).includes(secret), file)
    }
  }
  assert.ok(watched.github.log.some(({ authorization }) => authorization.includes(token)))
  assert.ok(watched.github.log.some(({ authorization }) => authorization.includes(asGitSendsIt(token))))
  for (const table of ['pull_requests', 'work_orders', 'github_events', 'work_order_events'] as const) {
    const rows = await watched.database.db.selectFrom(table).selectAll().execute()
    assert.ok(!JSON.stringify(rows).includes(token), table)
  }
})

/** Every place at which GitHub, a proxy or a hook can repeat what it was sent. */
const ECHOES: readonly (readonly [string, RegExp, (token: string) => string])[] = [
  ['the search', /^GET .*pulls$/, (token) => `bad header: Authorization: token ${token}`],
  ['the creation', /PullRequestCreate$/, (token) => `bad header: token ${token}`],
  ['the labels', /labels$/, (token) => `no: ${token}`],
  ['the merge', /merge$/, (token) => `no: ${encodeURIComponent(token)}`],
  ['the look', /OpenPullRequests$/, (token) => `no: ${token}`],
  ['the push', /git-receive-pack$/, (token) => `Basic ${asGitSendsIt(token)} and ${token}`],
]
/** git shows the body of a refusal only where it is plain text. */
const PLAIN = { 'content-type': 'text/plain' }
for (const [what, on, echo] of ECHOES) {
  test(`a token that the answer to ${what} repeats is in no message, log or row`, async (t) => {
    if (missing(t)) return
    const logged: string[] = []
    await using given = await createGitHubSetting({ log: (line) => logged.push(line) })
    const { github, forge, project, gh } = given
    const { token } = github
    const answer = { status: 418, headers: { 'x-echo': token }, body: { message: echo(token) } }
    github.faults.push({
      on,
      times: 99,
      what: on.test('git-receive-pack') ? { status: 418, headers: PLAIN, body: echo(token) } : answer,
    })
    const input = await given.prepare()
    const ends: unknown[] = [await forge.publish(input).catch((error: unknown) => error)]
    const { workOrderId, attempt, headSha: seenAt } = input
    const known = { state: 'open', endedAt: null } as const
    const at = { project, workOrderId, attempt, number: 1, nodeId: 'PR_1', seenAt }
    const watched = { ...at, known, isAwaited: true, isSpare: false }
    ends.push(await forge.look([watched], input.signal))
    if (github.state.pulls.length > 0) ends.push(await forge.merge(project, 1).catch((error: unknown) => error))
    ends.push(await examineGitHub({ gh, config: given.config }, project))
    // With causes and stacks, as a log shows them.
    const told = [inspect(ends, { depth: 20 }), ...logged].join('\n')
    assert.match(told, /418|\*\*\*/, 'the answer was told')
    for (const secret of [token, encodeURIComponent(token), asGitSendsIt(token)]) {
      assert.ok(!told.includes(secret), told)
      for (const table of ['pull_requests', 'work_order_events', 'github_events'] as const) {
        const rows = await given.database.db.selectFrom(table).selectAll().execute()
        assert.ok(!JSON.stringify(rows).includes(secret), table)
      }
    }
  })
}

for (const token of ['"number":', 'refs/heads/']) {
  test(`what GitHub and git answer is read as it came, also with a token like ${token}`, async (t) => {
    if (missing(t)) return
    await using given = await createGitHubSetting({ token })
    const input = await given.prepare()
    const opened = await given.forge.publish(input)
    assert.deepEqual([opened.headSha, opened.state], [input.headSha, 'open'])
    assert.equal((await given.forge.publish(input)).number, opened.number)
    assert.equal((await given.forge.merge(given.project, opened.number)).state, 'merged')
  })
}

test('a token that a hook of the repository prints is not told', async (t) => {
  if (missing(t)) return
  await using given = await createGitHubSetting()
  const { token } = given.github
  const hook = path.join(given.remote.path, 'hooks', 'pre-receive')
  await writeFile(hook, `#!/bin/sh\necho 'no, ${token} ${asGitSendsIt(token)}' >&2\nexit 1\n`)
  await chmod(hook, 0o755)
  const fault = toFault(await given.forge.publish(await given.prepare()).catch((error: unknown) => error))
  assert.equal(fault.code, 'push_rejected')
  assert.match(fault.message, /no, \*\*\* \*\*\*/)
})

test('a token belongs to one host', async (t) => {
  if (missing(t)) return
  await using given = await createGitHubSetting()
  const nowhere = { ...given.config, loginEnvironment: { HOME: given.remote.folder } }
  const tokens = createTokens(nowhere, given.clock.now)
  assert.equal(await tokens('github.com'), given.github.token)
  for (const host of ['github.com.evil.example', 'evil.example', 'api.github.com', 'github.com:8443']) {
    assert.equal(await tokens(host), null, host)
  }
})

test("without a configured token the operator's own login is asked, and nothing of it is copied", async (t) => {
  if (missing(t)) return
  await using given = await createGitHubSetting()
  const login = path.join(given.remote.folder, 'login')
  await mkdir(login)
  const token = 'gho_login0123456789'
  await writeFile(path.join(login, 'hosts.yml'), `ghe.example:\n    oauth_token: ${token}\n    user: me\n`)
  const source = { ...given.config, loginEnvironment: { HOME: given.remote.folder, GH_CONFIG_DIR: login } }
  const tokens = createTokens(source, given.clock.now)
  assert.equal(await tokens('ghe.example'), token)
  assert.equal(await tokens('other.example'), null)
})

for (const host of ['ghe.example', 'acme.ghe.com']) {
  test(`a project on the enterprise host ${host} uses its own API and its own token`, async (t) => {
    if (missing(t)) return
    const token = 'ghp_canary0123456789canary0123456789cana'
    const environment = { GH_TOKEN: 'ghp_of_another_host', GH_HOST: host, GH_ENTERPRISE_TOKEN: token }
    await using given = await createGitHubSetting({ host, environment })
    const opened = await given.forge.publish(await given.prepare())
    assert.equal(opened.url, `https://${host}/acme/shop/pull/1`)
    for (const { host: asked } of given.github.log) assert.ok([host, `api.${host}`].includes(asked), asked)
  })
}
