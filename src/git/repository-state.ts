import { Fault } from '../faults/fault.ts'
import type { CommandResult } from '../process/run-command.ts'
import { type Git, whatGitSaid } from './git.ts'
import { shellWord } from './ref-names.ts'
import type { RepositoryUrl } from './repository-url.ts'

/** Why a repository that is reached cannot be worked with, and what mends it. */
type State = { is: string; mend: (place: string) => string }

const SHALLOW: State = {
  is: 'is a shallow clone: the history before its last commits is not there',
  mend: (place) =>
    `Complete it with: git ${place}fetch --unshallow origin   or name the repository it was cloned from.`,
}
const LONG_IDS: State = {
  is: 'names its objects by SHA-256, and Moose works with SHA-1',
  mend: () => 'Bring it over into one made with: git init --object-format=sha1   or name another.',
}
const PARTIAL: State = {
  is: 'is a partial clone: files of its commits are not there',
  mend: () => 'Clone it anew without --filter, or name the repository it was cloned from.',
}
const DAMAGED: State = {
  is: 'is damaged',
  mend: (place) => `See what is missing with: git ${place}fsck --full   and restore it, or name another repository.`,
}

/** By what git says in a fetch; the first that fits. A shallow repository leaves git's exit code at 0. */
const SAID: readonly (readonly [words: RegExp, state: State])[] = [
  [/shallow roots are not allowed|shallow update not allowed/, SHALLOW],
  [/mismatched algorithms|does not support this repository's hash algorithm/, LONG_IDS],
  [/promisor remote|lazy fetching disabled/, PARTIAL],
  [/possible repository corruption|unable to normalize alternate object path/, DAMAGED],
]

/** What a fetch tells of the state of the repository it was from; null: nothing is wrong with that. */
export function faultOfState(remote: RepositoryUrl, result: CommandResult): Fault | null {
  const said = result.stderr.text()
  const [, state] = SAID.find(([words]) => words.test(said)) ?? []
  if (state === undefined) return null
  return refused(remote, state, state === DAMAGED ? `: ${whatGitSaid(result)}` : '')
}

/**
 * What a look at the repository itself tells, as far as it lies on this machine's disk. What cannot be looked at shows
 * when it is fetched.
 *
 * @throws {Fault} `repository_refused`
 */
export async function refuseOddState(git: Git, remote: RepositoryUrl): Promise<void> {
  const folder = folderOf(remote)
  if (folder === null) return
  const args = ['-C', folder, 'rev-parse', '--is-shallow-repository', '--show-object-format']
  const { exitCode, stdout } = await git.run(args, { signal: null, timeoutMs: 60_000 })
  if (exitCode !== 0) return
  const [isShallow, format] = stdout.text().split('\n')
  if (isShallow === 'true') throw refused(remote, SHALLOW, '')
  if (format === 'sha256') throw refused(remote, LONG_IDS, '')
}

/**
 * What git says of a repository on this disk that belongs to another user; null: something else. Its own advice is for a
 * configuration that Moose's git does not read.
 */
export function faultOfOwner(remote: RepositoryUrl, said: string): Fault | null {
  const folder = folderOf(remote)
  if (folder === null || !said.includes('dubious ownership')) return null
  const message =
    `The repository ${remote.shown} belongs to another user, and git opens it to its owner alone. A safe.directory of yours does ` +
    `not change that: Moose's git reads no configuration of yours. Run Moose as that user; or name the repository by ssh, such as ` +
    `ssh://USER@localhost${folder}   or give it to the user Moose runs as: sudo chown -R "$(id -un)" ${shellWord(folder)}`
  return new Fault('repository_refused', message, { repository: remote.shown })
}

function refused(remote: RepositoryUrl, { is, mend }: State, said: string): Fault {
  const folder = folderOf(remote)
  const place = folder === null ? '' : `-C ${shellWord(folder)} `
  const message = `The repository ${remote.shown} ${is}${said}. ${mend(place)}`
  return new Fault('repository_refused', message, { repository: remote.shown })
}

/** Null: it is not on this disk, or its name is written in a way only git reads. */
function folderOf({ url }: RepositoryUrl): string | null {
  if (url.startsWith('/')) return url
  return url.startsWith('file:///') && !url.includes('%') ? url.slice('file://'.length) : null
}
