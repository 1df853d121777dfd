import assert from 'node:assert/strict'
import { mkdir, mkdtemp, readdir, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { test } from 'node:test'
import { createMooseHome, fileOrder, settled } from '../support/moose-home.ts'
import { endsSoon, isRunning, isRunningWith } from '../support/running-process.ts'
import { withoutBubblewrap } from '../support/sandbox-setting.ts'
import { mooseUp } from '../support/service-process.ts'
import { until } from '../support/until.ts'

const skip = process.platform === 'linux' ? false : 'without /proc nothing is on record'

test('kill -9 while a check runs without a sandbox: the next start ends it and its daemon, and the order goes on', {
  skip,
}, async () => {
  await using folder = await temporaryFolder()
  const pid = (name: string) => path.join(folder.path, name)
  const daemon = `(setsid sh -c "echo \\$\\$ > ${pid('daemon')}; exec sleep 61" >/dev/null 2>&1 &)`
  // It hangs until the folder is there.
  const script = `[ -d ${pid('over')} ] && exit 0; ${daemon}; echo $$ > ${pid('check')}; exec sleep 61`
  const answer = { task: 'Write one', turn: 1, text: '### write one.txt\n```\none\n```\n' }
  const checks = JSON.stringify({ checks: [{ name: 'hangs once', run: script }] })
  await using home = await createMooseHome({ 'moose.yaml': checks }, [answer], { MOOSE_SANDBOX: 'none' })
  const first = await mooseUp(home.environment, '--start')
  const id = await fileOrder(home.database, { title: 'Write one', files: ['one.txt'] })
  const pids = [await pidIn(pid('check')), await pidIn(pid('daemon'))]
  await first.kill()
  for (const left of pids) assert.ok(await isRunning(left), 'a kill -9 of Moose leaves no time to end it')
  await mkdir(pid('over'))
  await using second = await mooseUp({ ...home.environment, MOOSE_LOG_LEVEL: 'warn' })
  for (const left of pids) assert.ok(await endsSoon(left))
  await using looker = await home.open('client')
  const order = await settled(looker, id)
  assert.deepEqual([order.phase, order.attempts], ['in_review', 1])
  assert.match(second.printed(), /ended what a moose that is gone had left running/)
  assert.deepEqual(await readdir(path.join(home.config.home, 'children')), [])
})

test('kill -9 while a check runs in a sandbox leaves nothing of it, a daemon neither, and the order goes on', {
  skip: withoutBubblewrap,
}, async () => {
  const [own, daemon] = [`61.${process.pid}`, `62.${process.pid}`]
  const run = `test -e go || { (env -i /usr/bin/setsid sleep ${daemon} >/dev/null 2>&1 &); trap '' TERM; sleep ${own}; }`
  const answer = { task: 'Write one', turn: 1, text: '### write one.txt\n```\none\n```\n' }
  const checks = (script: string) => JSON.stringify({ checks: [{ name: 'hangs once', run: script }] })
  await using home = await createMooseHome({ 'moose.yaml': checks(run) }, [answer])
  const first = await mooseUp(home.environment, '--start')
  const id = await fileOrder(home.database, { title: 'Write one', files: ['one.txt'] })
  const runs = async () => Promise.all([own, daemon].map((seconds) => isRunningWith('sleep', seconds)))
  await until('both run', async () => (await runs()).every((one) => one))
  await home.remote.commit('main', { go: '' })
  await first.kill()
  await until('neither runs', async () => (await runs()).every((one) => !one), { withinMs: 10_000 })
  await using _second = await mooseUp(home.environment)
  await using looker = await home.open('client')
  const order = await settled(looker, id)
  assert.deepEqual([order.phase, order.attempts], ['in_review', 1])
  assert.deepEqual(await readdir(path.join(home.config.home, 'children')), [])
})

async function temporaryFolder(): Promise<AsyncDisposable & { path: string }> {
  const folder = await mkdtemp(path.join(tmpdir(), 'moose-left-'))
  return { path: folder, [Symbol.asyncDispose]: () => rm(folder, { recursive: true, force: true }) }
}

async function pidIn(file: string): Promise<number> {
  const content = () => readFile(file, 'utf8').catch(() => '')
  await until('the check writes its pid', async () => (await content()).endsWith('\n'))
  return Number(await content())
}
