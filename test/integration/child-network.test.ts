import assert from 'node:assert/strict'
import { createServer } from 'node:http'
import { test } from 'node:test'
import type { HostGrant } from '../../src/contract/hosts/host-rule.ts'
import { faultOf } from '../support/fault-of.ts'
import { listenOnLoopback } from '../support/loopback.ts'
import { moose } from '../support/moose-command.ts'
import { createMooseHome, fileOrder, settled } from '../support/moose-home.ts'
import { withoutBubblewrap } from '../support/sandbox-setting.ts'
import { setUpSetting, USUAL_TOOLCHAINS } from '../support/set-up-setting.ts'
import { lacking } from '../support/tool-or-skip.ts'

const FILES = { 'a.txt': 'a\n' }
const needed = { skip: withoutBubblewrap || lacking('curl') }

/** What stands in for the net: a server of this machine, granted by its address. */
async function startNet() {
  const server = createServer((_request, response) => void response.end('from the net'))
  const listening = await listenOnLoopback(server)
  return { ...listening, host: new URL(listening.origin).host }
}

const grant = (host: string, use: HostGrant['for'] = 'setup'): HostGrant => ({ host, for: use })
/** To a place of the net through the proxy; curl goes to loopback by itself unless it is told otherwise. */
const fetched = (origin: string) => `curl --silent --show-error --fail --noproxy '' --proxy "$HTTP_PROXY" ${origin}/`

test(
  'a check reaches a server of this machine past the proxy where there is no sandbox, and not in one',
  needed,
  async () => {
    await using net = await startNet()
    const past = `curl --silent --max-time 5 --noproxy '*' ${net.origin}/`
    await using open = await setUpSetting(FILES, { setup: null }, USUAL_TOOLCHAINS, false)
    await using confined = await setUpSetting(FILES, { setup: null })
    for (const [given, outcome] of [
      [open, 'passed'],
      [confined, 'failed'],
    ] as const) {
      const base = await given.fetch()
      await using workspace = await given.open(base, await given.prepare(base))
      assert.equal((await given.check(workspace, past)).outcome, outcome)
    }
  },
)

test('set-up and checks reach what is granted to each, and nothing else; the rest is told', needed, async () => {
  await using net = await startNet()
  const setup = `${fetched(net.origin)} >deps; mkdir -p out; mv deps out/`
  await using given = await setUpSetting(FILES, { setup, cache: ['out'], grants: [grant(net.host)] })
  const base = await given.fetch()
  const prepared = await given.prepare(base)
  await using workspace = await given.open(base, prepared)
  const check = await given.check(workspace, `cat out/deps; ${fetched(net.origin)}`)
  assert.equal(check.outcome, 'failed')
  assert.match(
    check.outputTail,
    new RegExp(`^from the net[^]*moose: ${net.host} was refused: it is not granted to the project`),
  )
  const port = Number(net.host.split(':')[1])
  const refused = [{ host: '127.0.0.1', port, times: 1, why: 'not_granted' }]
  assert.deepEqual(check.network, { asked: [], granted: [], refused })
})

test('checks that are granted no host tell uv and cargo so, unless env: says otherwise; set-up does not', async () => {
  const told = 'echo "told ${UV_OFFLINE:-nothing} ${CARGO_NET_OFFLINE:-nothing}"'
  const cases: [grants: HostGrant[], env: Record<string, string>, checks: RegExp][] = [
    [[grant('registry.example')], {}, /^told 1 true$/m],
    [[], { UV_OFFLINE: '0' }, /^told 0 true$/m],
    [[grant('registry.example', 'checks')], {}, /^told nothing nothing$/m],
  ]
  for (const [grants, env, checks] of cases) {
    await using given = await setUpSetting(FILES, { setup: told, grants, env })
    const base = await given.fetch()
    await using workspace = await given.open(base, await given.prepare(base))
    assert.match((await given.check(workspace, told)).outputTail, checks)
    assert.match(given.told.join(''), /^told (?:nothing|0) nothing$/m)
  }
})

test(
  'a set-up that is refused a host says which, and what to type; what is granted decides whether it is kept',
  needed,
  async () => {
    await using net = await startNet()
    const grants: HostGrant[] = []
    await using given = await setUpSetting(FILES, { setup: fetched(net.origin), grants })
    const base = await given.fetch()
    const fault = await faultOf(given.prepare(base))
    assert.equal(fault.code, 'setup_failed')
    assert.match(
      fault.message,
      new RegExp(`it was refused ${net.host}, not granted .*: moose project edit \\S+ --allow-host ${net.host}\\)`),
    )
    assert.equal(fault.details['refused'], net.host)
    const key = await given.setUp.keyOf({ project: given.project, sha: base, config: given.config })
    grants.push(grant(net.host))
    assert.equal((await given.prepare(base)).reused, false)
    assert.notEqual(await given.setUp.keyOf({ project: given.project, sha: base, config: given.config }), key)
  },
)

test(
  'set-up of a change that is refused a host is a fault of the set-up, and one that fails otherwise a result',
  needed,
  async () => {
    await using net = await startNet()
    const setup = `grep -q fetch a.txt && ${fetched(net.origin)}; ! grep -q broken a.txt`
    await using given = await setUpSetting(FILES, { setup })
    const base = await given.fetch()
    const prepared = await given.prepare(base)
    const again = async (text: string) => {
      const sha = await given.remote.commit('main', { 'a.txt': text })
      await given.fetch()
      await using workspace = await given.open(sha, prepared)
      const { config, project } = given
      const signal = new AbortController().signal
      return await given.setUp.again({ workspace, project, config, signal, onOutput: () => undefined })
    }
    assert.equal((await again('broken\n')).outcome, 'failed')
    const fault = await faultOf(again('fetch broken\n'))
    assert.deepEqual([fault.code, fault.details['refused']], ['setup_failed', net.host])
  },
)

test(
  'moose check tells what is asked for and not granted, what was refused, and grants count at once',
  needed,
  async () => {
    await using net = await startNet()
    const run = fetched(net.origin).replaceAll('"', '')
    const checks = `checks: [{ name: net, run: "${run}" }, { name: again, run: "${run}" }]`
    const network = `network: { setup: [registry.example], checks: ["${net.host}"] }`
    await using home = await createMooseHome({ 'a.txt': 'a\n', 'moose.yaml': `${network}\n${checks}\n` }, [])
    const at = (...words: string[]) => moose(words, { environment: home.environment })
    const first = await at('check')
    assert.equal(first.exitCode, 1, first.stdout + first.stderr)
    assert.match(
      first.stdout,
      new RegExp(`net +fails on the base .*moose project edit sample --allow-host ${net.host} --for checks`),
    )
    assert.deepEqual(first.stderr.match(/^refused to .*$/gm), [`refused to checks: ${net.host}, 2 times`])
    assert.match(
      first.stderr,
      new RegExp(`asks for hosts that are not granted: registry\\.example \\(setup\\), ${net.host} \\(checks\\)`),
    )
    assert.match(first.stderr, /to grant them: moose project edit sample --allow-host registry\.example\n/)
    const edited = await at('project', 'edit', 'sample', '--allow-host', net.host, '--for', 'checks')
    assert.match(edited.stdout, new RegExp(`set-up reaches +no host\\n *checks reach +${net.host}`))
    const second = await at('check', '--json')
    assert.equal(second.exitCode, 0, second.stdout + second.stderr)
    const { result } = JSON.parse(String(second.stdout.trim().split('\n').at(-1)))
    assert.deepEqual([result.network.granted, result.network.refused], [[{ host: net.host, for: 'checks' }], []])
    await at('project', 'edit', 'sample', '--deny-host', net.host)
    assert.equal((await at('check')).exitCode, 1)
  },
)

test('grants are edited by host and use, each once, and what is no host is refused by its option', async () => {
  await using home = await createMooseHome({ 'a.txt': 'a\n' }, [])
  const edit = async (...words: string[]) => {
    const { exitCode, stdout, stderr } = await moose(['project', 'edit', 'sample', '--json', ...words], {
      environment: home.environment,
    })
    return exitCode === 0 ? JSON.parse(stdout).project.allowed_hosts : stdout + stderr
  }
  const granted = await edit(
    '--allow-host',
    'B.example',
    '--allow-host',
    '*.a.example:8443',
    '--allow-host',
    'b.example',
  )
  assert.deepEqual(granted, [grant('*.a.example:8443'), grant('b.example')])
  assert.deepEqual(await edit('--deny-host', '*.A.example:8443'), [grant('b.example')])
  assert.deepEqual(await edit('--allow-host', 'b.example', '--for', 'checks'), [
    grant('b.example', 'checks'),
    grant('b.example'),
  ])
  assert.deepEqual(await edit('--deny-host', 'B.EXAMPLE', '--for', 'setup'), [grant('b.example', 'checks')])
  assert.match(await edit('--allow-host', 'https://b.example'), /--allow-host is not a host: registry\.example/)
  assert.match(await edit('--for', 'checks'), /--for belongs to --allow-host or --deny-host/)
  await home.database.db
    .updateTable('projects')
    .set({ allowed_hosts: '[{"host":"*","for":"setup"}, 1, "x"]' })
    .execute()
  const shown = await moose(['project', 'show', 'sample', '--json'], { environment: home.environment })
  assert.deepEqual(JSON.parse(shown.stdout).project.allowed_hosts, [])
})

test(
  'a pull request tells what of the net its checks were refused, and nothing where they were refused nothing',
  needed,
  async () => {
    const files = (run: string) => ({ ...FILES, 'moose.yaml': `checks:\n  - { name: 'asks @octo', run: '${run}' }\n` })
    const recorded = [{ task: 'Change a', turn: 1, text: '### write a.txt\n```\nb\n```\n' }]
    const bodyOf = async (run: string): Promise<string> => {
      await using home = await createMooseHome(files(run), recorded)
      await using app = await home.open()
      await app.orchestrator.start(null)
      const order = await settled(app, await fileOrder(home.database, { title: 'Change a', files: ['a.txt'] }))
      return String(order.pull_request?.body)
    }
    const line = /^- Check asks .*octo was refused on the network: `evil\.test:80`\.$/m
    const body = await bodyOf('curl --silent --proxy "$HTTP_PROXY" http://evil.test/ || true')
    assert.match(body, line)
    assert.doesNotMatch(body, /@octo was/)
    assert.doesNotMatch(await bodyOf('true'), /refused on the network/)
  },
)
