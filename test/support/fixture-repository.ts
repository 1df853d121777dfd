import { cp, mkdtemp, readdir, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { proposeMooseYaml } from '../../src/app/propose-moose-yaml.ts'
import { gitIn } from './git-remote.ts'

const FIXTURES = path.join(import.meta.dirname, '../fixtures/repositories')

/** The ten small repositories, each with a dependency of others without which its test fails. */
export const FIXTURE_NAMES = ['npm', 'pnpm', 'yarn', 'pip', 'uv', 'poetry', 'go', 'rust', 'maven', 'make'] as const
export type FixtureName = (typeof FIXTURE_NAMES)[number]

export type FixtureRepository = AsyncDisposable & {
  /** Absolute path of the bare origin, with the branch `main`; what a project's `repository` can be. */
  origin: string
  /** Absolute path of a checkout of it on `main`. */
  checkout: string
  /** A folder beside both that goes with them: room for a Moose home. */
  folder: string
}

/**
 * One of the small repositories as a real checkout with a bare origin.
 *
 * @param options.proposed whether the `moose.yaml` that `moose init` proposes is committed and pushed
 */
export async function createFixtureRepository(
  name: FixtureName,
  options: { proposed: boolean } = { proposed: false },
): Promise<FixtureRepository> {
  const root = await mkdtemp(path.join(tmpdir(), 'moose-fixture-'))
  const [origin, checkout, folder] = [path.join(root, 'origin.git'), path.join(root, name), path.join(root, 'home')]
  await gitIn(root, 'init', '--quiet', '--bare', '--initial-branch=main', origin)
  await gitIn(root, 'clone', '--quiet', origin, checkout)
  await gitIn(checkout, 'symbolic-ref', 'HEAD', 'refs/heads/main')
  await cp(path.join(FIXTURES, name), checkout, { recursive: true })
  await gitIn(checkout, 'add', '--all')
  await gitIn(checkout, 'commit', '--quiet', '--message', `a repository with ${name}`)
  if (options.proposed) await commitProposed(checkout, folder)
  await gitIn(checkout, 'push', '--quiet', 'origin', 'main')
  return {
    origin,
    checkout,
    folder,
    [Symbol.asyncDispose]: () => rm(root, { recursive: true, force: true, maxRetries: 10, retryDelay: 50 }),
  }
}

async function commitProposed(checkout: string, home: string): Promise<void> {
  const proposed = await proposeMooseYaml({ home, toolchainEnvironment: {}, registryEnvironment: {} }, checkout)
  if (proposed === null) throw new Error(`nothing was proposed for ${checkout}`)
  await writeFile(proposed.file, proposed.text)
  await gitIn(checkout, 'add', 'moose.yaml')
  await gitIn(checkout, 'commit', '--quiet', '--message', 'Add moose.yaml')
}

/** The names of the folders there are. */
export async function fixtureFolders(): Promise<string[]> {
  return (await readdir(FIXTURES)).toSorted()
}
