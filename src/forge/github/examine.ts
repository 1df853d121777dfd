import { z } from 'zod'
import type { Config } from '../../config.ts'
import type { DoctorFinding } from '../../contract/doctor.ts'
import { toFault } from '../../faults/fault.ts'
import type { Project } from '../../work-order/project.ts'
import { isSameAccount } from './accounts.ts'
import type { Gh } from './gh.ts'
import { askApi, callApi, githubFault, isRefusal } from './github-api.ts'
import { type GitHubRepository, githubRepositoryOf, slug } from './github-repository.ts'
import { mergeWays } from './merge-ways.ts'
import { requirePushPermission } from './push-permission.ts'
import { visible } from './visible.ts'

type Examination = { gh: Gh; config: Pick<Config, 'github'> }
type ExaminedProject = Examination & { repository: GitHubRepository; project: Project }

/** Whether work orders of a GitHub project can end in a pull request that can be merged. */
export async function examineGitHub(examination: Examination, project: Project): Promise<DoctorFinding[]> {
  const name = `github ${project.name}`
  try {
    const repository = githubRepositoryOf(project)
    await requirePushPermission(examination.gh, repository, null)
    const asked = { ...examination, repository, project }
    const access = { name, state: 'ok', detail: `may push to ${slug(repository)}`, remedy: null } as const
    return [access, ...(await checks(asked)), await reviews(asked), await merging(asked)]
  } catch (thrown) {
    const { code, message } = toFault(thrown)
    return [{ name, state: code === 'command_missing' ? 'missing' : 'broken', detail: message, remedy: null }]
  }
}

/** How `moose merge` merges, by what the base branch allows. */
async function merging({ gh, repository, project }: ExaminedProject): Promise<DoctorFinding> {
  const name = `merging of ${project.name}`
  const { ways, isQueued, isByRule } = await mergeWays(gh, repository, project.defaultBranch)
  const branch = project.defaultBranch
  if (isQueued) {
    const detail = `${branch} takes only what its merge queue merges`
    return { name, state: 'warning', detail, remedy: 'merge on GitHub: moose merge cannot put into the queue' }
  }
  const [way] = ways
  if (way === undefined) {
    const detail = `the settings of the repository and the rules of ${branch} leave no way to merge`
    return { name, state: 'broken', detail, remedy: 'allow one of merge, squash and rebase on GitHub' }
  }
  return { name, state: 'ok', detail: isByRule ? `by ${way}, by the rules of ${branch}` : `by ${way}`, remedy: null }
}

const Workflows = z.object({ total_count: z.number().int() })

/** @see https://docs.github.com/en/actions/how-tos/write-workflows/choose-when-workflows-run/trigger-a-workflow#triggering-a-workflow-from-a-workflow */
async function checks(asked: ExaminedProject): Promise<DoctorFinding[]> {
  const { gh, config, repository, project } = asked
  const name = `checks of ${project.name}`
  const workflows = await visible(() => ask(gh, repository, '/actions/workflows?per_page=1', Workflows))
  if (workflows === null) {
    const detail = 'the token may not see the workflows, read the logs of their jobs and have them run again'
    return [{ name, state: 'warning', detail, remedy: GIVE_ACTIONS }]
  }
  const count = workflows.total_count
  if (count === 0) return [{ name, state: 'optional', detail: 'the repository has no workflows', remedy: null }]
  if (config.github.insideActions) {
    const detail = `workflows (${count}) will not run: pushes with the token of GitHub Actions start none`
    return [{ name, state: 'warning', detail, remedy: "set GH_TOKEN to an App's or a person's token" }]
  }
  const detail = `workflows (${count}) can run for pushes of this token`
  return [{ name, state: 'ok', detail, remedy: null }, ...(await followed(asked))]
}

const GIVE_ACTIONS = 'give the token write access to Actions'

/**
 * What Moose cannot do about a red check. No job and no run has the number 0, so nothing is read or run: what the token may do there
 * is answered with 404, what it may not with 403.
 */
async function followed({ gh, repository, project }: ExaminedProject): Promise<DoctorFinding[]> {
  const actions = `repos/${slug(repository)}/actions`
  const isRefused = async (method: 'GET' | 'POST', path: string) => {
    const request = { host: repository.host, method, path: `${actions}/${path}`, signal: null }
    const answer = await callApi(gh, request)
    return isRefusal(answer) && githubFault(request, answer).code === 'github_forbidden'
  }
  const refused = [
    (await isRefused('GET', 'jobs/0/logs')) ? 'read the logs of their jobs' : null,
    (await isRefused('POST', 'runs/0/rerun-failed-jobs')) ? 'have failed jobs run again' : null,
  ].filter((what) => what !== null)
  const name = `red checks of ${project.name}`
  if (refused.length === 0) return []
  return [{ name, state: 'warning', detail: `the token may not ${refused.join(' and ')}`, remedy: GIVE_ACTIONS }]
}

/** GitHub gives far fewer at once. */
const LONGEST_LIST = 1_000

const Rules = z
  .array(
    z.object({
      type: z.string(),
      parameters: z
        .object({
          required_approving_review_count: z.number().int().optional(),
          require_code_owner_review: z.boolean().optional(),
        })
        .optional(),
    }),
  )
  .max(LONGEST_LIST)
const Protection = z.object({
  required_pull_request_reviews: z
    .object({
      required_approving_review_count: z.number().int().optional(),
      require_code_owner_reviews: z.boolean().optional(),
    })
    .optional(),
})
const Branch = z.object({ protected: z.boolean() })
const User = z.object({ login: z.string() })
const Users = z.array(User).max(LONGEST_LIST)

/** GitHub counts no review by the author, which is the account the token belongs to. */
async function reviews({ gh, repository, project }: ExaminedProject): Promise<DoctorFinding> {
  const name = `reviews of ${project.name}`
  const needed = await reviewsNeeded(gh, repository, project.defaultBranch)
  if (needed === null) {
    const detail = `${project.defaultBranch} is protected, and the token may not see what it requires`
    return { name, state: 'warning', detail, remedy: 'look at the protection of the branch on GitHub' }
  }
  if (needed === 0) return { name, state: 'ok', detail: 'none is required to merge', remedy: null }
  const writers = await visible(() => ask(gh, repository, '/collaborators?permission=push&per_page=100', Users))
  if (writers === null) {
    const detail = `${needed} required; the token may not see which accounts could give them`
    return { name, state: 'warning', detail, remedy: 'make sure an account other than its owner can review' }
  }
  const owner = await visible(() => askHost(gh, repository.host, 'user', User))
  // An App's token has no user, and no App reviews.
  const own = owner === null ? null : owner.login
  const others = writers.filter(({ login }) => !isSameAccount(login, own)).length
  if (others >= needed)
    return { name, state: 'ok', detail: `${needed} required, ${others} others can review`, remedy: null }
  const detail = `${needed} required, but only ${others} beside the owner of the token can review`
  return {
    name,
    state: 'warning',
    detail,
    remedy: 'let Moose use a token of its own (a GitHub App), or add a reviewer',
  }
}

/**
 * The most that any ruleset or classic protection of the branch asks for; a code owner's review counts as one. Null: the
 * branch is protected by something the token may not see, as most tokens may not unless their account is an administrator.
 */
async function reviewsNeeded(gh: Gh, repository: GitHubRepository, branch: string): Promise<number | null> {
  const name = encodeURIComponent(branch)
  const rules = await visible(() => ask(gh, repository, `/rules/branches/${name}`, Rules))
  const protection = await visible(() => ask(gh, repository, `/branches/${name}/protection`, Protection))
  const classic = protection?.required_pull_request_reviews
  const wanted = (rules === null ? [] : rules).map(({ parameters }) => [
    parameters?.required_approving_review_count,
    parameters?.require_code_owner_review,
  ])
  wanted.push([classic?.required_approving_review_count, classic?.require_code_owner_reviews])
  const most = Math.max(0, ...wanted.flat().map(Number).filter(Number.isFinite))
  const isExplained = most > 0 || protection !== null || (rules !== null && rules.length > 0)
  if (isExplained) return most
  return (await visible(() => ask(gh, repository, `/branches/${name}`, Branch)))?.protected === true ? null : most
}

async function ask<Schema extends z.ZodType>(gh: Gh, repository: GitHubRepository, below: string, schema: Schema) {
  return await askHost(gh, repository.host, `repos/${slug(repository)}${below}`, schema)
}

async function askHost<Schema extends z.ZodType>(gh: Gh, host: string, path: string, schema: Schema) {
  return await askApi(gh, { host, method: 'GET', path, signal: null }, schema)
}
