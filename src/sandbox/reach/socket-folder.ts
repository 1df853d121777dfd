import { once } from 'node:events'
import { constants } from 'node:fs'
import { mkdir, open, rm } from 'node:fs/promises'
import type { Server } from 'node:net'
import path from 'node:path'
import { namesIn } from '../../files/names-in.ts'
import { processId } from '../../process/process-id.ts'

/** `sun_path` holds 108 bytes on Linux and 104 elsewhere, with the closing NUL. */
const MAX_SOCKET_PATH_BYTES = 103

/** A server on a Unix socket; disposing it closes no connection that is open. */
export type SocketServer = AsyncDisposable & {
  /** Absolute path; it may be longer than a program could connect to, and is meant to be put into sandboxes. */
  readonly socket: string
}

let made = 0

/**
 * Has a server listen on a Unix socket of a new name in `<home>/run`, which no other user can open.
 *
 * @param home absolute path of Moose's home
 */
export async function listenInHome(server: Server, home: string): Promise<SocketServer> {
  const folder = socketFolder(home)
  await mkdir(folder, { recursive: true, mode: 0o700 })
  made += 1
  const name = `${processId}-${made}.sock`
  const socket = path.join(folder, name)
  await using stack = new AsyncDisposableStack()
  let short = socket
  if (Buffer.byteLength(socket) > MAX_SOCKET_PATH_BYTES && process.platform === 'linux') {
    // The folder by its descriptor, of which the path is short.
    const handle = stack.use(await open(folder, constants.O_RDONLY | constants.O_DIRECTORY))
    short = `/proc/self/fd/${handle.fd}/${name}`
  }
  server.listen(short)
  await once(server, 'listening')
  stack.defer(() => rm(socket, { force: true }))
  stack.defer(async () => {
    server.close()
  })
  const opened = stack.move()
  return { socket, [Symbol.asyncDispose]: () => opened.disposeAsync() }
}

/** Removes the sockets of earlier processes. Only for the process that owns the home. */
export async function removeOldSockets(home: string): Promise<void> {
  const folder = socketFolder(home)
  for (const name of await namesIn(folder))
    if (!name.startsWith(processId)) await rm(path.join(folder, name), { force: true })
}

function socketFolder(home: string): string {
  return path.join(home, 'run')
}
