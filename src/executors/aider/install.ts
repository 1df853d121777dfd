import { createHash } from 'node:crypto'
import { mkdir, readFile, writeFile } from 'node:fs/promises'
import path from 'node:path'
import { Fault, toFault } from '../../faults/fault.ts'
import { lstatOrNull } from '../../files/lstat-or-null.ts'
import { type CommandResult, runCommand } from '../../process/run-command.ts'
import { removeTree } from '../../sandbox/remove-tree.ts'
import { AIDER_VERSION } from './aider-version.ts'

/** Every package with its exact version and hashes, for Python 3.10 to 3.12 on all platforms. */
const REQUIREMENTS = path.join(import.meta.dirname, 'requirements.txt')
const PYTHONS = ['python3.12', 'python3.11', 'python3.10', 'python3']
const KNOWN_PYTHON = /^Python 3\.1[012]\./
const INSTALL_TIMEOUT_MS = 20 * 60_000
const QUOTE_BYTES = 2_000

export type InstallOptions = {
  /** Absolute path; made anew unless it holds a complete installation. */
  folder: string
  /** The whole environment of the installing programs: PATH, HOME, where the package index is. */
  environment: Readonly<Record<string, string>>
  onProgress: (message: string) => void
  /** Ends it; null: it cannot be cancelled. */
  signal: AbortSignal | null
}

/**
 * Installs Aider in a virtual environment of its own, from wheels whose hashes are locked. Nothing is done when it is
 * there already, and nothing is kept of an installation that was not finished. One at a time: the caller sees to that.
 *
 * @throws {Fault} `command_missing` when there is neither uv nor a fitting Python, `command_failed` when the packages
 *   cannot be had, `attempt_cancelled` or the Fault the signal was aborted with
 */
export async function installAider(options: InstallOptions): Promise<void> {
  const { folder, onProgress } = options
  if (await isComplete(folder)) return
  await removeTree(folder)
  await mkdir(path.dirname(folder), { recursive: true, mode: 0o700 })
  const commands = (await works('uv', options)) ? uvCommands(folder) : await pipCommands(options)
  onProgress(`installing Aider ${AIDER_VERSION} in ${folder} (about 800 MB) …`)
  try {
    for (const command of commands) await succeed(command, options)
    await writeFile(completionMark(folder), await requirementsHash())
  } catch (error) {
    await removeTree(folder)
    throw error
  }
}

/** The versions of the two packages under Aider that advisories have named most. */
export async function lockedVersions(): Promise<{ gitPython: string; liteLlm: string }> {
  const locked = await readFile(REQUIREMENTS, 'utf8')
  const versionOf = (name: string) => String(new RegExp(`^${name}==(\\S+)`, 'm').exec(locked)?.[1])
  return { gitPython: versionOf('gitpython'), liteLlm: versionOf('litellm') }
}

/** Whether the folder holds exactly what the requirements of this Moose name. */
export async function isComplete(folder: string): Promise<boolean> {
  const mark = completionMark(folder)
  if ((await lstatOrNull(mark)) === null) return false
  return (await readFile(mark, 'utf8')) === (await requirementsHash())
}

/** The program in an installation. */
export function programIn(folder: string): string {
  return path.join(folder, 'bin', 'aider')
}

function completionMark(folder: string): string {
  return path.join(folder, 'moose-requirements.sha256')
}

async function requirementsHash(): Promise<string> {
  return createHash('sha256')
    .update(await readFile(REQUIREMENTS))
    .digest('hex')
}

type CommandLine = [string, ...string[]]
/** Wheels only: building from source would run code no hash stands for. */
const LOCKED = ['--require-hashes', '--only-binary', ':all:', '-r', REQUIREMENTS]

function uvCommands(folder: string): CommandLine[] {
  const python = path.join(folder, 'bin', 'python')
  return [
    ['uv', 'venv', '--quiet', '--python', '>=3.10,<3.13', folder],
    ['uv', 'pip', 'install', '--quiet', '--python', python, ...LOCKED],
  ]
}

async function pipCommands(options: InstallOptions): Promise<CommandLine[]> {
  const { folder } = options
  const inside = path.join(folder, 'bin', 'python')
  return [
    [await findPython(options), '-m', 'venv', folder],
    [inside, '-m', 'pip', 'install', '--quiet', '--disable-pip-version-check', '--no-input', ...LOCKED],
  ]
}

async function findPython(options: InstallOptions): Promise<string> {
  for (const python of PYTHONS) if (await works(python, options, KNOWN_PYTHON)) return python
  const message =
    `Aider ${AIDER_VERSION} needs Python 3.10, 3.11 or 3.12 (as python3), or uv, which brings one. ` +
    'Install either (Debian: apt-get install python3 python3-venv) and run moose doctor --fix again.'
  throw new Fault('command_missing', message, { command: 'python3' })
}

async function works(command: string, options: InstallOptions, printed: RegExp = /^/): Promise<boolean> {
  try {
    const { exitCode, stdout } = await run([command, '--version'], options)
    return exitCode === 0 && printed.test(stdout.text())
  } catch (error) {
    if (toFault(error).code === 'command_missing') return false
    throw error
  }
}

async function succeed(commandLine: CommandLine, options: InstallOptions): Promise<void> {
  const [command] = commandLine
  const { exitCode, stdout, stderr } = await run(commandLine, options)
  if (exitCode === 0) return
  const said = `${stdout.text()}\n${stderr.text()}`.trim().slice(-QUOTE_BYTES)
  throw new Fault('command_failed', `Aider cannot be installed: ${adviceFor(said)}\n${command} said:\n${said}`, {
    command: path.basename(command),
    exit_code: exitCode,
  })
}

function adviceFor(said: string): string {
  if (/ensurepip is not available|No module named (venv|ensurepip)/.test(said)) {
    return "Python's venv is missing. Install it (Debian: apt-get install python3-venv) and try again."
  }
  if (/No matching distribution|Could not find a version|error sending request|Failed to fetch|connect/i.test(said)) {
    return 'the package index cannot be reached or lacks a package. Look at the network, PIP_INDEX_URL and proxies.'
  }
  if (/hash/i.test(said)) return 'a package is not the one that was locked. Nothing was kept.'
  return 'its last words are below.'
}

function run([command, ...args]: CommandLine, { environment, signal }: InstallOptions): Promise<CommandResult> {
  return runCommand({
    command,
    args,
    cwd: '/',
    env: environment,
    timeoutMs: INSTALL_TIMEOUT_MS,
    maxOutputBytes: 64 * 1024,
    signal,
  })
}
