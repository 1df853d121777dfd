import type { Kysely } from 'kysely'
import { protectionsOf } from '../db/projects.ts'
import type { Database } from '../db/schema.ts'
import { scopeHistory } from '../db/work-orders/scope-history.ts'
import { type Protection, protectionBy } from '../work-order/protection/protected-paths.ts'
import type { Risk } from '../work-order/risk.ts'
import { type RiskFacts, riskOf } from './risk-rules.ts'

/** An order as the rules look at it, before what the database adds: what is protected of its scope, and what became of others. */
export type ToJudge = Omit<RiskFacts, 'protected_scope' | 'history'> & { id: string; project_id: string }

/** The risk of one order after the other; what is protected in a project is read once. */
export function createRisks(db: Kysely<Database>): (order: ToJudge) => Promise<Risk> {
  const known = new Map<string, Protection | undefined>()
  async function protectionIn(projectId: string): Promise<Protection | undefined> {
    if (!known.has(projectId)) {
      const rules = (await protectionsOf(db, [projectId])).get(projectId)
      known.set(projectId, rules === undefined ? undefined : protectionBy(rules))
    }
    return known.get(projectId)
  }
  return async (order) => {
    const { id, project_id: projectId, files_in_scope: files, changed_files: changed } = order
    const protection = await protectionIn(projectId)
    const protected_scope = [...new Set([...files, ...changed])].flatMap((path) => {
      const why = protection === undefined ? null : protection.whyProtected(path)
      return why === null ? [] : [{ path, why }]
    })
    return riskOf({ ...order, protected_scope, history: await scopeHistory(db, { id, projectId, files }) })
  }
}
