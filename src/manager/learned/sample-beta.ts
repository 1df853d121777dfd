import type { Chance } from './seeded-chance.ts'

/**
 * One draw from the Beta distribution: a probability, when `alpha` successes and `beta` failures are known.
 *
 * @param alpha above 0, as `beta`
 */
export function sampleBeta(alpha: number, beta: number, chance: Chance): number {
  const successes = sampleGamma(alpha, chance)
  const failures = sampleGamma(beta, chance)
  // Both can underflow when both parameters are tiny.
  return successes + failures === 0 ? alpha / (alpha + beta) : successes / (successes + failures)
}

/** Marsaglia and Tsang, "A simple method for generating gamma variables" (2000), https://doi.org/10.1145/358407.358414 */
function sampleGamma(shape: number, chance: Chance): number {
  if (shape < 1) return sampleGamma(shape + 1, chance) * (1 - chance()) ** (1 / shape)
  const d = shape - 1 / 3
  const c = 1 / Math.sqrt(9 * d)
  for (;;) {
    const normal = sampleNormal(chance)
    const v = (1 + c * normal) ** 3
    if (v <= 0) continue
    if (Math.log(1 - chance()) < normal ** 2 / 2 + d * (1 - v + Math.log(v))) return d * v
  }
}

/** Box and Muller; `1 - chance()` is never 0. */
function sampleNormal(chance: Chance): number {
  return Math.sqrt(-2 * Math.log(1 - chance())) * Math.cos(2 * Math.PI * chance())
}
