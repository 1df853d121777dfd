import path from 'node:path'
import pLimit from 'p-limit'
import { Fault } from '../faults/fault.ts'
import type { CheckResult, CheckRunner, Script, SetUp, SetUpRequest } from '../ports/execution.ts'
import type { Prepared, Workspaces } from '../ports/workspace.ts'
import { cachePlaces } from '../sandbox/cache-places.ts'
import type { Project } from '../work-order/project.ts'
import { toldEnd } from './output-tail.ts'
import { type Ending, observed, runScript, type ScriptParts } from './run-script.ts'
import { hintOf, whyNotRunnable } from './set-up-fault.ts'
import { setUpKey } from './set-up-key.ts'

export type SetUpParts = ScriptParts & {
  checkRunner: CheckRunner
  workspaces: Pick<Workspaces, 'contents' | 'isKept' | 'openBase'>
}

type PrepareRequest = Parameters<SetUp['prepare']>[0]

/**
 * Sets projects up. What `setup` leaves is made on a base commit and by nothing but that commit's own script, and kept under
 * a key that says what it was made of; attempts work on copies.
 */
export function createSetUp(parts: SetUpParts): SetUp {
  const inTurn = new Map<string, ReturnType<typeof pLimit>>()
  const turnOf = (name: string) => {
    const known = inTurn.get(name)
    if (known !== undefined) return known
    const turn = pLimit(1)
    inTurn.set(name, turn)
    return turn
  }
  return {
    keyOf: async (request) => (await keyAndContents(parts, request)).key,
    async prepare(request) {
      const startedAt = performance.now()
      const { key, files } = await keyAndContents(parts, request)
      const { cache, setup } = request.config
      if (key === null || setup === null) return { key: null, reused: false, durationMs: 0, cache, notKept: [] }
      refuseTracked(cache, files)
      const name = `${request.project.id} ${key}`
      const turn = turnOf(name)
      const made = await turn(() => keptOrMade(parts, request, { key, setup })).finally(() => {
        if (turn.activeCount + turn.pendingCount === 0) inTurn.delete(name)
      })
      return { key, cache, durationMs: Math.round(performance.now() - startedAt), ...made }
    },
    again: ({ workspace, config, signal, onOutput }) => again(parts, { workspace, config, signal, onOutput }),
  }
}

async function keyAndContents(
  parts: SetUpParts,
  { project, sha, config }: SetUpRequest,
): Promise<{ key: string | null; files: ReadonlyMap<string, string> }> {
  if (config.setup === null) return { key: null, files: new Map() }
  const contents = await parts.workspaces.contents(project, sha)
  return { key: await setUpKey(config, contents, await parts.toolchains()), files: contents.files }
}

async function keptOrMade(
  parts: SetUpParts,
  request: PrepareRequest,
  { key, setup }: { key: string; setup: Script },
): Promise<Pick<Prepared, 'reused' | 'notKept'>> {
  const { project, sha, signal, config } = request
  signal.throwIfAborted()
  if (await parts.workspaces.isKept(project, key)) return { reused: true, notKept: [] }
  const nothingYet = { key: null, reused: false, durationMs: 0, cache: config.cache, notKept: [] }
  await using workspace = await parts.workspaces.openBase({ project, sha, signal, prepared: nothingYet })
  const options = { folder: path.dirname(workspace.path), config, signal }
  const ending = await observed(request.onOutput, (onOutput) =>
    runScript(parts, { ...setup, what: 'setup' }, { ...options, onOutput }),
  )
  if (ending.outcome !== 'passed') throw setUpFailed(project, setup, ending)
  const notKept = await workspace.ignored()
  await workspace.keepCaches(key)
  return { reused: false, notKept }
}

/** As a check, after which the workspace is put back: what the lock file names is ignored by git, or in a cache. */
async function again(parts: SetUpParts, request: Parameters<SetUp['again']>[0]): Promise<CheckResult> {
  const { setup } = request.config
  if (setup === null) throw new TypeError('this project sets nothing up')
  const check = { ...setup, name: 'setup', proves: [], fix: null, report: null }
  return await parts.checkRunner.run(check, { ...request, criteria: [] })
}

/** What git tracks is part of every commit, and no cache. */
function refuseTracked(cache: readonly string[], files: ReadonlyMap<string, string>): void {
  for (const { within, path: place } of cachePlaces(cache)) {
    if (within === 'home') continue
    const tracked = [...files.keys()].find(
      (file) => file === place || file.startsWith(`${place}/`) || place.startsWith(`${file}/`),
    )
    if (tracked === undefined) continue
    const message =
      `moose.yaml names ${place} as a cache, and git tracks ${tracked}. ` +
      'A cache holds what setup makes and git does not track. Correct cache on the base branch, then retry.'
    throw new Fault('checks_invalid', message, { cache: place, tracked })
  }
}

function setUpFailed({ name }: Project, setup: Script, ending: Ending & Pick<CheckResult, 'outputTail'>): Fault {
  const { outcome, exitCode, outputTail } = ending
  const ended = { outcome, exit_code: exitCode, output_tail: outputTail }
  const why = whyNotRunnable(setup, ended)
  const hint = hintOf(ended)
  const how = why === null ? `failed with exit code ${exitCode}` : `cannot be run: ${why}`
  const message =
    `Set-up of project "${name}" (${firstLine(setup.run)}) ${how}. ` +
    `${hint === null ? '' : `Note: ${hint}. `}${toldEnd(outputTail)}\nCorrect setup in ` +
    `moose.yaml on the base branch, or install what it needs on this machine, try it with: moose check ${name}, then retry.`
  return new Fault('setup_failed', message, { project: name, check: 'setup', exit_code: exitCode, outcome })
}

function firstLine(script: string): string {
  const [first, ...more] = script.trim().split('\n')
  return more.length === 0 ? String(first) : `${first} …`
}
