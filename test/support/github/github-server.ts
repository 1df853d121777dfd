import { mkdtemp, rm } from 'node:fs/promises'
import { createServer as createProxy, type IncomingMessage, type ServerResponse } from 'node:http'
import { createServer } from 'node:https'
import type { Socket } from 'node:net'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { buffer } from 'node:stream/consumers'
import type { GitRemote } from '../git-remote.ts'
import { listenOnLoopback } from '../loopback.ts'
import { LOG_HOST, servedLog } from './actions.ts'
import type { Answer } from './answer.ts'
import { makeCertificate } from './certificate.ts'
import { serveGit } from './git-backend.ts'
import { answerGraphQL } from './graphql.ts'
import { createRepositoryState, type RepositoryState } from './repository-state.ts'
import { answerRest, refused } from './rest.ts'

/** What goes wrong with a request. */
export type ServerFault = {
  /** The operation, e.g. `POST /graphql PullRequestCreate`, `GET /repos/o/r/pulls`, `git git-receive-pack`. */
  on: RegExp
  /** How many requests it hits; 1 unless told. */
  times?: number
  /** `drop`: the connection breaks before anything has happened; `lose`: after it has happened; `pass`: nothing. */
  what: 'drop' | 'lose' | 'pass' | Answer
  /** Done when the request arrives. */
  first?: () => Promise<unknown>
  /** Done when its answer is made, before that is sent. */
  last?: () => Promise<unknown>
}

export type Logged = { operation: string; host: string; url: string; authorization: string; status: number | null }

/** The stand-in for GitHub that the real gh and the real git speak to. */
export type GitHubServer = AsyncDisposable & {
  /** For gh and git: a proxy that leads github.com here, and the certificate that makes it believable. */
  network: { HTTPS_PROXY: string; SSL_CERT_FILE: string }
  token: string
  state: RepositoryState
  /** Faults still to come; each is taken off when it has hit often enough. */
  faults: ServerFault[]
  /** Every request, oldest first. */
  log: Logged[]
  /** Requests to the API, without git's and those to the server of the logs. */
  apiCalls: () => number
}

/**
 * Serves `OWNER/NAME` of `github.com`, `ghe.example` and `acme.ghe.com` from a bare repository: REST, GraphQL checked against GitHub's
 * public schema, and git over HTTPS. Clients reach it through its proxy under the real host names.
 */
export async function startGitHub(
  remote: GitRemote,
  { owner = 'acme', name = 'shop', token = 'ghp_canary0123456789canary0123456789cana' } = {},
): Promise<GitHubServer> {
  await using stack = new AsyncDisposableStack()
  const folder = await mkdtemp(path.join(tmpdir(), 'moose-github-'))
  stack.defer(() => rm(folder, { recursive: true, force: true }))
  const certificate = await makeCertificate(folder)
  const state = createRepositoryState(remote, owner, name)
  const parts: Parts = { state, root: remote.path, token, faults: [], log: [] }
  const secure = createServer({ key: certificate.key, cert: certificate.cert }, (request, response) => {
    handle(parts, request, response).catch((error: unknown) => {
      response.destroy(error instanceof Error ? error : new Error(String(error)))
    })
  })
  const open = new Set<Socket>()
  const proxy = createProxy().on('connect', (_request: IncomingMessage, socket: Socket) => {
    open.add(socket)
    socket.on('error', () => {}).once('close', () => open.delete(socket))
    socket.write('HTTP/1.1 200 Connection established\r\n\r\n')
    secure.emit('connection', socket)
  })
  const listening = stack.use(await listenOnLoopback(proxy))
  stack.defer(() => {
    for (const socket of open) socket.destroy()
  })
  const owned = stack.move()
  return {
    network: { HTTPS_PROXY: listening.origin, SSL_CERT_FILE: certificate.file },
    token,
    state,
    faults: parts.faults,
    log: parts.log,
    apiCalls: () => parts.log.filter(({ operation }) => !/^(?:git|log) /.test(operation)).length,
    [Symbol.asyncDispose]: () => owned.disposeAsync(),
  }
}

type Parts = { state: RepositoryState; root: string; token: string; faults: ServerFault[]; log: Logged[] }
/** `isPublic`: it is answered without a token. */
type Arrived = { operation: string; host: string; answer: () => Promise<Answer>; isPublic?: boolean }

async function handle(parts: Parts, request: IncomingMessage, response: ServerResponse): Promise<void> {
  const arrived = await arrive(parts, request)
  const { operation, host } = arrived
  const { authorization = '' } = request.headers
  const logged: Logged = { operation, host, url: String(request.url), authorization, status: null }
  parts.log.push(logged)
  const fault = takeFault(parts.faults, operation)
  if (fault?.first !== undefined) await fault.first()
  if (fault?.what === 'drop') return void request.socket.destroy()
  const answer =
    fault !== null && typeof fault.what === 'object'
      ? fault.what
      : arrived.isPublic === true || isKnown(parts.token, authorization)
        ? await arrived.answer()
        : unauthorized(operation)
  if (fault?.last !== undefined) await fault.last()
  if (fault?.what === 'lose') return void request.socket.destroy()
  logged.status = answer.status
  send(response, answer)
}

function takeFault(faults: ServerFault[], operation: string): ServerFault | null {
  const index = faults.findIndex(({ on }) => on.test(operation))
  const fault = faults[index]
  if (fault === undefined) return null
  fault.times = (fault.times ?? 1) - 1
  if (fault.times <= 0) faults.splice(index, 1)
  return fault
}

async function arrive(parts: Parts, request: IncomingMessage): Promise<Arrived> {
  const host = String(request.headers.host)
  const { pathname, searchParams } = new URL(String(request.url), `https://${host}`)
  const method = String(request.method)
  if (host === LOG_HOST) {
    const id = Number(pathname.split('/').at(-1))
    const { authorization = '' } = request.headers
    const answer = async () => servedLog(parts.state, id, authorization)
    return { operation: `log ${id}`, host, answer, isPublic: true }
  }
  const isApi = host.startsWith('api.') || pathname.startsWith('/api/')
  if (!isApi) {
    const prefix = `/${parts.state.owner}/${parts.state.name}`
    const inside = pathname.replace(`${prefix}.git`, '').replace(prefix, '')
    const service = searchParams.get('service')
    const operation = `git ${service === null ? inside.slice(1) : `refs ${service}`}`
    return { operation, host, answer: () => serveGit({ root: parts.root, pathInfo: inside }, request) }
  }
  const webHost = host.replace(/^api\./, '')
  const path = pathname.replace(/^\/api(?:\/v3)?(?=\/)/, '')
  const text = (await buffer(request)).toString('utf8')
  const body = text === '' ? {} : JSON.parse(text)
  if (path === '/graphql') {
    const name = /\b(?:query|mutation)\s+(\w+)/.exec(body.query)?.[1] ?? 'unnamed'
    const call = { query: body.query, variables: body.variables ?? {}, host: webHost }
    return { operation: `POST /graphql ${name}`, host, answer: () => answerGraphQL(parts.state, call) }
  }
  const call = { method, path, query: searchParams, body, host: webHost }
  return { operation: `${method} ${path}`, host, answer: () => answerRest(parts.state, call) }
}

function isKnown(token: string, authorization: string): boolean {
  const basic = /^Basic (.+)$/.exec(authorization)?.[1]
  if (basic !== undefined) return Buffer.from(basic, 'base64').toString() === `x-access-token:${token}`
  return authorization === `token ${token}` || authorization === `Bearer ${token}`
}

function unauthorized(operation: string): Answer {
  if (!operation.startsWith('git ')) return refused(401, 'Bad credentials')
  return { status: 401, headers: { 'www-authenticate': 'Basic realm="GitHub"' }, body: 'auth required' }
}

function send(response: ServerResponse, { status, headers = {}, body }: Answer): void {
  const isJson = body !== null && typeof body === 'object' && !Buffer.isBuffer(body)
  response.writeHead(status, { ...(isJson ? { 'content-type': 'application/json; charset=utf-8' } : {}), ...headers })
  if (body === null) response.end()
  else response.end(isJson ? JSON.stringify(body) : body)
}
