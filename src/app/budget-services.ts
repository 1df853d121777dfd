import type { Kysely } from 'kysely'
import { changeCap } from '../budget/change-cap.ts'
import { reconcile, settleByHand } from '../budget/reconcile.ts'
import { readBudget } from '../budget/summary.ts'
import type { Clock } from '../clock.ts'
import type { ChangedPrice, PriceBody } from '../contract/budget-changes.ts'
import { getProposerConfig, setPriceOfProposer } from '../db/proposer-configs.ts'
import type { Database } from '../db/schema.ts'
import { setEmergencyStop } from '../db/system-config.ts'
import type { BudgetServices } from '../http/http-services.ts'
import { priceOf } from '../models/price.ts'
import { Usd } from '../money.ts'

type Deps = { db: Kysely<Database>; clock: Clock }

/** The budget as the API changes and shows it. */
export function budgetServices({ db, clock }: Deps): BudgetServices {
  return {
    read: () => readBudget(db),
    setCap: (change) => changeCap(db, change),
    setEmergencyStop: (stopped) => setEmergencyStop(db, stopped),
    settle: (id, cost) => settleByHand(db, id, new Usd(String(cost))),
    reconcile: (bill) => reconcile(db, bill),
    setPrice: (proposer, price) => setPrice({ db, clock }, proposer, price),
  }
}

/** With a price that makes a row nobody can read, nothing is changed. */
async function setPrice({ db, clock }: Deps, name: string, { free, ...rates }: PriceBody): Promise<ChangedPrice> {
  const stated = Object.entries(rates).flatMap(([key, rate]) =>
    rate === undefined ? [] : [[key, new Usd(String(rate)).toFixed()]],
  )
  const profile = free === true ? { free } : Object.fromEntries(stated)
  const proposer = await db.transaction().execute(async (transaction) => {
    await setPriceOfProposer(transaction, name, profile)
    return getProposerConfig(transaction, name)
  })
  const price = priceOf(proposer, clock.now())
  return { proposer: name, price: price === null ? null : shownPrice(price) }
}

function shownPrice({ source, rates }: NonNullable<ReturnType<typeof priceOf>>): ChangedPrice['price'] {
  return {
    source,
    input_per_million: Number(rates.input),
    output_per_million: Number(rates.output),
    cache_read_per_million: Number(rates.cacheRead),
    cache_write_per_million: Number(rates.cacheWrite),
  }
}
