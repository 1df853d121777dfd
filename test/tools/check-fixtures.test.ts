import assert from 'node:assert/strict'
import { readFile, writeFile } from 'node:fs/promises'
import path from 'node:path'
import { after, before, describe, test } from 'node:test'
import { parseMooseYaml } from '../../src/checks/moose-yaml.ts'
import { CERTIFICATE_VARIABLES, NETWORK_VARIABLES, TOOLCHAIN_VARIABLES } from '../../src/config/handed-on.ts'
import { CheckEvent, type CheckedProject } from '../../src/contract/base-checks.ts'
import type { HostGrant } from '../../src/contract/hosts/host-rule.ts'
import {
  createFixtureRepository,
  FIXTURE_NAMES,
  type FixtureName,
  type FixtureRepository,
} from '../support/fixture-repository.ts'
import { moose } from '../support/moose-command.ts'
import { createMooseHome, type MooseHome, type RecordedAnswer, rested } from '../support/moose-home.ts'
import { mooseUp, type ServiceProcess } from '../support/service-process.ts'
import { lacking, PACKAGE_MANAGERS } from '../support/tool-or-skip.ts'

const PROGRAMS: Readonly<Record<FixtureName, readonly string[]>> = {
  npm: ['npm'],
  pnpm: ['pnpm'],
  yarn: ['yarn'],
  pip: ['python3'],
  uv: ['uv', 'python3'],
  poetry: ['poetry', 'python3'],
  go: ['go'],
  rust: ['cargo'],
  maven: ['mvn'],
  make: ['make', 'python3'],
}

/** Those that take longest are begun first. */
const LONG: readonly FixtureName[] = ['go', 'maven', 'make', 'pip']
const IN_TURN = [...LONG, ...FIXTURE_NAMES.filter((name) => !LONG.includes(name))]

/** What the service of an operator has in its environment: toolchains, and how the registries are reached. */
function operatorsEnvironment(): Record<string, string> {
  const handed = [...TOOLCHAIN_VARIABLES, ...NETWORK_VARIABLES, ...CERTIFICATE_VARIABLES].flatMap((name) => {
    const value = process.env[name]
    return value === undefined ? [] : [[name, value] as const]
  })
  return { ...Object.fromEntries(handed), PATH: [PACKAGE_MANAGERS, process.env['PATH']].join(path.delimiter) }
}

type Setting = AsyncDisposable & { home: MooseHome; service: ServiceProcess }

async function openSetting(answers: readonly RecordedAnswer[]): Promise<Setting> {
  await using stack = new AsyncDisposableStack()
  const home = stack.use(await createMooseHome({ 'a.txt': 'a\n' }, answers, operatorsEnvironment()))
  const service = stack.use(await mooseUp(home.environment, '--start'))
  const owned = stack.move()
  return { home, service, [Symbol.asyncDispose]: () => owned.disposeAsync() }
}

/** A fixture as a project of its name. */
async function registered({ home }: Setting, name: FixtureName): Promise<FixtureRepository> {
  const repository = await createFixtureRepository(name, { proposed: true })
  await home.database.db
    .insertInto('projects')
    .values({
      name,
      repository: repository.origin,
      default_branch: 'main',
      forge: 'local',
      allowed_hosts: JSON.stringify(await askedFor(repository)),
    })
    .execute()
  return repository
}

/** What the operator is asked to grant. */
async function askedFor({ checkout }: FixtureRepository): Promise<HostGrant[]> {
  const { network } = parseMooseYaml(await readFile(path.join(checkout, 'moose.yaml'), 'utf8'))
  return network.setup.map((host) => ({ host, for: 'setup' }))
}

type Checked = { exitCode: number | null; result: CheckedProject; said: string }

async function check({ home: { environment } }: Setting, name: FixtureName, cwd = '/'): Promise<Checked> {
  const { exitCode, stdout, stderr } = await moose(['check', name, '--json'], { environment, cwd })
  const said = stdout + stderr
  const last = CheckEvent.safeParse(JSON.parse(String(stdout.trim().split('\n').at(-1)))).data
  assert.ok(last?.type === 'result', said)
  return { exitCode, result: last.result, said }
}

function assertPassed({ exitCode, result: { checks, fault }, said }: Checked): void {
  assert.deepEqual([fault, checks.filter(({ outcome }) => outcome !== 'passed')], [null, []], said)
  assert.ok(checks.length > 0)
  assert.equal(exitCode, 0, said)
}

const times = ({ result: { setup, checks } }: Checked): string =>
  [
    ...(setup === null ? [] : [`setup ${setup.duration_ms} ms${setup.reused ? ' (reused)' : ''}`]),
    ...checks.map(({ name, duration_ms }) => `${name} ${duration_ms} ms`),
  ].join(', ')

describe('moose check with the moose.yaml that moose init proposes', { concurrency: 2 }, () => {
  let setting: Setting
  before(async () => {
    setting = await openSetting([])
  })
  after(() => setting[Symbol.asyncDispose]())

  for (const name of IN_TURN) {
    test(`passes in a repository with ${name}, and sets it up once`, {
      skip: lacking(...PROGRAMS[name]),
      timeout: 600_000,
    }, async (t) => {
      await using _repository = await registered(setting, name)
      const first = await check(setting, name)
      t.diagnostic(`${name}, first: ${times(first)}`)
      assertPassed(first)
      // Maven makes it anew whenever it is asked.
      const notKept = name === 'maven' ? ['target/'] : []
      assert.deepEqual([first.result.setup?.reused, first.result.setup?.not_kept], [false, notKept])
      const second = await check(setting, name)
      t.diagnostic(`${name}, second: ${times(second)}`)
      assertPassed(second)
      assert.equal(second.result.setup?.reused, true)
    })
  }
})

const PACKAGE = path.join(import.meta.dirname, '../fixtures/repositories/npm')
/** Nothing depends on it, and it depends on nothing. */
const ADDED = {
  version: '1.0.3',
  integrity: 'sha512-NiSupZ4OeuGwr68lGIeym/ksIZMJodUGOSCZ/FSnTxcrekbvqrgdUxlJOMpijaKZVjAJrWrGs/6Jy8OMuyj9ow==',
}

const written = (files: Readonly<Record<string, string>>): string =>
  Object.entries(files)
    .map(([file, text]) => `### write ${file}\n\`\`\`\n${text.trimEnd()}\n\`\`\`\n`)
    .join('\n')

const pretty = (value: unknown): string => `${JSON.stringify(value, null, 2)}\n`

/** An order's change that needs one package more, with a test that needs it. */
async function withAnotherPackage(): Promise<Record<string, string>> {
  const manifest = JSON.parse(await readFile(path.join(PACKAGE, 'package.json'), 'utf8'))
  const lock = JSON.parse(await readFile(path.join(PACKAGE, 'package-lock.json'), 'utf8'))
  manifest.dependencies['escape-html'] = ADDED.version
  lock.packages[''].dependencies['escape-html'] = ADDED.version
  lock.packages['node_modules/escape-html'] = { ...ADDED, license: 'MIT' }
  return {
    'package.json': pretty(manifest),
    'package-lock.json': pretty(lock),
    'test/escape.test.js': `import assert from 'node:assert/strict'
import { test } from 'node:test'
import escape from 'escape-html'

test('text is escaped', () => {
  assert.equal(escape('<'), '&lt;')
})
`,
  }
}

const POISONING = `import { appendFileSync } from 'node:fs'
import { test } from 'node:test'

test('it can write there', () => {
  appendFileSync(new URL('../node_modules/ms/index.js', import.meta.url), '\\n// poisoned\\n')
})
`
/** Passes where only what the base depends on is there, as its lock file has it. */
const LOOKING = `import assert from 'node:assert/strict'
import { readFileSync, readdirSync } from 'node:fs'
import { test } from 'node:test'

test('there is what the lock file names, and nothing else', () => {
  const packages = new URL('../node_modules/', import.meta.url)
  assert.deepEqual(readdirSync(packages).filter((name) => !name.startsWith('.')), ['ms'])
  assert.doesNotMatch(readFileSync(new URL('ms/index.js', packages), 'utf8'), /poisoned/)
})
`

describe('set-up of a repository with npm', { skip: lacking('npm') }, () => {
  let setting: Setting
  let repository: FixtureRepository
  before(async () => {
    const changes = {
      'Escape text': await withAnotherPackage(),
      Poison: { 'test/poison.test.js': POISONING },
      Look: { 'test/look.test.js': LOOKING },
    }
    const answers = Object.entries(changes).map(([task, files]) => ({ task, turn: 1, text: written(files) }))
    setting = await openSetting(answers)
    repository = await registered(setting, 'npm')
    const words = ['project', 'edit', 'npm', '--unprotect', 'package-lock.json']
    const { exitCode, stderr } = await moose(words, setting.home)
    assert.equal(exitCode, 0, stderr)
  })
  after(async () => {
    await setting[Symbol.asyncDispose]()
    await repository[Symbol.asyncDispose]()
  })

  /** Carries an approved order out. @returns its status, phase, and what was noted on its way */
  const carriedOut = async (title: string, ...files: readonly string[]) => {
    const { environment, database } = setting.home
    const scope = files.flatMap((file) => ['--file', file])
    const words = ['add', '--project', 'npm', '--title', title, ...scope, '--risk', 'low', '--approve', '--json']
    const added = await moose(words, { environment })
    assert.equal(added.exitCode, 0, added.stderr)
    const { id } = JSON.parse(added.stdout).work_orders[0]
    await rested(database.db, id, 120_000)
    const shown = await moose(['show', id, '--json'], { environment })
    const { phase, status } = JSON.parse(shown.stdout).work_order
    return { phase, status, shown: shown.stdout }
  }

  test('without setup its check fails: what it depends on is needed', async () => {
    const file = path.join(repository.checkout, 'moose.yaml')
    const proposed = await readFile(file, 'utf8')
    await writeFile(file, proposed.slice(proposed.indexOf('\nchecks:')))
    const { exitCode, result, said } = await check(setting, 'npm', repository.checkout)
    await writeFile(file, proposed)
    assert.deepEqual([result.setup, result.configuration], [null, 'given'], said)
    assert.notEqual(exitCode, 0, said)
    assert.match(String(result.checks[0]?.output_tail), /Cannot find package 'ms'/)
  })

  test('an order that changes the lock file is set up anew in its own tree; no other sees that, or what it wrote', async () => {
    assertPassed(await check(setting, 'npm'))
    const orders: [title: string, ...files: string[]][] = [
      ['Escape text', 'package.json', 'package-lock.json', 'test/escape.test.js'],
      ['Poison', 'test/poison.test.js'],
      ['Look', 'test/look.test.js'],
    ]
    for (const [title, ...files] of orders) {
      const { phase, shown } = await carriedOut(title, ...files)
      assert.equal(phase, 'in_review', `${title}: ${shown}`)
    }
    const last = await check(setting, 'npm')
    assertPassed(last)
    assert.equal(last.result.setup?.reused, true)
  })
})
