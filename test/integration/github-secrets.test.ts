import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { chmod, mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { type TestContext, test } from 'node:test'
import { promisify } from 'node:util'
import { toFault } from '../../src/errors.ts'
import { examineGitHub } from '../../src/forge/github/examine.ts'
import { createTokens } from '../../src/forge/github/tokens.ts'
import { createGitHubSetting } from '../support/github/github-setting.ts'
import { toolOrSkip } from '../support/tool-or-skip.ts'

const missing = (t: TestContext) => toolOrSkip(t, 'gh') === null || toolOrSkip(t, 'openssl') === null

/** Programs that note how they were called, and then are the real ones. */
async function noting(folder: string): Promise<{ bin: string; notes: string }> {
  const bin = path.join(folder, 'bin')
  const notes = path.join(folder, 'notes')
  await mkdir(bin, { recursive: true })
  const { stdout } = await promisify(execFile)('sh', ['-c', 'command -v gh'])
  const script = `#!/bin/sh\nprintf '%s\\n' "$0" "$@" >> '${notes}'\nexec '${stdout.trim()}' "$@"\n`
  await writeFile(path.join(bin, 'gh'), script)
  await chmod(path.join(bin, 'gh'), 0o755)
  return { bin, notes }
}

async function filesBelow(folder: string): Promise<string[]> {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true })
  return entries.filter((entry) => entry.isFile()).map((entry) => path.join(entry.parentPath, entry.name))
}

test('the token is in no argument, URL, file or row, and reaches only its host', async (t) => {
  if (missing(t)) return
  const folder = await mkdtemp(path.join(tmpdir(), 'moose-noting-'))
  t.after(() => rm(folder, { recursive: true, force: true }))
  const { bin, notes } = await noting(folder)
  await using watched = await createGitHubSetting({ environment: { PATH: `${bin}:${process.env['PATH']}` } })
  const input = await watched.prepare()
  const opened = await watched.forge.publish(input)
  watched.github.faults.push({ on: /merge$/, what: { status: 500, body: { message: `no: ${watched.github.token}` } } })
  await watched.forge.merge(watched.project, opened.number).catch(toFault)
  const { token } = watched.github
  const args = await readFile(notes, 'utf8')
  assert.match(args, /pr\ncreate/)
  assert.ok(!args.includes(token), 'arguments of gh')
  assert.ok(
    watched.github.log.every(({ url }) => !url.includes(token)),
    'URLs',
  )
  assert.ok(
    watched.github.log.some(({ authorization }) => authorization.includes(token)),
    'the token was used',
  )
  for (const file of await filesBelow(watched.config.home)) {
    assert.ok(!(await readFile(file)).includes(token), file)
  }
  const tables = ['pull_requests', 'work_orders', 'github_events', 'work_order_events'] as const
  for (const table of tables) {
    const rows = await watched.database.db.selectFrom(table).selectAll().execute()
    assert.ok(!JSON.stringify(rows).includes(token), table)
  }
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

test('a project on a GitHub Enterprise host uses its own API and its own token', async (t) => {
  if (missing(t)) return
  const enterprise = {
    GH_TOKEN: '',
    GH_HOST: 'ghe.example',
    GH_ENTERPRISE_TOKEN: 'ghp_canary0123456789canary0123456789cana',
  }
  await using given = await createGitHubSetting({ host: 'ghe.example', environment: enterprise })
  const opened = await given.forge.publish(await given.prepare())
  assert.equal(opened.url, 'https://ghe.example/acme/shop/pull/1')
  assert.deepEqual(new Set(given.github.log.map(({ host }) => host)), new Set(['ghe.example']))
})

test('doctor asks the repository: push permission, workflows, reviews', async (t) => {
  if (missing(t)) return
  await using given = await createGitHubSetting()
  const { gh, config, project, github } = given
  const look = async (insideActions = false) =>
    (await examineGitHub({ gh, config: { github: { ...config.github, insideActions } } }, project)).map(
      ({ state, detail }) => `${state}: ${detail}`,
    )
  assert.deepEqual(await look(), [
    'ok: may push to acme/shop',
    'ok: 1 workflows can run for pushes of this token',
    'ok: none is required to merge',
  ])
  github.state.settings.reviewsRequired = 1
  assert.match(String((await look(true))[1]), /^warning: 1 workflows will not run/)
  assert.match(String((await look())[2]), /^warning: 1 required, but only 0 beside/)
  github.state.settings.writers.push('reviewer')
  assert.match(String((await look())[2]), /^ok: 1 required, 1 others/)
  github.state.settings.push = false
  assert.deepEqual(await look(), ['broken: the token may read acme/shop but not push to it'])
  github.faults.push({ on: /./, what: { status: 401, body: { message: 'Bad credentials' } } })
  assert.match(String((await look())[0]), /^broken: .*HTTP 401/)
})

test('doctor says so when gh is missing', async (t) => {
  if (missing(t)) return
  await using given = await createGitHubSetting({ environment: { PATH: '/nonexistent' } })
  const [finding] = await examineGitHub(given, given.project)
  assert.equal(finding?.state, 'missing')
})
