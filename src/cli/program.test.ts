import assert from 'node:assert/strict'
import { PassThrough } from 'node:stream'
import { describe, test } from 'node:test'
import type { Command } from 'commander'
import { checkOrderToRun } from '../contract/order-file/check-order.ts'
import { readOrderFile } from '../contract/order-file/order-file.ts'
import { closedIssues } from '../work-order/closes.ts'
import { exitCodeOf } from './exit-code.ts'
import { COMMANDS } from './pages/invocation.ts'
import { createOutput } from './pages/output.ts'
import { buildProgram, faultOfRun } from './program.ts'

const output = createOutput(
  { stdout: new PassThrough(), stderr: new PassThrough() },
  { json: false, color: false, invocation: 'moose' },
)
const programFor = (words: readonly string[]) =>
  buildProgram({ output, environment: {}, cwd: '/', readStdin: async () => '' }, words)

/** The command line in this process, as far as it gets without a home. */
async function speak(...words: string[]) {
  const stdout = new PassThrough()
  const stderr = new PassThrough()
  const output = createOutput({ stdout, stderr }, { json: words.includes('--json'), color: false, invocation: 'moose' })
  const program = await buildProgram({ output, environment: {}, cwd: '/', readStdin: async () => '' }, words)
  const names = program.commands.map((command) => command.name())
  let exitCode = 0
  try {
    await program.parseAsync(words, { from: 'user' })
  } catch (thrown) {
    const fault = faultOfRun(thrown)
    if (fault !== null) {
      output.fault(fault, false)
      exitCode = exitCodeOf(fault.code)
    }
  }
  return { exitCode, stdout: String(stdout.read() ?? ''), stderr: String(stderr.read() ?? ''), names }
}

const { names } = await speak()

test('every command of the contract is there', () => {
  assert.deepEqual(new Set(names), new Set(COMMANDS))
})

test('a command that is loaded has the arguments, the summary and the alias of its line in the help', async () => {
  const shown = ({ commands }: Command) =>
    commands.map((command) => ({
      name: command.name(),
      alias: command.aliases(),
      summary: command.summary(),
      arguments: command.registeredArguments.map((one) => [one.name(), one.required, one.variadic]),
    }))
  assert.deepEqual(shown(await programFor(names)), shown(await programFor([])))
})

describe('help', () => {
  for (const name of names.filter((each) => each !== 'demo')) {
    test(`moose ${name} --help teaches with an example`, async () => {
      const { exitCode, stdout, stderr } = await speak(name, '--help')
      assert.deepEqual([exitCode, stderr], [0, ''])
      assert.match(stdout, new RegExp(`^Usage: moose ${name}`))
      assert.match(stdout, new RegExp(`Examples?:\\n {2}\\$ .*moose ${name}`))
      assert.match(stdout, /--json/)
    })
  }

  test('the file that moose add --help shows is an order that can be run, closes an issue, and names what is only read', async () => {
    const { stdout } = await speak('add', '--help')
    const file = /\nA file:\n([\s\S]*?)\n\n/.exec(stdout)?.[1] ?? assert.fail(stdout)
    const { orders, problems, warnings } = readOrderFile('order.yaml', file, checkOrderToRun)
    assert.deepEqual([problems, warnings], [[], []])
    const [order] = orders
    assert.deepEqual(closedIssues(String(order?.description)), [12])
    assert.deepEqual(order?.context, ['docs/languages.md'])
    const said = stdout.replaceAll(/\s+/g, ' ')
    assert.match(said, /"Closes #12" and nothing else closes that issue when the pull request is merged/)
    assert.match(said, /text with " #" or ": " in it stands in quotes/)
  })

  test('moose alone shows every command and is no error', async () => {
    const { exitCode, stdout, stderr } = await speak()
    assert.deepEqual([exitCode, stderr], [0, ''])
    for (const name of names) assert.match(stdout, new RegExp(`\\n {2}${name}\\b`))
  })

  test('the version is the one of the package', async () => {
    const { exitCode, stdout } = await speak('--version')
    assert.deepEqual([exitCode, /^\d+\.\d+\.\d+\n$/.test(stdout)], [0, true])
  })
})

test('a misspelt command or option is wrong usage and says what was meant', async () => {
  const command = await speak('lst')
  assert.equal(command.exitCode, 2)
  assert.match(command.stderr, /^error: unknown command 'lst' \(Did you mean .*list.*\)\. See: moose --help\n$/)
  const option = await speak('list', '--jsn')
  assert.deepEqual([option.exitCode, /Did you mean --json\?/.test(option.stderr)], [2, true])
})

test('wrong usage is JSON where JSON is asked for', async () => {
  const { exitCode, stdout, stderr } = await speak('run', '--json')
  assert.deepEqual([exitCode, stderr], [2, ''])
  assert.equal(JSON.parse(stdout).error.code, 'request_invalid')
})

test('a bad setting names its variable before anything is opened', async () => {
  const output = createOutput(
    { stdout: new PassThrough(), stderr: new PassThrough() },
    { json: false, color: false, invocation: 'moose' },
  )
  const environment = { MOOSE_PORT: 'high', MOOSE_HOME: '/nonexistent' }
  const program = await buildProgram({ output, environment, cwd: '/', readStdin: async () => '' }, ['list'])
  const thrown = await program.parseAsync(['list'], { from: 'user' }).catch((error: unknown) => error)
  const fault = faultOfRun(thrown)
  assert.ok(fault !== null)
  assert.equal(fault.code, 'config_invalid')
  assert.match(fault.message, /MOOSE_PORT/)
})
