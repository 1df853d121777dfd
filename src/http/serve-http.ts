import { createServer, type Server } from 'node:http'
import { getRequestListener } from '@hono/node-server'
import { Fault } from '../faults/fault.ts'
import { FAULT_STATUS } from './fault-status.ts'
import type { HttpApp } from './http-env.ts'

/** Only this machine. Anything wider needs a login first. */
const HOSTNAME = '127.0.0.1'
const CLOSE_GRACE_MS = 1_000
const CLOSE_CHECK_MS = 20

/** A listening server. Disposing it ends the event streams, lets answers under way finish for a second, and closes. */
export type HttpServer = AsyncDisposable & {
  /** Without a slash at the end: `http://127.0.0.1:4646`. */
  readonly url: string
  readonly port: number
}

/**
 * Listens on 127.0.0.1.
 *
 * @param options port 0 lets the system choose
 * @throws {Fault} `port_taken`; `config_invalid` for a port this user may not open
 */
export async function serveHttp(app: Pick<HttpApp, 'fetch'>, options: { port: number }): Promise<HttpServer> {
  const closing = new AbortController()
  const listener = getRequestListener((request) => app.fetch(request, { closing: closing.signal }), {
    errorHandler: answerUnreadable,
  })
  const server = createServer((incoming, outgoing) => void listener(incoming, outgoing))
  const port = await listen(server, options.port)
  return {
    url: `http://${HOSTNAME}:${port}`,
    port,
    [Symbol.asyncDispose]: () => {
      closing.abort()
      return close(server)
    },
  }
}

function listen(server: Server, port: number): Promise<number> {
  return new Promise((resolve, reject) => {
    server.once('error', (error: NodeJS.ErrnoException) => reject(cannotListen(port, error)))
    server.listen(port, HOSTNAME, () => {
      const address = server.address()
      // A pipe's address is a string, a closed server's null; this is neither.
      if (address !== null && typeof address === 'object') resolve(address.port)
    })
  })
}

function cannotListen(port: number, error: NodeJS.ErrnoException): Fault {
  const other = 'Choose another with --port or MOOSE_PORT.'
  if (error.code === 'EADDRINUSE') {
    const message = `Port ${port} is in use by another program, perhaps by another moose up. ${other}`
    return new Fault('port_taken', message, { port }, error)
  }
  const message = `Cannot listen on ${HOSTNAME}:${port} (${error.code}). ${other}`
  return new Fault('config_invalid', message, { port }, error)
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
