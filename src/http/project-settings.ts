import { randomUUID } from 'node:crypto'
import type { Updateable } from 'kysely'
import type { AddedProject, NewProject, ProjectChange, ProjectView } from '../contract/projects.ts'
import { changeProject, hasPullRequests } from '../db/project-changes.ts'
import { addProject, findProjectByName, listProjects } from '../db/projects.ts'
import type { Database } from '../db/schema.ts'
import { Fault } from '../faults/fault.ts'
import { forgeOf } from '../forge/usual-forge.ts'
import { createOrigin } from '../git/create-origin.ts'
import { defaultBranchOf } from '../git/default-branch.ts'
import { isCheckout, type Origin, originOf, originsOf } from '../git/origin.ts'
import { parseRepositoryUrl, repositoryKey, sshAddressOf, withoutWww } from '../git/repository-url.ts'
import { sshTargetOf } from '../git/ssh-host.ts'
import { failurePauses } from '../orchestrator/status.ts'
import { branchNames } from '../work-order/naming.ts'
import type { Project } from '../work-order/project.ts'
import type { HttpDeps } from './http-deps.ts'

type Deps = Pick<HttpDeps, 'db' | 'git' | 'config' | 'adapters'>

/**
 * Stores a project whose repository answers, so that a wrong URL is reported now and not at the first attempt. Without a
 * branch, the repository's default branch is found. A project of the same name, repository and branch is returned as it is.
 *
 * @throws {Fault} `request_invalid`, `repository_*`, `base_branch_missing`
 */
export async function addCheckedProject(deps: Deps, given: NewProject): Promise<AddedProject> {
  const { db, git, config } = deps
  const { create_origin: folder, ...rest } = given
  if (folder !== undefined) await createOrigin(git, given.repository, folder)
  const copied_from = folder === undefined ? null : given.repository
  const { repository, loginLeftOut: login_left_out } = await locate(
    deps,
    folder === undefined ? given.repository : folder,
  )
  const asked = { forge: rest.forge === undefined ? null : rest.forge, enterpriseHost: config.github.enterpriseHost }
  const { forge, forgeHost } = await forgeOf(git, repository, asked)
  const known = (await listProjects(db)).find(({ name }) => name === rest.name)
  const isSame =
    known?.repository === repository &&
    known.forge === forge &&
    (rest.default_branch === undefined || rest.default_branch === known.default_branch)
  const said = { login_left_out, copied_from }
  if (known !== undefined && isSame)
    return { project: known, added: false, restored: false, approved_orders: 0, ...said }
  const defaultBranch = await defaultBranchOf(git, { repository, forge }, rest.default_branch)
  const row = { name: rest.name, repository, forge, forgeHost, defaultBranch, place: rest.repository }
  const added = await addProject(db, row)
  return { ...added, added: true, ...said }
}

/** The repository of a checkout, or of an address, in a form Moose opens. */
async function locate({ git, config }: Deps, named: string): Promise<Origin> {
  const origin = await originOf(git, named, config.gitConfigFiles)
  const repository = withoutWww(await withUser(git, origin.repository))
  parseRepositoryUrl(repository)
  return { ...origin, repository }
}

/** `host:path` with the user ssh would log in as; the host stays an alias, so that ssh takes its key. */
async function withUser(git: HttpDeps['git'], repository: string): Promise<string> {
  const address = sshAddressOf(repository)
  if (address === null || address.user !== null || repository.includes('://')) return repository
  const target = await sshTargetOf(git, address)
  return target === null ? repository : `${target.user}@${repository}`
}

/**
 * The projects of the repositories a checkout came from, by whatever address; of a checkout without one, those of the folder
 * itself.
 */
export async function projectsOfCheckout(deps: Deps, checkout: string): Promise<ProjectView[]> {
  const { git, config, db } = deps
  const projects = await listProjects(db)
  if (projects.length === 0 || !(await isCheckout(checkout))) return []
  const repositories = await originsOf(git, checkout, config.gitConfigFiles)
  const keys = new Set((await Promise.all(repositories.map((repository) => keysOf(git, repository)))).flat())
  return projects.filter(({ repository: known, forge_host: forgeHost }) =>
    keys.has(repositoryKey({ repository: known, forgeHost })),
  )
}

/** By the host of its address, and by the one that ssh takes that for. */
async function keysOf(git: HttpDeps['git'], repository: string): Promise<string[]> {
  const address = sshAddressOf(repository)
  const target = address === null ? null : await sshTargetOf(git, address)
  const hosts = target === null ? [null] : [null, target.host]
  return hosts.map((forgeHost) => repositoryKey({ repository, forgeHost }))
}

/** Says of each whether it is paused. */
export async function withPauses(
  { db, config }: Pick<HttpDeps, 'db' | 'config'>,
  projects: readonly ProjectView[],
): Promise<ProjectView[]> {
  const pauses = (await failurePauses(db, config)).filter(({ kind }) => kind === 'project')
  const pauseOf = new Map(pauses.map((pause) => [pause.name, pause]))
  return projects.map((project) => {
    const pause = pauseOf.get(project.name)
    return { ...project, paused: pause === undefined ? null : pause }
  })
}

export async function withPause(deps: Pick<HttpDeps, 'db' | 'config'>, project: ProjectView): Promise<ProjectView> {
  const [shown] = await withPauses(deps, [project])
  return shown === undefined ? project : shown
}

/** Fields whose change is checked against the repository and its forge. */
const CHECKED = ['repository', 'default_branch', 'forge', 'forge_host', 'branch_pattern', 'signing_key'] as const

/**
 * Changes a project as far as what is asked for works. It counts from the next attempt on: one that has begun goes on with
 * what it began with.
 *
 * @returns the project and the orders with such attempts
 * @throws {Fault} `not_found`, `request_invalid`, `work_order_conflict`, `repository_*`, `base_branch_missing`,
 *   `signing_key_unusable`, `github_*`
 */
export async function editProject(
  deps: Deps,
  name: string,
  change: ProjectChange,
): Promise<{ project: ProjectView; running: string[] }> {
  const before = await findProjectByName(deps.db, name)
  const after = await changed(deps, before, change)
  const isOther = repositoryKey(after) !== repositoryKey(before)
  const moves = isOther || after.forge !== before.forge
  if (moves) await refuseOtherNumbers(deps, before, after)
  if (CHECKED.some((field) => change[field] !== undefined)) await assertWorks(deps, after)
  const mirror = isOther ? { mirror_id: randomUUID() } : {}
  const { allow_hosts, deny_hosts, ...settings } = change
  const hosts = {
    ...(allow_hosts === undefined ? {} : { allow_hosts }),
    ...(deny_hosts === undefined ? {} : { deny_hosts }),
  }
  return await changeProject(deps.db, before, { columns: { ...columnsOf(after, settings), ...mirror }, moves, hosts })
}

/** The project as it would be. */
async function changed(deps: Deps, before: Project, change: ProjectChange): Promise<Project> {
  const place = await placeOf(deps, before, change)
  const { branch_pattern: pattern, signing_key: key, default_branch: branch } = change
  return {
    ...before,
    ...place,
    name: change.name === undefined ? before.name : change.name,
    defaultBranch: branch === undefined ? before.defaultBranch : branch,
    branchPattern: pattern === undefined ? before.branchPattern : pattern,
    commits: { ...before.commits, ...(key === undefined ? {} : { signingKey: key }) },
  }
}

/** Another repository has the forge that is usual for it, unless one is named. */
async function placeOf(
  deps: Deps,
  before: Project,
  change: ProjectChange,
): Promise<Pick<Project, 'repository' | 'forge' | 'forgeHost'>> {
  const { repository: wanted, forge, forge_host: host } = change
  if (wanted === undefined && forge === undefined && host === undefined) return before
  const repository = wanted === undefined ? before.repository : (await locate(deps, wanted)).repository
  const same = wanted === undefined ? before.forge : null
  const { enterpriseHost } = deps.config.github
  const found = await forgeOf(deps.git, repository, { forge: forge === undefined ? same : forge, enterpriseHost })
  return { repository, ...found, ...(host === undefined ? {} : { forgeHost: host }) }
}

/** Numbers of pull requests are those of one repository on one forge. */
async function refuseOtherNumbers({ db }: Deps, before: Project, after: Project): Promise<void> {
  if (before.forge === 'local' && after.forge === 'local') return
  if (!(await hasPullRequests(db, before.id))) return
  const { name } = before
  const message =
    `Project "${name}" has pull requests, and elsewhere their numbers belong to others. Keep it for its history and add the ` +
    `other as a new one: moose project remove ${name}   then: moose init URL --name ${name} --forge ${after.forge}`
  throw new Fault('work_order_conflict', message, { project: name })
}

async function assertWorks({ git, adapters }: Deps, project: Project): Promise<void> {
  const signal = new AbortController().signal
  await defaultBranchOf(git, project, project.defaultBranch)
  const sample = { pattern: project.branchPattern, shortId: '00000000', title: 'a title', attempt: 1 }
  await adapters.workspaces.assertReady(project, branchNames(sample), signal)
  await adapters.forges[project.forge].assertReady(project, signal)
}

/** What was asked for and nothing else: two edits at once may change different things. */
function columnsOf(
  after: Project,
  change: Omit<ProjectChange, 'allow_hosts' | 'deny_hosts'>,
): Updateable<Database['projects']> {
  const { repository, forge, forge_host, protect, unprotect, ...same } = change
  const isPlace = repository !== undefined || forge !== undefined || forge_host !== undefined
  const lists = {
    ...(protect === undefined ? {} : { protect: JSON.stringify(protect) }),
    ...(unprotect === undefined ? {} : { unprotect: JSON.stringify(unprotect) }),
  }
  const stated = Object.fromEntries(Object.entries(same).filter(([, value]) => value !== undefined))
  const given = { ...stated, ...lists }
  const place = { repository: after.repository, forge: after.forge, forge_host: after.forgeHost }
  return isPlace ? { ...given, ...place } : given
}
