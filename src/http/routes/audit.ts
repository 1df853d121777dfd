import { createRoute } from '@hono/zod-openapi'
import { AuditQuery, AuditResponse, AuditVerificationResponse } from '../../contract/audit.ts'
import { listAudit } from '../../db/audit/audit-entries.ts'
import { ANY_FAULT, AUDIT_BROKEN, json, NO_SUCH_ORDER, QUERY_FAULT } from '../answers.ts'
import { newRoutes } from '../new-routes.ts'

const tags = ['Audit']

const list = createRoute({
  method: 'get',
  path: '/api/audit',
  operationId: 'listAudit',
  summary:
    'Who did what: approvals, edits, starts, cancellations, merges; budgets, proposers, projects, settings, tokens',
  tags,
  request: { query: AuditQuery },
  responses: {
    200: json(AuditResponse, 'Oldest first; of more than `limit`, the newest'),
    ...QUERY_FAULT,
    ...NO_SUCH_ORDER,
    ...ANY_FAULT,
  },
})

const verify = createRoute({
  method: 'post',
  path: '/api/audit/verify',
  operationId: 'verifyAudit',
  summary: 'Recompute the chain of the entries, and compare it with what this home has seen of it',
  tags,
  responses: { 200: json(AuditVerificationResponse, 'What was found'), ...ANY_FAULT },
})

const accept = createRoute({
  method: 'post',
  path: '/api/audit/accept',
  operationId: 'acceptAudit',
  summary: 'Let the chain count as it is, after a backup was restored; that is an entry too',
  tags,
  responses: { 200: json(AuditVerificationResponse, 'How it stands now'), ...AUDIT_BROKEN, ...ANY_FAULT },
})

export const auditRoutes = newRoutes()
  .openapi(list, async (c) => {
    const listed = await listAudit(c.var.deps.db, c.req.valid('query'))
    return c.json({ success: true as const, ...listed }, 200)
  })
  .openapi(verify, async (c) => {
    return c.json({ success: true as const, verification: await c.var.deps.audit.verify(null) }, 200)
  })
  .openapi(accept, async (c) => {
    const { audit, db } = c.var.deps
    return c.json({ success: true as const, verification: await audit.accept(db) }, 200)
  })
