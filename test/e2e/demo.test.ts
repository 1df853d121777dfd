import assert from 'node:assert/strict'
import { type ChildProcess, execFile, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdir, readdir, readFile, readlink } from 'node:fs/promises'
import path from 'node:path'
import type { Readable } from 'node:stream'
import { text } from 'node:stream/consumers'
import { after, describe, test } from 'node:test'
import { promisify } from 'node:util'
import type { DemoReport } from '../../src/cli/demo/report.ts'
import { makeHome } from '../support/embedded-home.ts'

const ROOT = path.join(import.meta.dirname, '../..')
const TIMEOUT_MS = 120_000

const folder = await makeHome()
after(() => folder[Symbol.asyncDispose]())
/** Empty: nothing of the machine's user is found. */
const userHome = path.join(folder.path, 'user')
const mooseHome = path.join(folder.path, 'moose')
await mkdir(userHome)

type Ended = { exitCode: number | null; stdout: string; stderr: string }

function start(args: readonly string[], environment: Record<string, string> = {}): ChildProcess {
  return spawn(process.execPath, [path.join(ROOT, 'src/cli/main.ts'), ...args], {
    cwd: userHome,
    env: { PATH: process.env['PATH'], HOME: userHome, MOOSE_HOME: mooseHome, ...environment },
    stdio: ['ignore', 'pipe', 'pipe'],
  })
}

async function ended(child: ChildProcess): Promise<Ended> {
  assert.ok(child.stdout && child.stderr)
  const [stdout, stderr] = await Promise.all([text(child.stdout), text(child.stderr), once(child, 'close')])
  return { exitCode: child.exitCode, stdout, stderr }
}

/** The first of that type among the lines of JSON; it never comes where the process ends before. */
function documentOf(stdout: Readable, type: string): Promise<Record<string, unknown>> {
  return new Promise((resolve) => {
    let said = ''
    stdout.on('data', (piece: Buffer) => {
      said += String(piece)
      const line = said.split('\n').find((one) => one.startsWith(`{"type":"${type}"`) && one.endsWith('}'))
      if (line !== undefined) resolve(JSON.parse(line))
    })
  })
}

async function git(remote: string, ...args: string[]): Promise<string[]> {
  const { stdout } = await promisify(execFile)('git', [`--git-dir=${remote}`, ...args])
  return stdout.split('\n').filter((line) => line !== '')
}

/** Processes that work in the folder or have it in their command line; on Linux only. */
async function leftRunning(): Promise<string[]> {
  if (process.platform !== 'linux') return []
  const pids = (await readdir('/proc')).filter((name) => /^\d+$/.test(name) && Number(name) !== process.pid)
  const said = pids.map(async (pid) => {
    const cwd = await readlink(`/proc/${pid}/cwd`).catch(() => '')
    const commandLine = await readFile(`/proc/${pid}/cmdline`, 'utf8').catch(() => '')
    return `${pid} ${cwd} ${commandLine.replaceAll('\0', ' ')}`
  })
  return (await Promise.all(said)).filter((line) => line.includes(folder.path))
}

const EXPECTED = [
  ['Read durations such as 1h30m', 'in_review', null],
  ['Print the totals of an invoice as JSON', 'in_review', null],
  ['Move the discount into a module of its own', 'in_review', null],
  ['Name the line of a CSV file that is wrong', 'in_review', null],
  ["Write amounts as the customer's country does", 'failed', 'change_out_of_scope'],
  ['Round a half to the even cent', 'failed', 'check_failed'],
  ['Make the documentation friendlier', 'failed', 'files_in_scope_required'],
]

const FILES: Record<string, string[]> = {
  'Read durations such as 1h30m': ['src/duration.js', 'test/duration.test.js'],
  'Print the totals of an invoice as JSON': ['README.md', 'bin/tally.js', 'src/report.js', 'test/tally.test.js'],
  'Move the discount into a module of its own': ['src/discount.js', 'src/invoice.js'],
  'Name the line of a CSV file that is wrong': ['src/lines-csv.js', 'test/lines-csv.test.js'],
}

describe('moose demo', { timeout: 4 * TIMEOUT_MS }, () => {
  let first: DemoReport

  test('every order ends as it should, without a model, a key or a cost', async () => {
    const { exitCode, stdout, stderr } = await ended(start(['demo', '--json']))
    assert.equal(exitCode, 0, `${stderr}\n${stdout}`)
    first = JSON.parse(stdout)
    assert.equal(first.success, true)
    assert.deepEqual(
      first.orders.map(({ title, outcome, code }) => [title, outcome, code]),
      EXPECTED,
    )
    const [, , , refined, outOfScope] = first.orders
    assert.equal(refined?.refinements, 1)
    assert.match(String(outOfScope?.message), /package\.json/)
    assert.ok(first.orders.every(({ attempts, cost_usd }) => attempts === 1 && Number(cost_usd) === 0))
    assert.match(first.note, /no model was called/)
    assert.deepEqual(await leftRunning(), [])
  })

  test('the remote has one branch and one commit per pull request, with exactly the promised files', async () => {
    const opened = first.orders.filter(({ pull_request }) => pull_request !== null)
    const branches = await git(first.remote, 'for-each-ref', '--format=%(refname:short)', 'refs/heads')
    assert.deepEqual(new Set(branches), new Set(['main', ...opened.map(({ pull_request }) => pull_request?.branch)]))
    assert.equal((await git(first.remote, 'log', '--all', '--format=%H')).length, opened.length + 1)
    for (const { title, pull_request, files } of opened) {
      const branch = String(pull_request?.branch)
      const commits = await git(first.remote, 'log', '--format=%s', `main..${branch}`)
      assert.equal(commits.length, 1)
      assert.match(String(commits[0]), /^WO-/)
      const changed = await git(first.remote, 'diff', '--name-only', `main...${branch}`)
      assert.deepEqual(changed.sort(), FILES[title])
      assert.deepEqual(files, FILES[title])
    }
  })

  test('life G6: its orders can be tried again: the home of the demo has the scripted answers', async () => {
    const id = String(first.orders.find(({ code }) => code === 'check_failed')?.id)
    const again = (...words: string[]) => ended(start([...words, '--home', first.home]))
    assert.equal((await again('retry', id)).exitCode, 0)
    const { exitCode, stderr } = await again('run', id)
    assert.equal(exitCode, 1, stderr)
    assert.match(stderr, /^error: Check "tests" \(node --test\) failed/m)
  })

  test('for people it ends with a table and what to look at next', async () => {
    const { exitCode, stdout, stderr } = await ended(start(['demo']))
    assert.equal(exitCode, 0, stderr)
    for (const [title, , code] of EXPECTED) {
      assert.ok(stdout.includes(String(title)))
      if (code !== null) assert.ok(stdout.includes(String(code)))
    }
    assert.match(stdout, /no model was called/)
    assert.match(stdout, /moose .*show [0-9a-f]{8} --diff/)
    assert.match(stdout, /http:\/\/127\.0\.0\.1:\d+/)
    assert.match(stderr, /no model was called/)
  })

  test('with --open its orders are served in the page, at a link that logs in, until Ctrl-C', async () => {
    const child = start(['demo', '--open', '--json'])
    const over = ended(child)
    assert.ok(child.stdout)
    const link = await Promise.race([
      documentOf(child.stdout, 'page'),
      over.then(({ stderr }) => Promise.reject(new Error(stderr))),
    ])
    const page = new URL(String(link['url']))
    const served = await fetch(page)
    assert.equal(served.status, 200)
    assert.match(await served.text(), /<div id="page">/)
    const headers = { 'content-type': 'application/json', 'sec-fetch-site': 'same-origin' }
    const body = JSON.stringify({ code: page.hash.slice(1) })
    const opened = await fetch(new URL('/api/sessions', page), { method: 'POST', headers, body })
    const [cookie = ''] = opened.headers.getSetCookie().map((set) => set.split(';', 1).join(''))
    const listed = await fetch(new URL('/api/work-orders', page), { headers: { ...headers, cookie } })
    const { work_orders: orders }: { work_orders: { title: string }[] } = JSON.parse(await listed.text())
    assert.deepEqual(new Set(orders.map(({ title }) => title)), new Set(EXPECTED.map(([title]) => title)))
    child.kill('SIGINT')
    const { exitCode, stderr } = await over
    assert.equal(exitCode, 0, stderr)
    assert.deepEqual(await leftRunning(), [])
  })

  test('interrupted, it leaves nothing running, and does not stand in the way of the next', async () => {
    const child = start(['demo'])
    const over = ended(child)
    assert.ok(child.stderr)
    child.stderr.on('data', (said: Buffer) => {
      if (said.includes('propose')) child.kill('SIGINT')
    })
    const { exitCode, stderr } = await over
    assert.equal(exitCode, 130, stderr)
    assert.deepEqual(await leftRunning(), [])
  })

  test('of two at once one replaces what was there and is undisturbed, the other says who is in the way', async () => {
    const foreign = {
      DATABASE_URL: 'postgresql://nobody:secret@127.0.0.1:9/none',
      ANTHROPIC_API_KEY: 'sk-none',
      MOOSE_PROPOSER_URL: 'http://127.0.0.1:9',
      ORCHESTRATOR_EXECUTOR: 'aider',
      ORCHESTRATOR_AIDER_BIN: '/nonexistent/aider',
    }
    const both = await Promise.all([1, 2].map(() => ended(start(['demo', '--json'], foreign))))
    const [ran, refused] = [0, 1].map((code) => both.find(({ exitCode }) => exitCode === code))
    assert.ok(ran !== undefined && refused !== undefined, JSON.stringify(both))
    assert.equal(JSON.parse(refused.stdout).error.code, 'home_owned')
    const second: DemoReport = JSON.parse(ran.stdout)
    assert.deepEqual(
      second.orders.map(({ title, outcome, code }) => [title, outcome, code]),
      EXPECTED,
    )
    assert.ok(second.orders.every(({ id }) => !first.orders.some((order) => order.id === id)))
    assert.equal((await git(second.remote, 'log', '--all', '--format=%H')).length, 5)
    assert.deepEqual(await leftRunning(), [])
  })
})
