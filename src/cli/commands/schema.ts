import { Command } from 'commander'
import { mooseYamlJsonSchema } from '../../contract/moose-yaml.ts'
import type { Cli } from '../cli.ts'

export function schemaCommand(cli: Cli): Command {
  return new Command('schema')
    .description('Prints the JSON schema of moose.yaml, with which editors complete and check it.')
    .addHelpText('after', '\nExamples:\n  $ moose schema > moose.schema.json')
    .action(() => cli.output.verbatim(`${JSON.stringify(mooseYamlJsonSchema(), null, 2)}\n`))
}
