import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { mkdir, mkdtempDisposable, readdir, readFile, stat, writeFile } from 'node:fs/promises'
import { createServer } from 'node:http'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { describe, test } from 'node:test'
import { listenInHome } from '../../src/sandbox/reach/socket-folder.ts'
import { gitIn } from '../support/git-remote.ts'
import { listenOnLoopback } from '../support/loopback.ts'
import { isRunningWith } from '../support/running-process.ts'
import { type SandboxSetting, sandboxSetting, withoutBubblewrap } from '../support/sandbox-setting.ts'
import { lacking } from '../support/tool-or-skip.ts'
import { until } from '../support/until.ts'

const CANARY = 'canary-6f1d0c'

/** What an attack works on, beside the tree. */
type Victims = AsyncDisposable & {
  /** Absolute path of a folder outside of everything an attempt is given. */
  folder: string
  /** A file in it with the canary. */
  file: string
  port: number
  socket: string
  /** Requests that arrived by either. */
  reached: () => number
}

async function victims(home: string): Promise<Victims> {
  await using stack = new AsyncDisposableStack()
  const folder = stack.use(await mkdtempDisposable(path.join(tmpdir(), 'moose-victim-')))
  const file = path.join(folder.path, 'secret')
  await writeFile(file, CANARY)
  let reached = 0
  const serve = () =>
    createServer((_request, response) => {
      reached += 1
      response.end('ok')
    })
  const server = serve()
  const { origin } = stack.use(await listenOnLoopback(server))
  const { socket } = stack.use(await listenInHome(serve(), home))
  const other = spawn('sleep', ['300'], { env: { MOOSE_CANARY: CANARY, PATH: '/usr/bin:/bin' } })
  stack.defer(() => void other.kill('SIGKILL'))
  const owned = stack.move()
  return {
    folder: folder.path,
    file,
    port: Number(new URL(origin).port),
    socket,
    reached: () => reached,
    [Symbol.asyncDispose]: () => owned.disposeAsync(),
  }
}

type Attack = {
  name: string
  /** A script that prints `WON` when it has got what it wanted. */
  script: (place: { victims: Victims; given: SandboxSetting }) => string | Promise<string>
  /** Whether it has, seen from outside. */
  won?: (place: { victims: Victims; given: SandboxSetting }) => boolean | Promise<boolean>
  skip?: string | false
}

const saysWon = (command: string) => `if ${command}; then echo WON; fi`
/** That of the content of src/a, which nothing reads as long as the file is unchanged. */
const looseObject = async ({ home, sha }: SandboxSetting) => {
  const mirrors = path.join(home, 'mirrors')
  const mirror = path.join(mirrors, String((await readdir(mirrors))[0]))
  const id = await gitIn(mirror, 'rev-parse', `${sha}:src/a`)
  return path.join(mirror, 'objects', id.slice(0, 2), id.slice(2))
}

const ATTACKS: readonly Attack[] = [
  {
    name: 'reads the environment of another process',
    script: () => saysWon(`{ cat /proc/[0-9]*/environ 2>/dev/null || true; } | grep ${CANARY} >/dev/null`),
  },
  {
    name: 'reads the environment of what started it',
    script: () =>
      saysWon(
        `{ cat /proc/[0-9]*/environ 2>/dev/null || true; } | tr '\\0' '\\n' | grep ^NODE_TEST_CONTEXT= >/dev/null`,
      ),
  },
  { name: 'reads a file outside', script: ({ victims: { file } }) => saysWon(`grep -q ${CANARY} ${file}`) },
  {
    name: 'writes a file outside',
    script: ({ victims: { folder } }) => `echo x > ${folder}/written || true`,
    won: ({ victims: { folder } }) =>
      readFile(`${folder}/written`).then(
        () => true,
        () => false,
      ),
  },
  {
    name: 'lists the home of Moose',
    script: async ({ given: { home } }) => {
      await writeFile(path.join(home, 'api-token'), CANARY)
      return saysWon(`grep -q ${CANARY} ${home}/api-token`)
    },
  },
  {
    name: 'writes into the home of Moose',
    script: ({ given: { home } }) => `mkdir -p ${home}/children && echo '{}' > ${home}/children/planted.json || true`,
    won: ({ given: { home } }) =>
      readFile(`${home}/children/planted.json`).then(
        () => true,
        () => false,
      ),
  },
  {
    name: 'reads and writes the tree of another attempt',
    script: async ({ given: { home } }) => {
      const other = path.join(home, 'workspaces/another-1/tree')
      await mkdir(other, { recursive: true })
      await writeFile(path.join(other, 'a'), 'a')
      return saysWon(`echo b >> ${other}/a`)
    },
  },
  {
    name: 'S7: overwrites an object of the mirror',
    script: async ({ given }) => {
      const object = await looseObject(given)
      await stat(object)
      return `chmod u+w ${object} && echo garbage > ${object} || true`
    },
    won: async ({ given }) => (await readFile(await looseObject(given), 'utf8')) === 'garbage\n',
  },
  {
    name: 'writes beside the programs of the PATH',
    script: () =>
      saysWon(
        `touch "$(dirname "$(command -v node)")/.moose-planted"; rm "$(dirname "$(command -v node)")/.moose-planted"`,
      ),
  },
  {
    name: 'connects to a server on loopback',
    script: ({ victims: { port } }) =>
      `node -e 'fetch("http://127.0.0.1:${port}").then(() => console.log("WON"), () => {})'`,
    won: ({ victims }) => victims.reached() > 0,
  },
  {
    name: 'connects to a Unix socket of the home',
    script: ({ victims: { socket } }) =>
      `node -e 'require("http").get({ socketPath: "${socket}" }, () => console.log("WON")).on("error", () => {})'`,
    won: ({ victims }) => victims.reached() > 0,
  },
  {
    name: 'has an interface that leads out',
    script: () => saysWon(`tail -n +3 /proc/net/dev | grep -vq '^ *lo:'`),
  },
  { name: 'signals a process outside', script: () => saysWon(`kill -0 ${process.pid} 2>/dev/null`) },
  {
    name: 'makes a user namespace, in which it may do again what it may not here',
    script: () => saysWon('unshare --user --map-root-user true 2>/dev/null'),
  },
  {
    name: 'opens a vsock, which no network namespace holds',
    skip: lacking('python3'),
    script: () => saysWon(`python3 -c 'import socket; socket.socket(40, socket.SOCK_STREAM)' 2>/dev/null`),
  },
  {
    name: 'asks for keys of the kernel',
    skip: process.arch === 'x64' ? lacking('python3') : 'another number of the call',
    script: () => saysWon(`python3 -c 'import ctypes,sys; sys.exit(ctypes.CDLL(None).syscall(250, 0, -3, 1) == -1)'`),
  },
  {
    name: 'reads the passwords and the users of the machine',
    script: () => saysWon(`[ "$(cat /etc/passwd | wc -l)" -gt 5 ]`),
  },
  {
    name: 'writes a setting of the kernel, which runs a program for whom it may crash',
    skip: process.getuid?.() === 0 ? false : 'only root may, in a sandbox or without',
    // What stands there, so that nothing becomes of it where it is written.
    script: () => saysWon('cat /proc/sys/kernel/core_pattern > /proc/sys/kernel/core_pattern 2>/dev/null'),
  },
  {
    name: 'leaves a daemon without an environment, whose parents are gone',
    script: () => `env -i setsid sh -c 'setsid sleep 299.${process.pid} & exit' >/dev/null 2>&1 & sleep 0.5; wait`,
    won: () => isRunningWith('sleep', `299.${process.pid}`),
  },
]

describe('what foreign code can do without a sandbox, and cannot in one', { skip: withoutBubblewrap }, () => {
  for (const attack of ATTACKS) {
    test(attack.name, { skip: attack.skip === undefined ? false : attack.skip }, async () => {
      assert.deepEqual([await outcomeOf(attack, 'bare'), await outcomeOf(attack, 'bubblewrap')], [true, false])
    })
  }
})

/** @returns whether the attack has won */
async function outcomeOf(attack: Attack, kind: 'bare' | 'bubblewrap'): Promise<boolean> {
  await using given = await sandboxSetting(kind)
  await using against = await victims(given.home)
  const place = { victims: against, given }
  const { outputTail, outcome } = await given.run(await attack.script(place))
  assert.equal(outcome, 'passed', outputTail)
  try {
    return outputTail.split('\n').includes('WON') || (attack.won !== undefined && (await attack.won(place)))
  } finally {
    await endSleepers()
  }
}

/** The daemon that escapes without a sandbox. */
async function endSleepers(): Promise<void> {
  for (const pid of (await readdir('/proc')).map(Number).filter(Number.isInteger)) {
    const line = await readFile(`/proc/${pid}/cmdline`, 'latin1').catch(() => '')
    if (line === ['sleep', `299.${process.pid}`, ''].join('\0')) process.kill(pid, 'SIGKILL')
  }
  await until('no daemon', async () => !(await isRunningWith('sleep', `299.${process.pid}`)))
}
