import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { chmodSync, existsSync, mkdirSync, readdirSync, symlinkSync, writeFileSync } from 'node:fs'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { after, before, describe, test } from 'node:test'
import packageJson from '../../package.json' with { type: 'json' }
import { createGitRemote, type GitRemote } from '../support/git-remote.ts'
import { type PackedMoose, packedMoose } from '../support/packed-moose.ts'

const ROOT = path.join(import.meta.dirname, '../..')
const NOBODY = 65_534

describe('the package', { timeout: 400_000 }, () => {
  let packed: PackedMoose
  let folder: string
  let remote: GitRemote

  before(async () => {
    folder = await mkdtemp(path.join(tmpdir(), 'moose-packed user-'))
    // A home with a path too long for a socket has it here, and as root the database runs as another user.
    chmodSync(folder, 0o755)
    mkdirSync(path.join(folder, 'tmp'))
    chmodSync(path.join(folder, 'tmp'), 0o1777)
    packed = await packedMoose()
    remote = await createGitRemote({ 'README.md': '# Sample\n' })
  })
  after(async () => {
    await remote[Symbol.asyncDispose]()
    await rm(folder, { recursive: true, force: true })
  })

  type Ran = { status: number | null; stdout: string; stderr: string }
  /** By its name, from a folder that has nothing to do with it; HOME is `user` below the folder of this test. */
  function shell(line: string, { user = 'ada', env = {}, uid = process.getuid?.() }: Run = {}): Ran {
    const home = path.join(folder, user)
    mkdirSync(home, { recursive: true })
    const environment = { HOME: home, PATH: packed.path, TMPDIR: path.join(folder, 'tmp'), ...env }
    const as = uid === undefined ? {} : { uid, gid: uid === NOBODY ? NOBODY : process.getgid?.() }
    return spawnSync('/bin/sh', ['-c', line], { cwd: home, env: environment, encoding: 'utf8', ...as })
  }
  type Run = { user?: string; env?: Record<string, string>; uid?: number | undefined }
  function succeeds(line: string, run?: Run): string {
    const { status, stdout, stderr } = shell(line, run)
    assert.equal(status, 0, `${line}\n${stdout}${stderr}`)
    return stdout + stderr
  }

  test('holds what it needs, compiled, and nothing of the tests or of what lies about', () => {
    const known =
      /^(?:dist\/(?:src\/|demo\/|web\/dist\/(?:index\.html|assets\/[\w.-]+)$|package\.json$)|(?:moose|package\.json|README\.md|LICENSE|CHANGELOG\.md)$)/
    assert.deepEqual(
      packed.files.filter((file) => !known.test(file)),
      [],
    )
    const code = /^dist\/src\/.*(?<!\.test)\.js$|^dist\/src\/db\/migrations\/\d{4}_\w+\.sql$|requirements\.txt$/
    assert.deepEqual(
      packed.files.filter((file) => file.startsWith('dist/src/') && !code.test(file)),
      [],
    )
    assert.deepEqual(
      packed.files.filter((file) => /(?:^|\/)\.|\.tsx?$|\.pem$/.test(file)),
      [],
    )
    assert.ok(packed.files.some((file) => /^dist\/web\/dist\/assets\/index-[\w-]+\.js\.br$/.test(file)))
    for (const file of [
      'dist/src/cli/main.js',
      'dist/web/dist/index.html',
      'dist/src/db/workers/lease-thread.js',
      'dist/demo/work-orders.yaml',
    ])
      assert.ok(packed.files.includes(file), file)
    const migrations = readdirSync(path.join(ROOT, 'src/db/migrations'))
    for (const name of migrations) assert.ok(packed.files.includes(`dist/src/db/migrations/${name}`), name)
  })

  test('moose is there after npm install --global, in a prefix with a blank, with an empty HOME', () => {
    assert.equal(succeeds('moose --version'), `${packageJson.version}\n`)
    assert.match(succeeds('moose --help'), /^Usage: moose <command>/)
  })

  test('the demo ends as it should, and its hints can be typed as they stand', () => {
    const said = succeeds('moose demo')
    assert.match(said, /All 7 ended as they should/)
    const [, look] = /^ {2}(moose --home .* show .*)$/m.exec(said) ?? []
    assert.match(succeeds(String(look)), /^diff --git/m)
  })

  test('init, add, list, doctor, migrate and up, from elsewhere', () => {
    succeeds(`moose init ${remote.path}`)
    assert.match(succeeds('moose add --title "Say hello" --file README.md'), /Approve with: moose approve/)
    assert.match(succeeds('moose ls'), /Say hello/)
    assert.match(shell('moose doctor').stdout, /database +ok/)
    assert.match(succeeds('moose migrate'), /up to date/)
    const up = 'moose up --port 0 --json > up.log 2>&1 & pid=$!; until grep -q ready up.log; do sleep 0.1; done'
    const url = `url=$(sed -n 's/.*"url":"\\([^"]*\\)".*/\\1/p' up.log | head -1)`
    const said = succeeds(
      `${up}; ${url}; curl -fsS "$url/docs" | head -1; curl -fsS "$url/orders" | grep 'id="page"'; moose status; kill $pid; wait $pid`,
    )
    assert.match(said, /<!doctype html>/i)
    assert.match(said, /id="page"/)
    assert.match(said, /up at http:/)
  })

  test('called through a link of another name, its hints name the link', () => {
    const link = path.join(folder, 'elch')
    symlinkSync(path.join(packed.prefix, 'bin/moose'), link)
    assert.match(succeeds(`"${link}" list`, { user: 'grace' }), /No work orders yet\. Add one with: '.*elch' add/)
  })

  test('npx runs the one of a folder', () => {
    const modules = path.join(folder, 'project/node_modules')
    mkdirSync(path.join(modules, '.bin'), { recursive: true })
    symlinkSync(path.join(packed.prefix, 'lib/node_modules/moose'), path.join(modules, 'moose'))
    symlinkSync('../moose/moose', path.join(modules, '.bin/moose'))
    // npm keeps what it compiles in the folder for temporary files.
    const env = { NODE_DISABLE_COMPILE_CACHE: '1' }
    assert.equal(succeeds('npx --no -- moose --version', { user: 'project', env }), `${packageJson.version}\n`)
  })

  test('another user runs it from a prefix that is not theirs', {
    skip: process.getuid?.() !== 0 && 'needs root',
  }, () => {
    const home = path.join(folder, 'nobody')
    mkdirSync(home)
    spawnSync('chown', [`${NOBODY}:${NOBODY}`, home])
    const asNobody = { user: 'nobody', uid: NOBODY }
    assert.match(succeeds('moose list', asNobody), /No work orders yet\. Add one with: moose add/)
    assert.ok(existsSync(path.join(home, '.cache/moose/compiled')), 'what was compiled is kept in the HOME')
  })

  test('an older Node, or none, is told in one line what is needed', () => {
    const programs = path.join(folder, 'programs')
    mkdirSync(programs)
    for (const name of ['readlink', 'dirname']) symlinkSync(`/usr/bin/${name}`, path.join(programs, name))
    const env = { PATH: programs }
    const launcher = `"${path.join(packed.prefix, 'bin/moose')}" --help`
    const none = shell(launcher, { env })
    assert.deepEqual([none.status, none.stdout], [1, ''])
    assert.match(none.stderr, /^error: Moose needs Node\.js 24 or newer, and node is not there\. .*nvm install 24\.\n$/)
    const node = path.join(programs, 'node')
    writeFileSync(node, '#!/bin/sh\necho v20.20.2\n')
    chmodSync(node, 0o755)
    const old = shell(launcher, { env })
    assert.deepEqual([old.status, old.stdout], [1, ''])
    assert.match(old.stderr, /^error: Moose needs Node\.js 24 or newer, and node is v20\.20\.2\. .*nvm install 24\.\n$/)
  })
})
