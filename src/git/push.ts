import { Fault, toFault } from '../faults/fault.ts'
import { plainText } from '../redaction/plain-text.ts'
import type { Project } from '../work-order/project.ts'
import { type RemoteResult, whatGitSaid } from './git.ts'
import { type Mirror, unreachable } from './mirror.ts'
import { branchRef, fullSha } from './ref-names.ts'
import { parseRepositoryUrl, withoutCredentials } from './repository-url.ts'

const TIMEOUT_MS = 5 * 60_000

/** A project's repository and the mirror its commits are pushed from. */
export type PushSource = { project: Project; mirror: Mirror; signal: AbortSignal | null }

export type PushOutcome =
  | { outcome: 'landed' }
  /** The branch was not where it was expected; `remoteSha` is where it is, null when there is none. */
  | { outcome: 'moved'; remoteSha: string | null }
  /** The repository refused the push by a rule of its own. */
  | { outcome: 'rejected'; reason: string }

export type RemoteBranch = {
  /** The commit it stands at; null: there is no such branch. */
  head: string | null
  /** Whether it is the one the remote's HEAD names, whatever a project calls its base. */
  isDefault: boolean
}

/**
 * A branch as the remote has it.
 *
 * @throws {Fault} `repository_refused`, `repository_unreachable`
 */
export async function remoteBranch({ project, mirror, signal }: PushSource, branch: string): Promise<RemoteBranch> {
  const remote = parseRepositoryUrl(project.repository)
  const ref = branchRef(branch)
  const args = ['ls-remote', '--quiet', '--symref', '--', remote.url, 'HEAD', ref]
  const result = await mirror.runRemote(project, args, { signal, timeoutMs: TIMEOUT_MS })
  if (result.exitCode !== 0) throw unreachable(remote, result)
  const lines = result.stdout.text().split('\n')
  // The patterns also match refs that merely end in them.
  const line = lines.find((candidate) => candidate.endsWith(`\t${ref}`))
  const head = line === undefined ? null : line.slice(0, line.indexOf('\t'))
  return { head, isDefault: lines.includes(`ref: ${ref}\tHEAD`) }
}

/**
 * The commits some branches of the remote stand at, by their names; one that is not there has none. One question for all.
 *
 * @throws as `remoteBranch`
 */
export async function remoteHeads(
  { project, mirror, signal }: PushSource,
  branches: readonly string[],
): Promise<ReadonlyMap<string, string>> {
  const remote = parseRepositoryUrl(project.repository)
  const refs = new Map(branches.map((branch) => [branchRef(branch), branch]))
  const args = ['ls-remote', '--quiet', '--', remote.url, ...refs.keys()]
  const result = await mirror.runRemote(project, args, { signal, timeoutMs: TIMEOUT_MS })
  if (result.exitCode !== 0) throw unreachable(remote, result)
  const lines = result.stdout.text().split('\n')
  return new Map(
    lines.flatMap((line) => {
      const [sha = '', ref = ''] = line.split('\t')
      // The patterns also match refs that merely end in them.
      const branch = refs.get(ref)
      return branch === undefined ? [] : [[branch, sha] as const]
    }),
  )
}

/** The commit a branch of the remote stands at; null when there is no such branch. @throws as `remoteBranch` */
export async function remoteHead(source: PushSource, branch: string): Promise<string | null> {
  return (await remoteBranch(source, branch)).head
}

/**
 * Pushes the exact commit to the exact branch, if the branch stands where it is expected. What counts is where the
 * branch is afterwards, not how git ended: a push whose client was killed may have landed.
 *
 * @param push.expected the commit the branch must stand at; null: there must be no such branch
 * @throws {Fault} `repository_refused`, `repository_unreachable` (the outcome is unknown or nothing happened; observe
 *   before repeating)
 */
export async function pushCommit(
  source: PushSource,
  push: { sha: string; branch: string; expected: string | null },
): Promise<PushOutcome> {
  return await pushRef(source, { ...push, sha: fullSha(push.sha) })
}

/**
 * Deletes a branch that still stands at `expected`.
 *
 * @returns false when it stands elsewhere or is the remote's default branch, and is left alone; true when it is gone
 * @throws {Fault} `push_rejected`, `repository_refused`, `repository_unreachable`
 */
export async function deleteRemoteBranch(source: PushSource, branch: string, expected: string): Promise<boolean> {
  const { head, isDefault } = await remoteBranch(source, branch)
  if (head === null) return true
  if (head !== expected || isDefault) return false
  const pushed = await pushRef(source, { sha: null, branch, expected })
  if (pushed.outcome === 'rejected') {
    throw new Fault('push_rejected', `The repository refused to delete the branch ${branch}: ${pushed.reason}`)
  }
  return pushed.outcome === 'landed'
}

/** `sha: null` deletes. */
async function pushRef(
  source: PushSource,
  push: { sha: string | null; branch: string; expected: string | null },
): Promise<PushOutcome> {
  const remote = parseRepositoryUrl(source.project.repository)
  const result = await runPush(source, remote.url, push)
  if (!(result instanceof Fault) && result.exitCode === 0) return { outcome: 'landed' }
  const head = await remoteHead(source, push.branch)
  if (head === push.sha) return { outcome: 'landed' }
  if (head !== push.expected) return { outcome: 'moved', remoteSha: head }
  if (result instanceof Fault) {
    const message = `Pushing to ${remote.shown} did not end in time, and nothing has arrived there.`
    throw new Fault('repository_unreachable', message, { repository: remote.shown }, result)
  }
  if (/^!\t/m.test(result.stdout.text())) return { outcome: 'rejected', reason: rejection(result) }
  throw unreachable(remote, result)
}

/** A push that took too long comes back as its Fault: it may have landed all the same. */
async function runPush(
  { project, mirror, signal }: PushSource,
  url: string,
  { sha, branch, expected }: { sha: string | null; branch: string; expected: string | null },
): Promise<RemoteResult | Fault> {
  const ref = branchRef(branch)
  const lease = `--force-with-lease=${ref}:${expected === null ? '' : fullSha(expected)}`
  const refspec = sha === null ? `:${ref}` : `${sha}:${ref}`
  const args = [
    'push',
    '--porcelain',
    '--no-verify',
    '--no-follow-tags',
    '--recurse-submodules=no',
    lease,
    '--',
    url,
    refspec,
  ]
  try {
    return await mirror.runRemote(project, args, { signal, timeoutMs: TIMEOUT_MS })
  } catch (error) {
    const fault = toFault(error)
    if (fault.code === 'command_timed_out') return fault
    throw error
  }
}

const SHOWN_WORDS = 1_000

/** What the remote said, e.g. `[remote rejected] (pre-receive hook declined)`, with its own words, the first of them. */
function rejection(result: RemoteResult): string {
  const line = result.stdout
    .text()
    .split('\n')
    .find((candidate) => candidate.startsWith('!\t'))
  const summary = line === undefined ? '' : result.shown(line.split('\t').slice(2).join(' '))
  const words = Array.from(result.stderr.text().matchAll(/^remote: (.*)$/gm), ([, said]) => String(said).trim())
  const shown = plainText(withoutCredentials(words.filter((said) => said !== '').join(' ')))
  return `${summary}; ${shown === '' ? whatGitSaid(result) : shown.slice(0, SHOWN_WORDS)}`
}
