import { once } from 'node:events'
import type { Server } from 'node:http'

/** Has a server listen on a free port of 127.0.0.1; disposing it closes no connection that is open. */
export async function listenOnLoopback(server: Server): Promise<{ readonly port: number } & AsyncDisposable> {
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const address = server.address()
  if (address === null || typeof address === 'string') throw new TypeError('a server on loopback has a port')
  return {
    port: address.port,
    async [Symbol.asyncDispose]() {
      server.close()
    },
  }
}
