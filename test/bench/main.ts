/** `npm run bench -- routing`: measurements that are no tests, because they take long or judge nothing. */
import { parseArgs } from 'node:util'
import { benchRouting } from './routing/bench.ts'

const HELP = `npm run bench -- routing [--seed N] [--worlds N] [--orders N] [--sensitivity] [--json]

  routing         what a merged pull request costs by the static rule, by the learned policy and by an oracle that
                  knows the true success of everybody (docs/routing.md)
  --seed N        of the first simulated world (1)
  --worlds N      how many, each with the next seed (5)
  --orders N      work orders in each (5000)
  --sensitivity   also with one assumption changed at a time; some minutes
  --json          one JSON document instead of tables`

function main(args: string[]): number {
  const { values, positionals } = parseArgs({
    args,
    allowPositionals: true,
    options: {
      seed: { type: 'string', default: '1' },
      worlds: { type: 'string', default: '5' },
      orders: { type: 'string', default: '5000' },
      sensitivity: { type: 'boolean', default: false },
      json: { type: 'boolean', default: false },
      help: { type: 'boolean', default: false },
    },
  })
  const [name, ...others] = positionals
  if (values.help || name === undefined) {
    console.log(HELP)
    return 0
  }
  if (name !== 'routing' || others.length > 0) throw new TypeError(`There is no bench "${positionals.join(' ')}".`)
  const { sensitivity, json } = values
  const numbers = { seed: whole('seed', values.seed, 0), worlds: whole('worlds', values.worlds, 1) }
  benchRouting({ ...numbers, orders: whole('orders', values.orders, 1), sensitivity, json })
  return 0
}

function whole(name: string, text: string, least: number): number {
  const number = Number(text)
  if (Number.isSafeInteger(number) && number >= least) return number
  throw new TypeError(`--${name} is "${text}"; it must be a whole number from ${least} on.`)
}

try {
  process.exitCode = main(process.argv.slice(2))
} catch (error) {
  if (!(error instanceof TypeError)) throw error
  console.error(`${error.message}\n\n${HELP}`)
  process.exitCode = 2
}
