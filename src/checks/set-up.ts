import path from 'node:path'
import pLimit from 'p-limit'
import { Fault, toFault } from '../faults/fault.ts'
import type { CheckResult, CheckRunner, Script, SetUp, SetUpRequest } from '../ports/execution.ts'
import type { Prepared, Workspaces } from '../ports/workspace.ts'
import { cachePlaces } from '../sandbox/cache-places.ts'
import { remedyFor } from '../sandbox/network/child-network.ts'
import type { Images } from '../sandbox/sandbox.ts'
import type { Project } from '../work-order/project.ts'
import { toldEnd } from './output-tail.ts'
import { type Ending, observed, runScript, type ScriptParts } from './run-script.ts'
import { hintOf, whyNotRunnable } from './set-up-fault.ts'
import { setUpKey } from './set-up-key.ts'

export type SetUpParts = ScriptParts & {
  checkRunner: CheckRunner
  workspaces: Pick<Workspaces, 'contents' | 'isKept' | 'openBase'>
  images: Pick<Images, 'idOf'>
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
    again: (request) => again(parts, request),
  }
}

async function keyAndContents(
  parts: SetUpParts,
  { project, sha, config }: SetUpRequest,
): Promise<{ key: string | null; files: ReadonlyMap<string, string> }> {
  if (config.setup === null) return { key: null, files: new Map() }
  const contents = await parts.workspaces.contents(project, sha)
  const [toolchains, granted, image] = await Promise.all([
    parts.toolchains(),
    parts.networks.grantedTo(project.id, 'setup'),
    parts.images.idOf(project.sandboxImage),
  ])
  return { key: await setUpKey(config, contents, { toolchains, granted, image }), files: contents.files }
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
  const { borrows, image } = workspace
  const options = { folder: path.dirname(workspace.path), borrows, image, project, config, signal }
  const ending = await observed(request.onOutput, (onOutput) =>
    runScript(parts, { ...setup, use: 'setup' }, { ...options, onOutput }).catch((error: unknown) => {
      throw limitNamed(project, setup, toFault(error))
    }),
  )
  if (ending.network !== null) request.onNetwork?.(ending.network)
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
  const result = await parts.checkRunner.run(check, { ...request, use: 'setup', criteria: [] })
  const isRefused = result.network !== undefined && remedyFor('', 'setup', result.network) !== null
  // What a host that is not granted keeps from being fetched is no fault of the change.
  if (result.outcome !== 'passed' && isRefused) throw setUpFailed(request.project, setup, { network: null, ...result })
  return result
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
  const { outcome, exitCode, outputTail, network } = ending
  const ended = { outcome, exit_code: exitCode, output_tail: outputTail }
  const remedy = network === null ? null : remedyFor(name, 'setup', network)
  const hint = remedy === null ? hintOf(ended) : remedy
  const why = whyNotRunnable(setup, ended)
  const how = why === null ? `failed with exit code ${exitCode}` : `cannot be run: ${why}`
  const message =
    `Set-up of project "${name}" (${firstLine(setup.run)}) ${how}. ` +
    `${hint === null ? '' : `Note: ${hint}. `}${toldEnd(outputTail)}\nCorrect setup in ` +
    `moose.yaml on the base branch, or install what it needs on this machine, try it with: moose check ${name}, then retry.`
  const refused = network === null ? [] : network.refused.map(({ host, port }) => `${host}:${port}`)
  const details = { project: name, check: 'setup', exit_code: exitCode, outcome }
  return new Fault(
    'setup_failed',
    message,
    refused.length === 0 ? details : { ...details, refused: refused.join(', ') },
  )
}

/** A limit that ended the set-up, with the project it is of; any other fault as it is. */
function limitNamed({ name }: Project, setup: Script, fault: Fault): Fault {
  if (fault.code !== 'child_limit') return fault
  const message = `Set-up of project "${name}" (${firstLine(setup.run)}): ${fault.message} Try it with: moose check ${name}, then retry.`
  return new Fault('child_limit', message, { ...fault.details, project: name, check: 'setup' }, fault)
}

function firstLine(script: string): string {
  const [first, ...more] = script.trim().split('\n')
  return more.length === 0 ? String(first) : `${first} …`
}
