import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { createCheckRunner } from '../../src/checks/check-runner.ts'
import { createSetUp } from '../../src/checks/set-up.ts'
import { whyNotRunnable } from '../../src/checks/set-up-fault.ts'
import { toFault } from '../../src/faults/fault.ts'
import { Mirrors } from '../../src/git/mirrors.ts'
import { NO_IMAGES } from '../../src/sandbox/sandbox.ts'
import { createWorkspaces } from '../../src/workspace/workspaces.ts'
import { networksFor } from '../support/child-networks.ts'
import { createGitRemote } from '../support/git-remote.ts'
import { whyNoGroups } from '../support/limited-child.ts'
import { withoutBubblewrap } from '../support/sandbox-setting.ts'
import { sandboxOf } from '../support/usual-sandbox.ts'

const HOG = 'head -c 200000000 /dev/zero | tail | wc -c'
const SMALL = { MOOSE_CHILD_MEMORY_MB: '64', MOOSE_CHILD_PROCESSES: '50', MOOSE_CHILD_FILE_MB: '20' }
const NO_HOSTS = { setup: [], checks: [] }
const signal = new AbortController().signal
const noGroups = await whyNoGroups()
/** In a sandbox, what has a name outside is ended through its group. */
const kinds = { none: false, bubblewrap: withoutBubblewrap } as const

for (const kind of ['none', 'bubblewrap'] as const) {
  describe(`a limit, with MOOSE_SANDBOX=${kind}`, { skip: noGroups || kinds[kind] }, () => {
    async function parts(more: Record<string, string>) {
      const remote = await createGitRemote({ a: 'a\n' })
      const home = remote.folder
      const workspaces = createWorkspaces({ root: home, mirrors: new Mirrors(home) })
      const toolchains = async () => ({ executablePath: '/usr/local/bin:/usr/bin:/bin', variables: {}, found: [] })
      const scripts = {
        sandbox: sandboxOf(kind, home, more),
        toolchains,
        networks: networksFor({ home, sandbox: kind }),
      }
      const checkRunner = createCheckRunner({ ...scripts, redacted: (text) => text })
      const project = remote.project()
      const sha = await workspaces.fetchBase(project, signal)
      const setUp = createSetUp({ ...scripts, checkRunner, workspaces, images: NO_IMAGES })
      return {
        remote,
        workspaces,
        checkRunner,
        setUp,
        project,
        sha,
        [Symbol.asyncDispose]: () => remote[Symbol.asyncDispose](),
      }
    }

    async function checked(run: string, more: Record<string, string>) {
      await using made = await parts(more)
      const { workspaces, project, sha, checkRunner } = made
      const workOrderId = '00000000-0000-4000-8000-0000000000ab'
      await using workspace = await workspaces.open({ project, workOrderId, attempt: 1, sha, signal })
      const check = { name: 'check', run, timeoutMs: 60_000, proves: [], fix: null, report: null }
      const config = { cache: [], env: {}, network: NO_HOSTS }
      return await checkRunner.run(check, {
        workspace,
        project,
        use: 'checks',
        config,
        criteria: [],
        signal,
        onOutput: () => undefined,
      })
    }

    for (const [name, run, said] of [
      ['memory', HOG, /it used more than 64 MB of memory \(MOOSE_CHILD_MEMORY_MB\)/],
      [
        'processes',
        'for i in $(seq 300); do sleep 60 & done; jobs -p | wc -l; kill $(jobs -p)',
        /it had more than 50 processes and threads at once \(MOOSE_CHILD_PROCESSES\)/,
      ],
      [
        'the size of a file',
        'head -c 40000000 /dev/zero > big; rm big',
        /it wrote a file of more than 20 MB \(MOOSE_CHILD_FILE_MB\)|refused a file of more than 20 MB/,
      ],
    ] as const) {
      test(`of ${name} keeps a check from passing, and stands in its output`, async () => {
        assert.equal((await checked(run, {})).outcome, 'passed')
        const result = await checked(run, SMALL)
        assert.notEqual(result.outcome, 'passed')
        assert.match(result.outputTail, said)
        const ending = { outcome: result.outcome, exit_code: result.exitCode, output_tail: result.outputTail }
        if (result.outcome === 'crashed') assert.match(String(whyNotRunnable({ run, timeoutMs: 1 }, ending)), said)
      })
    }

    test('keeps a project from being set up, by a fault of its own', async () => {
      const setup = { run: HOG, timeoutMs: 60_000 }
      const config = { cache: [], env: {}, network: NO_HOSTS, context: [], repair: { max: null }, checks: [], setup }
      const prepared = async (more: Record<string, string>) => {
        await using made = await parts(more)
        const { setUp, project, sha } = made
        return await setUp.prepare({ project, sha, config, signal, onOutput: () => undefined })
      }
      assert.equal((await prepared({})).reused, false)
      const fault = toFault(await prepared(SMALL).catch((error: unknown) => error))
      assert.equal(fault.code, 'child_limit')
      const { limit, value, setting, check } = fault.details
      assert.deepEqual(
        { limit, value, setting, check },
        { limit: 'memory', value: 64, setting: 'MOOSE_CHILD_MEMORY_MB', check: 'setup' },
      )
      assert.match(
        fault.message,
        /^Set-up of project ".+" \(head -c .+\): The set-up was ended: it used more than 64 MB of memory/,
      )
    })
  })
}
