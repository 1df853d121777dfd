import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { mkdtempDisposable, readFile, rm, stat, writeFile } from 'node:fs/promises'
import { request } from 'node:https'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { test } from 'node:test'
import { promisify } from 'node:util'
import { NewTokenResponse, TokensResponse } from '../../src/contract/api-token.ts'
import { isToken } from '../../src/redaction/token-form.ts'
import { fetchAt } from '../support/api-token.ts'
import { createMooseHome, type MooseHome } from '../support/moose-home.ts'
import { moose, mooseUp, mooseWorker } from '../support/service-process.ts'
import { lacking } from '../support/tool-or-skip.ts'

const FILES = { 'a.txt': 'a\n' }
const fileOf = ({ config }: MooseHome) => path.join(config.home, 'api-token')

/** What a command says, and that it ended well. */
async function said(environment: Record<string, string>, ...words: string[]): Promise<string> {
  const { exitCode, stdout, stderr } = await moose(environment, ...words)
  assert.equal(exitCode, 0, stderr)
  return stdout
}

/** What a command fails with. */
async function refused(environment: Record<string, string>, ...words: string[]): Promise<string> {
  const { exitCode, stderr } = await moose(environment, ...words)
  assert.equal(exitCode, 1, stderr)
  return stderr
}

test('the first start makes the token of the home; commands use it, others get one of their own', async () => {
  await using home = await createMooseHome(FILES, [])
  const { environment } = home
  await using service = await mooseUp(environment)
  assert.equal(((await stat(fileOf(home))).mode & 0o777).toString(8), '600')
  const own = (await readFile(fileOf(home), 'utf8')).trim()
  assert.ok(isToken(own))
  assert.ok(!service.printed().includes(own))
  assert.equal((await fetch(`${service.url}/api/work-orders`)).status, 401)
  assert.equal((await fetchAt(home.config.home, `${service.url}/api/work-orders`)).status, 200)

  const made = await said(environment, 'token', 'create', 'planner', '--scope', 'file', '--days', '7', '--json')
  const { secret, token } = NewTokenResponse.parse(JSON.parse(made))
  assert.match(token.created_by, /^token:home-[0-9a-f-]{12}$/)
  const planner = { ...environment, MOOSE_API_TOKEN: secret }
  const order = ['--title', 'Add b', '--file', 'b.txt', '--json']
  const { id } = JSON.parse(await said(planner, 'add', ...order)).work_orders[0]
  assert.match(await said(planner, 'show', id), /added .* by token:planner/)
  assert.match(await refused(planner, 'approve', id), /takes the scope "approve", and token:planner has file/)
  assert.match(await refused(planner, 'add', ...order.slice(0, -1), '--approve'), /takes the scope "approve"/)
  assert.match(await refused(planner, 'token', 'list'), /takes the scope "operate"/)
  await said(environment, 'approve', id)

  const listed = await said(environment, 'token', 'list')
  assert.match(listed, /^planner +file +.*token:home-.*until \d{4}-/m)
  assert.ok(!listed.includes(secret) && !listed.includes(own))
  assert.equal(await said(environment, 'token', 'revoke', 'planner'), 'Revoked planner.\n')
  assert.match(await refused(planner, 'list'), /unknown, expired or revoked/)
})

test('what is removed from the file is made anew, by the next command or the next start', async () => {
  await using home = await createMooseHome(FILES, [])
  const { environment } = home
  const token = async () => (await readFile(fileOf(home), 'utf8')).trim()
  const kept: string[] = []
  {
    await using _service = await mooseUp(environment)
    kept.push(await token())
    await rm(fileOf(home))
    await said(environment, 'list')
    kept.push(await token())
    assert.equal(((await stat(fileOf(home))).mode & 0o777).toString(8), '600')
    const { tokens } = TokensResponse.parse(JSON.parse(await said(environment, 'token', 'list', '--json')))
    assert.deepEqual(
      tokens.map(({ revoked_at }) => revoked_at === null),
      [true, false],
    )
    await said(environment, 'token', 'revoke', String(tokens[0]?.name))
    assert.match(await refused(environment, 'list'), /unknown, expired or revoked.*remove the file api-token/s)
  }
  {
    await using _again = await mooseUp(environment)
    kept.push(await token())
    await said(environment, 'list')
  }
  await writeFile(fileOf(home), 'no token\n')
  await using _third = await mooseUp(environment)
  kept.push(await token())
  await said(environment, 'list')
  assert.equal(new Set(kept).size, 4)
})

test('homes that share a database have a token each', async () => {
  await using home = await createMooseHome(FILES, [])
  const other = { ...home.environment, MOOSE_HOME: `${home.config.home}-2` }
  await using _service = await mooseUp(home.environment)
  await using worker = await mooseWorker(other)
  const { tokens } = TokensResponse.parse(JSON.parse(await said(home.environment, 'token', 'list', '--json')))
  assert.equal(tokens.filter(({ name, revoked_at }) => name.startsWith('home-') && revoked_at === null).length, 2)
  assert.equal((await fetchAt(home.config.home, `${worker.url}/api/work-orders`)).status, 200)
  await said(other, 'list')
})

test('MOOSE_API_AUTH=off asks for none, and says so wherever it shows', async () => {
  await using home = await createMooseHome(FILES, [])
  const environment = { ...home.environment, MOOSE_API_AUTH: 'off' }
  await using service = await mooseUp(environment)
  assert.equal(service.status.auth, false)
  assert.equal((await fetch(`${service.url}/api/work-orders`)).status, 200)
  assert.match(await said(environment, 'status'), /attention +MOOSE_API_AUTH is off/)
  const { stdout } = await moose(environment, 'doctor')
  assert.match(stdout, /! +api +warning +MOOSE_API_AUTH is off/)
  const { exitCode, stderr } = await moose({ ...environment, MOOSE_HOST: '0.0.0.0' }, 'up', '--port', '0')
  assert.equal(exitCode, 2, stderr)
  assert.match(stderr, /MOOSE_API_AUTH is off, but MOOSE_HOST 0\.0\.0\.0 lets others/)
})

test('with TLS others come in by it and commands by a listener of their own', {
  skip: lacking('openssl'),
}, async () => {
  await using folder = await mkdtempDisposable(path.join(tmpdir(), 'moose-tls-'))
  const [key, cert] = ['key.pem', 'cert.pem'].map((name) => path.join(folder.path, name))
  const kind = ['-x509', '-newkey', 'rsa:2048', '-nodes', '-days', '2', '-subj', '/CN=127.0.0.1']
  const names = ['-addext', 'subjectAltName=IP:127.0.0.1', '-keyout', String(key), '-out', String(cert)]
  await promisify(execFile)('openssl', ['req', ...kind, ...names])
  await using home = await createMooseHome(FILES, [])
  const tls = { MOOSE_TLS_CERT: String(cert), MOOSE_TLS_KEY: String(key) }
  await using service = await mooseUp({ ...home.environment, ...tls })
  const { public_url: url } = JSON.parse(String(service.printed().split('\n')[0]))
  assert.match(url, /^https:\/\/127\.0\.0\.1:\d+$/)
  assert.match(service.url, /^http:\/\/127\.0\.0\.1:\d+$/)
  await said(home.environment, 'list')
  const ca = await readFile(String(cert))
  const ask = (headers: Record<string, string>) =>
    new Promise<number | undefined>((resolve, reject) => {
      const asked = request(`${url}/api/work-orders`, { ca, headers }, (response) => {
        response.resume()
        resolve(response.statusCode)
      })
      asked.on('error', reject)
      asked.end()
    })
  const token = (await readFile(fileOf(home), 'utf8')).trim()
  assert.equal(await ask({}), 401)
  assert.equal(await ask({ Authorization: `Bearer ${token}` }), 200)
  assert.equal(await ask({ Authorization: `Bearer ${token}`, Origin: url }), 200)
  assert.equal(await ask({ Authorization: `Bearer ${token}`, Origin: url.replace('https', 'http') }), 403)
  const broken = await moose(
    { ...home.environment, ...tls, MOOSE_TLS_KEY: String(cert), MOOSE_HOME: `${home.config.home}-2` },
    'up',
  )
  assert.equal(broken.exitCode, 2, broken.stderr)
  assert.match(broken.stderr, /TLS cannot be used.*MOOSE_TLS_KEY/)
})
