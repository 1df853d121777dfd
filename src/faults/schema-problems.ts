import type { z } from 'zod'

/** A problem of one field: `files_in_scope[1]`, why it is refused, and where zod found it. */
export type FieldProblem = { field: string; reason: string; path: readonly PropertyKey[] }

/** The problems of a failed parse, in the order of the fields; an unknown key is a problem of its own. */
export function fieldProblems(error: z.ZodError): FieldProblem[] {
  return error.issues.flatMap((issue) =>
    issue.code === 'unrecognized_keys'
      ? issue.keys.map((key) => ({
          field: fieldName([...issue.path, key]),
          reason: 'is not a known field',
          path: [...issue.path, key],
        }))
      : [{ field: fieldName(issue.path), reason: issue.message, path: issue.path }],
  )
}

function fieldName(path: readonly PropertyKey[]): string {
  return path.reduce<string>(
    (name, key) => (typeof key === 'number' ? `${name}[${key}]` : name === '' ? String(key) : `${name}.${String(key)}`),
    '',
  )
}

/** `title is empty`; the reason alone where the whole value is refused. */
export function describeProblem({ field, reason }: FieldProblem): string {
  return field === '' ? reason : `${field} ${reason}`
}

/**
 * One sentence for all problems, on one line whatever it quotes: `title is empty; files_in_scope[0] "../x" leaves the
 * repository (..)`.
 *
 * @param most of those that are named; of the others, the number
 */
export function describeProblems(problems: readonly FieldProblem[], most = Number.POSITIVE_INFINITY): string {
  return listed(problems, most, describeProblem).replace(/\p{Cc}/gu, (character) =>
    JSON.stringify(character).slice(1, -1),
  )
}

/**
 * The problems of a failed parse in zod's own words and with zod's paths, for values that programs write:
 * `answers.0.turn must be …; usage …`.
 *
 * @param options.between path and words; a space where it is left out
 * @param options.most as in `describeProblems`
 */
export function describeIssues(
  { issues }: z.ZodError,
  { between = ' ', most = Number.POSITIVE_INFINITY }: { between?: string; most?: number } = {},
): string {
  return listed(issues, most, ({ path, message }) => `${path.join('.')}${between}${message}`.trim())
}

function listed<Problem>(problems: readonly Problem[], most: number, describe: (problem: Problem) => string): string {
  const more = problems.length > most ? [`and ${problems.length - most} more`] : []
  return [...problems.slice(0, most).map(describe), ...more].join('; ')
}
