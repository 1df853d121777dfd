import assert from 'node:assert/strict'
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync } from 'node:fs'
import { readdir } from 'node:fs/promises'
import { createServer } from 'node:net'
import path from 'node:path'
import { after, before, test } from 'node:test'
import { createLog } from '../../src/log.ts'
import { removeLeftContainers } from '../../src/retention/container-leftovers.ts'
import { leftContainers } from '../../src/sandbox/container/left-containers.ts'
import { listenInHome } from '../../src/sandbox/reach/socket-folder.ts'
import { type ContainerEngine, createContainerEngine } from '../support/container-engine.ts'
import { type ContainerSetting, containerSetting } from '../support/container-setting.ts'
import { faultOf } from '../support/fault-of.ts'
import { lacking } from '../support/tool-or-skip.ts'
import { until } from '../support/until.ts'

const skip = lacking('podman', 'runc')
const HOLDER = path.join(import.meta.dirname, '../support/container-holder.ts')
const log = createLog('silent')
let engine: ContainerEngine

before(async () => {
  if (skip === false) engine = await createContainerEngine()
})
after(async () => {
  if (skip === false) await engine[Symbol.asyncDispose]()
})

test('how a child ends is told as it is, also with the codes of an engine, and its output is whole', {
  skip,
}, async () => {
  await using given = await containerSetting(engine)
  for (const code of [0, 3, 125, 126, 127, 137])
    assert.deepEqual(await given.inside(`echo said; exit ${code}`), { exitCode: code, output: 'said\n' })
  assert.equal((await given.inside('no-such-program')).exitCode, 127)
  assert.equal((await given.inside('kill -9 $$')).exitCode, 137)
  assert.equal((await given.inside('kill -TERM $$; sleep 60')).exitCode, 143)
  assert.equal((await given.inside('cat', { input: 'from stdin' })).output, 'from stdin')
  assert.equal((await given.inside('cat')).output, '')
  const { output } = await given.inside('seq 100000; echo last >&2')
  assert.equal(output, `${Array.from({ length: 100_000 }, (_, index) => `${index + 1}\n`).join('')}last\n`)
  const early: string[] = []
  const running = given.inside('echo early; sleep 600', { onOutput: (text) => void early.push(text) })
  await until('output while it runs', () => early.join('') === 'early\n')
  for (const name of await engine.containers()) await engine.podman('kill', name)
  assert.equal((await running).exitCode, 137)
})

test('what takes too long and what is cancelled ends, with its container', { skip }, async () => {
  await using given = await containerSetting(engine)
  await given.inside('true')
  const stubborn = 'trap "" TERM INT HUP; while :; do sleep 1; done'
  assert.equal((await faultOf(given.inside(stubborn, { timeoutMs: 2_000 }))).code, 'command_timed_out')
  assert.deepEqual(await engine.containers(), [])
  const cancelled = new AbortController()
  const running = faultOf(given.inside(stubborn, { signal: cancelled.signal }))
  await until('it runs', async () => (await engine.podman('ps', '--format', '{{.Names}}')) !== '')
  cancelled.abort()
  assert.equal((await running).code, 'attempt_cancelled')
  assert.deepEqual(await engine.containers(), [])
  for (const afterMs of [0, 40, 120, 250]) {
    const signal = AbortSignal.timeout(afterMs)
    assert.equal((await faultOf(given.inside(stubborn, { signal }))).code, 'attempt_cancelled')
    assert.deepEqual(await engine.containers(), [], `cancelled after ${afterMs} ms`)
  }
  assert.deepEqual(await readdir(path.join(given.home, 'containers')), [])
})

async function held(given: ContainerSetting): Promise<ChildProcess> {
  const env = { ...engine.environment, MOOSE_HOME: given.home }
  const script = 'trap "" TERM; touch begun; while :; do sleep 1; done'
  const holder = spawn(process.execPath, [HOLDER, given.folder, engine.image, script], { env, stdio: 'inherit' })
  await until('its container runs', () => existsSync(path.join(given.folder, 'tree/begun')))
  return holder
}

test('a killed Moose leaves a container, which the next start removes; one of a living Moose stays', {
  skip,
}, async () => {
  await using given = await containerSetting(engine)
  const holder = await held(given)
  assert.deepEqual(await leftContainers(given.config), [])
  await removeLeftContainers(given.config, log)
  assert.equal((await engine.containers()).length, 1)
  holder.kill('SIGKILL')
  await once(holder, 'exit')
  const left = await leftContainers(given.config)
  assert.deepEqual(
    left.map(({ name }) => name),
    await engine.containers(),
  )
  await using other = await containerSetting(engine)
  assert.deepEqual(await leftContainers(other.config), [], 'that of another home')
  await removeLeftContainers(given.config, log)
  assert.deepEqual([await engine.containers(), await readdir(path.join(given.home, 'containers'))], [[], []])
})

test('a Moose that exits at once has its container removed', { skip }, async () => {
  await using given = await containerSetting(engine)
  const holder = await held(given)
  holder.kill('SIGTERM')
  await once(holder, 'exit')
  await until('it is removed', async () => (await engine.containers()).length === 0)
})

test('a socket of Moose is reached at its port, and nothing else is', { skip }, async () => {
  await using given = await containerSetting(engine)
  const server = createServer((socket) => socket.pipe(socket))
  await using echo = await listenInHome(server, given.home)
  const ask = (port: number) =>
    `exec 3<>/dev/tcp/127.0.0.1/${port} && echo there >&3 && read -r back <&3 && echo "$back and back"`
  const script = `bash -c '${ask(4000)}'; bash -c '${ask(4001)}'; exit 7`
  const reach = [{ socket: echo.socket, port: 4000 }]
  const { exitCode, output } = await given.inside(script, { reach })
  assert.match(output, /^there and back\n.*Connection refused/s)
  assert.equal(exitCode, 7)
})

test('what cannot be had is refused by name, with what to type', { skip }, async () => {
  const refusals: [reason: string, says: RegExp, settings: Record<string, string>, image?: string | null][] = [
    ['engine_missing', /podman is not installed or not on the PATH\. Install podman/, { PATH: '/nonexistent' }],
    ['engine_broken', /podman cannot run: .*nonsense.* podman info/s, { MOOSE_SANDBOX_ENGINE_ARGUMENTS: '--nonsense' }],
    [
      'engine_broken',
      /docker cannot run: .*docker info/s,
      { MOOSE_SANDBOX: 'docker', MOOSE_SANDBOX_ENGINE_ARGUMENTS: '--host unix:///nonexistent' },
    ],
    ['image_unset', /names no image.* moose project edit PROJECT --image IMAGE/s, {}, null],
    ['image_missing', /no image "localhost\/none:1".*podman pull localhost\/none:1/s, {}, 'localhost/none:1'],
    [
      'cannot_start',
      /no container of \S+ can be started .*needs \/bin\/sh/s,
      {},
      await engine.importImage('no-shell', { programs: ['cat'] }),
    ],
    [
      'cannot_start',
      /is for arm64, and this machine is/,
      {},
      await engine.importImage('other', { programs: ['cat'], options: ['--arch', 'arm64'] }),
    ],
    [
      'engine_broken',
      /nosuchruntime/,
      {
        MOOSE_SANDBOX_ENGINE_ARGUMENTS: String(engine.environment['MOOSE_SANDBOX_ENGINE_ARGUMENTS']).replace(
          /runc$/,
          '/nosuchruntime',
        ),
      },
    ],
  ]
  for (const [reason, says, settings, image = engine.image] of refusals) {
    if (settings['MOOSE_SANDBOX'] === 'docker' && lacking('docker') !== false) continue
    await using other = await containerSetting(engine, settings)
    const fault = await faultOf(other.inside('true', { image }))
    assert.deepEqual([fault.code, fault.details['reason']], ['sandbox_unavailable', reason], fault.message)
    assert.match(fault.message, says)
    assert.equal((await faultOf(other.sandbox.assertUsable(image))).details['reason'], reason)
  }
  assert.deepEqual(await engine.containers(), [])
})
