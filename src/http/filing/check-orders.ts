import type { Ceiling } from '../../budget/ceilings.ts'
import { ceilingsOfUnfiled } from '../../budget/headroom.ts'
import { readBudgetRules } from '../../budget/limits.ts'
import { type CheckWorkOrders, type CheckWorkOrdersResponse, type OrderCheck } from '../../contract/order-check.ts'
import { checkOrder } from '../../contract/order-file/check-order.ts'
import { type ReadFile, type ReadOrder, readOrders, titleIn } from '../../contract/order-file/order-file.ts'
import { MOST_ORDERS_AT_ONCE, type NewWorkOrder } from '../../contract/work-orders.ts'
import { allProjects, listProjects } from '../../db/projects.ts'
import { scopeHistory } from '../../db/work-orders/scope-history.ts'
import { hiddenTexts } from '../../db/work-orders/work-order-view.ts'
import { findWorkOrder } from '../../db/work-orders/work-orders.ts'
import { isApprovedByRule, riskOf } from '../../director/risk-rules.ts'
import { Fault, toFault } from '../../faults/fault.ts'
import { statedUsd, Usd } from '../../money.ts'
import { faultOfRow } from '../../orchestrator/malformed-rows.ts'
import type { RiskLevel } from '../../work-order/content.ts'
import { dependenciesWithin } from '../../work-order/dependencies.ts'
import type { Project } from '../../work-order/project.ts'
import { NO_HISTORY, type Risk, riskInWords, type ScopeHistory } from '../../work-order/risk.ts'
import type { HttpDeps } from '../http-deps.ts'
import { approvalOf } from '../inbox/approval.ts'
import { withVerification } from '../verification.ts'
import { isThere, type ReadBaseFiles } from './base-files.ts'
import { withoutFiles } from './missing-context.ts'

type Deps = Pick<HttpDeps, 'db' | 'adapters' | 'log' | 'clock'>

type Problem = OrderCheck['problems'][number]
/** An order as it was read; the lines are null where it was not read from a text. */
type Looked = Pick<OrderCheck, 'line' | 'title' | 'order' | 'problems' | 'warnings'> & { project: Project | null }

/**
 * What filing these orders would mean, without filing them: what is wrong with each, what it may cost, and what will verify it.
 *
 * @throws {Fault} `work_order_not_found` for an unknown `edit_of`
 */
export async function checkOrders(
  deps: Deps,
  body: CheckWorkOrders,
  baseFiles: ReadBaseFiles,
): Promise<Omit<CheckWorkOrdersResponse, 'success'>> {
  const editOf =
    'edit_of' in body && body.edit_of !== undefined ? (await findWorkOrder(deps.db, body.edit_of)).id : null
  const { orders, problems } = readAll(body)
  const projects = await allProjects(deps.db)
  const looked = orders.map((order) => withProject(order, projects))
  await addDependencyProblems(deps.db, looked)
  await warnOfMissing(deps, looked, baseFiles)
  const checked = await weighed(deps, looked, editOf)
  return {
    fileable: problems.length === 0 && checked.every((order) => order.problems.length === 0),
    work_orders: checked,
    problems,
    worst_case_usd: sumOf(checked.map((order) => order.worst_case_usd)),
  }
}

/** Whoever may file sends a file: half a million characters are a quarter of a million problems, and nothing else is done meanwhile. */
const MOST_READ = { orders: MOST_ORDERS_AT_ONCE, problems: 100, tokens: 200_000 }

type ReadAll = { orders: (Omit<Looked, 'project'> & { named: string | null })[]; problems: Problem[] }

function readAll(body: CheckWorkOrders): ReadAll {
  if ('work_orders' in body) {
    const orders = body.work_orders.map((value) => {
      const at = { line: null }
      const checked = checkOrder(value)
      const problems = checked.problems.map(({ field, reason }) => ({ ...at, field, reason }))
      const order = 'order' in checked ? checked.order : null
      return { ...at, title: titleIn(value), order, problems, warnings: [], named: order?.project ?? null }
    })
    return { orders, problems: [] }
  }
  const { text, format = null, project = null } = body
  return fromFile(readOrders(text, { format, check: checkOrder, most: MOST_READ }), project)
}

/** @param usual name of the project of those that name none; null: they stay so */
function fromFile({ orders, problems }: ReadFile<NewWorkOrder>, usual: string | null): ReadAll {
  const told = problems.map(({ line, reason }) => ({ line, field: '', reason }))
  const named = ({ project, order, ...read }: ReadOrder<NewWorkOrder>) => ({
    ...read,
    order: order === null || usual === null ? order : { project: usual, ...order },
    named: project === null ? usual : project.name,
  })
  return { orders: orders.map(named), problems: told }
}

const NO_FILE = 'is missing: name at least one file, or folder with a / at its end, that may change'

/** With what is wrong beyond the contract: an order that cannot be carried out is not filed. */
function withProject({ named, ...read }: ReadAll['orders'][number], projects: readonly Project[]): Looked {
  const { order, line } = read
  const problems = [...read.problems]
  if (order === null) return { ...read, problems, project: null }
  if (order.files_in_scope.length === 0) problems.push({ line, field: 'files_in_scope', reason: NO_FILE })
  const project = named === null ? onlyOne(projects) : projects.find(({ name }) => name === named)
  const names = projects.map(({ name }) => name).join(', ')
  if (named !== null && project === undefined) {
    const advice = names === '' ? 'Add it with: moose init' : `There are: ${names}`
    problems.push({ line, field: 'project', reason: `names none that there is. ${advice}` })
  } else if (project === undefined && projects.length > 1)
    problems.push({ line, field: 'project', reason: `is missing; there are several: ${names}` })
  return { ...read, problems, project: project === undefined ? null : project }
}

function onlyOne([only, ...others]: readonly Project[]): Project | undefined {
  return others.length === 0 ? only : undefined
}

/** What is no order that could be waited for: of the list, or one that is filed. */
async function addDependencyProblems(db: Deps['db'], looked: readonly Looked[]): Promise<void> {
  const orders = looked.map(({ title, order }) => ({
    title: title === null ? '' : title,
    depends_on: order?.depends_on,
  }))
  const { named, problems } = dependenciesWithin(orders)
  for (const { order, entry, reason } of problems) {
    const field = entry === null ? 'depends_on' : `depends_on[${entry}]`
    const one = looked[order]
    one?.problems.push({ line: one.line, field, reason })
  }
  for (const [index, { line, problems: own }] of looked.entries()) {
    for (const one of named[index] ?? []) {
      if ('at' in one) continue
      const fault = await findWorkOrder(db, one.id).then(() => null, toFault)
      if (fault === null) continue
      if (fault.code !== 'work_order_not_found') throw fault
      own.push({ line, field: 'depends_on', reason: `names "${one.id}", of which there is none, or more than one` })
    }
  }
}

/** Adds a warning for every entry of a scope, and for every file to read, that the base commit has not. */
async function warnOfMissing(deps: Deps, orders: readonly Looked[], baseFiles: ReadBaseFiles): Promise<void> {
  for (const [project, own] of Map.groupBy(orders, ({ project }) => project)) {
    const base = project === null ? null : await baseFiles(deps, project, false).catch(withoutFiles(deps, project))
    if (base === null) continue
    for (const { order, warnings, line } of own) {
      const missing = (field: 'files_in_scope' | 'context', meaning: string) =>
        (order?.[field] ?? []).flatMap((entry, index) => {
          const reason = `"${entry}" is not there at the base commit: ${meaning}`
          return isThere(base.paths, entry) ? [] : [{ line, field: `${field}[${index}]`, reason }]
        })
      warnings.push(...missing('files_in_scope', 'it would be new'), ...missing('context', 'no model is shown it'))
    }
  }
}

async function weighed(deps: Deps, looked: readonly Looked[], editOf: string | null): Promise<OrderCheck[]> {
  const shown = looked.map(({ order, project }) => ({
    id: null,
    project: project === null ? null : project.name,
    acceptance_criteria: order === null ? [] : order.acceptance_criteria,
    files_in_scope: order === null ? [] : order.files_in_scope,
  }))
  const verified = await withVerification(deps, shown)
  const ceilings = await readCeilings(deps, looked, editOf)
  const orderCap = await readBudgetRules(deps.db).then(({ limits }) => limits.order_cap, faultOfRow)
  const allowed = new Map((await listProjects(deps.db)).map(({ name, auto_approve: most }) => [name, most]))
  const histories = await Promise.all(looked.map((one) => historyOf(deps, one, editOf)))
  return looked.map((one, index) => {
    const { line, title, order, problems, warnings, project } = one
    const { verification = null, protected_scope = [] } = verified[index] ?? {}
    const told = { line, title, order, problems, warnings, project: project === null ? null : project.name }
    const most = project === null ? null : (allowed.get(project.name) ?? null)
    const none = { worst_case_usd: null, sentence: null, hidden_text: [], risk: null, auto_approve: most }
    if (order === null) return { ...told, ...none, scope: 'file', verification: null, protected_scope: [] }
    const hidden_text = hiddenTexts(order)
    const weighed = { verification, protected_scope, hidden_text, acceptance_criteria: order.acceptance_criteria }
    const checks = verification === null ? null : verification.checks
    const history = histories[index] ?? NO_HISTORY
    const risk = riskOf({ ...order, ...weighed, changed_files: [], checks, history })
    const approved = editOf === null ? approvedAsFiled(order, risk, most) : null
    const caps = ceilings === null ? null : (ceilings[index] ?? null)
    const { worstCaseUsd, sentence } = approvalOf(weighed, caps, approved)
    const scope = order.approved || isDearer(order, orderCap) ? 'approve' : 'file'
    const known = { verification, protected_scope, hidden_text, risk, auto_approve: most }
    return { ...told, ...known, scope, worst_case_usd: worstCaseUsd, sentence }
  })
}

async function historyOf({ db }: Deps, { order, project }: Looked, editOf: string | null): Promise<ScopeHistory> {
  if (order === null || project === null) return NO_HISTORY
  return await scopeHistory(db, { id: editOf, projectId: project.id, files: order.files_in_scope })
}

/** What approves an order when it is filed; null: a human has to. */
function approvedAsFiled({ approved, risk_level: filed }: NewWorkOrder, risk: Risk, most: RiskLevel | null) {
  if (approved) return 'It is approved as it is filed.'
  return isApprovedByRule(risk, most)
    ? `It is approved by rule as it is filed, with risk ${riskInWords(risk, filed)}`
    : null
}

/** Null: the caps cannot be read. */
async function readCeilings(
  { db }: Deps,
  looked: readonly Looked[],
  editOf: string | null,
): Promise<Ceiling[][] | null> {
  const unfiled = looked.map(({ order, project }) => ({
    id: editOf,
    order_cap: capOf(order),
    project_id: project === null ? null : project.id,
  }))
  const found = await ceilingsOfUnfiled(db, unfiled).catch(faultOfRow)
  return found instanceof Fault ? null : found
}

function capOf(order: NewWorkOrder | null): string | null {
  const usd = order?.budget_usd
  return usd === undefined || usd === null ? null : statedUsd(usd).toFixed()
}

function isDearer(order: NewWorkOrder, cap: Usd | null | Fault): boolean {
  const own = capOf(order)
  return own !== null && cap instanceof Usd && new Usd(own).greaterThan(cap)
}

function sumOf(amounts: readonly (number | null)[]): number | null {
  let sum = new Usd(0)
  for (const amount of amounts) {
    if (amount === null) return null
    sum = sum.plus(amount)
  }
  return sum.toNumber()
}
