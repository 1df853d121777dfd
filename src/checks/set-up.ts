import { createHash, randomUUID } from 'node:crypto'
import path from 'node:path'
import { Fault, toFault } from '../faults/fault.ts'
import type { CheckRunner, ProjectConfig, SetUp } from '../ports/execution.ts'
import type { Workspaces } from '../ports/workspace.ts'
import { runCommand } from '../process/run-command.ts'
import { plainText } from '../redaction/plain-text.ts'
import { childEnvironment } from '../sandbox/child-environment.ts'
import { STOPPING_SHELL } from './check-runner.ts'
import { OutputTail } from './output-tail.ts'

const TAIL_BYTES = 4 * 1024

type Parts = { workspaces: Workspaces; checkRunner: CheckRunner; executablePath: string; home: string }
type Request = Parameters<SetUp['prepare']>[0]

/** Runs `setup` in a tree of the commit each time; nothing of it is kept. */
export function createSetUp(parts: Parts): SetUp {
  return {
    async again({ config, ...request }) {
      if (config.setup === null) throw new TypeError('this project sets nothing up')
      const check = { ...config.setup, name: 'setup', proves: [], fix: null, report: null }
      return await parts.checkRunner.run(check, { ...request, config, criteria: [] })
    },
    keyOf: async ({ sha, config: { setup } }) =>
      createHash('sha256')
        .update(JSON.stringify([sha, setup]))
        .digest('hex'),
    async prepare(request) {
      const startedAt = performance.now()
      if (request.config.setup !== null) await run(parts, request, request.config.setup)
      return { key: null, reused: false, durationMs: Math.round(performance.now() - startedAt), cache: [], notKept: [] }
    },
  }
}

async function run(
  { workspaces, executablePath, home }: Parts,
  { project, sha, config, signal, onOutput }: Request,
  setup: NonNullable<ProjectConfig['setup']>,
): Promise<void> {
  const place = { project, workOrderId: randomUUID(), attempt: 0, sha, signal, prepared: null }
  await using workspace = await workspaces.open(place)
  const tail = new OutputTail()
  const env = { ...config.env, ...(await childEnvironment(path.dirname(workspace.path), executablePath)) }
  const failed = (how: string, details: Record<string, number | null>, cause?: unknown) => {
    const message =
      `Set-up of project "${project.name}" (${setup.run}) ${how} on ${sha.slice(0, 12)}. Its last lines:\n` +
      `${tail.read(TAIL_BYTES)}\nNothing was paid for. Correct it, try it with: moose check ${project.name}, then retry.`
    return new Fault('setup_failed', message, { project: project.name, check: 'setup', ...details }, cause)
  }
  const ended = await runCommand({
    command: '/bin/sh',
    args: ['-c', STOPPING_SHELL, setup.run],
    cwd: workspace.path,
    env,
    timeoutMs: setup.timeoutMs,
    maxOutputBytes: 0,
    signal,
    foreign: { home, what: 'check' },
    onOutput: (text) => {
      tail.add(text)
      onOutput(plainText(text))
    },
  }).catch((error: unknown) => {
    if (toFault(error).code !== 'command_timed_out') throw error
    throw failed(`did not end within ${setup.timeoutMs / 1000} s`, { exit_code: null }, error)
  })
  if (ended.exitCode !== 0) throw failed(`failed with exit code ${ended.exitCode}`, { exit_code: ended.exitCode })
}
