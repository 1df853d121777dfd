import type { Kysely } from 'kysely'
import { hasRoom } from '../attempt/disk-room.ts'
import { type Headroom, readHeadroom } from '../budget/headroom.ts'
import type { Clock } from '../clock.ts'
import { countDisputed } from '../db/budget-entries/counted-entries.ts'
import { listPauses, type ProviderPause } from '../db/provider-pauses.ts'
import type { Database } from '../db/schema.ts'
import { allowancesOfAll } from '../db/work-orders/allowed-changes.ts'
import type { FailureRow } from '../db/work-orders/failure-rows.ts'
import { type ReleasedFor, releasedOrders } from '../db/work-orders/released-orders.ts'
import type { SuspendCode, SuspendedOrder } from '../db/work-orders/suspended-orders.ts'
import { Usd } from '../money.ts'
import { type Allowance, heldFrom, isAllAllowed } from '../work-order/protection/held-change.ts'

/** What is known of a proposer, by its name in `proposer_configs`. */
export type ProposerConditions = {
  /** True also when the proposer no longer exists: the attempt is resumed and fails with that reason. */
  isPriceKnown: (proposer: string) => boolean
  /** The name its provider is paused under; null when there is no such proposer any more. */
  providerOf: (proposer: string) => string | null
  /** The orders in a row that have it paused; null: it is not, or not for that. */
  rowOf: (proposer: string) => FailureRow | null
  /** The same of a project, by its id. */
  rowOfProject: (id: string) => FailureRow | null
  /** The active proposers behind a provider, by the name it is paused under. */
  behind: (provider: string) => string[]
}

export type ConditionSources = {
  db: Kysely<Database>
  proposers: () => Promise<ProposerConditions>
  clock: Pick<Clock, 'now'>
  /** The MOOSE_HOME on whose disk an attempt would run. */
  home: string
}

/** What orders wait for, as it was at one look; what is given to one of them in that look is gone for the others. */
export type Conditions = {
  room: Headroom
  /** Whether the ledger can be added up; without that no order has headroom. */
  isLedgerSound: boolean
  /** By provider. */
  pauses: ReadonlyMap<string, ProviderPause>
  /** Providers that an order released before is about to call. */
  probed: Set<string>
  proposers: ProposerConditions
  /** What humans allowed of the orders that wait for that, by id. */
  allowances: ReadonlyMap<string, Allowance[]>
  /** Whether there is room on the disk. */
  hasRoom: boolean
  now: Date
}

/** Reads everything once, however many orders wait. @throws {Fault} `config_invalid` for limits that cannot be read */
export async function readConditions(
  { db, proposers, clock, home }: ConditionSources,
  waiting: readonly SuspendedOrder[],
): Promise<Conditions> {
  const released = await releasedOrders(db)
  const orders = idsOf(waiting, 'budget_exceeded')
  const promised = released.flatMap(({ projectId, usd }) => (usd === null ? [] : [{ projectId, usd }]))
  const isLedgerSound = (await countDisputed(db)) === 0
  return {
    room: orders.length === 0 || !isLedgerSound ? NO_ROOM : await readHeadroom(db, { orders, promised }),
    isLedgerSound,
    pauses: new Map((await listPauses(db)).map((pause) => [pause.provider, pause])),
    probed: new Set(released.flatMap(({ provider }) => (provider === null ? [] : [provider]))),
    proposers: await proposers(),
    allowances: await allowancesOfAll(db, idsOf(waiting, 'protected_change')),
    hasRoom: await hasRoom(home),
    now: clock.now(),
  }
}

function idsOf(waiting: readonly SuspendedOrder[], code: SuspendCode): string[] {
  return waiting.filter(({ reason }) => reason.code === code).map(({ id }) => id)
}

const NO_ROOM: Headroom = { take: () => false, obstacle: () => null }

/** Null: the order has to wait still. */
type Condition = (conditions: Conditions, order: SuspendedOrder) => ReleasedFor | null

/**
 * What a suspended order may be released for; null while its condition is not met. An order whose reason does not say
 * enough waits for a human. Asked only while nothing stops everything.
 */
export const whatReleases: Condition = (conditions, order) => CONDITIONS[order.reason.code](conditions, order)

const NOTHING: ReleasedFor = { usd: null, provider: null }

const CONDITIONS: Record<SuspendCode, Condition> = {
  budget_exceeded: roomFor,
  disk_full: roomOnDisk,
  emergency_stop: () => NOTHING,
  ledger_unsound: ({ isLedgerSound }) => (isLedgerSound ? NOTHING : null),
  // Whoever allows it through Moose releases it in the same transaction; this is for an allowance by plain SQL.
  protected_change({ allowances }, { id, reason }) {
    const held = heldFrom(reason.details)
    const own = allowances.get(id)
    return held !== null && own !== undefined && isAllAllowed(held, own) ? NOTHING : null
  },
  price_unknown({ proposers }, order) {
    const proposer = detailOf(order, 'proposer')
    return proposer !== null && proposers.isPriceKnown(proposer) ? NOTHING : null
  },
  provider_paused: endOfPause,
}

/** Headroom for one call releases one order: what is promised to other orders counts as spent. */
function roomFor({ room }: Conditions, order: SuspendedOrder): ReleasedFor | null {
  const usd = neededUsd(order)
  return usd !== null && room.take(order.id, usd) ? { ...NOTHING, usd } : null
}

/** What the call may cost that an order waits to make; null: its reason does not say. */
export function neededUsd(order: SuspendedOrder): Usd | null {
  const needed = detailOf(order, 'needed_usd')
  return needed === null || !/^\d{1,12}(\.\d{1,40})?$/.test(needed) ? null : new Usd(needed)
}

/** Cleaning up after a full disk makes room for a moment, and the next run would fill it again: the order waits first. */
function roomOnDisk(conditions: Conditions, order: SuspendedOrder): ReleasedFor | null {
  const notBefore = detailOf(order, 'not_before')
  const rests = notBefore !== null && conditions.now < new Date(notBefore)
  return conditions.hasRoom && !rests ? NOTHING : null
}

/** After a pause one order finds out whether the provider is back; the others follow when it is. */
function endOfPause(conditions: Conditions, order: SuspendedOrder): ReleasedFor | null {
  const { probed } = conditions
  if (rowOf(conditions, order) !== null) return null
  const provider = providerOf(conditions, order)
  // A proposer that no longer exists delays no order: the attempt is resumed and fails with that reason.
  if (provider === null) return detailOf(order, 'proposer') === null ? null : NOTHING
  const pause = pauseOf(conditions, order)
  if (pause === undefined) return NOTHING
  if (pause.running || probed.has(provider)) return null
  probed.add(provider)
  return { ...NOTHING, provider }
}

/**
 * The provider an order waits for, from the current configuration of its proposer; the one named in the stored fault may
 * be outdated.
 */
function providerOf({ proposers }: Conditions, order: SuspendedOrder): string | null {
  const proposer = detailOf(order, 'proposer')
  const configured = proposer === null ? null : proposers.providerOf(proposer)
  return configured === null ? detailOf(order, 'provider') : configured
}

/** The failed orders that have the project or the proposer paused which an order waits for; null: neither is paused for that. */
export function rowOf({ proposers }: Conditions, order: SuspendedOrder): FailureRow | null {
  const [project, proposer] = [detailOf(order, 'project'), detailOf(order, 'proposer')]
  const ofProject = project === null ? null : proposers.rowOfProject(project)
  if (ofProject !== null) return ofProject
  return proposer === null ? null : proposers.rowOf(proposer)
}

/** The pause an order waits for; undefined: there is none. */
export function pauseOf(conditions: Conditions, order: SuspendedOrder): ProviderPause | undefined {
  return conditions.pauses.get(String(providerOf(conditions, order)))
}

/** A text among the details of an order's reason; null: it says none. */
export function detailOf({ reason }: SuspendedOrder, name: string): string | null {
  const value = reason.details?.[name]
  return typeof value === 'string' ? value : null
}
