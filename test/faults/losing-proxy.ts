import assert from 'node:assert/strict'
import { createConnection, createServer, type Socket } from 'node:net'
import { splitMessages, textOf } from './postgres-messages.ts'

/** A server of Postgres behind a wire that can lose the answer to a commit. */
export type LosingProxy = AsyncDisposable & {
  /** Where it listens, on 127.0.0.1. */
  port: number
  /** Commits since `watch`. */
  readonly commits: number
  /** The statement whose answer was lost since `watch`; null: nothing yet. */
  readonly lost: string | null
  /** Counts commits from now on. The nth, from 1, reaches the server and its answer nobody; null: none is lost. */
  watch(nth: number | null): void
}

/** Statements that commit by themselves where there is no transaction; `for update` and `for no key update` do not write. */
const WRITES =
  /^\s*(insert|update|delete|select pg_notify|with\b[^]*\b(insert\s+into|delete\s+from|update\s+\S+(\s+as\s+\S+)?\s+set)\b)/i
const COMMITS = /^\s*commit\b/i

type Watch = { commits: number; nth: number | null; lost: string | null }

/** @param socketPath where the server listens */
export async function startLosingProxy(socketPath: string): Promise<LosingProxy> {
  let watch: Watch = { commits: 0, nth: null, lost: null }
  const open = new Set<Socket>()
  const server = createServer((client) => {
    const upstream = createConnection(socketPath)
    for (const one of [client, upstream]) open.add(one)
    join(client, upstream, () => watch)
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const address = server.address()
  assert.ok(address !== null && typeof address === 'object')
  return {
    port: address.port,
    get commits() {
      return watch.commits
    },
    get lost() {
      return watch.lost
    },
    watch(nth) {
      watch = { commits: 0, nth, lost: null }
    },
    async [Symbol.asyncDispose]() {
      for (const one of open) one.destroy()
      await new Promise((resolve) => server.close(resolve))
    },
  }
}

/** Passes on what both say, until one of them goes or an answer is lost. */
function join(client: Socket, upstream: Socket, watch: () => Watch): void {
  let inTransaction = false
  let statement = ''
  let isLosing = false
  const close = () => {
    client.destroy()
    upstream.destroy()
  }
  for (const one of [client, upstream]) one.on('error', close).on('close', close)
  const hearClient = splitMessages(true, (type, body) => {
    if (type === 'Q') statement = textOf(body)
    if (type === 'P') statement = textOf(body.subarray(body.indexOf(0) + 1))
    const isWhole = type === 'Q' || type === 'S'
    if (isWhole && (COMMITS.test(statement) || (!inTransaction && WRITES.test(statement)))) {
      isLosing = isLost(watch(), statement)
    }
  })
  const hearServer = splitMessages(false, (type, body) => {
    if (type !== 'Z') return
    // `I`: idle; `T` and `E`: in a transaction.
    inTransaction = body.toString('latin1') !== 'I'
    statement = ''
    if (isLosing) close()
  })
  client.on('data', (piece: Buffer) => {
    hearClient(piece)
    upstream.write(piece)
  })
  upstream.on('data', (piece: Buffer) => {
    hearServer(piece)
    if (!isLosing) client.write(piece)
  })
}

function isLost(watch: Watch, statement: string): boolean {
  watch.commits += 1
  if (watch.commits !== watch.nth) return false
  watch.lost = statement
  return true
}
