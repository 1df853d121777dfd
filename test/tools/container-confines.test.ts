import assert from 'node:assert/strict'
import { once } from 'node:events'
import { mkdir, readdir, readFile, stat, writeFile } from 'node:fs/promises'
import { createServer } from 'node:net'
import path from 'node:path'
import { after, before, test } from 'node:test'
import { type ContainerEngine, createContainerEngine } from '../support/container-engine.ts'
import { containerSetting } from '../support/container-setting.ts'
import { faultOf } from '../support/fault-of.ts'
import { lacking } from '../support/tool-or-skip.ts'

const skip = lacking('podman', 'runc')
let engine: ContainerEngine

before(async () => {
  if (skip === false) engine = await createContainerEngine()
})
after(async () => {
  if (skip === false) await engine[Symbol.asyncDispose]()
})

test('a child has the files of the attempt at their paths, as its own, and none of Moose', { skip }, async () => {
  await using given = await containerSetting(engine)
  const { home, folder } = given
  await writeFile(path.join(folder, 'tree/file'), 'in the tree\n')
  const look = `cat file; pwd; id -u; echo made > new; echo "$HOME"; cat ${quote(home)}/secret; ls ${quote(home)}`
  const outside = await given.without(look)
  assert.match(outside.output, /^in the tree\n.*\ncanary\n/s, 'the attack succeeds without a sandbox')
  const { output } = await given.inside(look)
  assert.match(output, new RegExp(`^in the tree\n${escaped(folder)}/tree\n1000\n${escaped(folder)}/home\n`))
  assert.doesNotMatch(output, /canary/)
  assert.match(output, /secret'?: No such file.*\nworkspaces\n$/s)
  assert.equal((await stat(path.join(folder, 'tree/new'))).uid, process.getuid?.())
})

test('the settings of the kernel cannot be written, which take no capability of a child that the kernel takes for root', {
  skip: skip === false && process.getuid?.() !== 0 ? 'only root may, in a sandbox or without' : skip,
}, async () => {
  await using given = await containerSetting(engine)
  // What stands there, so that nothing becomes of it where it is written.
  const attack = 'V=/proc/sys/kernel/core_pattern; read -r held < $V; (echo "$held" > $V) && echo wrote; true'
  assert.match((await given.without(attack)).output, /wrote/)
  assert.doesNotMatch((await given.inside(attack)).output, /wrote/)
})

test('only the attempt can be written to: not the mirror, not what is Moose’s in its folder, not the root', {
  skip,
}, async () => {
  await using given = await containerSetting(engine)
  const { home, folder } = given
  const objects = path.join(home, 'mirrors/objects')
  await mkdir(objects, { recursive: true })
  await writeFile(path.join(objects, 'one'), 'object\n')
  await writeFile(path.join(folder, 'index'), 'index\n')
  const places = [
    `${objects}/two`,
    `${objects}/one`,
    `${folder}/index`,
    '/etc/moose-was-here',
    `${home}/moose-was-here`,
  ]
  const readable = [objects, path.join(folder, 'index'), path.join(folder, 'not-there')]
  const attack = places.map((place) => `(echo evil >> ${quote(place)}) && echo wrote; `).join('')
  const harmless = attack.replace('/etc/moose-was-here', `${home}/etc`)
  assert.equal((await given.without(harmless, { readable })).output.match(/wrote/g)?.length, 5)
  await writeFile(path.join(objects, 'one'), 'object\n')
  await writeFile(path.join(folder, 'index'), 'index\n')
  const { output } = await given.inside(`cat ${quote(objects)}/one; ${attack}`, { readable })
  assert.match(output, /^object\n/)
  assert.doesNotMatch(output, /wrote/)
  assert.equal(await readFile(path.join(objects, 'one'), 'utf8'), 'object\n')
  assert.equal(await readFile(path.join(folder, 'index'), 'utf8'), 'index\n')
})

test('a link that an earlier child left leads to nothing', { skip }, async () => {
  await using given = await containerSetting(engine)
  const { home, folder } = given
  await given.inside(`rm -r ../tmp; ln -s ${quote(home)} ../tmp`)
  const places = { writable: [path.join(folder, 'tree'), path.join(folder, 'tmp')] }
  assert.match((await given.without('cat ../tmp/secret')).output, /canary/)
  assert.doesNotMatch((await given.inside('cat ../tmp/secret', places)).output, /canary/)
})

test('there is no network, not to this machine either', { skip }, async () => {
  await using given = await containerSetting(engine)
  const server = createServer((socket) => socket.end('reached\n'))
  await using _closed = { [Symbol.asyncDispose]: async () => void server.close() }
  await once(server.listen(0, '127.0.0.1'), 'listening')
  const address = server.address()
  assert.ok(typeof address === 'object' && address !== null)
  const script = `bash -c 'cat < /dev/tcp/127.0.0.1/${address.port}'`
  assert.equal((await given.without(script)).output, 'reached\n')
  const { output } = await given.inside(`${script}; cat /proc/net/dev`)
  assert.match(output, /Connection refused/)
  assert.deepEqual(
    output.match(/^ *\w+(?=: +\d)/gm)?.map((name) => name.trim()),
    ['lo'],
  )
})

test('it has no capability, gains none, and sees no process of the machine', { skip }, async () => {
  await using given = await containerSetting(engine)
  const look = `grep -E '^(Cap(Eff|Prm|Bnd)|NoNewPrivs|Seccomp):' /proc/self/status; ls -d /proc/${process.pid}; cat /proc/self/uid_map`
  assert.match((await given.without(look)).output, new RegExp(`NoNewPrivs:\t0.*/proc/${process.pid}\n`, 's'))
  const { output } = await given.inside(look)
  const none = '0000000000000000'
  assert.match(
    output,
    new RegExp(`^CapPrm:\t${none}\nCapEff:\t${none}\nCapBnd:\t${none}\nNoNewPrivs:\t1\nSeccomp:\t2\n`),
  )
  assert.match(output, /No such file/)
  assert.doesNotMatch(output, /^ +0 +0 /m, 'root inside is not the root of the machine')
})

test('its environment is what it is given, whatever stands in it, and is in no argument that others can read', {
  skip,
}, async () => {
  await using given = await containerSetting(engine)
  const env = {
    HOME: `${given.folder}/home`,
    TMPDIR: `${given.folder}/tmp`,
    PATH: '',
    TOKEN: 'a-token.Of_1234',
    LINES: 'one\n two "three"\n',
    SPACES: '  $HOME `id` \\n\'"#',
    EMPTY: '',
    LONG: 'x'.repeat(1e5),
  }
  const script =
    'printf "%s|" "$TOKEN" "$LINES" "$SPACES" "${EMPTY-unset}" "${#LONG}" "${MOOSE_SANDBOX-unset}" "$PATH"; sleep 1'
  const running = given.inside(script, { env })
  const seen = await commandLinesWhile(running)
  const { output } = await running
  const path = '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin'
  assert.deepEqual(output.split('|'), [env.TOKEN, env.LINES, env.SPACES, '', '100000', 'unset', path, ''])
  assert.ok(
    seen.some((line) => line.includes('--env-file')),
    'the client was seen',
  )
  assert.ok(!seen.some((line) => line.includes(env.TOKEN)))
})

const MEMORY = { MOOSE_CHILD_MEMORY_MB: '64' }
const LIMITS: readonly [limit: string, script: string, settings: Record<string, string>][] = [
  ['memory', 'x=0123456789abcdef; for i in 1 2 3 4 5 6 7; do x=$x$x$x$x$x$x$x$x$x$x; done; echo through', MEMORY],
  ['memory', '(x=0123456789abcdef; for i in 1 2 3 4 5 6 7; do x=$x$x$x$x$x$x$x$x$x$x; done); echo through', MEMORY],
  ['processes', 'for i in $(seq 40); do sleep 2 & done; wait; echo through', { MOOSE_CHILD_PROCESSES: '20' }],
  [
    'file_size',
    'dd if=/dev/zero of=big bs=1000000 count=4 2>/dev/null; s=$?; rm -f big; [ $s = 0 ] || exit $s; echo through',
    { MOOSE_CHILD_FILE_MB: '2' },
  ],
  ['cpu_time', 'i=0; while [ $i -lt 3000000 ]; do i=$((i+1)); done; echo through', { MOOSE_CHILD_CPU_SECONDS: '1' }],
]
for (const [limit, script, settings] of LIMITS) {
  test(`what is over the limit of ${limit} is ended, and the limit named: ${script.slice(0, 20)}…`, {
    skip,
  }, async () => {
    await using free = await containerSetting(engine, { MOOSE_CHILD_MEMORY_MB: '8192' })
    assert.match((await free.inside(script)).output, /through/, 'it is no other limit')
    await using given = await containerSetting(engine, settings)
    const fault = await faultOf(given.inside(script))
    assert.deepEqual([fault.code, fault.details['limit']], ['child_limit', limit], fault.message)
    assert.deepEqual(await engine.containers(), [])
  })
}

test('what it leaves running ends with it', { skip }, async () => {
  await using given = await containerSetting(engine)
  const daemon = 'setsid nohup sleep 86399 >/dev/null 2>&1 & sleep 0.2; echo started'
  assert.equal((await given.inside(daemon)).output, 'started\n')
  assert.deepEqual(
    (await commandLines()).filter((line) => line.includes('sleep 86399')),
    [],
  )
  assert.deepEqual(await engine.containers(), [])
  assert.deepEqual(await readdir(path.join(given.home, 'containers')), [])
})

const quote = (text: string) => `'${text.replaceAll("'", "'\\''")}'`
const escaped = (text: string) => text.replaceAll(/[.*+?^${}()|[\]\\]/g, '\\$&')

async function commandLines(): Promise<string[]> {
  const pids = (await readdir('/proc')).filter((name) => /^\d+$/.test(name))
  const lines = await Promise.all(pids.map((pid) => readFile(`/proc/${pid}/cmdline`, 'utf8').catch(() => '')))
  return lines.map((line) => line.replaceAll('\0', ' '))
}

async function commandLinesWhile(work: Promise<unknown>): Promise<string[]> {
  let isOver = false
  const over = work.finally(() => {
    isOver = true
  })
  const seen = new Set<string>()
  while (!isOver) for (const line of await commandLines()) seen.add(line)
  await over
  return [...seen]
}
