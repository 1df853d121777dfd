import { readFile, writeFile } from 'node:fs/promises'

/** A page below docs/ that a script writes whole. */
type GeneratedPage = {
  /** Below docs/, e.g. `configuration.md`. */
  name: string
  /** Writes it, e.g. `npm run configuration`. */
  command: string
  text: string
}

/** Writes the page; called with `--check`, fails where the file is another. */
export async function keepPage({ name, command, text }: GeneratedPage): Promise<void> {
  const file = new URL(`../docs/${name}`, import.meta.url)
  if (!process.argv.includes('--check')) return await writeFile(file, text)
  if ((await readFile(file, 'utf8')) === text) return
  console.log(`docs/${name} is not what its source says. Write it with: ${command}`)
  process.exitCode = 1
}

/** The second line of such a page. */
export function madeBy(command: string, source: string): string {
  return `<!-- Made by \`${command}\` from ${source}; a change here fails \`npm run check\`. -->`
}

/** A table of Markdown. A line break or a bar in a cell would end it. */
export function markdownTable(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const line = (cells: readonly string[]) =>
    `| ${cells.map((cell) => cell.replaceAll(/\s+/g, ' ').replaceAll(/(?<!\\)\|/g, '\\|')).join(' | ')} |`
  return [line(head), `|${'---|'.repeat(head.length)}`, ...rows.map(line)].join('\n')
}
