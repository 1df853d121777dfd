import { parseArgs } from 'node:util'

/**
 * The options of a bench that are whole numbers: `--rounds 20`.
 *
 * @param defaults names and what counts where one is not given
 * @throws {TypeError} for an unknown option, or one that is no whole number from 1 on
 */
export function numbersFrom<const Name extends string>(
  args: readonly string[],
  defaults: Readonly<Record<Name, number>>,
): Record<Name, number> {
  const names = Object.keys(defaults)
  const options = Object.fromEntries(names.map((name) => [name, { type: 'string' } as const]))
  const { values } = parseArgs({ args: [...args], options })
  const numbers = { ...defaults }
  for (const [name, text] of Object.entries(values)) Object.assign(numbers, { [name]: whole(name, String(text)) })
  return numbers
}

/** @throws {TypeError} naming the option */
export function whole(name: string, text: string, least = 1): number {
  const number = Number(text)
  if (Number.isSafeInteger(number) && number >= least) return number
  throw new TypeError(`--${name} is "${text}"; it must be a whole number from ${least} on.`)
}

/** @param share 0.5 is the median @returns the value below which that share of them lies, by nearest rank */
export function quantile(values: readonly number[], share: number): number {
  const sorted = values.toSorted((a, b) => a - b)
  return Number(sorted[Math.max(0, Math.ceil(share * sorted.length) - 1)])
}

export const median = (values: readonly number[]): number => quantile(values, 0.5)
