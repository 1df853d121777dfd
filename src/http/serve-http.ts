import { readFile } from 'node:fs/promises'
import { createServer, type RequestListener, type Server } from 'node:http'
import { createServer as createTlsServer } from 'node:https'
import { getRequestListener } from '@hono/node-server'
import { Fault, toFault } from '../faults/fault.ts'
import { FAULT_STATUS } from './fault-status.ts'
import type { HttpApp } from './http-env.ts'

const LOOPBACK = '127.0.0.1'
const CLOSE_GRACE_MS = 1_000
const CLOSE_CHECK_MS = 20

/**
 * What one listener takes. A client that sends its request slowly is given up; an answer may take as long as it does, as the
 * events of a stream.
 * @see https://nodejs.org/api/http.html#httpcreateserveroptions-requestlistener
 */
const TAKEN = {
  headersTimeout: 10_000,
  requestTimeout: 60_000,
  connectionsCheckingInterval: 5_000,
  maxHeaderSize: 16_384,
}
/** Open at once: the event streams, of which there are at most 100, and what is asked beside them. */
const MOST_CONNECTIONS = 500

/** A listening server. Disposing it ends the event streams, lets answers under way finish for a second, and closes. */
export type HttpServer = AsyncDisposable & {
  /** Without a slash at the end: `http://127.0.0.1:4646`. */
  readonly url: string
  readonly port: number
}

export type Listener = {
  /** 0 lets the system choose. */
  port: number
  /** An address of this machine; left out: 127.0.0.1. */
  host?: string
  /** PEM files; null or left out: plain HTTP. */
  tls?: { certFile: string; keyFile: string } | null
  /** Whether others than this machine can reach it. */
  public?: boolean
  maxConnections?: number
}

/**
 * Listens.
 *
 * @throws {Fault} `port_taken`; `config_invalid` for a port this user may not open, an address that is not of this machine, and a
 *   certificate or key that cannot be used
 */
export async function serveHttp(app: Pick<HttpApp, 'fetch'>, listener: Listener): Promise<HttpServer> {
  const { host = LOOPBACK, tls = null, maxConnections = MOST_CONNECTIONS } = listener
  const closing = new AbortController()
  const came = { closing: closing.signal, secure: tls !== null, public: listener.public === true }
  const answer = getRequestListener(
    (request, { incoming }) => {
      const { remoteAddress } = incoming.socket
      // It is gone with the connection, and then nothing hears the answer.
      return app.fetch(request, { ...came, peer: remoteAddress === undefined ? 'gone' : remoteAddress })
    },
    { errorHandler: answerUnreadable },
  )
  const server = await createListener(tls, (incoming, outgoing) => void answer(incoming, outgoing))
  server.maxConnections = maxConnections
  const port = await listen(server, host, listener.port)
  return {
    url: `${tls === null ? 'http' : 'https'}://${host.includes(':') ? `[${host}]` : host}:${port}`,
    port,
    [Symbol.asyncDispose]: () => {
      closing.abort()
      return close(server)
    },
  }
}

async function createListener(tls: NonNullable<Listener['tls']> | null, listener: RequestListener): Promise<Server> {
  if (tls === null) return createServer(TAKEN, listener)
  const { certFile, keyFile } = tls
  try {
    const [cert, key] = await Promise.all([readFile(certFile), readFile(keyFile)])
    return createTlsServer({ ...TAKEN, cert, key, minVersion: 'TLSv1.2' }, listener)
  } catch (error) {
    const message = `TLS cannot be used: ${toFault(error).message}. Correct MOOSE_TLS_CERT (${certFile}) and MOOSE_TLS_KEY (${keyFile}).`
    throw new Fault('config_invalid', message, { variables: 'MOOSE_TLS_CERT, MOOSE_TLS_KEY' }, error)
  }
}

function listen(server: Server, host: string, port: number): Promise<number> {
  return new Promise((resolve, reject) => {
    server.once('error', (error: NodeJS.ErrnoException) => reject(cannotListen({ host, port }, error)))
    server.listen(port, host, () => {
      const address = server.address()
      // A pipe's address is a string, a closed server's null; this is neither.
      if (address !== null && typeof address === 'object') resolve(address.port)
    })
  })
}

function cannotListen({ host, port }: { host: string; port: number }, error: NodeJS.ErrnoException): Fault {
  const other = 'Choose another with --port or MOOSE_PORT.'
  if (error.code === 'EADDRINUSE') {
    const message = `Port ${port} is in use by another program, perhaps by another moose up. ${other}`
    return new Fault('port_taken', message, { port }, error)
  }
  const where = host === LOOPBACK ? other : `${other} MOOSE_HOST has to be an address of this machine.`
  return new Fault('config_invalid', `Cannot listen on ${host}:${port} (${error.code}). ${where}`, { port }, error)
}

function close(server: Server): Promise<void> {
  return new Promise((resolve) => {
    // A kept-alive connection counts as busy until its last answer is out; only then can it be closed.
    const idle = setInterval(() => server.closeIdleConnections(), CLOSE_CHECK_MS)
    const late = setTimeout(() => server.closeAllConnections(), CLOSE_GRACE_MS)
    server.close(() => {
      clearInterval(idle)
      clearTimeout(late)
      resolve()
    })
  })
}

/** A request so broken that no URL can be made of it never reaches the app. */
function answerUnreadable(): Response {
  const fault = new Fault('request_invalid', 'The request line or the Host header cannot be read.')
  return Response.json({ success: false, error: fault.toRecord() }, { status: FAULT_STATUS.request_invalid })
}
