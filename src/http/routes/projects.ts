import { createRoute } from '@hono/zod-openapi'
import { NewProject, ProjectResponse, ProjectsResponse } from '../../contract/projects.ts'
import { ANY_FAULT, BODY_FAULT, CONFLICT, json, jsonBody, PEER_FAULT, UNWORKABLE } from '../answers.ts'
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
    return c.json({ success: true as const, projects: await c.var.services.projects.list() }, 200)
  })
  .openapi(add, async (c) => {
    const result = await c.var.services.projects.add(c.req.valid('json'))
    return c.json({ success: true as const, ...result }, result.added ? 201 : 200)
  })
