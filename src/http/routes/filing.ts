import { createRoute } from '@hono/zod-openapi'
import { allows } from '../../contract/api-token.ts'
import {
  CheckWorkOrders,
  CheckWorkOrdersResponse,
  FilesQuery,
  ProjectFilesResponse,
} from '../../contract/order-check.ts'
import { ProjectParams } from '../../contract/projects.ts'
import { findProjectByName } from '../../db/projects.ts'
import {
  ANY_FAULT,
  BODY_FAULT,
  json,
  jsonBody,
  NO_SUCH_ORDER,
  NO_SUCH_PROJECT,
  PEER_FAULT,
  QUERY_FAULT,
  UNWORKABLE,
} from '../answers.ts'
import { completed } from '../filing/base-files.ts'
import { checkOrders } from '../filing/check-orders.ts'
import { newRoutes } from '../new-routes.ts'

const check = createRoute({
  method: 'post',
  path: '/api/work-orders/check',
  operationId: 'checkWorkOrders',
  summary: 'What filing these orders would mean, without filing them',
  description: [
    'Of each order, or of each of a file of orders: what is wrong with it, field by field and with the line, what it may cost, and',
    'what will verify it. What has no problem is filed by `POST /api/work-orders` as `order` says it.',
  ].join(' '),
  tags: ['Work orders'],
  request: { body: jsonBody(CheckWorkOrders, true) },
  responses: {
    200: json(CheckWorkOrdersResponse, 'What is known; nothing was stored'),
    ...BODY_FAULT,
    ...NO_SUCH_ORDER,
    ...ANY_FAULT,
  },
})

const files = createRoute({
  method: 'get',
  path: '/api/projects/{name}/files',
  operationId: 'listProjectFiles',
  summary: 'Files at the base branch of a project that what is typed may become',
  description:
    'By the mirror of the project, as it was fetched last. A repository on this machine is asked, and so is, with the scope ' +
    '`file`, one that was never fetched; with `read` alone it has no files yet.',
  tags: ['Projects'],
  request: { params: ProjectParams, query: FilesQuery },
  responses: {
    200: json(ProjectFilesResponse, 'Those in the folder that is named first'),
    ...QUERY_FAULT,
    ...NO_SUCH_PROJECT,
    ...UNWORKABLE,
    ...PEER_FAULT,
    ...ANY_FAULT,
  },
})

export const filingRoutes = newRoutes()
  .openapi(check, async (c) => {
    const { deps, baseFiles } = c.var
    return c.json({ success: true as const, ...(await checkOrders(deps, c.req.valid('json'), baseFiles)) }, 200)
  })
  .openapi(files, async (c) => {
    const { deps, baseFiles, caller } = c.var
    const project = await findProjectByName(deps.db, c.req.valid('param').name)
    // A fetch uses the credentials of the service.
    const mayFetch = caller !== null && allows(caller.scopes, 'file')
    const base = await baseFiles(deps, project, mayFetch)
    const { commit, paths } = base === null ? { commit: null, paths: [] } : base
    const found = completed(paths, c.req.valid('query'))
    return c.json({ success: true as const, branch: project.defaultBranch, commit, ...found }, 200)
  })
