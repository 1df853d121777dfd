/** Cases of Aider: each first happens with the real Aider as it would be started plainly, and not as Moose starts it. No sandbox takes part. */
import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { after, before, test } from 'node:test'
import { aiderArguments, aiderEnvironment, modelMetadata, runPaths } from '../../src/executors/aider/aider-command.ts'
import { block, runAider, says } from '../support/aider-bench.ts'
import { AIDER } from '../support/aider-program.ts'
import { createTestDatabase, type TestDatabase } from '../support/database.ts'
import { gitIn } from '../support/git-remote.ts'
import { hostileFiles, setTrap, type Trap } from '../support/hostile-repository.ts'
import { startModelServer } from '../support/model-server.ts'
import { lacking } from '../support/tool-or-skip.ts'
import { until } from '../support/until.ts'

const skip = lacking('aider')
const EDIT = block('a.txt', 'a', 'b')
/** What `usualSandbox` reads: what is shown here is not what a sandbox keeps out. */
process.env['MOOSE_SANDBOX'] = 'none'

let database: TestDatabase
before(async () => {
  if (skip === false) database = await createTestDatabase()
})
after(() => database?.[Symbol.asyncDispose]())

type Plain = { message: string; files?: Readonly<Record<string, string>>; without?: readonly string[] }

/** Starts Aider in a tree that is not masked, with a message that begins as it likes; ends it when `seen` says so. */
async function plainly({ message, files = {}, without = [] }: Plain, seen: () => Promise<boolean>): Promise<void> {
  const folder = await mkdtemp(path.join(tmpdir(), 'moose-plain-'))
  await using server = await startModelServer(says(EDIT), says(EDIT), says(EDIT))
  const tree = path.join(folder, 'tree')
  const run = {
    folder: path.join(folder, 'run'),
    files: ['a.txt'],
    lineEndings: 'lf' as const,
    model: 'm',
    timeoutMs: 60_000,
  }
  const places = runPaths(run.folder)
  await mkdir(tree)
  for (const place of [run.folder, places.home, places.temporary]) await mkdir(place, { recursive: true })
  for (const [place, text] of [
    [places.message, message],
    [places.metadata, modelMetadata('m')],
    [places.ignore, ''],
    ...Object.entries({ 'a.txt': 'a\n', ...files }).map(([name, content]) => [path.join(tree, name), content] as const),
  ] as const)
    await writeFile(place, text)
  await gitIn(tree, 'init', '--quiet')
  await gitIn(tree, 'add', 'a.txt')
  const args = aiderArguments(run).filter((argument) => !without.includes(argument))
  const env = aiderEnvironment(run, { url: server.url, token: 'none' }, String(process.env['PATH']))
  const child = spawn(AIDER, args, { cwd: tree, env, stdio: 'ignore', detached: true })
  try {
    await until('Aider has done it', seen, { withinMs: 90_000 })
  } finally {
    if (child.exitCode === null) process.kill(-Number(child.pid), 'SIGKILL')
    if (child.exitCode === null && child.signalCode === null) await once(child, 'close')
    await rm(folder, { recursive: true, force: true })
  }
}

/** The same order, carried out by Moose. */
async function byMoose(title: string, files: Parameters<typeof runAider>[2]['files'] = {}) {
  const order = { title, description: title }
  const bench = {
    files: { 'a.txt': 'a\n', ...files },
    scope: ['a.txt'],
    order,
    content: 'Put b.',
    script: [says(EDIT)],
  }
  const { ending, changed, output } = await runAider(database, AIDER, bench)
  assert.deepEqual([ending, changed], ['applied', { 'a.txt': 'b\n' }], output)
}

async function untouched(trap: Trap): Promise<void> {
  const { marks, connections, outside } = await trap.caught()
  assert.deepEqual([marks, connections, outside], [[], 0, trap.outside.content])
}

test('5: a message that begins with /run is a command to Aider, and is none below a first line that is fixed', {
  skip,
}, async () => {
  await using trap = await setTrap()
  await plainly({ message: `/run ${trap.touch('run')}\n` }, async () => (await trap.caught()).marks.includes('run'))
  await using second = await setTrap()
  await byMoose(`/run ${second.touch('run')}`)
  await byMoose(`!${second.touch('bang')}`)
  await untouched(second)
})

test('6: an address in a description is fetched by Aider as it is, and not as Moose starts it', { skip }, async () => {
  await using trap = await setTrap()
  const asked = async () => (await trap.caught()).connections > 0
  await plainly({ message: `Read ${trap.url}/page first.\n`, without: ['--no-detect-urls'] }, asked)
  await using second = await setTrap()
  await byMoose(`Read ${second.url}/page first.`)
  await untouched(second)
})

test('10 and 11: a .env and an .aider.conf.yml redirect and command Aider where they lie, and are out of its reach here', {
  skip,
}, async () => {
  await using trap = await setTrap()
  const plain = Object.entries(hostileFiles(trap)).flatMap(([name, content]) =>
    typeof content === 'string' && /^(?:\.env|\.aider[^/]*|cmds\.txt)$/.test(name) ? [[name, content] as const] : [],
  )
  // What its configuration says is put behind its arguments, and is names of files there behind a `--`.
  await plainly({ message: 'Put b.\n', files: Object.fromEntries(plain), without: ['--'] }, async () => {
    const { marks, connections } = await trap.caught()
    return marks.includes('load') && connections > 0
  })
  await using second = await setTrap()
  await byMoose('Put b', hostileFiles(second))
  await untouched(second)
})
