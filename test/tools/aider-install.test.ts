import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { existsSync } from 'node:fs'
import { chmod, mkdir, readFile, symlink, writeFile } from 'node:fs/promises'
import path from 'node:path'
import { after, before, beforeEach, describe, test } from 'node:test'
import { aiderFolder } from '../../src/executors/aider/find-aider.ts'
import { type Ended, moose, startMoose } from '../support/moose-command.ts'
import { createMooseHome, type MooseHome } from '../support/moose-home.ts'
import { endsSoon } from '../support/running-process.ts'
import { toolOrSkip } from '../support/tool-or-skip.ts'
import { until } from '../support/until.ts'

/**
 * `moose doctor --fix` with stand-ins for uv and Python that note how they are called; the real installation is what
 * scripts/setup-aider.ts makes before the tests, with the same function.
 */
describe('moose doctor --fix', () => {
  let home: MooseHome
  let programs: string
  let folder: string

  before(async () => {
    home = await createMooseHome({ 'README.md': '# Sample\n' }, [])
    folder = aiderFolder(home.config)
  })
  after(() => home[Symbol.asyncDispose]())
  beforeEach(async (context) => {
    programs = path.join(home.config.home, `programs-${context.name.replace(/\W+/g, '-').slice(0, 40)}`)
    await mkdir(programs, { recursive: true })
    // Not removed but without its mark: as an installation of an earlier Moose would be.
    await mkdir(folder, { recursive: true })
    await writeFile(path.join(folder, 'moose-requirements.sha256'), 'of an earlier Moose')
    await writeFile(path.join(folder, 'left-over'), '')
  })

  /** A program of `sh` in the PATH; it may use `$log`, a file of its calls. */
  async function program(name: string, body: string): Promise<void> {
    const file = path.join(programs, name)
    await writeFile(file, `#!/bin/sh\nPATH=/usr/bin:/bin\nlog=${programs}/calls\nfolder=${folder}\n${body}\n`)
    await chmod(file, 0o755)
  }
  const AIDER = `mkdir -p $folder/bin; printf '#!/bin/sh\\necho aider 0.86.2\\n' > $folder/bin/aider; chmod +x $folder/bin/aider`
  const uv = (install: string) =>
    program('uv', `[ "$1" = --version ] && exit 0\necho "uv $*" >> $log\ncase "$1" in pip) ${install};; esac`)
  const calls = () => readFile(path.join(programs, 'calls'), 'utf8').catch(() => '')
  /** Without bubblewrap, which is in no such PATH. */
  const environment = (more: Record<string, string> = {}) => ({
    ...home.environment,
    MOOSE_SANDBOX: 'none',
    PATH: programs,
    ...more,
  })
  const fix = (words: string[] = [], more: Record<string, string> = {}): Promise<Ended> =>
    moose(['doctor', '--fix', ...words], { environment: environment(more) })
  const nothingCounts = () => assert.ok(!existsSync(folder), 'something is left of the installation')

  test('installs with uv what is locked, in place of what was not finished; the second time nothing is done', async () => {
    await uv(AIDER)
    const first = await fix()
    assert.equal(first.exitCode, 0, first.stdout + first.stderr)
    assert.match(first.stderr, /installing Aider 0\.86\.2 in .* \(about 800 MB\)/)
    assert.match(first.stdout, /aider +ok/)
    assert.ok(!existsSync(path.join(folder, 'left-over')))
    const [venv, install] = (await calls()).split('\n')
    assert.equal(venv, `uv venv --quiet --python >=3.10,<3.13 ${folder}`)
    assert.match(String(install), /^uv pip install .*--require-hashes --only-binary :all: -r .*requirements\.txt$/)
    const before = await calls()
    const second = await fix()
    assert.equal(second.exitCode, 0)
    assert.equal(second.stderr, '')
    assert.equal(await calls(), before)
  })

  test('without uv the newest fitting Python makes the virtual environment, and its pip installs', async () => {
    const inside = `mkdir -p $folder/bin; printf '#!/bin/sh\\necho "inside $*" >> ${programs}/calls\\n' > $folder/bin/python; chmod +x $folder/bin/python; ${AIDER}`
    await program('python3.12', `[ "$1" = --version ] && echo Python 3.13.1`)
    await program('python3', `[ "$1" = --version ] && echo Python 3.11.7 && exit\necho "python3 $*" >> $log\n${inside}`)
    const { exitCode, stdout, stderr } = await fix(['--json'])
    assert.equal(exitCode, 0, stdout + stderr)
    assert.equal(JSON.parse(stdout).success, true)
    assert.match(await calls(), new RegExp(`^python3 -m venv ${folder}\ninside -m pip install .*--require-hashes`))
  })

  test('with neither uv nor a fitting Python it says what to install, as one document with --json', async () => {
    await program('python3', 'echo Python 3.9.2')
    const { exitCode, stderr } = await fix()
    assert.equal(exitCode, 3)
    assert.match(stderr, /needs Python 3\.10, 3\.11 or 3\.12 \(as python3\), or uv.*moose doctor --fix again/)
    const { stdout } = await fix(['--json'])
    assert.equal(JSON.parse(stdout).error.code, 'command_missing')
    const looked = await moose(['doctor'], { environment: environment() })
    assert.match(looked.stdout, /aider +optional/)
  })

  test('a package index that cannot be reached is named as that, and nothing is kept', async (t) => {
    if (toolOrSkip(t, 'python3') === null) return
    const real = spawnSync('python3', ['-c', 'import sys; print(sys.executable)'], { encoding: 'utf8' }).stdout.trim()
    await symlink(real, path.join(programs, 'python3'))
    const index = { PIP_INDEX_URL: 'http://127.0.0.1:9/simple', PIP_RETRIES: '0', PIP_CONFIG_FILE: '/dev/null' }
    const { exitCode, stderr } = await fix([], index)
    assert.equal(exitCode, 1, stderr)
    assert.match(stderr, /the package index cannot be reached.*PIP_INDEX_URL and proxies/s)
    nothingCounts()
  })

  test('a package that is not the locked one is refused, and nothing is kept', async () => {
    await uv('echo "Hash mismatch for numpy" >&2; exit 1')
    const { exitCode, stderr } = await fix()
    assert.equal(exitCode, 1)
    assert.match(stderr, /a package is not the one that was locked\. Nothing was kept\./)
    nothingCounts()
  })

  test('two at once: one installs, the other waits for it, both are content', async () => {
    await uv(`sleep 2; ${AIDER}`)
    const both = await Promise.all([fix(), fix()])
    for (const { exitCode, stdout, stderr } of both) assert.equal(exitCode, 0, stdout + stderr)
    assert.equal((await calls()).match(/uv venv/g)?.length, 1)
    assert.equal(both.filter(({ stderr }) => stderr.includes('Another process is installing Aider')).length, 1)
  })

  test('interrupted: the installing program ends at once, and nothing counts as installed', async () => {
    await uv(`mkdir -p $folder/bin; echo $$ > $log.pid; mv $log.pid ${programs}/pid; sleep 60`)
    await using command = startMoose(['doctor', '--fix'], { environment: environment() })
    await command.said(/installing Aider/)
    await until('the installation runs', () => existsSync(path.join(programs, 'pid')))
    command.child.kill('SIGINT')
    const { exitCode, stderr } = await command.ended
    assert.equal(exitCode, 130, stderr)
    assert.match(stderr, /nothing half installed is kept/)
    nothingCounts()
    const pid = Number(await readFile(path.join(programs, 'pid'), 'utf8'))
    assert.ok(await endsSoon(pid), 'the installing program still runs')
  })

  test("with an Aider of the operator's own nothing is installed", async () => {
    const bin = path.join(programs, 'aider')
    await program('aider', 'echo aider 0.86.2')
    await uv(AIDER)
    const { exitCode, stderr, stdout } = await fix([], { ORCHESTRATOR_AIDER_BIN: bin })
    assert.equal(exitCode, 0, stderr)
    assert.match(stderr, /ORCHESTRATOR_AIDER_BIN names an Aider of your own/)
    assert.ok(stdout.includes(bin))
    assert.equal(await calls(), '')
  })
})

test('where every order needs Aider and none is there: up serves and says so, start is refused, doctor fails', async () => {
  const settings = { ORCHESTRATOR_EXECUTOR: 'aider', MOOSE_LOG_LEVEL: 'warn' }
  await using home = await createMooseHome({ 'README.md': '# Sample\n' }, [], settings)
  const run = (...words: string[]) => moose(words, { environment: home.environment })
  const help =
    /Aider is not installed.*moose doctor --fix.*pip install aider-chat==0\.86\.2.*ORCHESTRATOR_AIDER_BIN\.$/m
  await using up = startMoose(['up'], { environment: home.environment })
  await up.said(help)
  await up.said(/serves http/)
  const [start, doctor, status] = await Promise.all([run('start'), run('doctor'), run('status')])
  assert.match(status.stdout, help)
  assert.equal(start.exitCode, 3)
  assert.match(start.stderr, help)
  assert.equal(doctor.exitCode, 1)
  assert.match(doctor.stdout, /aider +missing .*moose doctor --fix/)
  up.child.kill('SIGTERM')
  assert.equal((await up.ended).exitCode, 0)
  const started = await run('up', '--start')
  assert.equal(started.exitCode, 3)
  assert.match(started.stderr, help)
})

test('an Aider that is another one, or that cannot be run, is named with what it said', async () => {
  await using home = await createMooseHome({ 'README.md': '# Sample\n' }, [], { ORCHESTRATOR_EXECUTOR: 'aider' })
  const bin = path.join(home.config.home, '..', 'aider')
  const doctor = (more: Record<string, string>) =>
    moose(['doctor'], { environment: { ...home.environment, ORCHESTRATOR_AIDER_BIN: bin, ...more } })
  const look = async (script: string, mode = 0o755) => {
    await writeFile(bin, `#!/bin/sh\n${script}\n`)
    await chmod(bin, mode)
    return (await doctor({})).stdout
  }
  assert.match(await look('echo aider 0.50.1'), /"aider 0\.50\.1", and Moose drives Aider 0\.86\.2/)
  assert.match(await look('echo broken >&2; exit 1'), /"broken", and Moose drives/)
  assert.match(await look('echo aider 0.86.2', 0o644), /cannot be run/)
  assert.match(await look('echo some warning; echo aider 0.86.2'), /aider +ok/)
  assert.match(await look(`echo other 1.0; printf '%0200d\\nLicence: GPL' 0`), / is "other 1\.0", and/)
  assert.match(await look(`printf '%0200d' 0`), / is "0{60}…", and/)
  const automatic = await doctor({ ORCHESTRATOR_EXECUTOR: 'auto', ORCHESTRATOR_AIDER_BIN: '/nonexistent/aider' })
  assert.equal(automatic.exitCode, 1)
  assert.match(
    automatic.stdout,
    /aider +broken +\/nonexistent\/aider cannot be run \(.*\)\. {2}→ correct or unset ORCHESTRATOR_AIDER_BIN/,
  )
  assert.doesNotMatch(automatic.stdout, /doctor --fix/)
  assert.match((await doctor({ ORCHESTRATOR_EXECUTOR: 'patch' })).stdout, /aider +optional +not used/)
})
