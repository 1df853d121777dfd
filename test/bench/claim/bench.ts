import { createTestDatabase } from '../../support/database.ts'
import { median, numbersFrom, quantile } from '../numbers.ts'
import { type Figure, report } from '../report.ts'
import { claimNothing, claimOne, fill, holdEverything } from './pending-orders.ts'

const FEW = 10
const TARGET_RATIO = 1.2
const WARM_UP = 5

type Samples = { few: number[]; many: number[] }

/** What a claim costs with few and with many approved orders pending, in two databases of one Postgres, in turns. */
export async function benchClaim(args: readonly string[]): Promise<void> {
  const { rounds, pending } = numbersFrom(args, { rounds: 100, pending: 10_000 })
  await using few = await createTestDatabase()
  await using many = await createTestDatabase()
  await fill(few, FEW)
  await fill(many, pending)
  const inTurns = async (measure: typeof claimOne): Promise<Samples> => {
    const samples: Samples = { few: [], many: [] }
    for (let round = -WARM_UP; round < rounds; round += 1) {
      const took = { few: await measure(few), many: await measure(many) }
      if (round < 0) continue
      samples.few.push(took.few)
      samples.many.push(took.many)
    }
    return samples
  }
  const one = await inTurns(claimOne)
  await holdEverything(few)
  await holdEverything(many)
  const none = await inTurns(claimNothing)
  report({
    bench: 'claim',
    settings: { rounds, pending, few: FEW },
    figures: [...figuresOf('one claimed', one, pending, true), ...figuresOf('none may start', none, pending, false)],
    notes: [
      'One transaction of claimOrders; 20 projects, each order with a file of its own.',
      'None may start: all scopes are held by a running attempt each, so that the claim looks as far as it ever does.',
    ],
    samples: { one, none },
  })
}

function figuresOf(what: string, { few, many }: Samples, pending: number, isJudged: boolean): Figure[] {
  return [
    { what: `${what}, ${FEW} pending, p50`, value: median(few), unit: 'ms' },
    { what: `${what}, ${pending} pending, p50`, value: median(many), unit: 'ms' },
    { what: `${what}, ${FEW} pending, p95`, value: quantile(few, 0.95), unit: 'ms' },
    { what: `${what}, ${pending} pending, p95`, value: quantile(many, 0.95), unit: 'ms' },
    {
      what: `${what}, ${pending} / ${FEW}, p50`,
      value: median(many) / median(few),
      unit: '×',
      ...(isJudged ? { target: { atMost: TARGET_RATIO } } : {}),
    },
  ]
}
