import { createRoute } from '@hono/zod-openapi'
import {
  ChangedProjectResponse,
  NewProject,
  OneProjectResponse,
  ProjectChange,
  ProjectParams,
  ProjectQuery,
  ProjectResponse,
  ProjectsResponse,
  RemovedProjectResponse,
  ResumedProjectResponse,
} from '../../contract/projects.ts'
import { actingAs } from '../../db/audit/acting-as.ts'
import { removeProject } from '../../db/project-changes.ts'
import { findProjectByName, listProjects, showProject } from '../../db/projects.ts'
import { resumeProject } from '../../db/work-orders/failure-rows.ts'
import { shownRepository } from '../../git/repository-url.ts'
import {
  ANY_FAULT,
  BODY_FAULT,
  CONFLICT,
  json,
  jsonBody,
  NO_SUCH_PROJECT,
  PEER_FAULT,
  QUERY_FAULT,
  UNWORKABLE,
} from '../answers.ts'
import { requireScope } from '../authenticate.ts'
import { newRoutes } from '../new-routes.ts'
import { addCheckedProject, editProject, projectsOfCheckout, withPause, withPauses } from '../project-settings.ts'

const tags = ['Projects']

const list = createRoute({
  method: 'get',
  path: '/api/projects',
  operationId: 'listProjects',
  summary: 'The repositories work orders can be for',
  tags,
  request: { query: ProjectQuery },
  responses: { 200: json(ProjectsResponse, 'By name'), ...QUERY_FAULT, ...ANY_FAULT },
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

const show = createRoute({
  method: 'get',
  path: '/api/projects/{name}',
  operationId: 'getProject',
  summary: 'One repository and its settings',
  tags,
  request: { params: ProjectParams },
  responses: { 200: json(OneProjectResponse, 'As it is now'), ...NO_SUCH_PROJECT, ...ANY_FAULT },
})

const edit = createRoute({
  method: 'patch',
  path: '/api/projects/{name}',
  operationId: 'editProject',
  summary: 'Change settings of a repository; they count from the next attempt on',
  description: 'With `merge_policy`, `auto_merge` or `auto_approve` it takes the scope `approve` too.',
  tags,
  request: { params: ProjectParams, body: jsonBody(ProjectChange, true) },
  responses: {
    200: json(ChangedProjectResponse, 'Changed'),
    ...BODY_FAULT,
    ...NO_SUCH_PROJECT,
    ...CONFLICT,
    ...UNWORKABLE,
    ...PEER_FAULT,
    ...ANY_FAULT,
  },
})

const resume = createRoute({
  method: 'delete',
  path: '/api/projects/{name}/pause',
  operationId: 'resumeProject',
  summary: 'Take orders on again of a project that was paused because so many in a row failed alike',
  tags,
  request: { params: ProjectParams },
  responses: { 200: json(ResumedProjectResponse, 'Its orders are taken on again'), ...NO_SUCH_PROJECT, ...ANY_FAULT },
})

const remove = createRoute({
  method: 'delete',
  path: '/api/projects/{name}',
  operationId: 'removeProject',
  summary: 'Take a repository out of use; its orders and their history are kept',
  tags,
  request: { params: ProjectParams },
  responses: { 200: json(RemovedProjectResponse, 'Removed'), ...NO_SUCH_PROJECT, ...CONFLICT, ...ANY_FAULT },
})

export const projectRoutes = newRoutes()
  .openapi(list, async (c) => {
    const { checkout } = c.req.valid('query')
    const { deps } = c.var
    const projects = checkout === undefined ? await listProjects(deps.db) : await projectsOfCheckout(deps, checkout)
    return c.json({ success: true as const, projects: await withPauses(deps, projects) }, 200)
  })
  .openapi(add, async (c) => {
    const { deps } = c.var
    const result = await addCheckedProject(deps, c.req.valid('json'))
    const project = await withPause(deps, result.project)
    return c.json({ success: true as const, ...result, project }, result.added ? 201 : 200)
  })
  .openapi(show, async (c) => {
    const { deps } = c.var
    const project = await withPause(deps, await showProject(deps.db, c.req.valid('param').name))
    return c.json({ success: true as const, project }, 200)
  })
  .openapi(edit, async (c) => {
    const { deps } = c.var
    const change = c.req.valid('json')
    const decides = [change.merge_policy, change.auto_merge, change.auto_approve].some((rule) => rule !== undefined)
    if (decides) requireScope(c, 'approve', 'Changing what is approved or merged by rule')
    const result = await editProject(deps, c.req.valid('param').name, change)
    return c.json({ success: true as const, ...result, project: await withPause(deps, result.project) }, 200)
  })
  .openapi(resume, async (c) => {
    const { deps } = c.var
    const project = await findProjectByName(deps.db, c.req.valid('param').name)
    const ended = await resumeProject(actingAs(deps.db, c.var.actor), project)
    const shown = await withPause(deps, await showProject(deps.db, project.name))
    return c.json({ success: true as const, project: shown, ended }, 200)
  })
  .openapi(remove, async (c) => {
    const { db } = c.var.deps
    const project = await findProjectByName(db, c.req.valid('param').name)
    const kept = await removeProject(db, project)
    const removed = { name: project.name, repository: shownRepository(project.repository), ...kept }
    return c.json({ success: true as const, removed }, 200)
  })
