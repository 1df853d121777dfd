import type { Kysely } from 'kysely'
import type { Adapters } from '../attempt/context.ts'
import type { Config } from '../config.ts'
import { failsUntold, untoldWarning } from '../contract/base-checks.ts'
import type { DoctorFinding } from '../contract/doctor.ts'
import { latestBaseChecks } from '../db/base-checks.ts'
import { allProjects } from '../db/projects.ts'
import { asWord } from '../db/proposer-configs.ts'
import type { Database } from '../db/schema.ts'
import { Fault, toFault } from '../faults/fault.ts'
import { examineGitHub } from '../forge/github/examine.ts'
import type { Gh } from '../forge/github/gh.ts'
import { assertBranchesFit, defaultBranchOf } from '../git/default-branch.ts'
import type { Mirrors } from '../git/mirrors.ts'
import { shellWord } from '../git/ref-names.ts'
import { assertSigns } from '../git/signing-key.ts'
import { failurePauses } from '../orchestrator/status.ts'
import type { ProjectConfig } from '../ports/execution.ts'
import { branchNames } from '../work-order/naming.ts'
import type { Project } from '../work-order/project.ts'
import { lastOrders } from '../work-order/words.ts'

type Known = Pick<Adapters, 'workspaces' | 'bases'>

/** The projects there are, and what keeps their orders from beginning. */
export async function examineProjects(
  config: Config,
  db: Kysely<Database>,
  { mirrors, gh, adapters }: { mirrors: Mirrors; gh: Gh; adapters: Known },
): Promise<DoctorFinding[]> {
  const known = await allProjects(db)
  if (known.length === 0) {
    const remedy = 'moose init, in a checkout of the repository'
    return [{ name: 'projects', state: 'missing', detail: 'none is set up', remedy }]
  }
  const looked = known.map(async (project): Promise<DoctorFinding[]> => {
    const onGitHub = project.forge === 'github' ? await examineGitHub({ gh, config }, project) : []
    return [await projectFinding(mirrors, project), await checksFinding(db, project, adapters), ...onGitHub]
  })
  return (await Promise.all(looked)).flat()
}

/** Projects and proposers that are given no order until a human looks at what failed. */
export async function examinePauses(config: Config, db: Kysely<Database>): Promise<DoctorFinding[]> {
  return (await failurePauses(db, config)).map(({ kind, name, code, step, orders }) => ({
    name: `${kind} ${name}`,
    state: 'warning',
    detail: `it is given no order: the ${lastOrders(orders.length)} failed with ${code} at ${step}`,
    remedy: `moose show ${String(orders.at(-1)).slice(0, 8)}, then: moose ${kind} resume ${asWord(name)}`,
  }))
}

/** Whether orders can begin in a project, be committed and be pushed. */
async function projectFinding({ git }: Mirrors, project: Project): Promise<DoctorFinding> {
  const { name: called, defaultBranch, forge, branchPattern: pattern, commits } = project
  const name = `project ${called}`
  try {
    await defaultBranchOf(git, project, defaultBranch)
    const sample = { pattern, shortId: '00000000', title: 'a title', attempt: 1 }
    await assertBranchesFit(git, project, { wanted: branchNames(sample), signal: null })
    if (commits.signingKey !== null) await assertSigns(git, commits.signingKey)
    const detail = `${defaultBranch}, forge ${forge}${commits.signingKey === null ? '' : ', signed commits'}`
    return { name, state: 'ok', detail, remedy: null }
  } catch (thrown) {
    const { code, message: detail, details } = toFault(thrown)
    const head = details['head']
    const edit = `moose project edit ${called}`
    const renamed = typeof head === 'string' ? `${edit} --branch ${shellWord(head)}` : null
    // No other way than to another address helps where the repository itself is refused; beside a branch another name does.
    const beside = typeof details['branch'] === 'string' ? `${edit} --branch-pattern "moose-{id}-{slug}"` : null
    const elsewhere = code.startsWith('repository_')
      ? `${edit} --repository URL, or: moose project remove ${called}`
      : null
    const remedy = [renamed, beside, elsewhere].find((way) => way !== null) ?? null
    return { name, state: 'broken', detail, remedy }
  }
}

/** What `moose.yaml` says on the base as it was last fetched, and what its checks did there; nothing is run for it. */
async function checksFinding(db: Kysely<Database>, project: Project, parts: Known): Promise<DoctorFinding> {
  const finding = { name: `checks of ${project.name}`, remedy: `moose check ${project.name}` }
  const config = await lastConfig(project, parts)
  if (config instanceof Fault) {
    const remedy = `correct moose.yaml on ${project.defaultBranch}, then: moose check ${project.name}`
    return { ...finding, state: 'warning', detail: `orders would be blocked: ${config.message}`, remedy }
  }
  if (config !== null && config.checks.length === 0) {
    const detail = `no checks in moose.yaml of ${project.defaultBranch}: nothing will be verified`
    return {
      ...finding,
      state: 'warning',
      detail,
      remedy: 'moose init --write, in a checkout, then commit and push it',
    }
  }
  const last = await latestBaseChecks(db, project.id)
  if (last === null) return { ...finding, state: 'optional', detail: 'not checked yet' }
  const at = `at ${last.checkedAt.toISOString()}`
  if (last.fault !== null) {
    const named = last.checks.filter(({ fault }) => fault !== null).map((check) => `${check.name}: ${check.fault}`)
    const detail = `${named.length === 0 ? 'setup failed' : named.join('; ')} (${at})`
    return { ...finding, state: 'warning', detail: `orders would be blocked: ${detail}` }
  }
  const failing = last.checks.filter(({ outcome }) => outcome !== 'passed').map((check) => check.name)
  if (failing.length === 0) {
    return { ...finding, state: 'ok', detail: `all ${last.checks.length} pass on the base (${at})`, remedy: null }
  }
  const untold = last.checks.filter(failsUntold).map((check) => check.name)
  const more = untold.length === 0 ? '' : `; ${untoldWarning(untold)}`
  const detail = `fail on the base, and prove nothing: ${failing.join(', ')} (${at})${more}`
  return { ...finding, state: 'warning', detail, remedy: `see what fails with: ${finding.remedy}` }
}

/** Null: the base was not fetched yet. A fault says why it cannot be read. */
async function lastConfig(project: Project, { workspaces, bases }: Known): Promise<ProjectConfig | Fault | null> {
  try {
    const sha = await workspaces.lastBase(project)
    return sha === null ? null : await bases.configOf(project, sha)
  } catch (error) {
    return toFault(error)
  }
}
