import { Fault } from '../../faults/fault.ts'
import { type Command, type CommandResult, runCommand } from '../../process/run-command.ts'

/** Runs the gh of the given PATH. @throws {Fault} `command_missing` that says how to get it, and those of `runCommand` */
export async function runGhCommand(command: Omit<Command, 'command'>): Promise<CommandResult> {
  try {
    return await runCommand({ ...command, command: 'gh' })
  } catch (error) {
    if (!(error instanceof Fault) || error.code !== 'command_missing') throw error
    const message =
      'gh, the program Moose speaks to GitHub with, is not installed or not on the PATH. ' +
      'Install it (https://cli.github.com; Debian and Ubuntu: apt install gh), then see: moose doctor'
    throw new Fault('command_missing', message, { command: 'gh' }, error)
  }
}
