import { createRoute } from '@hono/zod-openapi'
import { type AddedProject, NewProject, ProjectResponse, ProjectsResponse } from '../../contract/projects.ts'
import { addProject, listProjects } from '../../db/projects.ts'
import { usualForge } from '../../forge/usual-forge.ts'
import { defaultBranchOf } from '../../git/default-branch.ts'
import { originOf } from '../../git/origin.ts'
import { parseRepositoryUrl } from '../../git/repository-url.ts'
import { ANY_FAULT, BODY_FAULT, CONFLICT, json, jsonBody, PEER_FAULT, UNWORKABLE } from '../answers.ts'
import type { HttpDeps } from '../http-deps.ts'
import { newRoutes } from '../new-routes.ts'

const tags = ['Projects']

const list = createRoute({
  method: 'get',
  path: '/api/projects',
  operationId: 'listProjects',
  summary: 'The repositories work orders can be for',
  tags,
  responses: { 200: json(ProjectsResponse, 'By name'), ...ANY_FAULT },
})

const add = createRoute({
  method: 'post',
  path: '/api/projects',
  operationId: 'addProject',
  summary: 'Add a repository',
  tags,
  request: { body: jsonBody(NewProject, true) },
  responses: {
    200: json(ProjectResponse, 'The same project was there already'),
    201: json(ProjectResponse, 'Added'),
    ...BODY_FAULT,
    ...CONFLICT,
    ...UNWORKABLE,
    ...PEER_FAULT,
    ...ANY_FAULT,
  },
})

export const projectRoutes = newRoutes()
  .openapi(list, async (c) => {
    return c.json({ success: true as const, projects: await listProjects(c.var.deps.db) }, 200)
  })
  .openapi(add, async (c) => {
    const result = await addCheckedProject(c.var.deps, c.req.valid('json'))
    return c.json({ success: true as const, ...result }, result.added ? 201 : 200)
  })

/**
 * Stores a project whose repository answers, so that a wrong URL is reported now and not at the first attempt. Without a
 * branch, the repository's default branch is found. A project of the same name, repository and branch is returned as it is.
 *
 * @throws {Fault} `request_invalid`, `repository_*`, `base_branch_missing`
 */
async function addCheckedProject(
  { db, git, config }: Pick<HttpDeps, 'db' | 'git' | 'config'>,
  given: NewProject,
): Promise<AddedProject> {
  const { repository, loginLeftOut } = await originOf(git, given.repository)
  parseRepositoryUrl(repository)
  const forge = given.forge === undefined ? usualForge(repository, config.github.enterpriseHost) : given.forge
  const wanted = { ...given, forge }
  const known = (await listProjects(db)).find(({ name }) => name === wanted.name)
  const isSame =
    known?.repository === repository &&
    known.forge === wanted.forge &&
    (wanted.default_branch === undefined || wanted.default_branch === known.default_branch)
  if (known !== undefined && isSame) return { project: known, added: false, login_left_out: loginLeftOut }
  const defaultBranch = await defaultBranchOf(git, { ...wanted, repository }, wanted.default_branch)
  const project = await addProject(db, { ...wanted, repository, defaultBranch })
  return { project, added: true, login_left_out: loginLeftOut }
}
