/**
 * Writes docs/commands.md from the commands themselves (`src/cli/program.ts`), as their help shows them; with `--check`,
 * fails where the file is another: `node scripts/commands.ts [--check]`.
 */
import { PassThrough } from 'node:stream'
import type { Argument, Command, Option } from 'commander'
import { COMMANDS } from '../src/cli/pages/invocation.ts'
import { createOutput } from '../src/cli/pages/output.ts'
import { buildProgram } from '../src/cli/program.ts'
import { keepPage, madeBy, markdownTable } from './generated-page.ts'

const COMMAND = 'npm run commands'

const silent = new PassThrough()
const output = createOutput({ stdout: silent, stderr: silent }, { json: false, color: false, invocation: 'moose' })
const program = await buildProgram({ output, environment: {}, cwd: '/', readStdin: async () => '' }, COMMANDS)
const help = program.createHelp()

/** A command and the commands it is made of, each with its whole name. */
function withParts(command: Command, before: string): { name: string; command: Command }[] {
  const name = `${before} ${command.name()}`
  return [{ name, command }, ...command.commands.flatMap((part) => withParts(part, name))]
}

function termOf(argument: Argument): string {
  const name = `${argument.name()}${argument.variadic ? '...' : ''}`
  return argument.required ? `<${name}>` : `[${name}]`
}

function described(name: string, { description, argChoices, defaultValue }: Argument | Option): string {
  if (description === '') throw new Error(`${name} has no description.`)
  const choices = argChoices === undefined ? '' : `: ${argChoices.map((choice) => `\`${choice}\``).join(', ')}`
  return `${inMarkdown(description)}${choices}${defaultValue === undefined ? '' : ` (default: \`${String(defaultValue)}\`)`}`
}

/** What looks like a tag would not be shown. */
function inMarkdown(text: string): string {
  return text.replaceAll('<', '&lt;')
}

function optionsOf(command: Command): Option[] {
  return help.visibleOptions(command).filter(({ long }) => long !== '--help')
}

function table(command: Command): string {
  const named = [
    ...command.registeredArguments.map((argument) => [termOf(argument), argument] as const),
    ...optionsOf(command).map((option) => [option.flags, option] as const),
  ]
  if (named.length === 0) return ''
  const rows = named.map(([term, part]) => [`\`${term}\``, described(`${command.name()} ${term}`, part)])
  return `\n${markdownTable(['Argument or option', 'Meaning'], rows)}\n`
}

function section({ name, command }: { name: string; command: Command }): string {
  const usage = [name, ...command.registeredArguments.map(termOf)].join(' ')
  const aliases = command.aliases().map((alias) => ` Also \`${name.replace(/[^ ]+$/, alias)}\`.`)
  return `## ${name}\n\n\`${usage}\`\n\n${inMarkdown(command.description())}${aliases.join('')}\n${table(command)}`
}

const sections = program.commands.flatMap((command) => withParts(command, 'moose').map(section))

await keepPage({
  name: 'commands.md',
  command: COMMAND,
  text: `# Every command, argument and option

${madeBy(COMMAND, "the commands' own help")}

As \`moose COMMAND --help\` has it. [Commands](cli.md) says what belongs together, and has exit codes and scripts.

## Options of every command

${markdownTable(
  ['Option', 'Meaning'],
  help.visibleOptions(program).map((option) => [`\`${option.flags}\``, described(option.flags, option)]),
)}

${sections.join('\n')}`,
})
