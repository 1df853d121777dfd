import { access, constants, mkdir, statfs } from 'node:fs/promises'
import type { Kysely } from 'kysely'
import type { Adapters } from '../attempt/context.ts'
import type { Audit } from '../audit/audit.ts'
import { NO_AUTH } from '../config/api-settings.ts'
import { type Config, shownDatabaseUrl } from '../config.ts'
import type { DoctorFinding } from '../contract/doctor.ts'
import type { OpenDatabase } from '../db/connect.ts'
import { allProjects } from '../db/projects.ts'
import type { Database } from '../db/schema.ts'
import { AIDER_VERSION } from '../executors/aider/aider-version.ts'
import { aiderFolder } from '../executors/aider/find-aider.ts'
import { lockedVersions } from '../executors/aider/install.ts'
import { Fault, toFault } from '../faults/fault.ts'
import { tokenFileOf } from '../files/api-token-file.ts'
import type { Gh } from '../forge/github/gh.ts'
import type { Mirrors } from '../git/mirrors.ts'
import { shellWord } from '../git/ref-names.ts'
import type { Models } from '../models/models.ts'
import { runCommand } from '../process/run-command.ts'
import type { RetentionDeps } from '../retention/retention-deps.ts'
import type { ContainerSandbox } from '../sandbox/container/container-sandbox.ts'
import { howLimited } from '../sandbox/limits/how-limited.ts'
import { OwnGroups } from '../sandbox/limits/own-groups.ts'
import { NO_SANDBOX } from '../sandbox/none.ts'
import type { Sandbox } from '../sandbox/sandbox.ts'
import { findToolchains } from '../sandbox/toolchains.ts'
import { examinePauses, examineProjects } from './examine-projects.ts'
import { examineProposers } from './examine-proposers.ts'
import { examineAudit, examineRecords } from './examine-records.ts'
import { homeMode } from './private-home.ts'
import { examineLeftovers } from './tidy.ts'

const LEAST_FREE_BYTES = 1_000_000_000
const VERSION_TIMEOUT_MS = 10_000
/** 2.38, for `git merge-tree --write-tree`. */
const OLDEST_GIT = 2_038

/** The parts of a service that are looked at. */
export type Parts = {
  containers: ContainerSandbox | null
  adapters: Pick<Adapters, 'executors' | 'workspaces' | 'bases'>
  mirrors: Mirrors
  models: Models
  gh: Gh
  sandbox: Sandbox
}

/** One part of what is looked at. */
export type Look = { at: string; find: () => DoctorFinding[] | Promise<DoctorFinding[]> }

/** Everything an order needs on its way, and what is left over of others, in this order; a look changes nothing. */
export function looks(
  config: Config,
  { db, embedded, url }: OpenDatabase,
  { parts, retention, audit }: { parts: Parts; retention: RetentionDeps; audit: Pick<Audit, 'verify'> },
): Look[] {
  const databaseDetail = `${embedded ? 'embedded Postgres' : 'Postgres'} at ${shownDatabaseUrl(url)}`
  const own = async () => [await sandboxFinding(config, parts), await checkShell(config), await toolchains(config)]
  const { containers } = parts
  return [
    { at: 'node', find: () => [ok('node', process.version)] },
    { at: 'git', find: async () => [await gitFinding(parts)] },
    { at: 'the home', find: async () => [await home(config)] },
    { at: 'the API', find: () => [apiAccess(config)] },
    { at: 'the database', find: () => [ok('database', databaseDetail), ...connection(config)] },
    { at: 'the projects', find: () => examineProjects(config, db, parts) },
    { at: 'what is paused', find: () => examinePauses(config, db) },
    { at: 'the proposers', find: () => examineProposers(db, parts.models, config.networkEnvironment) },
    { at: 'gh', find: async () => [await program(config, 'gh', 'the GitHub forge')] },
    { at: 'Aider', find: async () => [await aider(config, parts)] },
    { at: 'the sandbox', find: containers === null ? own : () => examineContainers(db, containers) },
    { at: 'the limits', find: () => limits(config) },
    { at: 'the records', find: () => examineRecords(db, config) },
    { at: 'the audit', find: () => examineAudit(audit) },
    { at: 'leftovers', find: () => examineLeftovers(retention) },
  ]
}

const ok = (name: string, detail: string): DoctorFinding => ({ name, state: 'ok', detail, remedy: null })

/** A project of Supabase that is named, and that Moose is not connected to. */
function connection({ missingConnection: detail }: Config): DoctorFinding[] {
  if (detail === null) return []
  return [
    { name: 'supabase', state: 'warning', detail, remedy: 'set DATABASE_URL, or unset the variables of Supabase' },
  ]
}

async function aider(config: Config, { adapters }: Parts): Promise<DoctorFinding> {
  const { executors } = adapters
  const name = 'aider'
  if (executors.wanted === 'patch') {
    return { name, state: 'optional', detail: 'not used: ORCHESTRATOR_EXECUTOR is patch', remedy: null }
  }
  try {
    await executors.aider.assertReady()
    if (config.aiderBin !== null) return ok(name, config.aiderBin)
    const { gitPython, liteLlm } = await lockedVersions()
    const beside = `with GitPython ${gitPython} and LiteLLM ${liteLlm}; SECURITY.md says what is known of them`
    return ok(name, `${AIDER_VERSION} in ${aiderFolder(config)}, ${beside}`)
  } catch (thrown) {
    const { message: detail, details } = toFault(thrown)
    if (config.aiderBin !== null) {
      const problem = details['problem']
      const remedy = 'correct or unset ORCHESTRATOR_AIDER_BIN'
      return { name, state: 'broken', detail: typeof problem === 'string' ? problem : detail, remedy }
    }
    if (executors.wanted === 'aider') return { name, state: 'missing', detail, remedy: 'moose doctor --fix' }
    const absent =
      'not there (moose doctor --fix installs it); needed only where an answer is free text, or edits that do not apply'
    return { name, state: 'optional', detail: absent, remedy: null }
  }
}

/** Who may reach the API of a service with these settings. */
function apiAccess({ api, apiProblems, home: folder }: Config): DoctorFinding {
  const name = 'api'
  if (apiProblems.length > 0) {
    return {
      name,
      state: 'broken',
      detail: apiProblems.join('; '),
      remedy: 'correct these variables; see docs/tokens.md',
    }
  }
  if (!api.auth) return { name, state: 'warning', detail: NO_AUTH, remedy: 'unset MOOSE_API_AUTH' }
  const others = api.public === null ? 'this machine alone' : `${api.public.host} too`
  return ok(name, `takes tokens; that of this home is in ${tokenFileOf(folder)}; reached by ${others}`)
}

/** git as Moose itself runs it, which is not from the operator's PATH. */
async function gitFinding({ mirrors }: Parts): Promise<DoctorFinding> {
  try {
    const { stdout } = await mirrors.git.run(['--version'], { signal: null, timeoutMs: VERSION_TIMEOUT_MS })
    const version = stdout.text().trim()
    const [, major, minor] = /(?<!\d)(\d+)\.(\d+)/.exec(version) ?? []
    if (Number(major) * 1_000 + Number(minor) >= OLDEST_GIT) return ok('git', version)
    return { name: 'git', state: 'broken', detail: `${version} is too old`, remedy: 'install git 2.38 or newer' }
  } catch (thrown) {
    return { name: 'git', state: 'missing', detail: toFault(thrown).message, remedy: 'install git' }
  }
}

async function program(config: Config, name: string, neededFor: string): Promise<DoctorFinding> {
  const version = await versionOf(config, name)
  if (!(version instanceof Fault)) return ok(name, version)
  const why = version.code === 'command_missing' ? 'not found' : version.message
  return { name, state: 'optional', detail: `${why}; needed only for ${neededFor}`, remedy: null }
}

/** Whether it can be had is tried: a sandbox of the kind is made. */
async function sandboxFinding(config: Config, { sandbox }: Parts): Promise<DoctorFinding> {
  const name = 'sandbox'
  if (sandbox.kind === 'none') {
    const remedy = 'unset MOOSE_SANDBOX'
    return { name, state: 'warning', detail: `none: ${NO_SANDBOX}`, remedy }
  }
  try {
    await sandbox.assertReady()
  } catch (thrown) {
    return { name, state: 'missing', detail: toFault(thrown).message, remedy: 'see docs/sandbox.md' }
  }
  if (sandbox.kind !== 'bubblewrap') return ok(name, sandbox.kind)
  const version = await versionOf(config, 'bwrap')
  const given =
    'no network; read-only: the system, the PATH and the toolchains below; written: the tree, HOME and TMPDIR'
  return ok(name, `${version instanceof Fault ? 'bubblewrap' : version}: ${given}`)
}

/** What the check runner will choose. */
async function checkShell(config: Config): Promise<DoctorFinding> {
  const name = 'checks'
  const version = await versionOf(config, 'bash')
  if (!(version instanceof Fault)) return ok(name, `run with -e -o pipefail of ${version}`)
  const detail = 'run with sh -e, for bash is not on the PATH: of a pipeline only the last command counts'
  return { name, state: 'warning', detail, remedy: 'install bash' }
}

/** What setup and checks are handed beside the PATH. */
async function toolchains({ toolchainEnvironment, executablePath }: Config): Promise<DoctorFinding> {
  const { found } = await findToolchains({ environment: toolchainEnvironment, executablePath })
  const told = found.map(({ name, version, where }) => `${name}${version === null ? '' : ` ${version}`} (${where})`)
  const detail =
    told.length === 0 ? 'setup and checks are handed the PATH alone' : `handed to setup and checks: ${told.join(', ')}`
  return ok('toolchains', detail)
}

/** What holds set-ups, checks and Aider to their limits; containers have their engine's. */
async function limits({ home, childLimits, sandbox }: Config): Promise<DoctorFinding[]> {
  if (sandbox === 'podman' || sandbox === 'docker') return []
  const { isWhole, detail } = howLimited(childLimits, await new OwnGroups(home).found(), process.getuid?.() === 0)
  if (isWhole) return [ok('limits', detail)]
  const remedy = process.platform === 'linux' ? 'see docs/sandbox.md#limits for where groups can be made' : null
  return [{ name: 'limits', state: remedy === null ? 'optional' : 'warning', detail, remedy }]
}

/** The first line a program says of itself; a Fault when it cannot be asked. */
async function versionOf(config: Config, command: string): Promise<string | Fault> {
  try {
    const { stdout } = await runCommand({
      command,
      args: ['--version'],
      cwd: '/',
      env: { PATH: config.executablePath },
      timeoutMs: VERSION_TIMEOUT_MS,
      maxOutputBytes: 4_096,
      signal: null,
    })
    return String(stdout.text().split('\n')[0])
  } catch (thrown) {
    return toFault(thrown)
  }
}

async function home({ home }: Config): Promise<DoctorFinding> {
  try {
    await mkdir(home, { recursive: true, mode: 0o700 })
    await access(home, constants.W_OK)
    const { bavail, bsize } = await statfs(home)
    const free = bavail * bsize
    const { mode, wanted } = await homeMode(home)
    const passed = wanted === 0o700 ? '' : '; others may pass through it: its database runs as another user'
    const detail = `${home}, ${(free / 1e9).toFixed(1)} GB free${passed}`
    if (free <= LEAST_FREE_BYTES)
      return { name: 'home', state: 'broken', detail, remedy: 'free some space or move MOOSE_HOME' }
    if ((mode & 0o077 & ~wanted) === 0) return ok('home', detail)
    const remedy = `chmod ${wanted.toString(8)} ${shellWord(home)}, or set MOOSE_HOME to a folder of its own`
    return {
      name: 'home',
      state: 'warning',
      detail: `${home}: others may look into it (mode ${mode.toString(8)})`,
      remedy,
    }
  } catch (thrown) {
    return {
      name: 'home',
      state: 'broken',
      detail: toFault(thrown).message,
      remedy: 'set MOOSE_HOME to a folder you may write',
    }
  }
}

/** The engine of containers, and whether the image of each project runs in it. */
async function examineContainers(db: Kysely<Database>, containers: ContainerSandbox): Promise<DoctorFinding[]> {
  const engine = await foundOf('sandbox', containers, async () => {
    await containers.assertReady()
    return `${containers.kind} ${await containers.describe()}`
  })
  if (engine.state !== 'ok') return [engine]
  const findings = [engine]
  // One after the other: each may have to be tried.
  for (const { name, sandboxImage: image } of await allProjects(db)) {
    const look = async () => {
      await containers.assertUsable(image)
      return `${image}: a container of it runs`
    }
    findings.push(await foundOf(`image of ${name}`, containers, look))
  }
  return findings
}

async function foundOf(
  name: string,
  { kind }: Pick<ContainerSandbox, 'kind'>,
  look: () => Promise<string>,
): Promise<DoctorFinding> {
  try {
    return { name, state: 'ok', detail: await look(), remedy: null }
  } catch (thrown) {
    const { message: detail, details } = toFault(thrown)
    const image = typeof details['image'] === 'string' ? shellWord(details['image']) : 'IMAGE'
    const remedies: Readonly<Record<string, string>> = {
      engine_missing: `install ${kind}, or set MOOSE_SANDBOX`,
      engine_broken: `see what it says to: ${kind} info`,
      no_limits: `run Moose and ${kind} as root, or set MOOSE_SANDBOX`,
      image_unset: `moose project edit ${name.replace(/^image of /, '')} --image IMAGE`,
      image_missing: `${kind} pull ${image}`,
      cannot_start: `${kind} run --rm ${image} /bin/sh -c true`,
    }
    const remedy = remedies[String(details['reason'])]
    const state = details['reason'] === 'engine_missing' ? 'missing' : 'broken'
    return { name, state, detail, remedy: remedy === undefined ? null : remedy }
  }
}
