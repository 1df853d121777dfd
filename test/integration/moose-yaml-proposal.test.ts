import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync } from 'node:fs'
import { mkdir, mkdtemp, readFile, rename, rm, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { after, before, describe, test } from 'node:test'
import { z } from 'zod'
import { proposeMooseYaml } from '../../src/app/propose-moose-yaml.ts'
import { parseMooseYaml } from '../../src/checks/moose-yaml.ts'
import { REGISTRIES } from '../../src/detect/registries.ts'
import { type ApiHome, openApiHome, type ServedApi } from '../support/api-home.ts'
import {
  createFixtureRepository,
  FIXTURE_NAMES,
  type FixtureName,
  fixtureFolders,
} from '../support/fixture-repository.ts'
import { gitIn } from '../support/git-remote.ts'
import { moose } from '../support/moose-command.ts'
import { lacking } from '../support/tool-or-skip.ts'

type Expected = {
  tools: readonly string[]
  setup: readonly string[]
  cache: readonly string[]
  env?: Record<string, string>
  checks: Record<string, string>
}

const NOTHING_SET = { toolchainEnvironment: {}, registryEnvironment: {} }
const MAVEN = 'mvn --batch-mode --no-transfer-progress'
const EXPECTED: Readonly<Record<FixtureName, Expected>> = {
  npm: {
    tools: ['npm, package-lock.json'],
    setup: ['npm ci'],
    cache: ['node_modules'],
    checks: { test: 'npm test' },
  },
  pnpm: {
    tools: ['pnpm, pnpm-lock.yaml'],
    setup: ['pnpm install --frozen-lockfile'],
    cache: ['node_modules'],
    checks: { test: 'pnpm run test' },
  },
  yarn: {
    tools: ['yarn, yarn.lock'],
    setup: ['yarn install --immutable'],
    cache: ['node_modules', '.yarn/install-state.gz'],
    checks: { test: 'yarn run test' },
  },
  pip: {
    tools: ['pip, requirements.txt'],
    setup: ['python3 -m venv .venv', '.venv/bin/python -m pip install --quiet -r requirements.txt'],
    cache: ['.venv'],
    checks: { test: '.venv/bin/python -m unittest discover -s tests' },
  },
  uv: {
    tools: ['uv, uv.lock'],
    setup: ['uv sync --locked'],
    cache: ['.venv', '~/.cache/uv', '~/.local/share/uv'],
    checks: { test: 'uv run --locked python -m pytest' },
  },
  poetry: {
    tools: ['poetry, poetry.lock'],
    setup: ['poetry install --no-interaction'],
    cache: ['.venv'],
    env: { POETRY_VIRTUALENVS_IN_PROJECT: 'true' },
    checks: { test: 'poetry run python -m pytest' },
  },
  go: {
    tools: ['go, go.sum'],
    setup: [
      'go mod download',
      "go test -run '^$' ./... >/dev/null 2>&1 || true",
      'go vet ./... >/dev/null 2>&1 || true',
    ],
    cache: ['~/go/pkg/mod', '~/.cache/go-build'],
    checks: {
      test: 'go test ./...',
      lint: 'go vet ./...',
      format: 'files=$(gofmt -l .)\necho "$files"\ntest -z "$files"',
    },
  },
  rust: {
    tools: ['cargo, Cargo.lock'],
    setup: ['cargo fetch --locked', 'cargo test --locked --no-run >/dev/null 2>&1 || true'],
    cache: ['~/.cargo/registry', 'target'],
    checks: { test: 'cargo test --locked --no-fail-fast', format: 'cargo fmt --all --check' },
  },
  maven: {
    tools: ['maven, pom.xml'],
    setup: [
      `${MAVEN} --quiet -DskipTests verify`,
      `${MAVEN} -Dtest=GreetingTest -DfailIfNoTests=false -Dsurefire.failIfNoSpecifiedTests=false verify >/dev/null 2>&1 || true`,
    ],
    cache: ['~/.m2/repository'],
    checks: { test: `${MAVEN} verify` },
  },
  make: {
    tools: ['make, null'],
    setup: ['make deps'],
    cache: ['.venv'],
    checks: { test: 'make test', lint: 'make lint' },
  },
}

test('there is an expectation for each of the repositories', async () => {
  assert.deepEqual(await fixtureFolders(), [...FIXTURE_NAMES].toSorted())
})

for (const name of FIXTURE_NAMES) {
  test(`what is proposed for a repository with ${name} is right, and its moose.yaml says exactly that`, async () => {
    await using given = await createFixtureRepository(name)
    const proposed = await proposeMooseYaml({ ...NOTHING_SET, home: given.folder }, given.checkout)
    assert.ok(proposed !== null)
    const expected = EXPECTED[name]
    const { tools, notes } = proposed.proposal
    assert.deepEqual([tools.map(({ tool, lock_file }) => `${tool}, ${lock_file}`), notes], [expected.tools, []])
    const { setup, cache, env, checks } = parseMooseYaml(proposed.text)
    assert.deepEqual(setup?.run.split('\n'), expected.setup)
    assert.deepEqual(cache, expected.cache)
    assert.deepEqual(env, expected.env ?? {})
    assert.deepEqual(Object.fromEntries(checks.map((check) => [check.name, check.run.trim()])), expected.checks)
    assert.deepEqual(checks[0]?.proves, ['The test suite passes'])
    assert.deepEqual([proposed.branch, proposed.existing], ['main', null])
  })
}

/** A checkout with these files, tracked. */
async function checkoutOf(files: Readonly<Record<string, string>>) {
  const root = await mkdtemp(path.join(tmpdir(), 'moose-checkout-'))
  const checkout = path.join(root, 'checkout')
  await gitIn(root, 'init', '--quiet', '--initial-branch=main', checkout)
  for (const [name, content] of Object.entries(files)) {
    await mkdir(path.dirname(path.join(checkout, name)), { recursive: true })
    await writeFile(path.join(checkout, name), content)
  }
  await gitIn(checkout, 'add', '--all', '--force')
  return {
    checkout,
    propose: (registryEnvironment: Record<string, string> = {}) => {
      const config = { home: path.join(root, 'home'), toolchainEnvironment: { HOME: root }, registryEnvironment }
      return proposeMooseYaml(config, checkout)
    },
    operatorHome: root,
    [Symbol.asyncDispose]: () => rm(root, { recursive: true, force: true }),
  }
}

const PACKAGE = JSON.stringify({ scripts: { test: 'node --test' } })

test('what is no tracked file of the checkout is not read', async () => {
  await using given = await checkoutOf({ 'package.json': PACKAGE, 'web/package.json': PACKAGE })
  const outside = path.join(given.checkout, '../outside')
  await mkdir(outside)
  await writeFile(path.join(outside, 'package.json'), PACKAGE)
  await rm(path.join(given.checkout, 'package.json'))
  await symlink(path.join(outside, 'package.json'), path.join(given.checkout, 'package.json'))
  await rename(path.join(given.checkout, 'web'), path.join(given.checkout, '../web'))
  await symlink('../outside', path.join(given.checkout, 'web'))
  await writeFile(path.join(given.checkout, 'Makefile'), 'test:\n\ttrue\n')
  assert.deepEqual((await given.propose())?.proposal.checks, [])
})

test('a package.json of 10 MB is not read', async () => {
  await using given = await checkoutOf({ 'package.json': `{"scripts":{"test":"${'x'.repeat(10_000_000)}"}}` })
  assert.deepEqual((await given.propose())?.proposal.checks, [])
})

test('of a bare repository nothing is proposed', async () => {
  await using given = await createFixtureRepository('npm')
  assert.equal(await proposeMooseYaml({ ...NOTHING_SET, home: given.folder }, given.origin), null)
})

test('in a linked worktree its own files count', async () => {
  await using given = await createFixtureRepository('npm')
  const worktree = path.join(given.folder, 'worktree')
  await gitIn(given.checkout, 'worktree', 'add', '--quiet', '-b', 'side', worktree)
  const proposed = await proposeMooseYaml({ ...NOTHING_SET, home: path.join(given.folder, 'moose') }, worktree)
  assert.deepEqual([proposed?.branch, proposed?.proposal.checks[0]?.run], ['side', 'npm test'])
})

test('of a moose.yaml that is there every problem is told with its line, or else what it has not', async () => {
  await using given = await checkoutOf({ 'package.json': PACKAGE, 'package-lock.json': '{}', 'moose.yaml': '' })
  const existing = async (text: string) => {
    await writeFile(path.join(given.checkout, 'moose.yaml'), text)
    return (await given.propose())?.existing
  }
  assert.deepEqual((await existing('chekcs: []\nsetup: 5\n'))?.problems, [
    'moose.yaml:2: setup is neither a command, nor a list of commands, nor a group of run and timeout',
    'moose.yaml:1: chekcs is not a known field; there are: setup, cache, env, network, context, repair, checks (did you mean checks?)',
  ])
  assert.deepEqual(await existing('checks: [{ name: unit, run: npm test }]\ncache: [node_modules/]\n'), {
    problems: [],
    lacks: [
      'setup: npm ci (package-lock.json)',
      ...REGISTRIES.npm.map((host) => `network.setup: ${host} (where npm fetches from)`),
    ],
    hosts: [],
  })
  await rm(path.join(given.checkout, 'moose.yaml'))
  await symlink('package.json', path.join(given.checkout, 'moose.yaml'))
  assert.match(String((await given.propose())?.existing?.problems), /^moose\.yaml:1: it is no plain file/)
})

describe('moose init in a checkout', () => {
  let api: ApiHome
  let served: ServedApi
  before(async () => {
    api = await openApiHome({})
    served = await api.serve(api.deps())
  })
  after(async () => {
    await served[Symbol.asyncDispose]()
    await api[Symbol.asyncDispose]()
  })
  const init = (cwd: string, ...words: string[]) =>
    moose(['init', ...words], { environment: { MOOSE_HOME: api.home.config.home }, cwd })

  test('shows what it found and proposes, writes nothing by itself, and asks nothing without a terminal', async () => {
    await using given = await createFixtureRepository('npm')
    const { exitCode, stdout, stderr } = await init(given.checkout, '--name', 'shown')
    assert.equal(exitCode, 0, stderr)
    assert.match(stdout, /found: npm \(package-lock\.json\)\n/)
    assert.match(stdout, /\nsetup:\n {2}- npm ci # package-lock\.json\n/)
    assert.match(stdout, /\n {2}- name: test\n {4}run: npm test # scripts\.test of package\.json\n/)
    assert.doesNotMatch(stdout, /y\/N/)
    assert.match(stderr, /Write it with: moose init --write/)
    assert.equal(await gitIn(given.checkout, 'status', '--porcelain'), '')
  })

  test('--write writes it once, says how it gets to the base branch, and never overwrites', async () => {
    await using given = await createFixtureRepository('go')
    const file = path.join(given.checkout, 'moose.yaml')
    await gitIn(given.checkout, 'switch', '--quiet', '--create', 'side')
    const first = await init(given.checkout, '--write', '--name', 'written')
    assert.equal(first.exitCode, 0, first.stderr)
    assert.match(first.stdout, /\nwrote \/.*\/moose\.yaml\n/)
    const commands = ['git switch main', 'git add moose.yaml', 'git commit -m "Add moose.yaml"', 'git push origin main']
    assert.ok(first.stderr.includes(commands.map((command) => `  $ ${command}\n`).join('')), first.stderr)
    assert.equal(parseMooseYaml(await readFile(file, 'utf8')).checks.length, 3)
    await writeFile(file, 'checks: []\n')
    const second = await init(given.checkout, '--write', '--name', 'written')
    assert.match(second.stdout, /moose\.yaml is there, and valid\. It has none of these:\n {2}setup: go mod download/)
    assert.match(second.stderr, /never overwritten/)
    assert.equal(await readFile(file, 'utf8'), 'checks: []\n')
    const json = await init(given.checkout, '--write', '--name', 'written', '--json')
    assert.equal(JSON.parse(json.stdout).moose_yaml.written, false)
    await writeFile(file, 'checks: {}\n')
    const third = await init(given.checkout, '--name', 'written')
    assert.equal(third.exitCode, 3)
    assert.match(third.stdout, /moose\.yaml is not valid:\n {2}moose\.yaml:1: checks is not a list\n/)
  })

  test('at a terminal it asks once for the file and once for hosts, and does it for a yes alone', {
    skip: lacking('script'),
  }, async () => {
    await using given = await createFixtureRepository('make')
    const file = path.join(given.checkout, 'moose.yaml')
    const main = path.join(import.meta.dirname, '../../src/cli/main.ts')
    const env = { PATH: process.env['PATH'], HOME: '/nonexistent', MOOSE_HOME: api.home.config.home, TERM: 'dumb' }
    const answered = async (answer: string) => {
      const command = `'${process.execPath}' '${main}' init --name asked`
      // A terminal of its own; its input ends when the command does.
      const child = spawn('script', ['-qec', command, '/dev/null'], { cwd: given.checkout, env })
      let said = ''
      const questions = () => said.split('[y/N]').length - 1
      child.stdout.on('data', (piece: Buffer) => {
        const before = questions()
        said += piece.toString()
        if (questions() > before) child.stdin.write(answer)
      })
      await once(child, 'close')
      return said
    }
    for (const no of ['\n', 'nay\n', '\u0003', '\u0004']) {
      assert.match(await answered(no), /Write it with: /, JSON.stringify(no))
      assert.equal(existsSync(file), false, JSON.stringify(no))
    }
    const said = await answered('y\n')
    assert.match(said, /wrote \/.*moose\.yaml/)
    assert.match(said, /set-up can reach /)
    assert.equal(parseMooseYaml(await readFile(file, 'utf8')).setup?.run, 'make deps')
    assert.doesNotMatch(await answered(''), /y\/N/)
  })

  test('set-up is granted hosts after a yes or with --allow-hosts, and otherwise it says what to type', async () => {
    await using given = await createFixtureRepository('go')
    const grants = async () => {
      const shown = await moose(['project', 'show', 'granted', '--json'], {
        environment: { MOOSE_HOME: api.home.config.home },
      })
      return JSON.parse(shown.stdout).project.allowed_hosts
    }
    const hosts = REGISTRIES.go
    const first = await init(given.checkout, '--name', 'granted')
    const command = `moose project edit granted ${hosts.map((host) => `--allow-host ${host}`).join(' ')}`
    assert.ok(
      first.stderr.includes(`Set-up cannot reach ${hosts.join(', ')}. Grant it with: ${command}\n`),
      first.stderr,
    )
    assert.deepEqual(await grants(), [])
    const second = await init(given.checkout, '--name', 'granted', '--allow-hosts')
    assert.match(second.stdout, new RegExp(`set-up can reach ${hosts.map(RegExp.escape).join(', ')}\n`))
    assert.deepEqual(
      await grants(),
      hosts.map((host) => ({ host, for: 'setup' })),
    )
    assert.doesNotMatch((await init(given.checkout, '--name', 'granted')).stderr, /Set-up cannot reach/)
    await writeFile(path.join(given.checkout, 'moose.yaml'), 'network: { setup: [other.example] }\n')
    const asked = await init(given.checkout, '--name', 'granted', '--json', '--allow-hosts')
    assert.deepEqual(JSON.parse(asked.stdout).project.allowed_hosts.length, 3)
  })

  test('--json says the same in one document, and --write counts there too', async () => {
    await using given = await createFixtureRepository('uv')
    const { stdout } = await init(given.checkout, '--json', '--write', '--name', 'as-json')
    const { project, moose_yaml } = JSON.parse(stdout)
    assert.equal(project.name, 'as-json')
    assert.deepEqual(moose_yaml.tools, [{ tool: 'uv', lock_file: 'uv.lock' }])
    assert.deepEqual(moose_yaml.setup, [{ value: 'uv sync --locked', why: 'uv.lock' }])
    assert.equal(moose_yaml.written, true)
    assert.equal(await readFile(path.join(given.checkout, 'moose.yaml'), 'utf8'), moose_yaml.text)
  })

  test('of a repository that is no checkout it says where a moose.yaml is proposed', async () => {
    await using given = await createFixtureRepository('npm')
    const { exitCode, stderr } = await init('/', given.origin, '--name', 'bare')
    assert.equal(exitCode, 0, stderr)
    assert.match(stderr, /In a checkout of it, moose init also proposes a moose\.yaml/)
    const json = await init('/', given.origin, '--name', 'bare', '--json')
    assert.equal(JSON.parse(json.stdout).moose_yaml, null)
  })
})

test('moose schema prints a JSON schema that knows every key', async () => {
  const { exitCode, stdout } = await moose(['schema'], { environment: {} })
  const schema = JSON.parse(stdout)
  assert.deepEqual([exitCode, schema.$schema], [0, 'https://json-schema.org/draft/2020-12/schema'])
  assert.deepEqual(Object.keys(schema.properties), ['setup', 'cache', 'env', 'network', 'context', 'repair', 'checks'])
  const ofCheck = schema.properties.checks.items.properties
  const Key = z.object({ description: z.string(), examples: z.array(z.unknown()).min(1) })
  const keys = z.record(z.string(), Key).parse({ ...schema.properties, ...ofCheck })
  assert.equal(Object.keys(keys).length, 13)
})

test('offers the hosts of the operator’s own registries, and says where set-up does not see them', async () => {
  await using given = await checkoutOf({
    'package.json': '{ "scripts": { "test": "node --test" } }',
    'package-lock.json': '{}',
    'go.mod': 'module a\n',
    'pom.xml': '<project/>',
  })
  await writeFile(
    path.join(given.operatorHome, '.npmrc'),
    'registry=https://npm.acme.example/api/\n//npm.acme.example/:_authToken=canary\n',
  )
  await mkdir(path.join(given.operatorHome, '.config', 'pip'), { recursive: true })
  await writeFile(
    path.join(given.operatorHome, '.config', 'pip', 'pip.conf'),
    '[global]\nindex-url = https://pip.acme.example/\n',
  )
  await mkdir(path.join(given.operatorHome, '.m2'))
  const settings =
    '<!-- <url>http://my.repository.example/</url> --><mirror><url>https://maven.acme.example/</url></mirror>'
  await writeFile(path.join(given.operatorHome, '.m2', 'settings.xml'), settings)
  const environment = {
    GOPROXY: 'https://go.acme.example:8443/x,direct',
    NPM_CONFIG_REGISTRY: 'https://registry.npmjs.org/',
  }
  const proposed = await given.propose(environment)
  assert.deepEqual(
    proposed?.proposal.hosts.map(({ value }) => value),
    [
      ...REGISTRIES.npm,
      ...REGISTRIES.go,
      ...REGISTRIES.maven,
      'npm.acme.example',
      'maven.acme.example',
      'go.acme.example:8443',
    ],
  )
  assert.deepEqual(
    proposed?.proposal.notes.filter((note) => note.includes('acme')),
    [
      '~/.npmrc names npm.acme.example',
      '~/.m2/settings.xml names maven.acme.example',
      'GOPROXY names go.acme.example:8443',
    ].map(
      (what) =>
        `${what}. Set-up does not see that: it is asked only where env: of moose.yaml or a file of the repository names it too.`,
    ),
  )
  assert.doesNotMatch(JSON.stringify(proposed), /canary/)
})
