import { z } from 'zod'

/** What one check says it proves: texts or 1-based numbers of acceptance criteria. */
export type Proving = { name: string; proves: readonly (string | number)[] }

/**
 * Which acceptance criteria are named: 0-based indices, ascending, each once.
 *
 * Numbers are compared as they are, texts without what differs when they are typed again: case, the space in and around them,
 * the punctuation at their end, and how quotes and dashes are drawn. What names no criterion of this order names nothing: the
 * checks belong to the repository, and every order has criteria of its own.
 */
export function provedCriteria(proves: readonly (string | number)[], criteria: readonly string[]): number[] {
  const numbers = new Set(proves.filter((entry) => typeof entry === 'number'))
  const texts = new Set(proves.filter((entry) => typeof entry === 'string').map(comparable))
  return [...criteria.keys()].filter(
    (index) => numbers.has(index + 1) || texts.has(comparable(String(criteria[index]))),
  )
}

function comparable(text: string): string {
  return text
    .normalize('NFKC')
    .replaceAll(/[‘’‚‛`´]/g, "'")
    .replaceAll(/[“”„‟«»]/g, '"')
    .replaceAll(/[‐‑‒–—]/g, '-')
    .toLowerCase()
    .split(/\s+/)
    .join(' ')
    .trim()
    .replace(/(?<![.,;:!? ])[.,;:!? ]+$/, '')
}

/** What the checks of a project will say of an order, before it is carried out. */
export const Verification = z.object({
  /** Checks the project has; 0: nothing will be verified. */
  checks: z.number().int(),
  /** Their names, as `moose.yaml` has them. */
  names: z.array(z.string()),
  /** Criteria that a check proves if it passes, with its name; 1-based, ascending. */
  proved_by: z.array(z.object({ criterion: z.number().int(), checks: z.array(z.string()) })),
  /** Criteria that no check proves, 1-based. */
  unproved: z.array(z.number().int()),
  /** What `proves` of a check names that is no criterion of the order. */
  unmatched: z.array(z.object({ check: z.string(), proves: z.union([z.string(), z.number()]) })),
})
export type Verification = z.infer<typeof Verification>

export function verificationOf(checks: readonly Proving[], criteria: readonly string[]): Verification {
  const proofs = checks.map(({ name, proves }) => ({ name, indices: provedCriteria(proves, criteria) }))
  const by = [...criteria.keys()].map((index) => ({
    criterion: index + 1,
    checks: proofs.filter(({ indices }) => indices.includes(index)).map(({ name }) => name),
  }))
  return {
    checks: checks.length,
    names: checks.map(({ name }) => name),
    proved_by: by.filter(({ checks: names }) => names.length > 0),
    unproved: by.filter(({ checks: names }) => names.length === 0).map(({ criterion }) => criterion),
    unmatched: checks.flatMap(({ name, proves }) =>
      proves
        .filter((entry) => provedCriteria([entry], criteria).length === 0)
        .map((entry) => ({ check: name, proves: entry })),
    ),
  }
}

/** Checks that a sentence names. */
const MOST_NAMED = 5

/**
 * `the checks "lint" and "unit" verify it and can prove 1 of 2 criteria`
 *
 * @param verification null: it is not known
 */
export function verifiedText(verification: Verification | null, criteria: number): string {
  if (verification === null) return 'which checks will verify it is not known yet'
  const { checks, names, unproved } = verification
  if (checks === 0) return 'nothing will be verified: the base commit has no checks'
  const by = checks === 1 ? `the check ${namedChecks(names)} verifies it` : `the checks ${namedChecks(names)} verify it`
  return criteria === 0 ? by : `${by} and can prove ${criteria - unproved.length} of ${criteria} criteria`
}

const LIST = new Intl.ListFormat('en')

/** `"lint", "unit", and 3 more` */
function namedChecks(names: readonly string[]): string {
  const quoted = names.slice(0, MOST_NAMED).map((name) => `"${name}"`)
  return LIST.format(names.length > MOST_NAMED ? [...quoted, `${names.length - MOST_NAMED} more`] : quoted)
}
