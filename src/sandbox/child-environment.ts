import { mkdir } from 'node:fs/promises'
import path from 'node:path'

/**
 * The whole environment of a child that runs foreign code: an allow-list, so that no key, token or database URL of
 * ours can be in it. HOME and TMPDIR are the attempt's own and are removed with it.
 *
 * @param attemptFolder absolute path of the folder that holds the attempt's tree
 * @param executablePath the `PATH` of the Moose process: where the project's tools are
 */
export async function childEnvironment(
  attemptFolder: string,
  executablePath: string,
): Promise<Readonly<Record<string, string>>> {
  const home = path.join(attemptFolder, 'home')
  const temporary = path.join(attemptFolder, 'tmp')
  await mkdir(home, { recursive: true, mode: 0o700 })
  await mkdir(temporary, { recursive: true, mode: 0o700 })
  return { PATH: executablePath, HOME: home, TMPDIR: temporary, LANG: 'C.UTF-8', TERM: 'dumb', CI: 'true' }
}
