import assert from 'node:assert/strict'
import { readdir, readFile } from 'node:fs/promises'
import { createServer, type IncomingHttpHeaders, type IncomingMessage, type ServerResponse } from 'node:http'
import path from 'node:path'
import { type TestContext, test } from 'node:test'
import type { Moose } from '../../src/app.ts'
import { type GitRemote, gitIn } from '../support/git-remote.ts'
import { serveGit } from '../support/github/git-backend.ts'
import { listenOnLoopback } from '../support/loopback.ts'
import { moose } from '../support/moose-command.ts'
import { createMooseHome, fileOrder, type MooseHome, settled } from '../support/moose-home.ts'

const TOKEN = 'glpat-canary0123456789'
const ENCODED = TOKEN.replace('g', '%67')
const FILES = { 'greeting.txt': 'hello\n' }
const ANSWER = { task: 'Greet the world', turn: 1, text: '### write greeting.txt\n```\nhello, world\n```\n' }

/** A repository over http, which notes the headers of each request. */
async function overHttp(t: TestContext, remote: GitRemote): Promise<{ origin: string; seen: IncomingHttpHeaders[] }> {
  const seen: IncomingHttpHeaders[] = []
  const answer = async (request: IncomingMessage, response: ServerResponse) => {
    seen.push(request.headers)
    const { pathname: pathInfo } = new URL(String(request.url), 'http://git')
    const { status, headers, body } = await serveGit({ root: path.dirname(remote.path), pathInfo }, request)
    response.writeHead(status, headers).end(body)
  }
  const server = createServer((request, response) => void answer(request, response))
  const { origin, [Symbol.asyncDispose]: close } = await listenOnLoopback(server)
  t.after(close)
  return { origin: origin.replace('http://', ''), seen }
}

/** Every row of every table, the engine's too. */
async function everyRow({ database: { pool } }: MooseHome): Promise<string> {
  const { rows: tables } = await pool.query<{ name: string }>(
    `select format('%I.%I', schemaname, tablename) as name from pg_tables
     where schemaname not in ('pg_catalog', 'information_schema')`,
  )
  const texts = tables.map(async ({ name }) => (await pool.query(`select t::text as row from ${name} t`)).rows)
  return JSON.stringify(await Promise.all(texts))
}

async function ask(opened: Moose, url: string, body?: unknown): Promise<{ status: number; text: string }> {
  const headers = { 'content-type': 'application/json' }
  const init = body === undefined ? {} : { method: 'POST', headers, body: JSON.stringify(body) }
  const response = await opened.http.fetch(new Request(`http://127.0.0.1${url}`, init))
  return { status: response.status, text: await response.text() }
}

test('a repository with a token in it is refused by name and goes no further', async (t) => {
  await using home = await createMooseHome(FILES, [])
  const { origin, seen } = await overHttp(t, home.remote)
  await using opened = await home.open('client')
  const users = [TOKEN, ENCODED, `ada:${TOKEN}`, `${TOKEN}:x-oauth-basic`, `:${TOKEN}`]
  const urls = users.map((user) => `http://${user}@${origin}/remote.git`)
  urls.push(`http://${origin}/remote.git?private_token=${TOKEN}`, `ssh://git:${TOKEN}@127.0.0.1/remote.git`)
  for (const repository of urls) {
    const { status, text } = await ask(opened, '/api/projects', { name: 'shop', repository })
    assert.deepEqual([status, JSON.parse(text).error.code], [422, 'repository_refused'], repository)
    assert.doesNotMatch(text, /canary/, repository)
  }
  const command = await moose(['init', String(urls[0]), '--name', 'shop'], { environment: home.environment })
  assert.deepEqual([command.exitCode, command.stdout], [3, ''])
  assert.match(command.stderr, /holds a user name, password or token before its host.*Name it without it/)
  assert.doesNotMatch(command.stderr, /canary/)
  assert.equal(seen.length, 0, 'git was not started')
  assert.doesNotMatch(await everyRow(home), /canary/)
})

test('moose init takes a token off the origin of a checkout, says so, and works without it', async (t) => {
  await using home = await createMooseHome(FILES, [ANSWER])
  const { origin, seen } = await overHttp(t, home.remote)
  const checkout = path.join(home.remote.folder, 'checkout')
  const named = `http://ada:${TOKEN}@${origin}/remote.git`
  await gitIn(home.remote.folder, 'clone', '--quiet', home.remote.path, checkout)
  await gitIn(checkout, 'remote', 'set-url', 'origin', named)
  await home.database.db.deleteFrom('projects').execute()
  const init = ['init', '--name', 'shop']
  const added = await moose(init, { environment: home.environment, cwd: checkout })
  assert.equal(added.exitCode, 0, added.stderr)
  assert.ok(
    added.stdout.startsWith(`project shop: http://${origin}/remote.git, branch main, forge local\n`),
    added.stdout,
  )
  assert.match(
    added.stderr,
    /origin of the checkout, or the configuration of your git, holds a user name, password or token\. Moose works without it/,
  )
  const again = await moose([...init, '--json'], { environment: home.environment, cwd: checkout })
  const { added: anew, login_left_out: leftOut } = JSON.parse(again.stdout)
  assert.deepEqual([anew, leftOut], [false, true])
  assert.equal(await gitIn(checkout, 'remote', 'get-url', 'origin'), named, 'the checkout is as it was')

  await using opened = await home.open()
  await opened.orchestrator.start(null)
  const order = await settled(opened, await fileOrder(home.database, { title: ANSWER.task, files: ['greeting.txt'] }))
  assert.equal(order.phase, 'in_review', JSON.stringify(order.status_reason))
  assert.ok(seen.length > 0 && seen.every(({ authorization }) => authorization === undefined))
  const told = [added, again].flatMap(({ stdout, stderr }) => [stdout, stderr])
  assert.doesNotMatch([...told, JSON.stringify(order), await everyRow(home)].join('\n'), /canary/)
  for (const file of await readdir(home.config.home, { recursive: true, withFileTypes: true })) {
    if (file.isFile()) assert.ok(!(await readFile(path.join(file.parentPath, file.name))).includes('canary'), file.name)
  }
})

test('a token in a row that is there already is never shown, and its project is refused by name', async (t) => {
  await using home = await createMooseHome(FILES, [ANSWER])
  const { origin, seen } = await overHttp(t, home.remote)
  const { db } = home.database
  const repository = `http://${TOKEN}@${origin}/remote.git`
  await db.updateTable('projects').set({ repository }).execute()
  await using opened = await home.open()
  await opened.orchestrator.start(null)
  const id = await fileOrder(home.database, { title: ANSWER.task, files: ['greeting.txt'] })
  const order = await settled(opened, id)
  assert.deepEqual([order.status, order.status_reason?.code], ['blocked', 'repository_refused'])
  assert.match(String(order.status_reason?.message), /holds a user name.*Correct the row of project "sample"/)
  const shown = (await ask(opened, '/api/projects')).text
  assert.equal(JSON.parse(shown).projects[0].repository, `http://***@${origin}/remote.git`)
  const doctor = JSON.stringify(await opened.doctor(null))
  assert.match(doctor, /holds a user name, password or token/)

  // As an earlier Moose has left it with the attempt.
  const output = JSON.stringify({ shortId: 'x', order: {}, project: { repository }, decision: {} })
  await db.updateTable('attempt_steps').set({ output }).where('name', '=', 'route').execute()
  const detail = (await ask(opened, `/api/work-orders/${id}`)).text
  assert.match(detail, /http:\/\/\*\*\*@/)
  const command = await moose(['show', id, '--steps'], { environment: home.environment })
  assert.doesNotMatch([shown, doctor, detail, command.stdout, command.stderr].join('\n'), /canary/)
  assert.equal(seen.length, 0, 'git was not started')
  await db.updateTable('projects').set({ repository: '/' }).execute()
  await db.updateTable('attempt_steps').set({ output: null }).execute()
  assert.doesNotMatch(await everyRow(home), /canary/)
})
