import { createHmac } from 'node:crypto'
import type { Kysely } from 'kysely'
import type { Secrets } from '../config.ts'
import { listProposers, type ProposerConfig } from '../db/proposer-configs.ts'
import {
  countOutage,
  endPause,
  findPause,
  giveProbeBack,
  pauseFault,
  takeProbe,
  testOtherKeys,
} from '../db/provider-pauses.ts'
import type { Database } from '../db/schema.ts'
import { isOf } from '../faults/families.ts'
import { Fault, toFault } from '../faults/fault.ts'
import { keyOf, keyVariableOf } from './availability.ts'

/**
 * Whatever a provider asks for, it is asked again within this time. An account says when it is reset, which may be in a
 * month.
 */
const LONGEST_ASKED_MS = { outage: 60 * 60_000, account: 32 * 24 * 60 * 60_000 } as const
/** Beyond the time the call itself may take. */
const LEASE_MARGIN_MS = 30_000
const REASON_LENGTH = 300

type Db = Kysely<Database>
type Provider = Pick<ProposerConfig, 'provider' | 'baseUrl' | 'keyVariable'>

/** How a call was let through: freely, or as the one that tests whether a paused provider is back. */
export type Passage = 'open' | 'probe'

/**
 * Who is paused together: everything behind one endpoint with one account, which is told by the variable of its key.
 * Without what an address may carry of secrets.
 */
export function providerKey({ provider, baseUrl, keyVariable }: Provider): string {
  const account = provider === 'replay' || keyVariable === null ? '' : accountOf({ provider, keyVariable })
  if (baseUrl === null) return `${provider}${account}`
  const { origin, pathname } = new URL(baseUrl)
  return `${provider} ${origin}${pathname.replace(/(?<!\/)\/+$/, '')}${account}`
}

/** Empty: the provider's usual variable, whether the row names it or not. */
function accountOf({ provider, keyVariable }: Parameters<typeof keyVariableOf>[0]): string {
  return keyVariable === keyVariableOf({ provider, keyVariable: null }) ? '' : ` with ${keyVariable}`
}

/**
 * By which a process tells whether a key is another one than the one that was refused. 32 bits of a keyed digest say
 * nothing of a key that is not known already.
 *
 * @returns null: there is no key
 */
export function keyMarkOf(proposer: ProposerConfig, secrets: Secrets): string | null {
  const { provider, keyVariable } = proposer
  const key = provider === 'replay' ? null : keyOf({ provider, keyVariable }, secrets)
  return key === null
    ? null
    : createHmac('sha256', key)
        .update(`moose ${providerKey(proposer)}`)
        .digest('hex')
        .slice(0, 8)
}

/** Has accounts tested at once whose key is another one than the one that was refused. Asked at start. */
export async function heedChangedKeys(db: Db, secrets: Secrets): Promise<void> {
  const { proposers } = await listProposers(db)
  await testOtherKeys(db, new Map(proposers.map((proposer) => [providerKey(proposer), keyMarkOf(proposer, secrets)])))
}

/**
 * Asked before each call. When a pause has run out, exactly one caller over all processes gets `probe`; the others stay
 * paused until its result is known, or its time is over.
 *
 * @param longestCallMs how long the call may take, with its retries
 * @throws {Fault} `provider_paused`; details: `provider`, `proposer`, `until` (ISO), `reason`, `failures`
 */
export async function assertNotPaused(db: Db, proposer: ProposerConfig, longestCallMs: number): Promise<Passage> {
  const key = providerKey(proposer)
  const pause = await findPause(db, key)
  if (pause === null) return 'open'
  if (!pause.running && (await takeProbe(db, key, longestCallMs + LEASE_MARGIN_MS))) return 'probe'
  const now = pause.running ? pause : await findPause(db, key)
  if (now === null) return 'open'
  throw pauseFault(now, proposer.name)
}

/**
 * An outage pauses the provider for every order; so does an account whose calls are not accepted.
 *
 * @param outage what the call ended with, its own quick retries included: a fault of the family `outage_met`
 * @param keyMark see `keyMarkOf`
 * @param random 0 up to 1
 */
export async function noteOutage(
  db: Db,
  proposer: ProposerConfig,
  { passage, outage, keyMark }: { passage: Passage; outage: Fault; keyMark: string | null },
  random: () => number,
): Promise<void> {
  const asked = outage.details['retry_after_ms']
  const kind = outage.code === 'model_key_rejected' ? 'account' : 'outage'
  await countOutage(db, {
    provider: providerKey(proposer),
    kind,
    keyMark,
    reason: reasonOf(outage),
    tested: passage === 'probe',
    askedMs: typeof asked === 'number' ? Math.min(asked, LONGEST_ASKED_MS[kind]) : 0,
    chance: random(),
  })
}

/**
 * The provider answered. Only a test says so for everyone: a call that was under way before the pause began says
 * nothing about now, and half of them come through when the provider only limits their rate.
 */
export async function noteRecovery(db: Db, proposer: ProposerConfig, passage: Passage): Promise<void> {
  if (passage === 'probe') await endPause(db, providerKey(proposer))
}

/**
 * Makes a call unless its provider is paused, and notes what its end says about the provider.
 *
 * @param longestCallMs how long the call may take, with its retries
 * @param call with how it was let through; a `probe` needs no second try
 * @throws {Fault} `provider_paused`, and whatever the call throws; an outage with the paused `provider`
 */
export async function unlessPaused<T>(
  { db, random, keyMark }: { db: Db; random: () => number; keyMark: string | null },
  proposer: ProposerConfig,
  longestCallMs: number,
  call: (passage: Passage) => Promise<T>,
): Promise<T> {
  const passage = await assertNotPaused(db, proposer, longestCallMs)
  try {
    const answer = await call(passage)
    await noteRecovery(db, proposer, passage)
    return answer
  } catch (error) {
    const fault = toFault(error)
    if (isOf('outage_met', fault.code)) {
      await noteOutage(db, proposer, { passage, outage: fault, keyMark }, random)
      throw new Fault(fault.code, fault.message, { ...fault.details, provider: providerKey(proposer) }, fault)
    }
    if (isAnswer(fault)) await noteRecovery(db, proposer, passage)
    else if (passage === 'probe') await giveProbeBack(db, providerKey(proposer))
    throw error
  }
}

/**
 * Why a proposer has to wait, without taking the test of a pause that has run out.
 *
 * @returns `provider_paused`; null: it may be called now
 */
export async function whyPaused(
  db: Db,
  proposer: Pick<ProposerConfig, 'name' | 'provider' | 'baseUrl' | 'keyVariable'>,
): Promise<Fault | null> {
  const pause = await findPause(db, providerKey(proposer))
  return pause?.running === true ? pauseFault(pause, proposer.name) : null
}

/** Whether the provider has said something, if only that it does not like the call. */
function isAnswer({ code }: Fault): boolean {
  return code.startsWith('model_answer_') || code === 'model_call_rejected'
}

function reasonOf({ message, details: { status, reason } }: Fault): string {
  const said = typeof reason === 'string' ? reason : message
  const whole = typeof status === 'number' ? `HTTP ${status}, ${said}` : said
  return whole.length > REASON_LENGTH ? `${whole.slice(0, REASON_LENGTH)}…` : whole
}
