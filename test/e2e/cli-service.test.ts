import assert from 'node:assert/strict'
import { existsSync } from 'node:fs'
import { createServer } from 'node:http'
import { userInfo } from 'node:os'
import path from 'node:path'
import { after, before, describe, test } from 'node:test'
import { listenOnLoopback } from '../support/loopback.ts'
import { type Ended, moose, startMoose } from '../support/moose-command.ts'
import { createMooseHome, type MooseHome } from '../support/moose-home.ts'

const FILES = { 'greeting.txt': 'hello\n', 'moose.yaml': 'checks:\n  - { name: greets, run: test -s greeting.txt }\n' }
const answer = (task: string, { says = 'bonjour', delay_ms = 0 } = {}) => ({
  task,
  turn: 1,
  text: `### write greeting.txt\n\`\`\`\n${says}\n\`\`\`\n`,
  delay_ms,
})
const QUICK = answer('Greet in French')
const CORRECTED = answer('Greet in Breton', { says: 'demat' })
const SLOW = answer('Greet slowly', { delay_ms: 3_000 })

const run = (home: MooseHome, words: string, environment: Record<string, string> = {}): Promise<Ended> =>
  moose(words.split(' '), { environment: { ...home.environment, ...environment } })

/** Files an order through the command line. @returns its id */
async function add(home: MooseHome, title: string, ...more: string[]): Promise<string> {
  const words = ['add', '--title', title, '--description', title, '--file', 'greeting.txt', '--json', ...more]
  const { stdout, exitCode } = await moose(words, { environment: home.environment })
  assert.equal(exitCode, 0, stdout)
  return JSON.parse(stdout).work_orders[0].id
}

describe('one home, while no service serves it', () => {
  let home: MooseHome

  before(async () => {
    home = await createMooseHome(FILES, [QUICK, CORRECTED])
  })
  after(() => home[Symbol.asyncDispose]())

  test('without a service: add, approve, run, show, merge, one command each', async () => {
    const id = await add(home, QUICK.task)
    const tooEarly = await run(home, `run ${id}`)
    assert.equal(tooEarly.exitCode, 3, tooEarly.stderr)
    assert.match(tooEarly.stderr, /^error: .*not approved.*moose approve/)
    assert.equal((await run(home, `approve ${id.slice(0, 8)}`)).exitCode, 0)

    const ran = await run(home, `run ${id.slice(0, 8)}`)
    assert.equal(ran.exitCode, 0, ran.stderr)
    assert.match(
      ran.stdout,
      /✓ route +\S+\n(.*\n)*✓ propose(.*\n)*✓ apply(.*\n)*✓ verify(.*\n)*✓ publish(.*\n)*✓ record/,
    )
    assert.match(
      ran.stdout,
      /✓ Pull request #1 {2}local:\/\/sample\/pull\/1\n {2}feature\/wo-.*\n {2}replay: no model was called\n$/,
    )
    const page = (await run(home, `show ${id}`)).stdout
    assert.match(page, /^Attempt 1 .*\(replay: no model was called\)$/m)
    assert.match(page, /^Files\n {2}greeting\.txt {2}\+1 −1\n\nChecks\n {2}✓ greets {2}passed/m)
    assert.match((await run(home, `show ${id} --diff`)).stdout, /^-hello\n\+bonjour\n/m)
    assert.match((await run(home, `logs ${id}`)).stdout, /pull request #1 is open/)

    const again = await run(home, `run ${id} --json`)
    assert.deepEqual([again.exitCode, JSON.parse(again.stdout).error.code], [1, 'work_order_conflict'])
    assert.match((await run(home, `merge ${id}`)).stdout, /merged, completed; branch feature\/wo-\S+ deleted/)
    assert.equal(await home.remote.git('show', 'main:greeting.txt'), 'bonjour')
    assert.match((await run(home, 'list --status completed')).stdout, /completed +sample +#1 +replay /)
  })

  test('a failed order is corrected, approved again, retried and run', async () => {
    const id = await add(home, 'Nobody wrote an answer', '--approve')
    assert.equal((await run(home, `run ${id}`)).exitCode, 1)
    const edited = await moose(['edit', id, '--title', CORRECTED.task], { environment: home.environment })
    assert.equal(edited.exitCode, 0, edited.stderr)
    assert.match(
      edited.stdout,
      /^edited \S+ {2}Greet in Breton\n {2}title {2}Nobody wrote an answer → Greet in Breton\n$/,
    )
    const again = /with: moose (approve \S+) {3}Then: moose (retry \S+)/.exec(edited.stderr)
    for (const words of [again?.[1], again?.[2], `run ${id}`]) {
      const { exitCode, stderr } = await run(home, String(words))
      assert.equal(exitCode, 0, `${words}: ${stderr}`)
    }
  })

  test('a run that fails names the fault, once, and exits with 1', async () => {
    const id = await add(home, 'Nobody wrote an answer', '--approve')
    const { exitCode, stdout, stderr } = await run(home, `run ${id}`)
    assert.equal(exitCode, 1, stderr)
    assert.match(stdout, /✗ propose +\S+ {2}recording_missing\n✓ record/)
    assert.match(stderr, /^error: .+\n {2}\$ moose .+\n(?: {2,}.+\n)*$/)
    const shown = JSON.parse((await run(home, `show ${id} --json`)).stdout).work_order
    assert.deepEqual([shown.status, shown.status_reason.code], ['failed', 'recording_missing'])
  })

  test('a port in use is said with the next step', async () => {
    await using taken = await listenOnLoopback(createServer())
    const { exitCode, stderr } = await run(home, `up --port ${new URL(taken.origin).port}`)
    assert.equal(exitCode, 1)
    assert.match(stderr, /^error: Port \d+ is in use .* Choose another with --port or MOOSE_PORT\.\n$/)
  })

  test('a database that is down is one line without its password, and a finding of the doctor', async () => {
    const down = { DATABASE_URL: 'postgresql://moose:secret@127.0.0.1:9/moose' }
    const listed = await run(home, 'list', down)
    assert.equal(listed.exitCode, 1)
    assert.match(listed.stderr, /^error: [^\n]*127\.0\.0\.1:9[^\n]*\n$/)
    assert.doesNotMatch(listed.stderr + listed.stdout, /secret/)
    const looked = await run(home, 'doctor --json', down)
    assert.equal(looked.exitCode, 1)
    const findings: { name: string; state: string }[] = JSON.parse(looked.stdout).findings
    assert.equal(findings.find(({ name }) => name === 'database')?.state, 'broken')
    assert.doesNotMatch(looked.stdout, /secret/)
  })

  test('the doctor is content with a home that is set up; migrate has nothing left to do', async () => {
    const { exitCode, stdout } = await run(home, 'doctor')
    assert.equal(exitCode, 0, stdout)
    assert.match(stdout, /✓ project sample +ok +main, forge local/)
    assert.match(stdout, /✓ checks +ok +run with -e -o pipefail of GNU bash/)
    assert.match(
      stdout,
      /✓ toolchains +ok +(?:handed to setup and checks: |setup and checks are handed the PATH alone)/,
    )
    const without = await run(home, 'doctor', { PATH: '/nonexistent' })
    assert.match(without.stdout, /checks +warning +run with sh -e.* install bash/)
    assert.match((await run(home, 'migrate')).stdout, /^postgresql:\/\/\S+: up to date\n$/)
  })

  test('--home goes before MOOSE_HOME and may be relative', async () => {
    const cwd = path.dirname(home.config.home)
    const { stdout } = await moose(['status', '--home', 'elsewhere', '--json'], { environment: home.environment, cwd })
    assert.equal(JSON.parse(stdout).status.home, path.join(cwd, 'elsewhere'))
  })
})

test('a run of what the service carries out already is joined from its first step to its end', async () => {
  await using home = await createMooseHome(FILES, [SLOW])
  await using up = startMoose(['up', '--start', '--port', '0'], { environment: home.environment })
  await up.said(/serves/)
  const { stdout: acts } = await run(home, 'audit --json')
  const started = JSON.parse(acts).entries.find(({ act }: { act: string }) => act === 'orchestrator.start')
  assert.deepEqual(started?.actor, { kind: 'os_user', name: userInfo().username })
  const id = await add(home, SLOW.task, '--approve')
  await up.said(/→ propose/)
  const { exitCode, stdout, stderr } = await run(home, `run ${id}`)
  assert.equal(exitCode, 0, stderr)
  assert.match(stdout, /^· route(.*\n)*✓ propose(.*\n)*✓ record(.*\n)*✓ Pull request #1 /)
})

test('a project that is there already is no error, an unknown one is', async () => {
  await using home = await createMooseHome(FILES, [])
  const again = await run(home, `init ${home.remote.path} --name sample`)
  assert.deepEqual([again.exitCode, again.stderr.includes('error')], [0, false], again.stderr)
  assert.match(again.stdout, /^project sample is there already: /)
  const other = await run(home, `init ${home.remote.path} --name sample --branch nope`)
  assert.equal(other.exitCode, 3, other.stderr)
  assert.match(other.stderr, /has no branch "nope"\. There are: main\./)
  await home.remote.git('symbolic-ref', 'HEAD', 'refs/heads/gone')
  const headless = await run(home, `init ${home.remote.path} --name again`)
  assert.match(
    headless.stderr,
    /its HEAD names a branch that does not exist\. There are: main\. Name one with --branch/,
  )
  const listed = await run(home, 'list --project nope')
  assert.deepEqual([listed.exitCode, /There is no project "nope"/.test(listed.stderr)], [1, true], listed.stderr)
})

/** An approved order whose `moose run` was ended by Ctrl-C behind its first step. */
async function interruptedRun(home: MooseHome): Promise<{ id: string; stderr: string }> {
  const id = await add(home, SLOW.task, '--approve')
  await using running = startMoose(['run', id], { environment: home.environment })
  await running.said(/✓ route/)
  running.child.kill('SIGINT')
  const { exitCode, stderr } = await running.ended
  assert.equal(exitCode, 130, stderr)
  return { id, stderr }
}

test('life G5: an interrupted run says how to go on; the next service, not asked to start, says that it continues it', async () => {
  await using home = await createMooseHome(FILES, [SLOW])
  const { id, stderr } = await interruptedRun(home)
  assert.match(stderr, /Interrupted\. What [0-9a-f]{8} has done so far is kept; resume it with: moose run [0-9a-f]{8} /)

  await using up = startMoose(['up', '--port', '0'], { environment: home.environment })
  await up.said(/polling +off; start it with: moose start\n +continues +1 work order an earlier process began and left/)
  await up.said(/pull request #1 is open/)
  const order = JSON.parse((await run(home, `show ${id} --json`)).stdout).work_order
  assert.deepEqual([order.phase, order.attempts], ['in_review', 1])
})

test('an interrupted run is finished by another run, without a service', async () => {
  await using home = await createMooseHome(FILES, [SLOW])
  const { id } = await interruptedRun(home)
  const again = await run(home, `run ${id} --json`)
  assert.equal(again.exitCode, 0, again.stderr)
  const order = JSON.parse((await run(home, `show ${id} --json`)).stdout).work_order
  assert.deepEqual([order.phase, order.attempts], ['in_review', 1])
})

test('up serves the others, is found by them, and stops in order', async () => {
  await using home = await createMooseHome(FILES, [SLOW])
  const serviceFile = path.join(home.config.home, 'service.json')
  await using up = startMoose(['up', '--start', '--port', '0'], { environment: home.environment })
  const [, url] = await up.said(/serves (http:\/\/127\.0\.0\.1:\d+)/)
  await up.said(/polling +every 10\.0s, at most 3 work orders at once/)
  assert.match((await run(home, 'status')).stdout, new RegExp(`up at ${url} \\(process ${up.child.pid},`))

  const second = await run(home, 'up --port 0')
  assert.equal(second.exitCode, 1)
  assert.match(second.stderr, new RegExp(`^error: .* is served already: by process ${up.child.pid} at ${url}, started`))

  const id = await add(home, SLOW.task, '--approve')
  await up.said(new RegExp(`${id.slice(0, 8)} → propose`))
  await using following = startMoose(['logs', '-f', id], { environment: home.environment })
  await following.said(/→ propose/)
  up.child.kill('SIGTERM')
  await up.said(
    new RegExp(`Stopping: 1 work order \\(${id.slice(0, 8)}\\) may finish its current step, at most 30\\.0s`),
  )
  const { exitCode, stderr } = await up.ended
  assert.equal(exitCode, 0, stderr)
  assert.match(stderr, /Stopped\.\n$/)
  assert.equal(existsSync(serviceFile), false)
  const followed = await following.ended
  assert.deepEqual([followed.exitCode, /live events broke off: the service stops/.test(followed.stderr)], [1, true])
})

test('a run through the service goes on there when the command is interrupted', async () => {
  await using home = await createMooseHome(FILES, [SLOW])
  await using up = startMoose(['up', '--port', '0'], { environment: home.environment })
  await up.said(/serves/)
  const { stderr } = await interruptedRun(home)
  assert.match(stderr, /The service at http\S+ continues [0-9a-f]{8}/)
  await up.said(/pull request #1 is open/)
})

test('a second signal leaves at once', async () => {
  await using home = await createMooseHome(FILES, [answer('Greet slowly', { delay_ms: 60_000 })])
  await using up = startMoose(['up', '--start', '--port', '0'], { environment: home.environment })
  await up.said(/serves/)
  await add(home, SLOW.task, '--approve')
  await up.said(/→ propose/)
  up.child.kill('SIGINT')
  await up.said(/Stopping: 1 work order/)
  up.child.kill('SIGINT')
  assert.equal((await up.ended).exitCode, 130)
})

test('up --json is JSON lines from the first to the last', async () => {
  await using home = await createMooseHome(FILES, [QUICK])
  await using up = startMoose(['up', '--start', '--port', '0', '--json'], { environment: home.environment })
  await up.said(/"type":"ready"/)
  await add(home, QUICK.task, '--approve')
  await up.said(/"type":"attempt_ended"/)
  up.child.kill('SIGINT')
  const { exitCode, stdout, stderr } = await up.ended
  assert.deepEqual([exitCode, stderr], [0, ''])
  const types = stdout
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line).type)
  assert.equal(types[0], 'ready')
  assert.ok(types.includes('step_succeeded'))
})

test('a service that was killed is not taken for one that lives', async () => {
  await using home = await createMooseHome(FILES, [])
  await using up = startMoose(['up', '--port', '0'], { environment: home.environment })
  await up.said(/serves/)
  up.child.kill('SIGKILL')
  await up.ended
  assert.match((await run(home, 'status')).stdout, /^service +not running; start it with: moose up --start/)
  assert.match((await run(home, 'start')).stderr, /^error: No service is up for/)
})
