import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, rm } from 'node:fs/promises'
import { createServer as createHttpServer, type IncomingHttpHeaders } from 'node:http'
import { connect, createServer, type Server, type Socket } from 'node:net'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { describe, test } from 'node:test'
import { promisify } from 'node:util'
import type { RefusedHost } from '../../src/contract/hosts/host-rule.ts'
import { createNetwork } from '../../src/remote/network-route.ts'
import { openProxy, type ProxyOptions } from '../../src/sandbox/network/proxy.ts'
import { listenOnLoopback } from '../support/loopback.ts'
import { AUTHORITY, startProxy, startTlsServer, TLS_HOST } from '../support/network-stand-ins.ts'
import { lacking } from '../support/tool-or-skip.ts'
import { until } from '../support/until.ts'

const LOOPBACK = '127.0.0.1'

type Setting = AsyncDisposable & {
  socket: string
  told: RefusedHost[]
  /** What was asked of the resolver. */
  resolved: string[]
  refused(): RefusedHost[]
  /** What the proxy answers to a text, and what follows until it closes. */
  ask(text: string): Promise<string>
  dial(): Promise<Socket>
}

/** A proxy at a Unix socket; every name stands at loopback. */
async function opened(options: Partial<ProxyOptions> = {}): Promise<Setting> {
  const folder = await mkdtemp(path.join(tmpdir(), 'moose-proxy-'))
  const [told, resolved]: [RefusedHost[], string[]] = [[], []]
  const proxy = await openProxy({
    home: folder,
    granted: [],
    network: createNetwork({}),
    resolve: async (name) => {
      resolved.push(name)
      return [LOOPBACK]
    },
    onRefused: (refused) => told.push(refused),
    ...options,
  })
  assert.ok('socket' in proxy.at)
  const { socket } = proxy.at
  const dial = async () => {
    const client = connect({ path: socket, allowHalfOpen: true })
    client.on('error', () => client.destroy())
    await once(client, 'connect')
    return client
  }
  return {
    socket,
    told,
    resolved,
    dial,
    refused: () => proxy.refused(),
    async ask(text) {
      const client = await dial()
      client.write(text)
      return await toEnd(client)
    },
    async [Symbol.asyncDispose]() {
      await proxy[Symbol.asyncDispose]()
      await rm(folder, { recursive: true })
    },
  }
}

async function toEnd(client: Socket): Promise<string> {
  let text = ''
  client.on('data', (piece) => {
    text += piece.toString('latin1')
  })
  client.on('end', () => client.end())
  // An end by an error is an end: `once` would throw it.
  await new Promise((resolve) => client.once('close', resolve))
  return text
}

/** A server of plain TCP. */
async function tcp(serve: (socket: Socket) => void) {
  const sockets = new Set<Socket>()
  const server: Server = createServer({ allowHalfOpen: true }, (socket) => {
    sockets.add(socket)
    socket.on('error', () => socket.destroy())
    serve(socket)
  })
  server.listen(0, LOOPBACK)
  await once(server, 'listening')
  const address = server.address()
  assert.ok(address !== null && typeof address === 'object')
  const { port } = address
  return {
    port,
    sockets,
    async [Symbol.asyncDispose]() {
      for (const socket of sockets) socket.destroy()
      server.close()
      await once(server, 'close')
    },
  }
}

/** A server of http that says what it was sent. */
async function echo() {
  const seen: { url: string; headers: IncomingHttpHeaders; body: string }[] = []
  const server = createHttpServer((request, response) => {
    let body = ''
    request.on('data', (piece) => {
      body += piece
    })
    request.once('end', () => {
      seen.push({ url: String(request.url), headers: request.headers, body })
      response.writeHead(200, { 'set-cookie': ['a=1', 'b=2'], connection: 'x-hop', 'x-hop': '1' }).end('hello')
    })
  })
  const listening = await listenOnLoopback(server)
  return { ...listening, port: Number(new URL(listening.origin).port), seen }
}

const granting = (port: number, ...hosts: readonly string[]): Pick<ProxyOptions, 'granted'> => ({
  granted: [...hosts.map((host) => `${host}:${port}`), `${LOOPBACK}:${port}`],
})
const connecting = (authority: string) => `CONNECT ${authority} HTTP/1.1\r\nHost: ${authority}\r\n\r\n`

describe('the proxy of a child', () => {
  test('leads through a tunnel to a granted host, both ways, also after one side has ended', async () => {
    await using server = await tcp((socket) => {
      let heard = ''
      socket.on('data', (piece) => {
        heard += piece
      })
      socket.on('end', () => socket.end(`heard ${heard}`))
    })
    await using setting = await opened(granting(server.port, 'registry.test'))
    const client = await setting.dial()
    client.end(`${connecting(`Registry.TEST:${server.port}`)}early`)
    assert.equal(await toEnd(client), 'HTTP/1.1 200 Connection established\r\n\r\nheard early')
    assert.deepEqual([setting.refused(), setting.resolved], [[], ['registry.test']])
  })

  test('sends requests of http on, to the host that was looked at, without what is meant for the proxy', async () => {
    await using server = await echo()
    await using setting = await opened(granting(server.port, 'registry.test'))
    const place = `registry.test:${server.port}`
    const head = [
      `POST http://${place}/a?b=c HTTP/1.1`,
      'Host: inner.test',
      'Proxy-Authorization: Basic eA==',
      'Connection: close, x-own',
      'X-Own: 1',
      'X-Kept: 1',
      'Transfer-Encoding: chunked',
    ].join('\r\n')
    const answer = await setting.ask(`${head}\r\n\r\n5\r\nabcde\r\n0\r\n\r\n`)
    assert.match(answer, /^HTTP\/1\.1 200 OK\r\n/)
    assert.match(answer, /set-cookie: a=1\r\nset-cookie: b=2/)
    assert.doesNotMatch(answer, /x-hop: 1/)
    const [seen] = server.seen
    assert.deepEqual(
      [seen?.url, seen?.body, seen?.headers['x-kept'], seen?.headers.host],
      ['/a?b=c', 'abcde', '1', place],
    )
    assert.deepEqual([seen?.headers['x-own'], seen?.headers['proxy-authorization']], [undefined, undefined])
  })

  test('refuses a host that is not granted, says so, tells it once and counts it', async () => {
    await using server = await echo()
    await using setting = await opened(granting(server.port, 'registry.test'))
    // With the grant it is reached; so it is the grant that decides.
    assert.match(
      await setting.ask(
        connecting(`registry.test:${server.port}`).replace('\r\n\r\n', '\r\n\r\nGET / HTTP/1.0\r\n\r\n'),
      ),
      /hello/,
    )
    for (const _ of [1, 2]) {
      const answer = await setting.ask(connecting(`evil.test:${server.port}`))
      assert.match(answer, /^HTTP\/1\.1 403 Forbidden\r\n/)
      assert.match(answer, /Moose: this host is not granted to the project\. \(evil\.test:\d+\)/)
    }
    const other = await setting.ask(connecting('registry.test:22'))
    const plain = await setting.ask(`GET http://evil.test/ HTTP/1.1\r\nHost: registry.test:${server.port}\r\n\r\n`)
    assert.match(other + plain, /^HTTP\/1\.1 403 Forbidden[^]*HTTP\/1\.1 403 Forbidden/)
    assert.deepEqual(setting.refused(), [
      { host: 'evil.test', port: server.port, times: 2, why: 'not_granted' },
      { host: 'registry.test', port: 22, times: 1, why: 'not_granted' },
      { host: 'evil.test', port: 80, times: 1, why: 'not_granted' },
    ])
    assert.equal(setting.told.length, 3)
    assert.deepEqual([server.seen.length, setting.resolved], [1, ['registry.test']])
  })

  test('connects to the address that was looked at, and to an inner one only where that is granted itself', async () => {
    await using server = await tcp((socket) => socket.end('inner'))
    const asked = connecting(`registry.test:${server.port}`)
    await using open = await opened(granting(server.port, 'registry.test'))
    assert.match(await open.ask(asked), /inner$/)
    await using closed = await opened({ granted: [`registry.test:${server.port}`] })
    assert.match(await closed.ask(asked), /^HTTP\/1\.1 403 [^]*no address of the public net.* \(registry\.test:\d+\)/)
    const why = 'no_public_address'
    assert.deepEqual(closed.refused(), [{ host: 'registry.test', port: server.port, times: 1, why }])
    // The second answer of a resolver that changes its mind is never asked for.
    const answers = [[LOOPBACK, '169.254.169.254'], ['10.0.0.1']]
    const resolve = async () => answers.shift() ?? []
    await using rebound = await opened({ ...granting(server.port, 'registry.test'), resolve })
    for (const _ of [1, 2]) assert.match(await rebound.ask(asked), /inner$/)
    assert.equal(answers.length, 1)
  })

  test('takes nothing for a host that another program could read differently', async () => {
    await using server = await tcp((socket) => socket.end('reached'))
    const { port } = server
    await using setting = await opened(granting(port, 'registry.test', '*.registry.test'))
    assert.match(await setting.ask(connecting(`${LOOPBACK}:${port}`)), /reached$/)
    assert.match(await setting.ask(connecting(`a.b.registry.test:${port}`)), /reached$/)
    const odd = [
      'registry.test',
      `registry.test.:${port}`,
      `u@registry.test:${port}`,
      `registry.test@evil.test:${port}`,
      `2130706433:${port}`,
      `0x7f000001:${port}`,
      `0177.0.0.1:${port}`,
      `127.1:${port}`,
      `[::ffff:127.0.0.1]:${port}`,
      `registry.test%00.evil.test:${port}`,
      `registry.test:0${port}`,
      `registry.test:${port}/`,
      `*.registry.test:${port}`,
    ]
    for (const authority of odd) assert.match(await setting.ask(connecting(authority)), /^HTTP\/1\.1 400 /, authority)
    for (const text of [
      `CONNECT registry.test\0.evil.test:${port} HTTP/1.1\r\n\r\n`,
      `CONNECT registry.test:${port} HTTP/1.1\r\nA: ${'a'.repeat(20_000)}\r\n\r\n`,
      'GET / HTTP/1.1\r\nHost: registry.test\r\n\r\n',
      `GET http://u:p@registry.test:${port}/ HTTP/1.1\r\nHost: registry.test\r\n\r\n`,
      `GET ftp://registry.test:${port}/ HTTP/1.1\r\nHost: registry.test\r\n\r\n`,
      `POST http://registry.test:${port}/ HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n`,
      '\x05\x01\x00',
    ])
      assert.doesNotMatch(await setting.ask(text), /reached| 200 /, text.slice(0, 60))
    for (const { host } of setting.refused()) assert.match(host, /^[A-Za-z0-9.:_*[\]?-]*$/)
  })

  test('tells fifty places and counts the others together', async () => {
    await using setting = await opened()
    for (const index of Array(55).keys()) await setting.ask(connecting(`h${index}.test:443`))
    const refused = setting.refused()
    assert.equal(refused.length, 51)
    assert.deepEqual(refused.at(-1), { host: '(others)', port: null, times: 5, why: 'not_granted' })
  })

  test('bounds connections, silence and bytes', async () => {
    await using server = await tcp((socket) => socket.on('data', () => socket.write(Buffer.alloc(64 * 1024))))
    const grants = granting(server.port, 'registry.test')
    const asked = connecting(`registry.test:${server.port}`)

    await using few = await opened({ ...grants, limits: { connections: 1 } })
    const first = await few.dial()
    first.write(asked)
    await once(first, 'data')
    assert.equal(await few.ask(asked), '')
    assert.deepEqual(few.refused(), [{ host: 'connections', port: null, times: 1, why: 'too_much' }])
    first.destroy()

    await using quiet = await opened({ ...grants, limits: { idleMs: 50 } })
    assert.match(await quiet.ask(asked), /^HTTP\/1\.1 200 /)

    await using little = await opened({ ...grants, limits: { bytes: 20_000 } })
    const client = await little.dial()
    client.write(asked)
    client.on('data', () => client.write('more'))
    await toEnd(client)
    assert.match(await little.ask(asked), /too much has gone through/)
  })

  test('ends every tunnel with the child, also one that is half open', async () => {
    await using server = await tcp(() => undefined)
    const setting = await opened(granting(server.port, 'registry.test'))
    const client = await setting.dial()
    client.end(connecting(`registry.test:${server.port}`))
    await once(client, 'data')
    await until('the tunnel to reach the server', () => server.sockets.size === 1)
    const [remote] = server.sockets
    const [closed, gone] = [once(client, 'close'), remote === undefined ? null : once(remote, 'close')]
    remote?.resume()
    remote?.once('end', () => remote.end())
    await setting[Symbol.asyncDispose]()
    await Promise.all([closed, gone])
  })
})

describe('the proxy of a child on a machine with a proxy of its own', () => {
  const login = { url: 'http://ada:s3cret%21@', basic: `Basic ${Buffer.from('ada:s3cret!').toString('base64')}` }

  test('goes through it, with its login, which the child never sees', async () => {
    await using server = await tcp((socket) => socket.end('reached'))
    await using upstream = await startProxy(`http://${LOOPBACK}:${server.port}`)
    const proxy = login.url + new URL(upstream.url).host
    const network = createNetwork({ HTTPS_PROXY: proxy, NO_PROXY: 'direct.test' })
    await using setting = await opened({ granted: ['registry.test', 'direct.test'], network })
    const answer = await setting.ask(connecting('registry.test:443'))
    assert.equal(answer, 'HTTP/1.1 200 Connection established\r\n\r\nreached')
    assert.deepEqual(upstream.asked, [{ target: 'registry.test:443', authorization: login.basic }])
    // Its name is resolved where its address is known.
    assert.deepEqual(setting.resolved, [])
    assert.match(await setting.ask(connecting('direct.test:443')), /no address of the public net/)
    assert.deepEqual([upstream.asked.length, setting.resolved], [1, ['direct.test']])
    assert.match(await setting.ask(connecting('evil.test:443')), /not granted/)
    assert.equal(upstream.asked.length, 1)
  })

  test('sends requests of http to it whole', async () => {
    await using upstream = await echo()
    const network = createNetwork({ http_proxy: login.url + new URL(upstream.origin).host })
    await using setting = await opened({ granted: ['registry.test'], network })
    const answer = await setting.ask('GET http://registry.test/x HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n')
    assert.match(answer, /^HTTP\/1\.1 200 [^]*hello/)
    const [seen] = upstream.seen
    assert.deepEqual(
      [seen?.url, seen?.headers.host, seen?.headers['proxy-authorization']],
      ['http://registry.test:80/x', 'registry.test', login.basic],
    )
  })

  test('says that it refuses, cannot be reached or is of no kind that is spoken, without its login', async () => {
    await using server = await tcp((socket) => socket.end())
    await using refusing = await startProxy(`http://${LOOPBACK}:${server.port}`, 407)
    for (const [proxy, said] of [
      [login.url + new URL(refusing.url).host, /502 [^]*answers 407/],
      [`${login.url}${LOOPBACK}:1`, /502 [^]*ECONNREFUSED/],
      [`socks5://ada:s3cret%21@${LOOPBACK}:1`, /502 [^]*HTTPS_PROXY is not the URL/],
    ] as const) {
      await using setting = await opened({ granted: ['registry.test'], network: createNetwork({ HTTPS_PROXY: proxy }) })
      const answer = await setting.ask(connecting('registry.test:443'))
      assert.match(answer, said)
      assert.doesNotMatch(answer, /s3cret/)
    }
  })
})

describe('through the proxy of a child', () => {
  const run = promisify(execFile)

  test('curl fetches what is granted, over https and http, and says why the rest is not', {
    skip: lacking('curl'),
  }, async () => {
    await using server = await startTlsServer()
    await using plain = await echo()
    await using upstream = await startProxy(server.origin)
    const network = createNetwork({ HTTPS_PROXY: upstream.url })
    await using proxy = await openProxy({
      home: null,
      granted: [TLS_HOST, `registry.test:${plain.port}`, `${LOOPBACK}:${plain.port}`],
      network,
      resolve: async () => [LOOPBACK],
      onRefused: () => undefined,
    })
    assert.ok('port' in proxy.at)
    const { port } = proxy.at
    const env = { HTTPS_PROXY: `http://${LOOPBACK}:${port}`, http_proxy: `http://${LOOPBACK}:${port}` }
    const curl = (...args: string[]) =>
      run('curl', ['--silent', '--show-error', '--cacert', AUTHORITY, ...args], { env })
    assert.match((await curl(`https://${TLS_HOST}/`)).stdout, /hello you/)
    assert.equal((await curl(`http://registry.test:${plain.port}/`)).stdout, 'hello')
    await assert.rejects(curl('https://evil.test/'), /403/)
    assert.match((await curl('http://evil.test/')).stdout, /not granted to the project/)
    assert.deepEqual(
      proxy.refused().map(({ host, port }) => `${host}:${port}`),
      ['evil.test:443', 'evil.test:80'],
    )
  })
})
