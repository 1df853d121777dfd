import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { calcPrice, findProvider } from '@pydantic/genai-prices'
import fc from 'fast-check'
import { USUAL_CALL } from '../../test/support/proposer-call.ts'
import type { ProposerConfig } from '../db/proposer-configs.ts'
import { Usd } from '../money.ts'
import type { PricedUsage } from './model-answer.ts'
import { costOf, type Price, priceOf, worstCaseOf } from './price.ts'

const ENDPOINTS = [
  'https://api.deepseek.com/v1',
  'https://api.x.ai/v1',
  'https://openrouter.ai/api/v1',
  'https://api.mistral.ai/v1',
  'https://api.groq.com/openai/v1',
  'https://api.perplexity.ai',
  'https://generativelanguage.googleapis.com/v1beta/openai',
]

const LISTED: ProposerConfig[] = [
  ...(['anthropic', 'openai'] as const).flatMap((provider) => modelsOf({ provider, baseUrl: null })),
  ...ENDPOINTS.flatMap((baseUrl) => modelsOf({ provider: 'openai-compatible', baseUrl })),
]

/** Every model the library knows of a seller. */
function modelsOf(seller: Pick<ProposerConfig, 'provider' | 'baseUrl'>): ProposerConfig[] {
  const found = findProvider(soldBy(seller))
  assert.ok(found !== undefined, JSON.stringify(seller))
  const row = { ...USUAL_CALL, name: 'm', complexityThreshold: 1, price: null, active: true }
  return found.models.map(({ id }) => ({ ...row, ...seller, model: id }))
}

function soldBy({ provider, baseUrl }: Pick<ProposerConfig, 'provider' | 'baseUrl'>) {
  return baseUrl === null ? { providerId: provider } : { providerApiUrl: baseUrl }
}

/** More than any context there is, so that every tier is reached. */
const tokens = fc.oneof(fc.nat(3_000_000), fc.nat(1_000), fc.constantFrom(0, 200_000, 200_001, 272_000, 1_000_000))

const usage: fc.Arbitrary<PricedUsage> = fc
  .record({ fresh: tokens, cacheRead: tokens, cacheWrite: tokens, said: tokens, reasoning: tokens })
  .map(({ fresh, said, cacheRead, cacheWrite, reasoning }) => {
    return { input: fresh + cacheRead + cacheWrite, output: said + reasoning, cacheRead, cacheWrite, reasoning }
  })

const at = fc.date({ min: new Date('2023-01-01'), max: new Date('2028-01-01'), noInvalidDate: true })

/** A model of the library that has a price, and a time. */
const listed = fc
  .record({ proposer: fc.constantFrom(...LISTED), at })
  .map((given) => ({ ...given, price: priceOf(given.proposer, given.at) }))
  .filter((given): given is typeof given & { price: Price } => given.price !== null)

const rate = fc
  .record({ digits: fc.nat(10_000_000), scale: fc.nat(10) })
  .map(({ digits, scale }) => new Usd(digits).dividedBy(new Usd(10).pow(scale)).toFixed())

const flat: fc.Arbitrary<Price> = fc
  .record({ input: rate, cacheRead: rate, cacheWrite: rate, output: rate, reasoning: rate, request: fc.constant('0') })
  .map((rates) => ({ source: 'operator', rates: { ...rates, tiers: [] } }))

/** Prices that rise with the size of a request, each tier above the one before. */
const tiered: fc.Arbitrary<Price> = fc
  .record({ price: flat, starts: fc.uniqueArray(tokens, { maxLength: 3 }) })
  .map(({ price, starts }) => {
    const { tiers: _, ...base } = price.rates
    const tiers = starts.toSorted((a, b) => a - b).map((above, index) => ({ above, ...times(base, index + 2) }))
    return { ...price, rates: { ...base, tiers } }
  })

function times<Rates extends Record<string, string>>(rates: Rates, factor: number): Rates {
  const dearer = Object.entries(rates).map(([kind, usd]) => [kind, new Usd(usd).times(factor).toFixed()])
  return { ...rates, ...Object.fromEntries(dearer) }
}

const NOTHING: PricedUsage = { input: 0, output: 0, cacheRead: 0, cacheWrite: 0, reasoning: 0 }

function check<Given>(given: fc.Arbitrary<Given>, holds: (given: Given) => void): void {
  fc.assert(fc.property(given, holds), { numRuns: 2_000 })
}

describe('costs', () => {
  test('are those of the price library, for every model it lists', () => {
    assert.ok(LISTED.length > 500, String(LISTED.length))
    check(fc.record({ listed, usage }), ({ listed: { proposer, at: timestamp, price }, usage: used }) => {
      const reported = {
        input_tokens: used.input,
        output_tokens: used.output,
        cache_read_tokens: used.cacheRead,
        cache_write_tokens: used.cacheWrite,
        output_reasoning_tokens: used.reasoning,
      }
      const found = calcPrice(reported, proposer.model, { ...soldBy(proposer), timestamp })
      assert.ok(found !== null)
      const ours = costOf(price, used).toNumber()
      const apart = Math.abs(ours - found.total_price)
      assert.ok(apart <= 1e-9 * found.total_price, `${proposer.model}: ${ours}, not ${found.total_price}`)
    })
  })

  test('are stated per million tokens: a million cost the rate', () => {
    const million = 1_000_000
    check(flat, (price) => {
      const { input, output, cacheRead, cacheWrite, reasoning } = price.rates
      const expected: [Partial<PricedUsage>, string][] = [
        [{ input: million }, input],
        [{ output: million }, output],
        [{ input: million, cacheRead: million }, cacheRead],
        [{ input: million, cacheWrite: million }, cacheWrite],
        [{ output: million, reasoning: million }, reasoning],
      ]
      for (const [used, rated] of expected) assert.equal(costOf(price, { ...NOTHING, ...used }).toFixed(), rated)
    })
  })

  test('are nothing for nothing, but for what a provider takes per request', () => {
    check(tiered, (price) => assert.ok(costOf(price, NOTHING).isZero()))
    check(listed, ({ price }) => assert.equal(costOf(price, NOTHING).toFixed(), price.rates.request))
  })

  test('add up exactly where there are no tiers', () => {
    check(fc.tuple(flat, usage, usage), ([price, a, b]) => {
      const both = { ...NOTHING }
      for (const kind of ['input', 'output', 'cacheRead', 'cacheWrite', 'reasoning'] as const) {
        both[kind] = a[kind] + b[kind]
      }
      assert.ok(costOf(price, both).equals(costOf(price, a).plus(costOf(price, b))))
    })
  })

  test('never fall with more tokens', () => {
    check(fc.tuple(tiered, usage, tokens), ([price, used, more]) => {
      const cost = costOf(price, used)
      const grown: PricedUsage[] = [
        { ...used, input: used.input + more },
        { ...used, output: used.output + more },
        { ...used, input: used.input + more, cacheRead: used.cacheRead + more },
        { ...used, input: used.input + more, cacheWrite: used.cacheWrite + more },
        { ...used, output: used.output + more, reasoning: used.reasoning + more },
      ]
      for (const larger of grown) assert.ok(costOf(price, larger).greaterThanOrEqualTo(cost))
    })
  })

  test('charge a token once: a cached one as cached only, a reasoned one as reasoned only', () => {
    check(fc.tuple(flat, usage), ([price, used]) => {
      const { input, cacheRead, output, reasoning } = price.rates
      const plain = costOf(price, { ...used, cacheRead: 0, reasoning: 0 })
      const read = new Usd(cacheRead).minus(input).times(used.cacheRead)
      const reasoned = new Usd(reasoning).minus(output).times(used.reasoning)
      assert.ok(costOf(price, used).equals(plain.plus(read.plus(reasoned).dividedBy(1_000_000))))
    })
  })

  test('are the same by a price that was stored with the call', () => {
    check(fc.tuple(listed, usage), ([{ price }, used]) => {
      const stored: Price = JSON.parse(JSON.stringify(price))
      assert.deepEqual(stored, price)
      assert.ok(costOf(stored, used).equals(costOf(price, used)))
    })
  })
})

describe('the worst case', () => {
  const request = fc.record({ promptBytes: tokens, messages: fc.integer({ min: 1, max: 50 }), maxOutputTokens: tokens })
  const share = fc.double({ min: 0, max: 1, noNaN: true })
  const shares = fc.record({ input: share, read: share, written: share, output: share, reasoning: share })

  test('is never passed by a use within the bounds', () => {
    const price = fc.oneof(
      tiered,
      listed.map((given) => given.price),
    )
    check(fc.tuple(price, request, shares), ([given, asked, part]) => {
      // A token per byte and what a server adds: 16 per message, 512 per request.
      const most = asked.promptBytes + 16 * asked.messages + 512
      const input = Math.ceil(most * part.input)
      const cacheRead = Math.floor(input * part.read)
      const cacheWrite = Math.floor((input - cacheRead) * part.written)
      const output = Math.ceil(asked.maxOutputTokens * part.output)
      const used = { input, cacheRead, cacheWrite, output, reasoning: Math.floor(output * part.reasoning) }
      assert.ok(worstCaseOf(given, asked).greaterThanOrEqualTo(costOf(given, used)), JSON.stringify(used))
    })
  })

  test('grows with what is asked for', () => {
    check(fc.tuple(tiered, request, tokens), ([price, asked, more]) => {
      const worst = worstCaseOf(price, asked)
      for (const kind of ['promptBytes', 'messages', 'maxOutputTokens'] as const) {
        assert.ok(worstCaseOf(price, { ...asked, [kind]: asked[kind] + more }).greaterThanOrEqualTo(worst))
      }
    })
  })
})
