/**
 * What is published about models, from the benchmark data of Aider (Apache-2.0, https://github.com/Aider-AI/aider):
 *
 * - easy: `aider/website/_data/edit_leaderboard.yml`, commit 0483bfc9cb75f256d529a68b66e9ee81775a1213. All 133 Python
 *   exercises of Exercism; the board's last change is of December 2024.
 * - hard: `aider/website/_data/polyglot_leaderboard.yml`, commit 015384218f9c87d68660079b70c30e0b59ffacf3. The hardest
 *   225 of the 697 exercises of Exercism in six languages.
 *
 * Taken are all models that both boards name with the same version and whose cost the hard board states; of two
 * versions of one model the later. Dates are those of the runs.
 */
export type PublishedModel = {
  name: string
  /** Percent solved with the first answer, and within two: the second is given the output of the failed tests. */
  easy: { first: number; second: number; date: string }
  hard: { first: number; second: number; date: string; totalCostUsd: number }
}

/** Exercises a total cost of the hard board is for. */
export const HARD_EXERCISES = 225

export const PUBLISHED_MODELS: readonly PublishedModel[] = [
  {
    name: 'gpt-4o-mini',
    easy: { first: 40.6, second: 55.6, date: '2024-07-18' },
    hard: { first: 0.9, second: 3.6, date: '2024-12-21', totalCostUsd: 0.3236 },
  },
  {
    name: 'deepseek-v2.5',
    easy: { first: 54.9, second: 72.2, date: '2024-09-05' },
    hard: { first: 5.3, second: 17.8, date: '2024-12-21', totalCostUsd: 0.5101 },
  },
  {
    name: 'gpt-4o-2024-11-20',
    easy: { first: 58.6, second: 71.4, date: '2024-11-20' },
    hard: { first: 4.9, second: 18.2, date: '2024-12-30', totalCostUsd: 6.7351 },
  },
  {
    name: 'claude-3-5-haiku-20241022',
    easy: { first: 61.7, second: 75.2, date: '2024-11-04' },
    hard: { first: 7.1, second: 28, date: '2024-12-21', totalCostUsd: 6.0583 },
  },
  {
    name: 'o1-mini-2024-09-12',
    easy: { first: 49.6, second: 70.7, date: '2024-09-12' },
    hard: { first: 5.8, second: 32.9, date: '2024-12-22', totalCostUsd: 18.577 },
  },
  {
    name: 'claude-3-5-sonnet-20241022',
    easy: { first: 69.2, second: 84.2, date: '2024-10-22' },
    hard: { first: 22.2, second: 51.6, date: '2025-01-17', totalCostUsd: 14.4063 },
  },
]

/**
 * How many of seven models solved each of the 697 exercises; index: solutions found, value: exercises.
 * `aider/website/_posts/2024-12-21-polyglot.md`, commit 0e05b64ebcdc0f3f2798454f0576ac742001682e.
 */
export const SOLVED_BY = [66, 61, 50, 48, 53, 71, 90, 258] as const

/**
 * How much the models agree on what is hard: the mean correlation of two models' successes that the spread of
 * `SOLVED_BY` implies, 0 for none.
 */
export function sharedDifficulty(): number {
  const models = SOLVED_BY.length - 1
  const exercises = SOLVED_BY.reduce((sum, count) => sum + count, 0)
  const moment = (power: number) =>
    SOLVED_BY.reduce((sum, count, solved) => sum + count * solved ** power, 0) / exercises
  const rate = moment(1) / models
  const independent = rate * (1 - rate)
  const covariance = (moment(2) - moment(1) ** 2 - models * independent) / (models * (models - 1))
  return covariance / independent
}
