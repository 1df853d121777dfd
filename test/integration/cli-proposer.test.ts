import assert from 'node:assert/strict'
import { readFile } from 'node:fs/promises'
import { PassThrough } from 'node:stream'
import { after, before, beforeEach, describe, test } from 'node:test'
import { exitCodeOf } from '../../src/cli/exit-code.ts'
import { PRESETS } from '../../src/cli/input/proposer-presets.ts'
import { createOutput } from '../../src/cli/pages/output.ts'
import { buildProgram, faultOfRun } from '../../src/cli/program.ts'
import { getProposerConfig } from '../../src/db/proposer-configs.ts'
import { countOutage } from '../../src/db/provider-pauses.ts'
import { examineProposers } from '../../src/doctor/examine-proposers.ts'
import { whyHostRefused } from '../../src/models/model-hosts.ts'
import { providerKey } from '../../src/models/provider-pause.ts'
import { type ApiHome, openApiHome, type ServedApi } from '../support/api-home.ts'
import { type ModelServer, startModelServer } from '../support/model-server.ts'
import { moose } from '../support/moose-command.ts'

const READY = { kind: 'text', text: 'ready\u001b[2J', input: 20, output: 3 } as const

const OUTAGE = { tested: false, kind: 'outage' as const, keyMark: null, askedMs: 0, chance: 0 }

/** The commands against the API of a real home, found through `service.json`. */
describe('moose proposer', () => {
  let api: ApiHome
  let served: ServedApi
  let server: ModelServer

  before(async () => {
    server = await startModelServer(READY)
    api = await openApiHome({
      settings: { OWN_API_KEY: 'sk-own-0123456789', MOOSE_MODEL_HOSTS: '*.openai.azure.com,*.example.com' },
    })
    served = await api.serve(api.deps())
  })
  after(async () => {
    await served[Symbol.asyncDispose]()
    await api[Symbol.asyncDispose]()
    await server[Symbol.asyncDispose]()
  })
  beforeEach(async () => {
    await api.clear()
    await api.home.database.db.deleteFrom('proposer_configs').execute()
    served.sent.length = 0
    server.calls.length = 0
    server.script.splice(0, server.script.length, READY)
  })

  test('the addresses of all presets may be called as they are', () => {
    for (const [name, { baseUrl }] of Object.entries(PRESETS))
      assert.equal(whyHostRefused({ name, baseUrl }, []), null, name)
  })

  /** In this process: what is tested are the words, not that a process starts. */
  const run = async (...words: string[]) => {
    const stdout = new PassThrough()
    const stderr = new PassThrough()
    const json = words.includes('--json')
    const output = createOutput({ stdout, stderr }, { json, color: false, invocation: 'moose' })
    const environment = { MOOSE_HOME: api.home.config.home, PATH: '/usr/bin' }
    const called = ['proposer', ...words]
    const program = await buildProgram({ output, environment, cwd: '/', readStdin: async () => '' }, called)
    let exitCode = 0
    try {
      await program.parseAsync(called, { from: 'user' })
    } catch (thrown) {
      const fault = faultOfRun(thrown)
      if (fault !== null) {
        output.fault(fault, false)
        exitCode = exitCodeOf(fault.code)
      }
    }
    return { exitCode, stdout: String(stdout.read() ?? ''), stderr: String(stderr.read() ?? '') }
  }
  const addOwn = (...words: string[]) =>
    run('add', 'own', '--kind', 'openai-compatible', '--base-url', server.url, '--model', 'm-1', ...words)
  const ownProvider = async () => providerKey(await getProposerConfig(api.moose.db, 'own'))
  const PRICED = ['--key-variable', 'OWN_API_KEY', '--input', '1', '--output', '2']

  test('every option reaches the API as it was typed', async () => {
    const { exitCode, stdout, stderr } = await addOwn(
      ...PRICED,
      ...'--cache-read 0.1 --threshold .6 --context 128000 --output-limit-parameter max_completion_tokens --answer-form diff'.split(
        ' ',
      ),
      '--header',
      'X-Title: a: b',
      '--header',
      'X-B:c',
      ...'--body reasoning_effort="low" --body provider={"sort":"price"} --paused'.split(' '),
    )
    assert.equal(exitCode, 0, stderr)
    assert.deepEqual(served.sent[0]?.body, {
      name: 'own',
      kind: 'openai-compatible',
      model: 'm-1',
      base_url: server.url,
      key_variable: 'OWN_API_KEY',
      complexity_threshold: 0.6,
      price: { input_per_million: '1', output_per_million: '2', cache_read_per_million: '0.1' },
      context_tokens: 128000,
      output_limit_parameter: 'max_completion_tokens',
      answer_form: 'diff',
      extra_headers: { 'X-Title': 'a: b', 'X-B': 'c' },
      extra_body: { reasoning_effort: 'low', provider: { sort: 'price' } },
      active: false,
    })
    assert.match(stdout, /^own\nstate +paused by you\n/)
    assert.match(
      stdout,
      /\nkey +OWN_API_KEY, which is set\nprice +\$1\.00 in, \$2\.00 out per million tokens, as you say since \d{4}-\d\d-\d\d\ntest +costs at most \$0\.00\d\d\n/,
    )
    assert.match(stdout, /\nanswer form +diff\n/)
    assert.match(stderr, /moose proposer test own/)
    const edited = await run('edit', 'own', '--answer-form', 'tools')
    assert.match(edited.stdout, /answer_form {2}diff → tools/)
  })

  test('where pausing one leaves none, resuming it is told only if that helps', async () => {
    const added = await addOwn('--key-variable', 'NO_SUCH_API_KEY', '--input', '1', '--output', '2')
    assert.equal(added.exitCode, 0, added.stderr)
    const { stderr } = await run('pause', 'own')
    assert.doesNotMatch(stderr, /resume/)
    assert.match(stderr, /None can be called now\. See why with: moose doctor/)
  })

  test('a preset fills in what was not given, and says so', async () => {
    const added = await run('add', 'q', '--preset', 'openrouter', '--model', 'qwen/qwen3-coder')
    assert.match(
      added.stderr,
      /Filled in by openrouter: kind "openai-compatible", base_url "https:\/\/openrouter\.ai\/api\/v1", key_variable "OPENROUTER_API_KEY" \(https:\/\/openrouter\.ai\/docs/,
    )
    assert.match(added.stderr, /First: export OPENROUTER_API_KEY=…/)
    await run(
      'add',
      'l',
      '--preset',
      'ollama',
      '--model',
      'm',
      '--key-variable',
      'OWN_API_KEY',
      '--input',
      '1',
      '--output',
      '1',
    )
    assert.deepEqual(served.sent[1]?.body, {
      name: 'l',
      kind: 'openai-compatible',
      base_url: 'http://127.0.0.1:11434/v1',
      model: 'm',
      key_variable: 'OWN_API_KEY',
      price: { input_per_million: '1', output_per_million: '1' },
    })
    const azure = await run('add', 'a', '--preset', 'azure', '--model', 'm')
    assert.deepEqual([azure.exitCode, served.sent.length], [2, 2])
    assert.match(azure.stderr, /--base-url https:\/\/RESOURCE\.openai\.azure\.com\/openai\/v1/)
  })

  test('every preset can be added as it is, but for what each account has of its own', async () => {
    for (const [name, { own }] of Object.entries(PRESETS)) {
      const address = own === null ? [] : ['--base-url', own.replace('RESOURCE', 'mine')]
      const priced = name === 'ollama' ? [] : ['--input', '1', '--output', '1']
      const added = await run('add', name, '--preset', name, '--model', 'm', ...address, ...priced)
      assert.equal(added.exitCode, 0, `${name}: ${added.stderr}`)
    }
  })

  test('an unknown kind, preset or option, and a value of the wrong form, are refused with the valid ones', async () => {
    const wrong: [string[], RegExp][] = [
      [['add', 'x'], /--kind, or --preset, is missing/],
      [['add', 'x', '--kind', 'openai'], /--model is missing/],
      [
        ['add', 'x', '--kind', 'cohere', '--model', 'm'],
        /Allowed choices are anthropic, openai, google, openai-compatible/,
      ],
      [['add', 'x', '--preset', 'nope', '--model', 'm'], /Allowed choices are anthropic, azure/],
      [['add', 'x', '--kind', 'openai', '--model', 'm', '--url', 'x'], /unknown option '--url'/],
      [['add', 'x', '--kind', 'openai', '--model', 'm', '--input', '1'], /both --input and --output/],
      [['add', 'x', '--kind', 'openai', '--model', 'm', '--free', '--input', '1'], /cannot be used with/],
      [['add', 'x', '--kind', 'openai', '--model', 'm', '--threshold', '1e9'], /a number from 0 to 1/],
      [['add', 'x', '--kind', 'openai', '--model', 'm', '--header', 'Authorization'], /a name and a value/],
      [['add', 'x', '--kind', 'openai', '--model', 'm', '--body', 'effort=low'], /reasoning_effort='"low"'/],
      [['add', 'x', '--kind', 'openai', '--model', 'm', '--body', 'effort=null'], /null is no value/],
      [['add', 'x', '--kind', 'openai', '--model', 'm', '--body', '__proto__={"a":1}'], /a field and its value/],
      [['edit', 'x'], /Nothing to change/],
      [['edit', 'x', '--library', '--free'], /cannot be used with/],
    ]
    for (const [words, says] of wrong) {
      const { exitCode, stderr } = await run(...words)
      assert.equal(exitCode, 2, words.join(' '))
      assert.match(stderr, says)
    }
    assert.deepEqual(served.sent, [])
  })

  test('list, show, edit, pause, resume and remove', async () => {
    assert.match((await run('list')).stderr, /There is no proposer/)
    await addOwn(...PRICED, '--header', 'X-A: 1')
    assert.match((await run('list')).stdout, /\nown +openai-compatible +m-1 +1 +\$1\.00 \/ \$2\.00 +ready\n$/)
    const edited = await run('edit', 'own', '--threshold', '0.5', '--remove-header', 'x-a', '--context', 'none')
    assert.equal(edited.stdout, 'edited own\n  complexity_threshold  1 → 0.5\n  extra_headers  {"X-A":"1"} → {}\n')
    assert.equal((await run('edit', 'own', '--threshold', '0.5')).stdout, 'unchanged own\n')
    const paused = await run('pause', 'own')
    assert.match(paused.stdout, /^own is paused/)
    assert.match(paused.stderr, /No proposer is left.*moose proposer resume own/)
    assert.match((await run('list')).stdout, /paused by you/)
    await countOutage(api.moose.db, { ...OUTAGE, provider: await ownProvider(), reason: 'HTTP 503' })
    assert.match((await run('resume', 'own')).stderr, /Its provider is paused until .*moose proposer resume own --now/)
    assert.match((await run('show', 'own')).stdout, /provider paused until .*\n[^]*1 outage in a row.*HTTP 503/)
    assert.equal(
      (await run('resume', 'own', '--now')).stdout,
      'own is given orders again, and its provider is called again\n',
    )
    const json: unknown = JSON.parse((await run('show', 'own', '--json')).stdout)
    assert.equal(Object(Object(json).proposer).name, 'own')
    assert.equal((await run('remove', 'own')).stdout, 'removed own\n')
    for (const verb of ['show', 'pause', 'resume', 'remove', 'test']) {
      for (const name of ['own', '..', '../budget', "x'; rm -rf ~", '\u001b[2J'])
        assert.deepEqual([verb, name, (await run(verb, name)).exitCode], [verb, name, 1])
    }
  })

  test('a test prints what was understood, and nothing a model says commands the terminal', async () => {
    await addOwn(...PRICED)
    const { exitCode, stdout } = await run('test', 'own')
    assert.equal(exitCode, 0)
    assert.match(stdout, /^own {2}m-1\nanswer +✓ "ready\\u001b\[2J"\ntime +✓ \d+/)
    assert.match(
      stdout,
      /\ntokens +✓ 20 in, 3 out\nstream +✓ piece by piece\nending +✓ "stop", understood as a whole answer\nlimit +✓ max_tokens\n$/,
    )
    server.script.splice(0, 1, { kind: 'text', text: 'ready', uncounted: true })
    assert.match((await run('test', 'own')).stdout, /\ntokens +! not reported: every call is booked at the most/)
    server.script.splice(0, 1, { kind: 'status', status: 401, message: 'no' })
    const refused = await run('test', 'own')
    assert.equal(refused.exitCode, 3)
    assert.match(refused.stderr, /Next: export OWN_API_KEY=…/)
    await run('edit', 'own', '--key-variable', 'OTHER_API_KEY')
    const missing = await run('test', 'own')
    assert.equal(missing.exitCode, 3)
    assert.match(missing.stderr, /OTHER_API_KEY is not set.*export OTHER_API_KEY=…/)
  })

  test('doctor names the command for each finding', async () => {
    const { db } = api.home.database
    await addOwn(...PRICED)
    const row = { provider: 'openai', model: 'gpt-6-luna', complexity_threshold: 1 }
    await db
      .insertInto('proposer_configs')
      .values([
        { ...row, name: 'keyless' },
        {
          ...row,
          name: 'clear',
          provider: 'openai-compatible',
          base_url: 'http://models.example.com/v1',
          cost_profile: '{"free":true}',
        },
        { ...row, name: 'priceless', provider: 'openai-compatible', base_url: server.url },
        { ...row, name: 'my own', complexity_threshold: 7 },
      ])
      .execute()
    await countOutage(db, { ...OUTAGE, provider: 'openai-compatible http://models.example.com/v1', reason: 'down' })
    const findings = await examineProposers(db, api.moose.api.models, {})
    assert.deepEqual(
      findings.map(({ name, state, remedy }) => [name, state, remedy]),
      [
        ['proposer clear', 'optional', 'moose proposer edit clear --base-url https://…'],
        ['proposer clear', 'warning', 'moose proposer test clear, or moose proposer resume clear --now'],
        ['proposer clear', 'warning', 'moose proposer edit clear --base-url https://…'],
        ['proposer keyless', 'optional', 'export OPENAI_API_KEY=…'],
        ['proposer own', 'ok', null],
        ['proposer priceless', 'optional', 'moose budget price priceless --input USD --output USD'],
        ['proposer my own', 'broken', "moose proposer edit 'my own' --threshold 0.5"],
      ],
    )
    await db.updateTable('proposer_configs').set({ active: false }).where('name', '<>', 'keyless').execute()
    const none = (await examineProposers(db, api.moose.api.models, {})).at(-1)
    assert.deepEqual([none?.state, none?.remedy], ['missing', 'moose proposer resume own'])
    assert.equal((await run('edit', 'my own', '--threshold', '0.5')).exitCode, 0)
  })

  test('the examples of docs/models.md are carried out as they stand', async () => {
    const page = await readFile(new URL('../../docs/models.md', import.meta.url), 'utf8')
    const commands = [...page.matchAll(/^```sh\n(.*?)^```/gms)]
      .flatMap(([, block]) => String(block).split('\n'))
      .filter((line) => line.startsWith('moose '))
    assert.ok(commands.length >= 15)
    const { db } = api.home.database
    await db
      .insertInto('proposer_configs')
      .values({ name: 'claude-sonnet-5', provider: 'anthropic', model: 'claude-sonnet-5', complexity_threshold: 1 })
      .execute()
    for (const command of commands) {
      const [program, group, verb, ...words] = wordsOf(command)
      assert.deepEqual([program, group], ['moose', 'proposer'])
      const { exitCode, stderr } = await run(String(verb), ...words)
      // Without a key nothing is sent, and at the address of a local server nothing listens.
      const expected = verb === 'test' ? /is not set|could not answer right now/ : /^/
      assert.match(stderr, expected, command)
      assert.ok(verb === 'test' || exitCode === 0, `${command}: ${stderr}`)
    }
    for (const preset of Object.keys(PRESETS)) assert.match(page, new RegExp(`\`${preset}\``))
    for (const { baseUrl, keyVariable } of Object.values(PRESETS)) {
      for (const text of [baseUrl, keyVariable]) assert.ok(text === null || page.includes(`\`${text}\``), String(text))
    }
  })

  test('without a service the command does the same in its own process, and says nothing else', async () => {
    await using home = await openApiHome()
    const environment = { ...home.home.environment, MOOSE_LOG_LEVEL: 'warn' }
    const words = ['proposer', 'add', 'own', '--preset', 'vllm', '--model', 'm', '--json']
    const { exitCode, stdout, stderr } = await moose(words, { environment })
    assert.deepEqual([exitCode, stderr], [0, ''])
    assert.equal(JSON.parse(stdout).proposer.price.source, 'free')
  })
})

/** As a shell splits a line of plain words and single quotes. */
function wordsOf(line: string): string[] {
  return [...line.matchAll(/'([^']*)'|(\S+)/g)].map(([, quoted, plain]) => String(quoted ?? plain))
}
