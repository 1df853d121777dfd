import assert from 'node:assert/strict'
import { mkdir, readdir, writeFile } from 'node:fs/promises'
import path from 'node:path'
import { test } from 'node:test'
import { findToolchains } from '../../src/sandbox/toolchains.ts'
import { createGitRemote, gitIn } from '../support/git-remote.ts'
import { type SetUpSetting, setUpSetting } from '../support/set-up-setting.ts'
import { lacking } from '../support/tool-or-skip.ts'

const MODULE = 'example.org/greet'
const SETUP = 'go mod download\ngo test -run "^$" ./...'
const CACHE = ['~/go/pkg/mod', '~/.cache/go-build']
const NOTHING = { key: null, reused: false, durationMs: 0, cache: [], notKept: [] }
const skip = lacking('go')

/** A module proxy in a folder, with one module. @see https://go.dev/ref/mod#goproxy-protocol */
async function moduleProxy(folder: string): Promise<string> {
  await using source = await createGitRemote({
    'go.mod': `module ${MODULE}\n\ngo 1.21\n`,
    'greet.go':
      'package greet\n\nimport "encoding/json"\n\nfunc Greet() string {\n\ttext, _ := json.Marshal("OK")\n\treturn string(text[1:3])\n}\n',
  })
  const versions = path.join(folder, MODULE, '@v')
  await mkdir(versions, { recursive: true })
  await writeFile(path.join(versions, 'list'), 'v1.0.0\n')
  await writeFile(path.join(versions, 'v1.0.0.info'), '{"Version":"v1.0.0","Time":"2026-01-01T00:00:00Z"}')
  await writeFile(path.join(versions, 'v1.0.0.mod'), `module ${MODULE}\n\ngo 1.21\n`)
  const zip = path.join(versions, 'v1.0.0.zip')
  await gitIn(source.path, 'archive', '--format=zip', `--prefix=${MODULE}@v1.0.0/`, '-o', zip, 'main')
  return `file://${folder}`
}

async function goSetting(proxy: string): Promise<SetUpSetting> {
  const executablePath = String(process.env['PATH'])
  const toolchains = await findToolchains({ environment: {}, executablePath })
  const env = { GOPROXY: proxy, GONOSUMDB: '*', GOFLAGS: '-mod=mod', GOTOOLCHAIN: 'local' }
  const files = {
    'go.mod': `module example.org/app\n\ngo 1.21\n\nrequire ${MODULE} v1.0.0\n`,
    'app.go': `package app\n\nimport "${MODULE}"\n\nfunc Hello() string { return greet.Greet() }\n`,
    'app_test.go':
      'package app\n\nimport "testing"\n\nfunc TestHello(t *testing.T) {\n\tif Hello() != "OK" {\n\t\tt.Fatal(Hello())\n\t}\n}\n',
  }
  // In a sandbox the folder of the proxy could not be read; what is kept has to be safe without one too.
  return await setUpSetting(files, { setup: SETUP, cache: CACHE, env }, toolchains, false)
}

test('the checks of a Go project are many times faster on what setup has left, and a hostile order changes nothing of it', {
  skip,
  timeout: 900_000,
}, async (t) => {
  await using place = await createGitRemote({})
  await using given = await goSetting(await moduleProxy(path.join(place.folder, 'proxy')))
  const base = await given.fetch()
  const took = async (prepared: typeof NOTHING | Awaited<ReturnType<typeof given.prepare>>, name: number) => {
    await using workspace = await given.open(base, prepared, name)
    const result = await given.check(workspace, 'go test ./...')
    assert.equal(result.outcome, 'passed', result.outputTail)
    return result.durationMs
  }
  const first = await took(NOTHING, 1)
  const prepared = await given.prepare(base)
  assert.deepEqual(prepared.notKept, [])
  const second = await took(prepared, 2)
  t.diagnostic(
    `go test ./...: ${first} ms with nothing kept, ${second} ms with copies: ${(first / second).toFixed(1)} times faster`,
  )
  assert.ok(first > 2 * second, `${first} ms, then ${second} ms`)
  {
    await using hostile = await given.open(base, prepared, 3)
    const poison =
      'chmod -R u+w "$HOME/go"; for f in $(find "$HOME/go/pkg/mod" -name greet.go); do echo "package broken" > $f; done; rm -rf "$HOME/.cache/go-build"'
    assert.equal((await given.check(hostile, poison)).outcome, 'passed')
  }
  assert.equal((await given.prepare(base)).reused, true)
  await took(prepared, 4)
  assert.deepEqual(await readdir(path.join(given.home, 'workspaces')), [])
})
