import { z } from 'zod'
import type { Gh } from './gh.ts'
import { askApi } from './github-api.ts'
import { type GitHubRepository, slug } from './github-repository.ts'
import { visible } from './visible.ts'

/** In the order in which they are taken, with the repository's setting. */
const WAYS = [
  ['merge', 'allow_merge_commit'],
  ['squash', 'allow_squash_merge'],
  ['rebase', 'allow_rebase_merge'],
] as const
type MergeWay = (typeof WAYS)[number][0]

export type MergeWays = {
  /** Those that repository and branch allow, the usual one first. */
  ways: MergeWay[]
  /** Whether the branch takes only what its merge queue merges. */
  isQueued: boolean
  /** Whether rules of the branch leave one out that the repository allows. */
  isByRule: boolean
}

const Allowed = z.object({
  allow_merge_commit: z.boolean().optional(),
  allow_squash_merge: z.boolean().optional(),
  allow_rebase_merge: z.boolean().optional(),
})
/** GitHub gives far fewer at once. */
const LONGEST_LIST = 1_000
const Rule = z.object({
  type: z.string(),
  parameters: z.object({ allowed_merge_methods: z.array(z.string()).max(LONGEST_LIST).optional() }).optional(),
})
const Protection = z.object({ required_linear_history: z.object({ enabled: z.boolean() }).optional() })

/**
 * The ways in which a pull request into a branch may be merged: the repository's settings, less what rulesets and the classic
 * protection of the branch leave out. What the token may not see counts as allowed.
 *
 * @see https://docs.github.com/en/rest/repos/rules#get-rules-for-a-branch
 */
export async function mergeWays(gh: Gh, repository: GitHubRepository, branch: string): Promise<MergeWays> {
  const ask = <Schema extends z.ZodType>(below: string, schema: Schema) =>
    askApi(
      gh,
      { host: repository.host, method: 'GET', path: `repos/${slug(repository)}${below}`, signal: null },
      schema,
    )
  const name = encodeURIComponent(branch)
  const allowed = await ask('', Allowed)
  const seen = await visible(() => ask(`/rules/branches/${name}`, z.array(Rule).max(LONGEST_LIST)))
  const rules = seen === null ? [] : seen
  const protection = await visible(() => ask(`/branches/${name}/protection`, Protection))
  const isLinear = protection?.required_linear_history?.enabled === true
  const ofRepository = WAYS.filter(([, setting]) => allowed[setting] !== false).map(([way]) => way)
  const ways = ofRepository.filter((way) => !(isLinear && way === 'merge') && rules.every((rule) => lets(rule, way)))
  return {
    ways,
    isQueued: rules.some(({ type }) => type === 'merge_queue'),
    isByRule: ways.length < ofRepository.length,
  }
}

function lets({ type, parameters }: z.infer<typeof Rule>, way: MergeWay): boolean {
  if (type === 'required_linear_history') return way !== 'merge'
  const methods = parameters?.allowed_merge_methods
  return methods === undefined || methods.includes(way)
}
