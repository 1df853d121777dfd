import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { gitIn } from '../../support/git-remote.ts'

const FILES_PER_FOLDER = 20
const FOLDERS_PER_GROUP = 25

/** The path of the n-th file: 20 files to a folder, three folders deep. */
export function fileAt(index: number): string {
  const folder = Math.floor(index / FILES_PER_FOLDER)
  return `packages/p${Math.floor(folder / FOLDERS_PER_GROUP)}/src/m${folder}/file-${index}.ts`
}

/**
 * A bare repository with one commit of so many source-like files of 1 to 3 kB on `main`. Through `fast-import`, which
 * takes 100,000 files in a few seconds.
 *
 * @param bare absolute path of a folder that does not exist yet
 * @see https://git-scm.com/docs/git-fast-import
 */
export async function makeRepository(bare: string, files: number): Promise<void> {
  await gitIn('/', 'init', '--quiet', '--bare', '--initial-branch=main', bare)
  const importer = spawn('git', ['-C', bare, '-c', 'core.compression=1', 'fast-import', '--quiet'], {
    stdio: ['pipe', 'ignore', 'inherit'],
  })
  const ended = once(importer, 'close')
  const say = async (text: string): Promise<void> => {
    if (!importer.stdin.write(text)) await once(importer.stdin, 'drain')
  }
  await say('commit refs/heads/main\ncommitter Bench <bench@localhost> 1767323045 +0000\ndata 4\nbase\n')
  for (let index = 0; index < files; index += 1) {
    const text = sourceText(index)
    await say(`M 100644 inline ${fileAt(index)}\ndata ${Buffer.byteLength(text)}\n${text}\n`)
  }
  await say('M 100644 inline .gitignore\ndata 7\nbuild/\n\n')
  importer.stdin.end()
  const [exitCode] = await ended
  if (exitCode !== 0) throw new Error(`git fast-import failed with exit code ${String(exitCode)}`)
}

function sourceText(index: number): string {
  const lines = 20 + (index % 40)
  return Array.from(
    { length: lines },
    (_, line) => `export const value${index}x${line} = ${(index * 7_919 + line * 104_729) % 1_000_003}\n`,
  ).join('')
}
