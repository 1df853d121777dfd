import type { Kysely } from 'kysely'
import type { Audit } from '../audit/audit.ts'
import type { Config } from '../config.ts'
import type { DoctorFinding } from '../contract/doctor.ts'
import type { EndpointView } from '../contract/notifications/endpoints.ts'
import { ordersWithoutProcess } from '../db/attempts/attempts.ts'
import { brokenEntries } from '../db/budget-entries/counted-entries.ts'
import { sumUnresolved } from '../db/budget-entries/reservations.ts'
import { leftOrders } from '../db/first-moose/left-rows.ts'
import { listEndpoints } from '../db/notifications/endpoints.ts'
import { projectsOfUnknownForges } from '../db/projects.ts'
import type { Database } from '../db/schema.ts'
import { shownUsd, Usd } from '../money.ts'
import { malformedRows } from '../orchestrator/malformed-rows.ts'

const MOST_NAMED = 5

/** The records that need a human; empty when there are none. */
export async function examineRecords(db: Kysely<Database>, config: Config): Promise<DoctorFinding[]> {
  return [
    ...(await badSettings(db, config)),
    ...(await brokenLedger(db)),
    ...(await unknownForges(db)),
    ...(await ordersOfTheFirstMoose(db)),
    ...(await stuckOrders(db)),
    ...(await refusedNotifications(db)),
    ...(await heldMoney(db)),
  ]
}

/** One finding for each kind of row that cannot be read. */
async function badSettings(db: Kysely<Database>, config: Config): Promise<DoctorFinding[]> {
  const faults = await malformedRows(db, config)
  return faults.map(({ message }) => ({
    name: 'settings',
    state: 'broken',
    detail: message,
    remedy: 'correct or delete the row',
  }))
}

/** With entries that cannot be right, nothing is spent. One finding for each reservation. */
async function brokenLedger(db: Kysely<Database>): Promise<DoctorFinding[]> {
  const broken = Map.groupBy(await brokenEntries(db), ({ reservationId }) => reservationId)
  return [...broken].map(([reservation, entries]) => {
    const id = reservation.slice(0, 8)
    const said = entries.map(({ id: entry, kind, amount, cost, problem }) => {
      const charged = cost === null ? '' : `, cost ${cost}`
      return `entry ${entry} (${kind} ${amount}${charged}): ${problem}`
    })
    const detail = `reservation ${id}, ${said.join('; ')}. Its entries do not count, and nothing is spent`
    const remedy = `say what its call has cost, 0 for nothing: moose budget settle ${id} USD`
    return { name: 'ledger', state: 'broken', detail, remedy }
  })
}

/** Endpoints that take nothing any more: what was given up after its last try, else what is still tried. */
async function refusedNotifications(db: Kysely<Database>): Promise<DoctorFinding[]> {
  const refused = (await listEndpoints(db)).filter(({ dead, failed_tries: failed = 0 }) => dead + failed > 0)
  return refused.map(({ name, dead, ...endpoint }) => ({
    name: `notifications to ${name}`,
    state: 'warning',
    detail: dead > 0 ? `${events(dead, 'was', 'were')} given up: ${endpoint.last_error}` : stillTried(endpoint),
    remedy: `correct it, then ${dead > 0 ? 'have them sent again' : 'try it'} with: moose notify test ${name}`,
  }))
}

function stillTried({ failed_tries: failed = 0, waiting, last_error: error, next_try_at: next }: Refused): string {
  const tries = failed === 1 ? 'its last try failed' : `its last ${failed} tries failed`
  return `${tries}, and ${events(waiting, 'waits', 'wait')}: ${error}; the next try is at ${next}`
}

type Refused = Pick<EndpointView, 'failed_tries' | 'waiting' | 'last_error' | 'next_try_at'>

function events(count: number, one: string, many: string): string {
  return count === 1 ? `1 event ${one}` : `${count} events ${many}`
}

/** Such a project is in no list, and its orders cannot be carried out. */
async function unknownForges(db: Kysely<Database>): Promise<DoctorFinding[]> {
  const projects = await projectsOfUnknownForges(db)
  return projects.map(({ name, forge }) => ({
    name: `project ${name}`,
    state: 'broken',
    detail: `this version knows no forge "${forge}", so the project is left out`,
    remedy: `upgrade moose, or by SQL: update projects set forge = 'local' where name = '…' (or 'github')`,
  }))
}

/** Approved ones are taken over when their project is given a repository. */
async function ordersOfTheFirstMoose(db: Kysely<Database>): Promise<DoctorFinding[]> {
  const left = await leftOrders(db)
  if (left.length === 0) return []
  const what = left.map(({ status, orders }) => `${orders} ${status}`).join(', ')
  const detail = `orders of the first Moose in statuses of its own are kept and not carried out: ${what}`
  const remedy =
    'moose init in a checkout of their project takes over those that are approved; another one by SQL: ' +
    `update work_orders set status = 'pending' where id = '…'   then: moose approve ID`
  return [{ name: 'orders', state: 'optional', detail, remedy }]
}

async function stuckOrders(db: Kysely<Database>): Promise<DoctorFinding[]> {
  const ids = await ordersWithoutProcess(db)
  if (ids.length === 0) return []
  const shown = ids.slice(0, MOST_NAMED).map((id) => id.slice(0, 8))
  const more = ids.length > MOST_NAMED ? ` and ${ids.length - MOST_NAMED} more` : ''
  const what = ids.length === 1 ? '1 order is' : `${ids.length} orders are`
  const detail = `${what} in progress, and no process runs it: ${shown.join(', ')}${more}`
  const remedy = 'moose up, which takes it up; to begin it anew: moose cancel ID, then moose retry ID'
  return [{ name: 'orders', state: 'warning', detail, remedy }]
}

async function heldMoney(db: Kysely<Database>): Promise<DoctorFinding[]> {
  const { calls, held } = await sumUnresolved(db)
  if (calls === 0) return []
  const what = calls === 1 ? '1 call' : `${calls} calls`
  const detail = `it is unknown whether ${what} to a model were charged; ${shownUsd(new Usd(held))} stay reserved`
  const remedy = 'moose budget reconcile --bill FILE, or: moose budget settle ID USD'
  return [{ name: 'reservations', state: 'warning', detail, remedy }]
}

/** How many of its entries are looked at, the newest; all are by `moose audit --verify`. */
const AUDIT_ENTRIES = 1_000

/** Whether the record of who did what is whole; empty when it is. */
export async function examineAudit(audit: Pick<Audit, 'verify'>): Promise<DoctorFinding[]> {
  const { problems } = await audit.verify(AUDIT_ENTRIES)
  const detail = problems.map(({ message }) => message).join(' ')
  return problems.length === 0 ? [] : [{ name: 'audit', state: 'broken', detail, remedy: 'moose audit --verify' }]
}
