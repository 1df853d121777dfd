import { storedText } from './stored-text.ts'
import { z } from './zod.ts'

/** What GitHub sends, whatever the event; what is looked at of it is only a hint, GitHub itself is asked what is so. */
export const GitHubWebhookBody = z.looseObject({}).openapi('GitHubWebhook')
export type GitHubWebhookBody = z.infer<typeof GitHubWebhookBody>

export const GitHubWebhookResponse = z.object({
  success: z.literal(true),
  /** False: this delivery was taken before. */
  accepted: z.boolean(),
})

/** Something has happened to pull requests of one repository: to those of these numbers, or from these branches. */
export type PullRequestHint = {
  /** As a browser shows it: `https://github.com/acme/shop`. */
  repositoryUrl: string
  numbers: readonly number[]
  branches: readonly string[]
}

/** GitHub names far fewer. Of a longer list a schema says only that, and not what is wrong with each of its entries. */
const LONGEST_LIST = 1_000

const Numbered = z.object({ number: z.number().int() })
const OfRepository = z.object({ repository: z.object({ html_url: storedText(2_000) }) })
const BranchName = storedText(1_000)
/** That of a fork names its branch and no pull request. */
const Suite = z.object({
  head_branch: BranchName.nullish(),
  pull_requests: z.array(Numbered).max(LONGEST_LIST).nullish(),
})

type NamedPullRequests = Pick<PullRequestHint, 'numbers' | 'branches'>

const inPullRequest = z
  .object({ pull_request: Numbered })
  .transform(({ pull_request: { number } }): NamedPullRequests => ({ numbers: [number], branches: [] }))

function inSuite({ head_branch, pull_requests }: z.infer<typeof Suite>): NamedPullRequests {
  return {
    numbers: [pull_requests].flatMap((pulls) => (Array.isArray(pulls) ? pulls.map(({ number }) => number) : [])),
    branches: typeof head_branch === 'string' ? [head_branch] : [],
  }
}

const BRANCH = 'refs/heads/'

/**
 * The events that name pull requests, and where.
 * @see https://docs.github.com/en/webhooks/webhook-events-and-payloads
 */
const EVENTS: ReadonlyMap<string, z.ZodType<NamedPullRequests>> = new Map<string, z.ZodType<NamedPullRequests>>([
  ['pull_request', inPullRequest],
  ['pull_request_review', inPullRequest],
  ['check_suite', z.object({ check_suite: Suite }).transform((body) => inSuite(body.check_suite))],
  [
    'check_run',
    z.object({ check_run: z.object({ check_suite: Suite }) }).transform((body) => inSuite(body.check_run.check_suite)),
  ],
  [
    'status',
    z
      .object({ branches: z.array(z.object({ name: BranchName })).max(LONGEST_LIST) })
      .transform((body): NamedPullRequests => ({ numbers: [], branches: body.branches.map(({ name }) => name) })),
  ],
  [
    'push',
    z
      .object({ ref: BranchName.startsWith(BRANCH) })
      .transform(({ ref }): NamedPullRequests => ({ numbers: [], branches: [ref.slice(BRANCH.length)] })),
  ],
])

/** Which pull requests a webhook may be about; null where it names none, as `ping` does, or has no form that is known. */
export function hintOf(event: string, body: GitHubWebhookBody): PullRequestHint | null {
  const of = OfRepository.safeParse(body)
  const named = EVENTS.get(event)?.safeParse(body)
  if (!of.success || named?.success !== true) return null
  const { numbers, branches } = named.data
  if (numbers.length === 0 && branches.length === 0) return null
  return { repositoryUrl: of.data.repository.html_url, numbers, branches }
}
