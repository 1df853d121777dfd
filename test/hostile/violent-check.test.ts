/** 19 to 23 and S7, through the service: what a check tries, it can without a sandbox, and cannot with it. */
import assert from 'node:assert/strict'
import { mkdir, readdir, readFile } from 'node:fs/promises'
import { createServer } from 'node:net'
import path from 'node:path'
import { test } from 'node:test'
import { z } from 'zod'
import { whyNoGroups } from '../support/limited-child.ts'
import { createMooseHome } from '../support/moose-home.ts'
import { sandboxSetting, withoutBubblewrap } from '../support/sandbox-setting.ts'
import { moose, mooseUp } from '../support/service-process.ts'
import { smallDisk, whyNoDisk } from '../support/small-disk.ts'
import { lacking } from '../support/tool-or-skip.ts'
import { until } from '../support/until.ts'

const NAP = '86399.5'
/** Stand for a metadata service, a registry and the internet. */
const ADDRESSES = ['127.0.0.1', '127.0.0.2', '127.0.0.3']

const DAEMON = `env -i setsid -f sleep ${NAP}`
/** What fills something up, with how it is ended: 200 MB of memory, 300 processes, a file of 40 MB. */
const FILLS: Readonly<Record<string, { script: string; said: RegExp }>> = {
  memory: { script: 'head -c 200000000 /dev/zero | tail | wc -c', said: /more than 64 MB of memory/ },
  processes: {
    script: 'for i in $(seq 300); do sleep 60 & done; kill $(jobs -p)',
    said: /more than 150 processes and threads at once/,
  },
  file: { script: 'head -c 40000000 /dev/zero >big; rm big', said: /a file of more than 20 MB/ },
}
const LIMITS = { MOOSE_CHILD_MEMORY_MB: '64', MOOSE_CHILD_PROCESSES: '150', MOOSE_CHILD_FILE_MB: '20' }

const Told = z.object({
  result: z.object({
    checks: z.array(z.object({ name: z.string(), outcome: z.string(), output_tail: z.string() })),
  }),
})

type Ends = {
  outcomes: Record<string, string>
  outputs: Record<string, string>
  written: string[]
  connections: number
  daemons: number[]
}

test('19: what a check leaves running goes on where nothing confines or limits it', {
  skip: withoutBubblewrap || lacking('setsid'),
}, async () => {
  await using bare = await sandboxSetting('bare')
  assert.equal((await bare.run(DAEMON)).outcome, 'passed')
  assert.equal((await endSleepers()).length, 1)
  await using confined = await sandboxSetting('bubblewrap')
  assert.equal((await confined.run(DAEMON)).outcome, 'passed')
  assert.deepEqual(await endSleepers(), [])
})

test('22: a check that fills its disk does so where nothing limits it, and is ended by name here', {
  skip: withoutBubblewrap || whyNoDisk(),
}, async () => {
  const fill = 'for i in 1 2 3 4 5; do head -c 10000000 /dev/zero > full-$i; done; sleep 20'
  for (const [kind, script, ending] of [
    ['bare', fill.replace('sleep 20', 'df --output=avail . | tail -n 1'), /^\s*(?:[01]?\d{4})\s*$/],
    ['none', fill, /filled the disk of its work folder/],
    ['bubblewrap', fill, /filled the disk of its work folder/],
  ] as const) {
    using place = smallDisk()
    await using setting = await settingOn(place.folder, kind)
    const { outcome, outputTail } = await setting.run(script)
    assert.match(outputTail, ending)
    assert.equal(outcome === 'passed', kind === 'bare', kind)
  }
})

/** A setting whose home is in this folder. */
async function settingOn(folder: string, kind: Parameters<typeof sandboxSetting>[0]) {
  const usual = process.env['TMPDIR']
  process.env['TMPDIR'] = folder
  try {
    return await sandboxSetting(kind)
  } finally {
    if (usual === undefined) delete process.env['TMPDIR']
    else process.env['TMPDIR'] = usual
  }
}

test('19 to 23 and S7: a check that forks, ignores signals, fills up, writes and connects can do so only without a sandbox and limits', {
  timeout: 600_000,
  skip: lacking('bwrap', 'psql', 'setsid') || (await whyNoGroups()),
}, async () => {
  const reached = ['home', 'mirror', 'another', 'database', 'api', ...ADDRESSES]
  const without = await run('none', {})
  for (const name of [...reached, ...Object.keys(FILLS)]) assert.equal(without.outcomes[name], 'passed', name)
  assert.deepEqual([without.written.length, without.connections], [3, ADDRESSES.length])
  const within = await run('bubblewrap', LIMITS)
  // What it writes to `/tmp` lies in a folder of its own: whether a file is there is told from outside.
  for (const name of ['database', 'api', ...ADDRESSES]) assert.equal(within.outcomes[name], 'failed', name)
  assert.deepEqual([within.written, within.connections], [[], 0])
  for (const [name, { said }] of Object.entries(FILLS)) {
    assert.notEqual(within.outcomes[name], 'passed', name)
    assert.match(String(within.outputs[name]), said)
  }
  for (const { outcomes, daemons } of [without, within]) {
    assert.deepEqual(daemons, [])
    assert.equal(outcomes['deaf'], 'timed_out')
    assert.equal(outcomes['forks'], 'passed')
  }
})

async function run(sandbox: 'none' | 'bubblewrap', limits: Record<string, string>): Promise<Ends> {
  await using internet = await listen()
  await using home = await createMooseHome({ 'a.txt': 'a\n' }, [])
  const root = home.config.home
  const another = path.join(root, 'workspaces', 'another', 'tree')
  await using service = await mooseUp({ ...home.environment, MOOSE_SANDBOX: sandbox, ...limits })
  // The mirror is made by the first look at the repository.
  const first = await moose(home.environment, 'check', 'sample', '--json')
  assert.equal(first.exitCode, 0, first.stdout + first.stderr)
  await mkdir(another, { recursive: true })
  const mirror = path.join(root, 'mirrors', String((await readdir(path.join(root, 'mirrors')))[0]))
  const places = { home: root, mirror, another }
  await home.remote.commit('main', {
    'moose.yaml': checksOf({
      places,
      ports: internet.ports,
      api: new URL(service.url).port,
      database: home.database.url,
    }),
  })
  const { stdout } = await moose(home.environment, 'check', 'sample', '--json')
  const last = String(stdout.trim().split('\n').at(-1))
  const { result } = Told.parse(JSON.parse(last))
  const written = await Promise.all(Object.values(places).map(async (at) => (await readdir(at)).includes('owned')))
  const daemons = await endSleepers()
  return {
    outcomes: Object.fromEntries(result.checks.map(({ name, outcome }) => [name, outcome])),
    outputs: Object.fromEntries(result.checks.map(({ name, output_tail }) => [name, output_tail])),
    written: Object.keys(places).filter((_, index) => written[index] === true),
    connections: internet.connections(),
    daemons,
  }
}

type Targets = { places: Record<string, string>; ports: readonly number[]; api: string; database: string }

function checksOf({ places, ports, api, database }: Targets): string {
  const connect = (host: string, port: string | number) => `timeout 5 bash -c 'exec 3<>/dev/tcp/${host}/${port}'`
  const scripts: Record<string, string> = {
    ...Object.fromEntries(Object.entries(places).map(([name, at]) => [name, `echo x >'${at}/owned'`])),
    ...Object.fromEntries(ADDRESSES.map((address, index) => [address, connect(address, Number(ports[index]))])),
    database: `psql '${database}' -Atc 'select 1'`,
    api: connect('127.0.0.1', api),
    forks: DAEMON,
    deaf: `trap '' TERM INT HUP; (trap '' TERM; sleep ${NAP}) & sleep ${NAP}; sleep ${NAP}`,
  }
  const list = Object.entries(scripts).map(([name, script]) => ({ name, run: script, timeout: '3s' }))
  const fills = Object.entries(FILLS).map(([name, { script }]) => ({ name, run: script, timeout: '60s' }))
  return JSON.stringify({ checks: [...list, ...fills] })
}

/** @returns those that ran */
async function endSleepers(): Promise<number[]> {
  const found = await sleepers()
  for (const pid of found) process.kill(pid, 'SIGKILL')
  await until('the daemons are gone', async () => (await sleepers()).length === 0)
  return found
}

/** Processes that a check has started and that still run. */
async function sleepers(): Promise<number[]> {
  const pids = (await readdir('/proc')).filter((name) => /^\d+$/.test(name))
  const lines = pids.map((pid) => readFile(`/proc/${pid}/cmdline`, 'utf8').catch(() => ''))
  const named = (await Promise.all(lines)).map((line, index) => ({ pid: Number(pids[index]), line }))
  return named.filter(({ line }) => line === `sleep\0${NAP}\0`).map(({ pid }) => pid)
}

async function listen() {
  let connections = 0
  const servers = ADDRESSES.map(() =>
    createServer((socket) => {
      connections += 1
      socket.on('error', () => undefined)
      socket.end()
    }),
  )
  const ports: number[] = []
  for (const [index, server] of servers.entries()) {
    await new Promise<void>((resolve) => server.listen(0, ADDRESSES[index], resolve))
    const address = server.address()
    assert.ok(address !== null && typeof address === 'object')
    ports.push(address.port)
  }
  return {
    ports,
    connections: () => connections,
    async [Symbol.asyncDispose]() {
      for (const server of servers) await new Promise((resolve) => server.close(resolve))
    },
  }
}
