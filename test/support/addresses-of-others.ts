/**
 * A program for a network namespace of its own: says what a check reaches of the addresses in its arguments, each of which has
 * a server here, without a sandbox and in one. Prints what `reachedBy` gives for each.
 */
import { createServer, type Server } from 'node:net'
import { sandboxSetting } from './sandbox-setting.ts'

const PORT = 80
const addresses = process.argv.slice(2)
let connections = 0
const servers = await Promise.all(addresses.map(listen))
const bare = await reachedBy('bare')
const bubblewrap = await reachedBy('bubblewrap')
for (const server of servers) server.close()
process.stdout.write(`${JSON.stringify({ bare, bubblewrap })}\n`)

/** @returns the addresses that a check got an answer of, and how many connections the servers had meanwhile */
async function reachedBy(kind: 'bare' | 'bubblewrap'): Promise<{ reached: string[]; connections: number }> {
  await using setting = await sandboxSetting(kind)
  connections = 0
  const script = addresses
    .map((address) => `timeout 5 bash -c 'exec 3<>/dev/tcp/${address}/${PORT}; cat <&3' 2>/dev/null || true`)
    .join('\n')
  const { outcome, outputTail } = await setting.run(script)
  if (outcome !== 'passed') throw new Error(outputTail)
  const lines = outputTail.split('\n')
  return { reached: addresses.filter((address) => lines.includes(`here is ${address}`)), connections }
}

async function listen(address: string): Promise<Server> {
  const server = createServer((socket) => {
    connections += 1
    socket.on('error', () => undefined)
    socket.end(`here is ${address}\n`)
  })
  await new Promise<void>((resolve) => server.listen(PORT, address, resolve))
  return server
}
