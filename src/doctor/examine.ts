import { access, constants, mkdir, statfs } from 'node:fs/promises'
import type { Adapters } from '../attempt/context.ts'
import { type Config, shownDatabaseUrl } from '../config.ts'
import type { OpenDatabase } from '../db/connect.ts'
import { AIDER_VERSION } from '../executors/aider/aider-version.ts'
import { aiderFolder } from '../executors/aider/find-aider.ts'
import { Fault, toFault } from '../faults/fault.ts'
import type { Gh } from '../forge/github/gh.ts'
import type { Mirrors } from '../git/mirrors.ts'
import type { Models } from '../models/models.ts'
import type { DoctorFinding } from '../ports/doctor-finding.ts'
import { runCommand } from '../process/run-command.ts'
import type { RetentionDeps } from '../retention/retention-deps.ts'
import { findToolchains } from '../sandbox/toolchains.ts'
import { examineProjects } from './examine-projects.ts'
import { examineProposers } from './examine-proposers.ts'
import { examineRecords } from './examine-records.ts'
import { homeMode } from './private-home.ts'
import { examineLeftovers } from './tidy.ts'

const LEAST_FREE_BYTES = 1_000_000_000
const VERSION_TIMEOUT_MS = 10_000
/** 2.38, for `git merge-tree --write-tree`. */
const OLDEST_GIT = 2_038

/** The parts of a service that are looked at. */
export type Parts = {
  adapters: Pick<Adapters, 'executors' | 'workspaces' | 'bases'>
  mirrors: Mirrors
  models: Models
  gh: Gh
}

/** Looks at everything an order needs on its way and at what is left over of others, and changes nothing. */
export async function examine(
  config: Config,
  database: OpenDatabase,
  { parts, retention }: { parts: Parts; retention: RetentionDeps },
): Promise<DoctorFinding[]> {
  return [
    ok('node', process.version),
    await gitFinding(parts),
    await home(config),
    ok('database', `${database.embedded ? 'embedded Postgres' : 'Postgres'} at ${shownDatabaseUrl(database.url)}`),
    ...(await examineProjects(config, database.db, parts)),
    ...(await examineProposers(database.db, parts.models)),
    await program(config, 'gh', 'the GitHub forge'),
    await aider(config, parts),
    await checkShell(config),
    await toolchains(config),
    ...(await examineRecords(database.db, config)),
    ...(await examineLeftovers(retention)),
  ]
}

const ok = (name: string, detail: string): DoctorFinding => ({ name, state: 'ok', detail, remedy: null })

async function aider(config: Config, { adapters }: Parts): Promise<DoctorFinding> {
  const { executors } = adapters
  const name = 'aider'
  if (executors.wanted === 'patch') {
    return { name, state: 'optional', detail: 'not used: ORCHESTRATOR_EXECUTOR is patch', remedy: null }
  }
  try {
    await executors.aider.assertReady()
    return ok(name, config.aiderBin === null ? `${AIDER_VERSION} in ${aiderFolder(config)}` : config.aiderBin)
  } catch (thrown) {
    const { message: detail, details } = toFault(thrown)
    if (config.aiderBin !== null) {
      const problem = details['problem']
      const remedy = 'correct or unset ORCHESTRATOR_AIDER_BIN'
      return { name, state: 'broken', detail: typeof problem === 'string' ? problem : detail, remedy }
    }
    if (executors.wanted === 'aider') return { name, state: 'missing', detail, remedy: 'moose doctor --fix' }
    const absent =
      'not there (moose doctor --fix installs it); needed only where an answer is free text or needs repair'
    return { name, state: 'optional', detail: absent, remedy: null }
  }
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
    const remedy = `chmod ${wanted.toString(8)} ${home}, or set MOOSE_HOME to a folder of its own`
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
