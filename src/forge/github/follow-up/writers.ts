import { z } from 'zod'
import type { Clock } from '../../../clock.ts'
import { Fault } from '../../../faults/fault.ts'
import type { Gh } from '../gh.ts'
import { askApi } from '../github-api.ts'
import { type GitHubRepository, slug } from '../github-repository.ts'

/** An account by its login, and what GitHub says it is to the repository. */
export type Account = { login: string; association: string }

/**
 * Whether an account may write to a repository, or why that is not known.
 *
 * @param mayAsk takes one request for an account that GitHub calls no member; false: there is none left
 */
export type MayWrite = (account: Account, mayAsk: () => boolean) => Promise<{ value: boolean } | { unread: string }>

/** How long an answer counts: who comes and goes is seen then. */
const REMEMBERED_MS = 15 * 60_000
/** Longer than strangers are asked about within their bound, so that any number of them is known in the end. */
const STRANGER_REMEMBERED_MS = 2 * 3_600_000
/** How long a repository is left alone whose permissions the token may not ask for. */
const REFUSED_MS = 15 * 60_000
/** Accounts that are remembered; beyond, all are asked about anew. */
const MOST_REMEMBERED = 1_000
/**
 * What may be more than a reader, and may still be one. An account that is called otherwise may be a member whose membership is
 * private.
 */
const CALLED_MEMBER = new Set(['OWNER', 'MEMBER', 'COLLABORATOR'])
/** GitHub gives `maintain` as `write` and `triage` as `read` too, and has their names in `role_name`. */
const WRITES = new Set(['admin', 'maintain', 'write'])
const READS = new Set(['triage', 'read', 'none'])

/** @see https://docs.github.com/en/rest/collaborators/collaborators#get-repository-permissions-for-a-user */
const Permission = z.object({ permission: z.string() })
/** The rules of GitHub for a login, and the ending of an app's. */
const LOGIN = /^[A-Za-z0-9][A-Za-z0-9_-]{0,99}(?:\[bot\])?$/

/** By what GitHub says an account is to the repository. */
export function isCalledMember(association: string): boolean {
  return CALLED_MEMBER.has(association)
}

export type Writers = {
  /** @throws {Fault} `github_*` by the function it gives, where GitHub does not answer */
  of(repository: GitHubRepository, signal: AbortSignal): MayWrite
}

/** Asks GitHub about each account once in a while. */
export function createWriters(gh: Gh, clock: Clock): Writers {
  /** `mayWrite` null: GitHub has answered, and what it says is not known. */
  const known = new Map<string, { until: number; mayWrite: boolean | null }>()
  /** Repositories that the token may not ask about. */
  const refused = new Map<string, { until: number }>()
  return {
    of: (repository, signal) => async (account, mayAsk) => {
      const { login, association } = account
      const isStranger = !isCalledMember(association)
      const place = `${repository.host} ${slug(repository)}`.toLowerCase()
      const key = `${place} ${login.toLowerCase()} ${isStranger}`
      const now = clock.now().getTime()
      const isOver = (one: { until: number } | undefined) => one === undefined || now >= one.until
      const before = known.get(key)
      if (before !== undefined && !isOver(before))
        return before.mayWrite === null ? untold(login) : { value: before.mayWrite }
      if (!LOGIN.test(login) || !isOver(refused.get(place))) return untold(login)
      if (isStranger && !mayAsk())
        return { unread: 'asking who may write takes more requests than Moose makes for it in an hour' }
      const told = await permissionOf(gh, { repository, login, signal })
      if (told === 'refused') refused.set(place, { until: now + REFUSED_MS })
      if (told === 'refused') return untold(login)
      if (known.size >= MOST_REMEMBERED) known.clear()
      const mayWrite = told === 'unknown' ? null : told === 'writes'
      const isLong = isStranger && mayWrite === false
      known.set(key, { until: now + (isLong ? STRANGER_REMEMBERED_MS : REMEMBERED_MS), mayWrite })
      return mayWrite === null ? untold(login) : { value: mayWrite }
    },
  }
}

function untold(login: string): { unread: string } {
  return {
    unread: `GitHub does not tell Moose's token who may write to the repository, so not whether ${login} may`,
  }
}

/** `refused`: the token may not ask; `unknown`: the answer is none that Moose knows. */
async function permissionOf(
  gh: Gh,
  { repository, login, signal }: { repository: GitHubRepository; login: string; signal: AbortSignal },
): Promise<'writes' | 'reads' | 'refused' | 'unknown'> {
  const path = `repos/${slug(repository)}/collaborators/${encodeURIComponent(login)}/permission`
  const request = { host: repository.host, method: 'GET', path, signal } as const
  try {
    const { permission } = await askApi(gh, request, Permission)
    if (WRITES.has(permission)) return 'writes'
    return READS.has(permission) ? 'reads' : 'unknown'
  } catch (error) {
    if (!(error instanceof Fault)) throw error
    if (error.code === 'github_forbidden') return 'refused'
    // There is no such account, e.g. because it is an app.
    if (error.code === 'github_not_found') return 'reads'
    throw error
  }
}
