import type { ProposedMooseYaml } from '../../app/propose-moose-yaml.ts'
import type { Output } from './output.ts'
import { harmless, harmlessLines } from './terminal-text.ts'

/** What was found in a checkout, and the `moose.yaml` made of it or the state of the one that is there. */
export function printProposal({ line, paint, hint }: Output, { proposal, text, existing }: ProposedMooseYaml): void {
  const found = proposal.tools.map(({ tool, lock_file }) => (lock_file === null ? tool : `${tool} (${lock_file})`))
  line('')
  line(`found: ${found.length === 0 ? 'no package manager, and nothing that tests' : harmless(found.join(', '))}`)
  for (const note of proposal.notes) line(`  ${paint.yellow('!')} ${harmless(hint(note))}`)
  if (existing !== null) return printExisting({ line, paint }, existing)
  line(`\n${paint.bold('moose.yaml')}, as it would fit:\n`)
  line(
    harmlessLines(text)
      .split('\n')
      .map((one) => (one.startsWith('#') ? paint.dim(one) : one))
      .join('\n'),
  )
}

function printExisting(
  { line, paint }: Pick<Output, 'line' | 'paint'>,
  { problems, lacks }: NonNullable<ProposedMooseYaml['existing']>,
): void {
  if (problems.length > 0) {
    line(`\n${paint.red('moose.yaml is not valid:')}`)
    for (const problem of problems) line(`  ${harmless(problem)}`)
    return
  }
  line(`\n${paint.bold('moose.yaml')} is there, and valid.${lacks.length === 0 ? '' : ' It has none of these:'}`)
  for (const lack of lacks) line(`  ${harmless(lack)}`)
}

/** How the file gets to where it counts. @param branch of the checkout; null where it is on none */
export function commitCommands(branch: string | null, base: string): string {
  const onto = branch === base ? [] : [`git switch ${base}`]
  const commands = [...onto, 'git add moose.yaml', 'git commit -m "Add moose.yaml"', `git push origin ${base}`]
  return [
    `It counts from the moment it is on ${harmless(base)}, the base branch, at the origin:`,
    ...commands.map((command) => `  $ ${harmless(command)}`),
  ].join('\n')
}
