/**
 * Runs inside of a sandbox without a network, as a program of its own: listens on ports of 127.0.0.1, passes each connection on
 * to a Unix socket that was put there, and starts the program the sandbox is for. It ends as that program ends.
 *
 * Arguments: `<port>=<socket>` for each, `--`, the program and its arguments.
 *
 * It imports nothing but what Node has, because nothing else of Moose is there, and says no type: as JavaScript it starts in
 * half the time.
 */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { writeSync } from 'node:fs'
import { connect, createServer } from 'node:net'
import { constants } from 'node:os'

// The sockets of Node compare themselves with these two, and what first asks for one opens it: that makes it non-blocking for
// the program too, which has the same, and much printed at once then fails.
for (const name of ['stdout', 'stderr']) Object.defineProperty(process, name, { value: null })

const endOfReached = process.argv.indexOf('--')
const [program = '', ...args] = process.argv.slice(endOfReached + 1)

for (const reached of process.argv.slice(2, endOfReached)) {
  const [port, socket = ''] = reached.split('=')
  const server = createServer({ allowHalfOpen: true }, (incoming) => {
    const outgoing = connect({ path: socket, allowHalfOpen: true })
    // When one side breaks off, so does the other.
    incoming.on('error', () => outgoing.destroy())
    outgoing.on('error', () => incoming.destroy())
    incoming.pipe(outgoing).pipe(incoming)
  })
  server.listen(Number(port), '127.0.0.1')
  await once(server, 'listening')
}

// What is asked to end is the whole group, and the program decides what follows from it.
process.on('SIGTERM', () => {})
process.on('SIGINT', () => {})
process.on('SIGHUP', () => {})
const child = spawn(program, args, { stdio: 'inherit' })
child.once('error', (error) => {
  writeSync(2, `${program} cannot be run: ${error.message}\n`)
  process.exit(127)
})
child.once('exit', (code, signal) => process.exit(signal === null ? Number(code) : 128 + constants.signals[signal]))
