import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { test } from 'node:test'
import { deadline } from '../async/deadline.ts'
import { patientFetch } from './patient-fetch.ts'

/** In a process of its own, because this one is kept busy: answers with a second piece 200 ms after the first. */
const SERVER = `
  const server = require('node:http').createServer((request, response) => {
    if (request.url === '/never') return
    if (request.url === '/upgrade')
      return request.socket.write('HTTP/1.1 101 Switching Protocols\\r\\nUpgrade: x\\r\\nConnection: Upgrade\\r\\n\\r\\n')
    setTimeout(() => response.write('first '), 200)
    setTimeout(() => response.end('second'), 400)
  })
  server.listen(0, '127.0.0.1', () => console.log(server.address().port))`

async function startServer(): Promise<AsyncDisposable & { url: string }> {
  const child = spawn(process.execPath, ['-e', SERVER], { stdio: ['ignore', 'pipe', 'inherit'] })
  const closed = once(child, 'close')
  const [port] = await once(child.stdout, 'data')
  return {
    url: `http://127.0.0.1:${String(port).trim()}`,
    async [Symbol.asyncDispose]() {
      child.kill()
      await closed
    },
  }
}

/** From where the loop comes to its timers before it looks at what has arrived. */
async function spin(ms: number): Promise<void> {
  await new Promise(setImmediate)
  const until = performance.now() + ms
  while (performance.now() < until);
}

test('an answer that came in time is read, although this thread was busy when the time was over', async () => {
  await using server = await startServer()
  const asking = patientFetch(server.url, { signal: deadline(1_500) })
  // Until the request is on its way.
  await new Promise((resolve) => setTimeout(resolve, 100))
  await spin(4_000)
  assert.equal(await (await asking).text(), 'first second')
})

test('an answer that does not come is given up when its time is over, by an error that says so', async () => {
  await using server = await startServer()
  const signal = deadline(300)
  const asking = patientFetch(`${server.url}/never`, { signal })
  await spin(1_000)
  await assert.rejects(asking, { name: 'AbortError' })
  assert.equal(signal.reason.name, 'TimeoutError')
})

test('a server that answers in another protocol is no answer, and is said at once', async () => {
  await using server = await startServer()
  await assert.rejects(patientFetch(`${server.url}/upgrade`, { signal: deadline(5_000) }), /101.*another protocol/)
})
