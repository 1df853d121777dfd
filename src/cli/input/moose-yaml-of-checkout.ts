import { writeFile } from 'node:fs/promises'
import path from 'node:path'
import type { ProposedMooseYaml } from '../../app/propose-moose-yaml.ts'
import { errorCode } from '../../faults/error-code.ts'
import { Fault, toFault } from '../../faults/fault.ts'
import type { Cli } from '../cli.ts'
import { exitCodeOf } from '../exit-code.ts'
import { commitCommands, printProposal } from '../pages/moose-yaml-page.ts'
import { harmless } from '../pages/terminal-text.ts'
import { askedYes } from './asked-yes.ts'

/**
 * The `moose.yaml` that fits where `init` was called; null where that is no checkout on this disk.
 *
 * @param place a URL, or the absolute path of a folder
 */
export async function proposedFor(cli: Cli, place: string): Promise<ProposedMooseYaml | null> {
  if (!path.isAbsolute(place)) return null
  // Only init needs it, and it loads much.
  const { proposeMooseYaml } = await import('../../app/propose-moose-yaml.ts')
  return await proposeMooseYaml(cli.config(), place)
}

/** What `--json` says of it, once it is written where `write` says so; null where nothing could be looked at. */
export async function mooseYamlDocument(proposed: ProposedMooseYaml | null, write: boolean) {
  if (proposed === null) return null
  const { file, proposal, text, existing } = proposed
  const written = write && (await writeProposed(proposed))
  noteInvalid(existing)
  return { file, written, ...proposal, text, existing }
}

/**
 * Writes a proposal where no `moose.yaml` is there.
 *
 * @throws {Fault} `request_invalid` where the folder cannot be written to
 */
async function writeProposed({ file, text, existing }: ProposedMooseYaml): Promise<boolean> {
  if (existing !== null) return false
  try {
    // Never over one that has come since, nor through a link.
    await writeFile(file, text, { flag: 'wx' })
    return true
  } catch (error) {
    const why = errorCode(error) === 'EEXIST' ? 'it is there by now' : toFault(error).message
    throw new Fault('request_invalid', `${file} was not written: ${why}.`, { file }, error)
  }
}

function noteInvalid(existing: ProposedMooseYaml['existing']): void {
  if (existing !== null && existing.problems.length > 0) process.exitCode = exitCodeOf('checks_invalid')
}

/** Shows it, and where a person sits at a terminal asks once whether to write it. */
export async function showProposed(
  cli: Cli,
  proposed: ProposedMooseYaml | null,
  { base, write }: { base: string; write: boolean },
): Promise<void> {
  const { output } = cli
  if (proposed === null) {
    output.note('In a checkout of it, moose init also proposes a moose.yaml: how to set up and check the repository.')
    return
  }
  const { existing, branch, file } = proposed
  printProposal(output, proposed)
  noteInvalid(existing)
  if (existing !== null) {
    if (write) output.note('Nothing was written: a moose.yaml that is there is never overwritten.')
    return
  }
  const written = (write || (await askedYes('Write it?')) === true) && (await writeProposed(proposed))
  if (written) output.line(`wrote ${harmless(file)}`)
  output.note(written ? commitCommands(branch, base) : 'Write it with: moose init --write')
}
