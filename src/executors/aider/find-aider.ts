import { access, constants } from 'node:fs/promises'
import path from 'node:path'
import { Fault, toFault } from '../../faults/fault.ts'
import { runCommand } from '../../process/run-command.ts'
import { AIDER_VERSION, isKnownVersion } from './aider-version.ts'
import { isComplete, programIn } from './install.ts'

const VERSION_TIMEOUT_MS = 60_000
/** Characters of a foreign version in a message. */
const LONGEST_VERSION = 60

export type FindAiderOptions = {
  /** The operator's own; null: the one in `folder`. */
  bin: string | null
  /** Where `installAider` puts it. */
  folder: string
  executablePath: string
}

/** Where `moose doctor --fix` puts Aider. */
export function aiderFolder({ home }: { home: string }): string {
  return path.join(home, 'aider', AIDER_VERSION)
}

/**
 * Finds Aider and checks once per program that it is one Moose can drive.
 *
 * @returns a function that gives its absolute path; it throws {Fault} `command_missing` with how to install it
 */
export function createAiderFinder(options: FindAiderOptions): () => Promise<string> {
  const checked = new Set<string>()
  return async () => {
    const remedy = options.bin === null ? INSTALL : 'Correct or unset ORCHESTRATOR_AIDER_BIN.'
    const program = options.bin === null ? await installed(options.folder) : options.bin
    if (checked.has(program)) return program
    const problem = await problemOf(program, options.executablePath)
    if (problem !== null) throw missing(problem, remedy)
    checked.add(program)
    return program
  }
}

async function installed(folder: string): Promise<string> {
  if (await isComplete(folder)) return programIn(folder)
  throw missing({ what: 'Aider is not installed.', cause: null }, INSTALL)
}

type Problem = { what: string; cause: unknown }

/** Why Moose cannot drive this program; null when it can. */
async function problemOf(program: string, executablePath: string): Promise<Problem | null> {
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
    const lines = `${stdout.text()}${stderr.text()}`.trim().split('\n')
    // Warnings may stand before the version.
    if (isKnownVersion(String(lines.at(-1)))) return null
    return { what: `${program} is "${inShort(lines)}", and Moose drives Aider ${AIDER_VERSION}.`, cause: null }
  } catch (cause) {
    return { what: `${program} cannot be run (${toFault(cause).message}).`, cause }
  }
}

/** Of what a program says of itself the line that names it, which is the last one only of an Aider. */
function inShort(lines: readonly string[]): string {
  const last = String(lines.at(-1))
  const line = last.startsWith('aider ') ? last : String(lines[0])
  return line.length > LONGEST_VERSION ? `${line.slice(0, LONGEST_VERSION)}…` : line
}

const INSTALL =
  `Install it with: moose doctor --fix   or yourself with: pip install aider-chat==${AIDER_VERSION}   ` +
  'and name the program in ORCHESTRATOR_AIDER_BIN.'

/** The remedy stands last: that is what `moose show` tells to do next. */
function missing({ what, cause }: Problem, remedy: string): Fault {
  const message = `${what} Without it, ORCHESTRATOR_EXECUTOR=patch applies edits itself. ${remedy}`
  return new Fault('command_missing', message, { command: 'aider', problem: what }, cause)
}
