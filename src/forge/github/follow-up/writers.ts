import { z } from 'zod'
import type { Clock } from '../../../clock.ts'
import type { Gh } from '../gh.ts'
import { askApi } from '../github-api.ts'
import { type GitHubRepository, slug } from '../github-repository.ts'
import { visible } from '../visible.ts'

/** Whether an account may write to a repository, by its login and what GitHub says it is there. */
export type MayWrite = (login: string | null, association: string) => Promise<boolean>

/** How long an answer counts: who comes and goes is seen then. */
const REMEMBERED_MS = 15 * 60_000
/** Accounts that are remembered; beyond, all are asked about anew. */
const MOST_REMEMBERED = 1_000
/** What may be more than a reader. A member of an organisation may still be one. */
const MAY_BE_WRITER = new Set(['OWNER', 'MEMBER', 'COLLABORATOR'])
/** GitHub gives `maintain` as `write` too, and has its name in `role_name`. */
const WRITES = new Set(['admin', 'maintain', 'write'])

/** @see https://docs.github.com/en/rest/collaborators/collaborators#get-repository-permissions-for-a-user */
const Permission = z.object({ permission: z.string() })
/** The rules of GitHub for a login, and the ending of an app's. */
const LOGIN = /^[A-Za-z0-9][A-Za-z0-9_-]{0,99}(?:\[bot\])?$/

/** By what GitHub says an account is to the repository, of which no more is asked where this is false. */
export function mayBeWriter(association: string): boolean {
  return MAY_BE_WRITER.has(association)
}

export type Writers = {
  /** @throws {Fault} `github_*` by the function it gives; an account GitHub does not tell about may not write */
  of(repository: GitHubRepository, signal: AbortSignal): MayWrite
}

/** Asks GitHub about each account once in a while, and only about those that may be writers. */
export function createWriters(gh: Gh, clock: Clock): Writers {
  const known = new Map<string, { at: number; mayWrite: boolean }>()
  return {
    of: (repository, signal) => async (login, association) => {
      if (login === null || !mayBeWriter(association) || !LOGIN.test(login)) return false
      const key = `${repository.host} ${slug(repository)} ${login}`.toLowerCase()
      const before = known.get(key)
      const now = clock.now().getTime()
      if (before !== undefined && now - before.at < REMEMBERED_MS) return before.mayWrite
      const path = `repos/${slug(repository)}/collaborators/${encodeURIComponent(login)}/permission`
      const request = { host: repository.host, method: 'GET', path, signal } as const
      const told = await visible(() => askApi(gh, request, Permission))
      const mayWrite = told !== null && WRITES.has(told.permission)
      if (known.size >= MOST_REMEMBERED) known.clear()
      known.set(key, { at: now, mayWrite })
      return mayWrite
    },
  }
}
