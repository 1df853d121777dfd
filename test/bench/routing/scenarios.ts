import type { LearnedPolicySettings } from '../../../src/manager/learned/learned-policy.ts'
import { PUBLISHED_MODELS, type PublishedModel, sharedDifficulty } from './published-figures.ts'
import type { Assumptions } from './world.ts'

export type Scenario = {
  name: string
  models: readonly PublishedModel[]
  thresholds: Readonly<Record<string, number>>
  assumptions: Assumptions
  settings: LearnedPolicySettings
}

/** `docs/routing.md` says where each comes from. */
const ASSUMPTIONS: Assumptions = {
  easyAt: 0.15,
  hardAt: 1,
  sharedDifficulty: sharedDifficulty(),
  criteria: [25, 25, 20, 15, 10, 5],
  files: [35, 25, 15, 10, 6, 4, 3, 2],
  afterOthersFailed: 'first',
}

/** The defaults of Moose. */
const SETTINGS: LearnedPolicySettings = {
  mode: 'auto',
  minOutcomes: 50,
  successFloor: null,
  explore: true,
  seed: 1,
}

/** The thresholds Moose ships for its weakest and its strongest proposer. */
const SHIPPED = { least: 0.3, most: 1 } as const

/** The weakest on the hard board keeps 0.30, the strongest 1.00, the others stand evenly between, by their rank. */
function rankedThresholds(models: readonly PublishedModel[]): Record<string, number> {
  const ranked = models.toSorted((left, right) => left.hard.second - right.hard.second)
  const step = (SHIPPED.most - SHIPPED.least) / (ranked.length - 1)
  return Object.fromEntries(ranked.map(({ name }, index) => [name, SHIPPED.least + index * step]))
}

function scenario(name: string, models: readonly PublishedModel[], change: Partial<Scenario> = {}): Scenario {
  return { name, models, thresholds: rankedThresholds(models), assumptions: ASSUMPTIONS, settings: SETTINGS, ...change }
}

const TWO = PUBLISHED_MODELS.filter(({ name }) => name === 'gpt-4o-mini' || name.startsWith('claude-3-5-sonnet'))

export const SCENARIOS: readonly Scenario[] = [
  scenario('six proposers', PUBLISHED_MODELS),
  scenario('the two Moose ships (Sonnet 3.5 for 4.5)', TWO),
]

const assuming = (name: string, change: Partial<Assumptions>) =>
  scenario(name, PUBLISHED_MODELS, { assumptions: { ...ASSUMPTIONS, ...change } })
const setTo = (name: string, change: Partial<LearnedPolicySettings>) =>
  scenario(name, PUBLISHED_MODELS, { settings: { ...SETTINGS, ...change } })

/** The six proposers with one thing changed at a time. */
export const SENSITIVITY: readonly Scenario[] = [
  assuming('models agree on nothing', { sharedDifficulty: 0 }),
  assuming('models agree on nearly everything', { sharedDifficulty: 0.9 }),
  assuming('a stronger model profits from failures', { afterOthersFailed: 'second' }),
  assuming('complexity 0.7 is as hard as the hard board', { hardAt: 0.7 }),
  assuming('larger orders', { criteria: [5, 10, 20, 25, 25, 15], files: [5, 10, 15, 20, 20, 15, 10, 5] }),
  assuming('smaller orders', { criteria: [50, 30, 15, 5], files: [50, 30, 15, 5] }),
  scenario('thresholds from hindsight', PUBLISHED_MODELS, { thresholds: hindsightThresholds(0.6) }),
  scenario(
    'without DeepSeek',
    PUBLISHED_MODELS.filter(({ name }) => !name.startsWith('deepseek')),
  ),
  setTo('no trying', { explore: false }),
  setTo('floor of 61 %', { successFloor: 0.61 }),
  setTo('floor of 65 %', { successFloor: 0.65 }),
  setTo('200 outcomes before it begins', { minOutcomes: 200 }),
]

/** Up to where a model truly solves such a share within two tries; nobody knows that beforehand. */
function hindsightThresholds(share: number): Record<string, number> {
  const { easyAt, hardAt } = ASSUMPTIONS
  const logit = (percent: number) => Math.log(percent / (100 - percent))
  const entries = PUBLISHED_MODELS.map(({ name, easy, hard }) => {
    const slope = (logit(hard.second) - logit(easy.second)) / (hardAt - easyAt)
    return [name, easyAt + (logit(100 * share) - logit(easy.second)) / slope] as const
  })
  const highest = Math.max(...entries.map(([, threshold]) => threshold))
  return Object.fromEntries(entries.map(([name, at]) => [name, at === highest ? 1 : Math.max(0, at)]))
}
