import { createHash } from 'node:crypto'
import { hostname } from 'node:os'
import type { Kysely } from 'kysely'
import type { BaseCheck } from '../contract/base-checks.ts'
import type { ChildNetwork, NetworkUse } from '../contract/hosts/host-rule.ts'
import { type BaseKey, forgetBaseChecks, keepBaseChecks, readBaseChecks } from '../db/base-checks.ts'
import type { Database } from '../db/schema.ts'
import { Fault, toFault } from '../faults/fault.ts'
import { faultPoint } from '../faults/fault-point.ts'
import type { BaseChecks, BaseRequest, CheckedBase, KnownBase } from '../ports/base-checks.ts'
import type { Check, CheckResult, CheckRunner, ProjectConfig, SetUp } from '../ports/execution.ts'
import type { Prepared, Workspaces } from '../ports/workspace.ts'
import type { ChildLimits } from '../sandbox/limits/limited-run.ts'
import { type ChildNetworks, remedyFor } from '../sandbox/network/child-network.ts'
import { NO_SANDBOX } from '../sandbox/none.ts'
import type { Images, Sandbox } from '../sandbox/sandbox.ts'
import type { Project } from '../work-order/project.ts'
import { parseMooseYaml } from './moose-yaml.ts'
import { toldPart } from './output-tail.ts'
import { lookOutside, writtenOutside } from './outside-changes.ts'
import { hintOf, whyNotRunnable } from './set-up-fault.ts'

export type BaseChecksOptions = {
  db: Kysely<Database>
  workspaces: Workspaces
  checkRunner: CheckRunner
  setUp: SetUp
  networks: Pick<ChildNetworks, 'grantedTo'>
  images: Pick<Images, 'idOf'>
  sandbox: Sandbox
  /** Absolute path. */
  home: string
  executablePath: string
  childLimits: ChildLimits
  /** Folders of the operator in which `moose check` notices what a check writes; absolute paths. */
  watched: readonly string[]
}

/** Configurations that are remembered: an attempt asks for that of its base several times. */
const REMEMBERED = 50
const KEPT_TAIL = 4_000

type Parts = BaseChecksOptions & {
  /** By project and commit. */
  configs: Map<string, Promise<ProjectConfig>>
  /** What runs now, by key. */
  underWay: Map<string, Promise<Found>>
}

/** What a run found; set-up that fails leaves no checks. */
type Found = Pick<CheckedBase, 'prepared' | 'checks' | 'fault' | 'refused'>

/** What is known of base commits is in the database; one process runs the same checks once at a time. */
export function createBaseChecks(options: BaseChecksOptions): BaseChecks {
  const parts: Parts = { ...options, configs: new Map(), underWay: new Map() }
  return {
    configOf: (project, sha) => configOf(parts, project, sha),
    know: (request) => know(parts, request),
    keep: (project, commit, results) => keep(parts, project, commit, results),
    check: (request) => check(parts, request),
    forget: (project) => forgetBaseChecks(parts.db, project.id),
  }
}

function configOf(parts: Parts, project: Project, sha: string): Promise<ProjectConfig> {
  const { configs } = parts
  const name = `${project.id} ${sha}`
  const known = configs.get(name)
  if (known !== undefined) return known
  const read = readConfig(parts, project, sha)
  configs.set(name, read)
  read.catch(() => configs.delete(name))
  for (const oldest of configs.keys()) {
    if (configs.size <= REMEMBERED) break
    configs.delete(oldest)
  }
  return read
}

async function readConfig({ workspaces }: Parts, project: Project, sha: string): Promise<ProjectConfig> {
  const file = await workspaces.tree(project, sha).read('moose.yaml')
  return parseMooseYaml(file === null ? null : file.toString('utf8'))
}

/** What `proves` and `fix` say decides nothing of how a check ends, nor of what its failures are called. */
async function keyOf(
  { workspaces, setUp, networks, images, home, executablePath, sandbox, childLimits }: Parts,
  { project, sha }: Pick<BaseRequest, 'project' | 'sha'>,
  config: ProjectConfig,
): Promise<BaseKey> {
  const { setup, cache, env, checks } = config
  const setupKey = setup === null ? null : await setUp.keyOf({ project, sha, config })
  const image = await images.idOf(project.sandboxImage)
  const commands = checks.map(({ name, run, timeoutMs, report }) => {
    return { name, run, timeoutMs, ...(report === null ? {} : { report }) }
  })
  const granted = await networks.grantedTo(project.id, 'checks')
  const place = [hostname(), home, executablePath, sandbox.kind, childLimits, ...(image === null ? [] : [image])]
  const decides = [{ setup, cache, env, commands, granted }, setupKey, ...place]
  const configuration = createHash('sha256').update(JSON.stringify(decides)).digest('hex')
  return { projectId: project.id, tree: await workspaces.treeId(project, sha), configuration }
}

/** That foreign code can be run as is wanted, and a word where nothing confines it. @throws {Fault} `sandbox_unavailable` */
async function assertSandbox({ sandbox }: Parts, { note }: Pick<BaseRequest, 'note'>): Promise<void> {
  await sandbox.assertReady()
  if (sandbox.kind === 'none') await note(`no sandbox: ${NO_SANDBOX}`)
}

async function know(parts: Parts, request: BaseRequest): Promise<KnownBase> {
  await assertSandbox(parts, request)
  const { project, sha, signal } = request
  const config = await configOf(parts, project, sha)
  if (config.checks.length === 0) return { sha, config, checks: [], wasKnown: true }
  const key = await keyOf(parts, request, config)
  const name = JSON.stringify(key)
  for (;;) {
    const row = await readBaseChecks(parts.db, key)
    if (row !== null && row.fault === null) return { sha, config, checks: row.checks, wasKnown: true }
    const other = parts.underWay.get(name)
    const mine = other === undefined ? runOnce(parts, name, { request, config, key }) : null
    if (other !== undefined) await request.note('another order has set-up and checks run on the base commit; waiting')
    const found = await (mine ?? orAborted(other, signal))
    // The one that ran them was cancelled: now this one does.
    if (found === null) continue
    if (found.fault !== null) throw found.fault
    return { sha, config, checks: found.checks, wasKnown: false }
  }
}

type Job = { request: BaseRequest; config: ProjectConfig; key: BaseKey }

function runOnce(parts: Parts, name: string, { request, config, key }: Job): Promise<Found> {
  const running = runOnBase(parts, request, config).then(async (found) => {
    await keepFound(parts, key, found)
    return found
  })
  parts.underWay.set(name, running)
  return running.finally(() => parts.underWay.delete(name))
}

function keepFound({ db }: Parts, key: BaseKey, { checks, fault }: Pick<Found, 'checks' | 'fault'>): Promise<void> {
  const kept = { checks: checks.map(shortened), fault: fault === null ? null : fault.toRecord() }
  return faultPoint('keep_base', () => keepBaseChecks(db, key, kept))
}

/** What another's run found; null when it broke off. Rejects with what the signal aborts with. */
async function orAborted(running: Promise<Found> | undefined, signal: AbortSignal): Promise<Found | null> {
  signal.throwIfAborted()
  const { promise: aborted, reject } = Promise.withResolvers<never>()
  const giveUp = () => reject(signal.reason)
  signal.addEventListener('abort', giveUp, { once: true })
  try {
    const settled = Promise.resolve(running).then(
      (found) => (found === undefined ? null : found),
      () => null,
    )
    return await Promise.race([settled, aborted])
  } finally {
    signal.removeEventListener('abort', giveUp)
  }
}

/** Runs all checks, also after one that cannot be run: so what has to be corrected is told at once. */
async function runOnBase(
  parts: Parts,
  request: BaseRequest & { onChecked?: (check: BaseCheck) => void },
  config: ProjectConfig,
): Promise<Found> {
  const { project, sha, signal, onOutput, note, onChecked } = request
  const refused: Found['refused'][number][] = []
  const onNetwork = (network: ChildNetwork) => refused.push(...refusedFor('setup', network))
  const prepared = await prepare(parts, { ...request, onNetwork }, config)
  if (prepared instanceof Fault) return { prepared: null, checks: [], fault: prepared, refused }
  const place = { project, sha, signal, prepared }
  await using workspace = await faultPoint('open_workspace', () => parts.workspaces.openBase(place))
  const checks: BaseCheck[] = []
  for (const entry of config.checks) {
    const options = { workspace, project, use: 'checks', criteria: [], signal, onOutput, config } as const
    const run = () => faultPoint('check_base', () => parts.checkRunner.run(entry, options))
    const told = { entry, project: project.name, run }
    const found = onChecked === undefined ? await baseCheck(told) : await watchedCheck(parts, told)
    const how = found.fault === null ? found.outcome.replace('_', ' ') : `cannot be run: ${found.fault}`
    await note(`check ${entry.name} on the base commit: ${how}, ${(found.duration_ms / 1000).toFixed(1)}s`)
    onChecked?.(found)
    checks.push(found)
    if (found.network !== undefined) refused.push(...refusedFor('checks', found.network))
  }
  return { prepared, checks, fault: setUpFault(project, sha, checks), refused }
}

function refusedFor(use: NetworkUse, { refused }: ChildNetwork): Found['refused'] {
  return refused.map((one) => ({ ...one, for: use }))
}

/** As a person is told of it: also of what changed where a check should not write. */
async function watchedCheck({ watched, home }: Parts, told: Told): Promise<BaseCheck> {
  const before = await lookOutside(watched, home)
  const found = await baseCheck(told)
  const outside = writtenOutside(before, await lookOutside(watched, home))
  return outside === null ? found : { ...found, hint: found.hint === null ? outside : `${found.hint}; ${outside}` }
}

async function prepare(
  { setUp }: Parts,
  request: BaseRequest & { onNetwork: (network: ChildNetwork) => void },
  config: ProjectConfig,
): Promise<Prepared | null | Fault> {
  if (config.setup === null) return null
  const { project, sha, signal, onOutput, onNetwork } = request
  try {
    return await setUp.prepare({ project, sha, config, signal, onOutput, onNetwork })
  } catch (error) {
    const fault = toFault(error)
    if (fault.code !== 'setup_failed' && fault.code !== 'child_limit') throw error
    return fault
  }
}

type Told = { entry: Check; project: string; run: () => Promise<CheckResult> }

async function baseCheck({ entry, project, run }: Told): Promise<BaseCheck> {
  return toBaseCheck(entry, project, await run())
}

function toBaseCheck(check: Check, project: string, result: CheckResult): BaseCheck {
  const { name, run, outcome, exitCode: exit_code, durationMs: duration_ms, outputTail: output_tail, failures } = result
  const ending = { outcome, exit_code, output_tail }
  const facts = { name, run, ...ending, duration_ms, failures: failures === null ? null : [...failures] }
  const { network } = result
  const remedy = network === undefined || outcome === 'passed' ? null : remedyFor(project, 'checks', network)
  const hint = remedy === null ? hintOf(ending) : remedy
  const told = result.told === undefined ? {} : { told: result.told }
  return {
    ...facts,
    ...told,
    fault: whyNotRunnable(check, ending),
    hint,
    ...(network === undefined ? {} : { network }),
  }
}

/** With which an order is blocked when a check cannot be run before any change. */
function setUpFault({ name, defaultBranch }: Project, sha: string, checks: readonly BaseCheck[]): Fault | null {
  const broken = checks.filter(({ fault }) => fault !== null)
  const [first] = broken
  if (first === undefined) return null
  const others = broken.slice(1).map((check) => `"${check.name}" (${check.fault})`)
  const more = others.length === 0 ? '' : ` Nor can ${others.join(', ')}.`
  const hint = first.hint === null ? '' : ` Note: ${first.hint}.`
  const message =
    `Check "${first.name}" (${first.run}) cannot be run on ${defaultBranch} at ${sha.slice(0, 12)}, before any change: ` +
    `${first.fault}.${more}${hint} ${toldPart({ told: first.told, outputTail: first.output_tail })}\nInstall what is missing, or have ` +
    `setup: of moose.yaml do it, try it with: moose check ${name}, then retry.`
  return new Fault('setup_failed', message, { project: name, check: first.name, exit_code: first.exit_code, sha })
}

function shortened(check: BaseCheck): BaseCheck {
  return { ...check, output_tail: check.output_tail.slice(-KEPT_TAIL).toWellFormed() }
}

async function keep(
  parts: Parts,
  project: Project,
  { sha, config }: { sha: string; config: ProjectConfig },
  results: readonly CheckResult[],
): Promise<void> {
  const checks = config.checks.flatMap((entry) => {
    const result = results.find(({ name }) => name === entry.name)
    return result === undefined ? [] : [toBaseCheck(entry, project.name, result)]
  })
  // A check that is missing, or that could not be run, would keep the next order from beginning.
  if (checks.length === 0 || checks.length < config.checks.length || checks.some(({ fault }) => fault !== null)) return
  await keepFound(parts, await keyOf(parts, { project, sha }, config), { checks, fault: null })
}

async function check(parts: Parts, request: Parameters<BaseChecks['check']>[0]): Promise<CheckedBase> {
  await assertSandbox(parts, request)
  const { project, sha, mooseYaml } = request
  const config = mooseYaml === null ? await configOf(parts, project, sha) : parseMooseYaml(mooseYaml)
  const isBase = mooseYaml === null || (await isSameAsBase(parts, request, config))
  const tree = parts.workspaces.tree(project, sha)
  if (!isBase) {
    const other = (await tree.read('moose.yaml')) === null ? 'none: orders use it once it is there' : 'another'
    const where = `${project.defaultBranch} at ${sha.slice(0, 12)}`
    await request.note(`the moose.yaml that was given is used; ${where} has ${other}`)
  }
  if ((await tree.read('.gitmodules')) !== null)
    await request.note(
      'submodules are not fetched; a check that needs them has to begin with: git submodule update --init',
    )
  const found = await runOnBase(parts, request, config)
  if (isBase && config.checks.length > 0) await keepFound(parts, await keyOf(parts, request, config), found)
  return { config, isBase, ...found }
}

/** A `moose.yaml` on the base that cannot be read is another one. */
async function isSameAsBase(
  parts: Parts,
  { project, sha }: Pick<BaseRequest, 'project' | 'sha'>,
  config: ProjectConfig,
): Promise<boolean> {
  try {
    return JSON.stringify(await configOf(parts, project, sha)) === JSON.stringify(config)
  } catch (error) {
    if (toFault(error).code !== 'checks_invalid') throw error
    return false
  }
}
