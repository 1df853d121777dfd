import { execFile } from 'node:child_process'
import { mkdir, mkdtemp, rm, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'

const ROOT = path.join(import.meta.dirname, '../..')

/** What a gate says of a tree. */
export type Verdict = { passed: boolean; said: string }

/**
 * Runs a gate in a new tree.
 *
 * @param program with its arguments; a path within this repository, run by Node where it ends in `.ts`
 * @param files of the tree, by path; the dependencies are there too
 */
export async function judgedBy(
  [program, ...args]: readonly [string, ...string[]],
  files: Readonly<Record<string, string>>,
): Promise<Verdict> {
  const tree = await mkdtemp(path.join(tmpdir(), 'moose-gate-'))
  try {
    await symlink(path.join(ROOT, 'node_modules'), path.join(tree, 'node_modules'))
    for (const [name, content] of Object.entries(files)) {
      await mkdir(path.join(tree, path.dirname(name)), { recursive: true })
      await writeFile(path.join(tree, name), content)
    }
    const gate = path.join(ROOT, program)
    const command = program.endsWith('.ts') ? [process.execPath, gate] : [gate]
    const options = { cwd: tree, env: { PATH: String(process.env['PATH']), NO_COLOR: '1' } }
    return await new Promise((resolve) => {
      execFile(String(command[0]), [...command.slice(1), ...args], options, (error, stdout) =>
        resolve({ passed: error === null, said: stdout }),
      )
    })
  } finally {
    await rm(tree, { recursive: true })
  }
}
