import { isoTime } from '../clock.ts'
import type { ChangedPrice, PriceBody } from '../contract/budget-changes.ts'
import { looksSecret, shownBaseUrl } from '../contract/proposer-rules.ts'
import type { ProposerView } from '../contract/proposers.ts'
import type { CostProfile } from '../db/proposer-changes.ts'
import type { ProposerConfig } from '../db/proposer-configs.ts'
import type { ProviderPause } from '../db/provider-pauses.ts'
import { isKeyNeeded, keyOf, keyVariableOf } from '../models/availability.ts'
import { listedSince, PRICE_LIBRARY, type Price, priceOf } from '../models/price.ts'
import { providerKey } from '../models/provider-pause.ts'
import { worstCaseOfTest } from '../models/test-call.ts'
import { statedUsd } from '../money.ts'
import type { HttpDeps } from './http-deps.ts'

/** What is kept of a price as it is stated in a request. */
export function costProfileOf({ free, library, ...rates }: PriceBody): CostProfile {
  if (free === true) return { free }
  if (library === true) return {}
  return Object.fromEntries(
    Object.entries(rates).flatMap(([key, rate]) => (rate === undefined ? [] : [[key, statedUsd(rate).toFixed()]])),
  )
}

/** A price as it is shown; null: it is unknown. */
export function shownPrice(price: Price | null): ChangedPrice['price'] {
  if (price === null) return null
  const { source, rates } = price
  return {
    source,
    input_per_million: Number(rates.input),
    output_per_million: Number(rates.output),
    cache_read_per_million: Number(rates.cacheRead),
    cache_write_per_million: Number(rates.cacheWrite),
  }
}

/** What the database knows of proposers besides their rows. */
export type KnownOfProposers = { pauses: readonly ProviderPause[]; statedAt: ReadonlyMap<string, Date> }

/** A proposer as it may be shown, with what this machine and the time have to say about it. */
export function proposerView(
  config: ProposerConfig,
  { models, clock, config: { secrets } }: Pick<HttpDeps, 'models' | 'clock' | 'config'>,
  { pauses, statedAt }: KnownOfProposers,
): ProposerView {
  const unavailable = models.whyUnavailable(config)
  const now = clock.now()
  const price = priceOf(config, now)
  return {
    name: config.name,
    kind: config.provider,
    model: config.model,
    base_url: config.baseUrl === null ? null : shownBaseUrl(config.baseUrl),
    ...keyView(config, secrets),
    complexity_threshold: config.complexityThreshold,
    price: shownPrice(price),
    ...provenance(config, price, { now, statedAt }),
    test_at_most_usd: price === null || config.provider === 'replay' ? null : worstCaseOfTest(price, config).toNumber(),
    context_tokens: config.contextTokens,
    output_limit_parameter: config.outputLimitParameter,
    answer_form: config.answerForm,
    extra_headers: Object.fromEntries(
      Object.entries(config.extraHeaders).map(([name, value]) => [name, looksSecret(name) ? '***' : value]),
    ),
    extra_body: config.extraBody,
    active: config.active,
    unavailable: unavailable === null ? null : shownFault(unavailable),
    provider_pause: pauseView(pauses.find(({ provider }) => provider === providerKey(config))),
  }
}

/** Where a price comes from, and since when it holds. */
function provenance(
  config: ProposerConfig,
  price: Price | null,
  { now, statedAt }: { now: Date; statedAt: KnownOfProposers['statedAt'] },
): Pick<ProposerView, 'price_library' | 'price_since'> {
  if (price === null || config.provider === 'replay') return { price_library: null, price_since: null }
  const isListed = price.source === 'library'
  const since = isListed ? listedSince(config, now) : statedAt.get(config.name)
  return {
    price_library: isListed ? PRICE_LIBRARY : null,
    price_since: since === null || since === undefined ? null : isoTime(since),
  }
}

function shownFault({
  code,
  message,
  details: { reason, command },
}: NonNullable<ReturnType<HttpDeps['models']['whyUnavailable']>>) {
  return {
    code,
    reason: typeof reason === 'string' ? reason : message,
    command: typeof command === 'string' ? command : null,
  }
}

/** Of a server that may need no key, the usual variable counts only where it is set. */
function keyView(
  { provider, keyVariable }: ProposerConfig,
  secrets: HttpDeps['config']['secrets'],
): Pick<ProposerView, 'key_variable' | 'key_set'> {
  if (provider === 'replay') return { key_variable: null, key_set: false }
  const isSet = keyOf({ provider, keyVariable }, secrets) !== null
  const isNeeded = isKeyNeeded({ provider, keyVariable })
  return { key_variable: isNeeded || isSet ? keyVariableOf({ provider, keyVariable }) : null, key_set: isSet }
}

function pauseView(pause: ProviderPause | undefined): ProposerView['provider_pause'] {
  if (pause === undefined) return null
  const { until, since, failures, reason, running } = pause
  return { until: until.toISOString(), since: since.toISOString(), failures, reason, running }
}
