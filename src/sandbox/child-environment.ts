import { mkdir } from 'node:fs/promises'
import path from 'node:path'
import { removeTree } from './remove-tree.ts'

/**
 * The whole environment of a child that runs foreign code: an allow-list, so that no key, token or database URL of
 * ours can be in it. HOME and TMPDIR are empty, and new for every child: none can leave something there for the next.
 *
 * @param attemptFolder absolute path of the folder that holds the attempt's tree
 * @param executablePath the `PATH` of the Moose process: where the project's tools are
 */
export async function childEnvironment(
  attemptFolder: string,
  executablePath: string,
): Promise<Readonly<Record<string, string>>> {
  const home = await emptyFolder(path.join(attemptFolder, 'home'))
  const temporary = await emptyFolder(path.join(attemptFolder, 'tmp'))
  return { PATH: executablePath, HOME: home, TMPDIR: temporary, LANG: 'C.UTF-8', TERM: 'dumb', CI: 'true' }
}

async function emptyFolder(folder: string): Promise<string> {
  await removeTree(folder)
  await mkdir(folder, { mode: 0o700 })
  return folder
}
