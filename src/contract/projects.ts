import { CONTROL, SPACE } from '../work-order/character-sets.ts'
import { RISK_LEVELS } from '../work-order/content.ts'
import { whyNoBranchPattern } from '../work-order/naming.ts'
import { MERGE_POLICIES } from '../work-order/project.ts'
import { LONGEST_PATTERN, PATTERN_FORM, patternProblem } from '../work-order/protection/path-pattern.ts'
import { ShownUsd, UsdAmount } from './amounts.ts'
import { HostGrant, HostRule, NetworkUse } from './hosts/host-rule.ts'
import { storedText, textOfForm } from './stored-text.ts'
import { FailurePause } from './why/why.ts'
import { z } from './zod.ts'

const ProjectName = z
  .string()
  .regex(/^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$/, 'must be letters, digits, dots, dashes or underscores, at most 64')
const ForgeName = z.enum(['local', 'github'])
/** The host a forge's API is on. */
const HostName = z
  .string()
  .max(260, 'is longer than 260 characters')
  .regex(/^[a-z0-9]([a-z0-9.-]*[a-z0-9])?(:\d{1,5})?$/, 'must be a host name in lower case, such as github.com')
const Branch = storedText(200).min(1, 'is empty')
const PathOrUrl = storedText(2000).min(1, 'is empty')
/** What `parseRepositoryUrl` says, as far as a pattern can say it. */
const REPOSITORY_PATTERN = [
  String.raw`^(?:/[^${CONTROL}\u2028\u2029]*|[A-Za-z0-9._][A-Za-z0-9._-]*@[A-Za-z0-9][A-Za-z0-9.-]*:[^:${CONTROL}\u2028\u2029-][^${CONTROL}\u2028\u2029]*`,
  String.raw`|(?:https?|ssh)://[A-Za-z][A-Za-z0-9.-]*(?:/[!"$&-.0->A-~]*)*|file:///[!"$&->@-~]*)$`,
].join('')
const ABSOLUTE = new RegExp(`^/[^${CONTROL}]*$`, 'u')
const absolutePath = (most: number) => textOfForm(most, ABSOLUTE, 'must be an absolute path')

export const NewProject = z
  .strictObject({
    name: ProjectName,
    /** A git URL (https, ssh) or an absolute path; of a checkout its origin is taken. */
    repository: PathOrUrl.openapi({ pattern: REPOSITORY_PATTERN }),
    /** Left out: the branch the repository's HEAD names. */
    default_branch: Branch.optional(),
    /**
     * Left out: `github` for a repository on github.com or on the host of `GH_HOST`, otherwise `local`. An ssh address is
     * taken for where `ssh -G` says it leads.
     */
    forge: ForgeName.optional(),
    /**
     * For a checkout without an origin: the absolute path of a folder that is not there yet. A bare copy is made in it,
     * which is the project's repository.
     */
    create_origin: absolutePath(2000).optional(),
  })
  .openapi('NewProject')
export type NewProject = z.infer<typeof NewProject>

/** `Name <mail>` as a commit holds it: neither part may have what git leaves out. */
const Identity = textOfForm(
  300,
  /^(?=[^<]*[\p{L}\p{N}])[^<>\p{Cc}\p{Cs}\s]([^<>\p{Cc}\p{Cs}]*[^<>\p{Cc}\p{Cs}\s])? <[^<>\s\p{Cc}\p{Cs}@]+@[^<>\s\p{Cc}\p{Cs}@]+>$/u,
  'must be a name and a mail address, as in: Ada Lovelace <ada@example.org>',
).meta({ pattern: identityPattern() })

/**
 * The same for readers of the contract, as far as it can be said in every dialect: with the letters of the scripts most
 * names are written in.
 */
function identityPattern(): string {
  const letters = [
    String.raw`0-9A-Za-z\u00c0-\u00d6\u00d8-\u00f6\u00f8-\u02af\u0388-\u038a\u038e-\u03a1\u03a3-\u0481\u048a-\u052f`,
    String.raw`\u05d0-\u05ea\u0620-\u064a\u0904-\u0939\u0e01-\u0e30\u3041-\u3096\u30a1-\u30fa\u4e00-\u9fff\uac00-\ud7a3`,
  ].join('')
  const end = `[^<>${CONTROL}${SPACE}]`
  const mail = `[^<>@${CONTROL}${SPACE}]+`
  return `^(?=[^<]*[${letters}])${end}([^<>${CONTROL}]*${end})? <${mail}@${mail}>$`
}

/** What `whyNoBranchPattern` says, as far as a pattern can say it. */
const BRANCH_PATTERNS = [
  String.raw`^(?=.*\{id\})(?![-/.])(?!.*(?:\.\.|//|/\.|\.lock(?:/|$)|[/.]$))`,
  String.raw`(?:[^{}${CONTROL} ~^:?*\[\]\\]|\{(?:id|slug|attempt)\})*$`,
].join('')

const BranchPattern = storedText(100)
  .superRefine((pattern, context) => {
    const problem = whyNoBranchPattern(pattern)
    if (problem !== null) context.addIssue({ code: 'custom', message: problem })
  })
  .openapi({
    pattern: BRANCH_PATTERNS,
    description: 'Contains {id}; may contain {slug} and {attempt}; gives names git takes for a branch',
  })

/** Hosts that a project may be granted. */
export const MOST_GRANTS = 100
/** As `.gitignore` has them, without `!` and `[…]`. */
const Patterns = z
  .array(
    storedText(LONGEST_PATTERN)
      .min(1)
      .superRefine((text, context) => {
        const problem = patternProblem(text)
        if (problem !== null) context.addIssue({ code: 'custom', message: `"${text}" ${problem}` })
      })
      .openapi({ pattern: PATTERN_FORM, example: 'infra/' }),
  )
  .max(200, 'has more than 200 entries')
/** As `moose project edit --image` takes it; the first character keeps it from being an option of the engine. */
const ImageName = textOfForm(
  255,
  /^[A-Za-z0-9]([A-Za-z0-9._/:@-]*[A-Za-z0-9])?$/,
  'must be the name or the id of an image, such as localhost/shop:1',
)

/** That a project may allow to be open at once, where it names a number. */
export const MOST_OPEN_PULL_REQUESTS = 10_000

export const ProjectChange = z
  .strictObject({
    name: ProjectName.optional(),
    repository: PathOrUrl.openapi({ pattern: REPOSITORY_PATTERN }).optional(),
    default_branch: Branch.optional(),
    forge: ForgeName.optional(),
    /** Null: the host of the repository's URL. */
    forge_host: HostName.nullable().optional(),
    /** Cap of a month in USD; null: the usual one. */
    budget_usd: UsdAmount.nullable().optional(),
    /** Null: `feature/wo-{id}-{slug}`. */
    branch_pattern: BranchPattern.nullable().optional(),
    /** Null: Moose. */
    author: Identity.nullable().optional(),
    committer: Identity.nullable().optional(),
    sign_off: z.boolean().optional(),
    /** Absolute path of an SSH private key, or of a public key whose private one an agent holds; null: no signatures. */
    signing_key: absolutePath(1000).nullable().optional(),
    /** Granted beside those that are; counts from the next set-up or check on. */
    allow_hosts: z.array(HostGrant).max(MOST_GRANTS).optional(),
    /** Taken back; without `for`: from set-up and checks. What is not granted is no fault. */
    deny_hosts: z
      .array(z.strictObject({ host: HostRule, for: NetworkUse.optional() }))
      .max(MOST_GRANTS)
      .optional(),
    /** What is held for a human beyond what usually is; the whole list. */
    protect: Patterns.optional(),
    /** What is not held, though it usually is; what `protect` names counts first. The whole list. */
    unprotect: Patterns.optional(),
    /** What its set-ups, checks and Aider run in under `MOOSE_SANDBOX=podman` or `docker`; null: none. */
    sandbox_image: ImageName.nullable().optional(),
    /** How many of its pull requests may be open; orders beyond it wait. Null: any number. */
    max_open_pull_requests: z.number().int().min(1).max(MOST_OPEN_PULL_REQUESTS).nullable().optional(),
    /** `auto`: what is proved and green is merged as far as `auto_merge` allows; `manual`: by a human. */
    merge_policy: z.enum(MERGE_POLICIES).optional(),
    /** The highest risk, by the Director's rules, of orders that are approved as they are filed; null: none is. */
    auto_approve: z.enum(RISK_LEVELS).nullable().optional(),
    /** The highest risk of orders that `auto` merges. */
    auto_merge: z.enum(RISK_LEVELS).optional(),
  })
  .refine((change) => Object.keys(change).length > 0, 'names nothing to change')
  .openapi('ProjectChange', { minProperties: 1 })
export type ProjectChange = z.infer<typeof ProjectChange>

export const ProjectParams = z.object({ name: storedText(200).openapi({ example: 'shop' }) })

export const ProjectQuery = z.object({
  /** Absolute path of a checkout: only the projects of the repository it came from. */
  checkout: absolutePath(2000).optional(),
})

export const ProjectView = z
  .object({
    id: z.guid(),
    name: z.string(),
    repository: z.string(),
    default_branch: z.string(),
    forge: ForgeName,
    /** Where the forge's API is, when the URL names an alias of ssh; null: on the host of the URL. */
    forge_host: z.string().nullable(),
    /** Cap of a month; null: the usual one. */
    budget_usd: ShownUsd.nullable(),
    /** How its branches are called; null: `feature/wo-{id}-{slug}`. */
    branch_pattern: z.string().nullable(),
    /** Of its commits, as `Name <mail>`; null: Moose. */
    author: z.string().nullable(),
    committer: z.string().nullable(),
    sign_off: z.boolean(),
    /** Path of the SSH key its commits are signed with; null: they are not signed. */
    signing_key: z.string().nullable(),
    /** Hosts that its set-up and its checks can reach. */
    allowed_hosts: z.array(HostGrant),
    /** Patterns of paths whose change a human has to allow, beyond the usual ones. */
    protect: z.array(z.string()),
    /** Patterns of paths that usually are protected, and whose change need not be allowed. */
    unprotect: z.array(z.string()),
    /** The image its children run in where the sandbox is one of containers; null: none is set. */
    sandbox_image: z.string().nullable(),
    /** How many of its pull requests may be open; null: any number. */
    max_open_pull_requests: z.number().int().nullable(),
    merge_policy: z.enum(MERGE_POLICIES),
    auto_approve: z.enum(RISK_LEVELS).nullable(),
    auto_merge: z.enum(RISK_LEVELS),
    paused: FailurePause.nullish().openapi({
      description: 'Why no order of it is taken on, because so many in a row failed alike; null: they are.',
    }),
  })
  .openapi('Project')
export type ProjectView = z.infer<typeof ProjectView>

export const OneProjectResponse = z.object({ success: z.literal(true), project: ProjectView })

export const ChangedProjectResponse = z.object({
  success: z.literal(true),
  project: ProjectView,
  /** Orders whose attempts go on with the settings they began with. */
  running: z.array(z.guid()),
})

export const ResumedProjectResponse = z.object({
  success: z.literal(true),
  project: ProjectView,
  /** Whether it was paused, or on the way to it. */
  ended: z.boolean(),
})

export const RemovedProjectResponse = z.object({
  success: z.literal(true),
  removed: z.object({
    name: z.string(),
    repository: z.string(),
    /** Orders that are kept, and how many of them do not start any more. */
    orders: z.number().int(),
    waiting: z.number().int(),
  }),
})

export const ProjectResponse = z.object({
  success: z.literal(true),
  project: ProjectView,
  /** False: the same project was there already. */
  added: z.boolean(),
  /** True: the origin of the checkout names a user, a password or a token before its host, which was left out. */
  login_left_out: z.boolean(),
  /** True: it had been removed, or the first Moose has left it, and it has its settings and orders again. */
  restored: z.boolean(),
  /** Orders of a project of the first Moose that were approved there, and are here now. */
  approved_orders: z.number().int(),
  /** The checkout that was copied for `create_origin`; null: none was. */
  copied_from: z.string().nullable(),
})
export type AddedProject = Omit<z.infer<typeof ProjectResponse>, 'success'>
export const ProjectsResponse = z.object({ success: z.literal(true), projects: z.array(ProjectView) })
