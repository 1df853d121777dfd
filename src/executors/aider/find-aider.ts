import { access, constants } from 'node:fs/promises'
import path from 'node:path'
import { Fault, toFault } from '../../errors.ts'
import { runCommand } from '../../process/run-command.ts'
import { AIDER_VERSION, isKnownVersion } from './aider-version.ts'
import { isComplete, programIn } from './install.ts'

const VERSION_TIMEOUT_MS = 60_000

export type FindAiderOptions = {
  /** The operator's own; null: the one in `folder`. */
  bin: string | null
  /** Where `installAider` puts it. */
  folder: string
  executablePath: string
}

/**
 * Finds Aider and checks once per program that it is one Moose can drive.
 *
 * @returns a function that gives its absolute path; it throws {Fault} `command_missing` with how to install it
 */
export function createAiderFinder(options: FindAiderOptions): () => Promise<string> {
  const checked = new Set<string>()
  return async () => {
    const program = options.bin === null ? await installed(options.folder) : options.bin
    if (checked.has(program)) return program
    await checkVersion(program, options.executablePath)
    checked.add(program)
    return program
  }
}

async function installed(folder: string): Promise<string> {
  if (await isComplete(folder)) return programIn(folder)
  throw missing('Aider is not installed.', null)
}

async function checkVersion(program: string, executablePath: string): Promise<void> {
  const found = await printedVersion(program, executablePath)
  if (isKnownVersion(found)) return
  throw missing(`${program} is "${found}", and Moose drives Aider ${AIDER_VERSION}.`, null)
}

async function printedVersion(program: string, executablePath: string): Promise<string> {
  try {
    await access(program, constants.X_OK)
    const { stdout, stderr } = await runCommand({
      command: program,
      args: ['--version'],
      cwd: path.dirname(program),
      env: { PATH: executablePath, HOME: '/nonexistent', LITELLM_MODE: 'PRODUCTION', PYTHONNOUSERSITE: '1' },
      timeoutMs: VERSION_TIMEOUT_MS,
      maxOutputBytes: 4_096,
      signal: null,
    })
    return `${stdout.text()}${stderr.text()}`.trim().split('\n').slice(-1).join('')
  } catch (error) {
    throw missing(`${program} cannot be run (${toFault(error).message}).`, error)
  }
}

function missing(what: string, cause: unknown): Fault {
  const message =
    `${what} Install it with: moose doctor --fix   or yourself with: pip install aider-chat==${AIDER_VERSION}   ` +
    'and name the program in ORCHESTRATOR_AIDER_BIN. Without it, ORCHESTRATOR_EXECUTOR=patch applies edits itself.'
  return new Fault('command_missing', message, { command: 'aider' }, cause)
}
