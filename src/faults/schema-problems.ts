import type { z } from 'zod'

/** A problem of one field: `files_in_scope[1]`, why it is refused, and where zod found it. */
export type FieldProblem = { field: string; reason: string; path: readonly PropertyKey[] }

/** The problems of a failed parse, in the order of the fields; an unknown key is a problem of its own. */
export function fieldProblems(error: z.ZodError): FieldProblem[] {
  return error.issues.flatMap((issue) =>
    issue.code === 'unrecognized_keys'
      ? issue.keys.map((key, index) => ({
          field: fieldName([...issue.path, key]),
          // Which fields there are is told once.
          reason: index === 0 ? unknownFieldIn(issue.message) : UNKNOWN_FIELD,
          path: [...issue.path, key],
        }))
      : [{ field: fieldName(issue.path), reason: issue.message, path: issue.path }],
  )
}

/** Zod's own words speak of keys; those of a schema that names its fields are kept. */
function unknownFieldIn(message: string): string {
  return message.startsWith(UNKNOWN_FIELD) ? message : UNKNOWN_FIELD
}

const UNKNOWN_FIELD = 'is not a known field'

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
  return listed(issues, most, (issue) => {
    const words = issue.code === 'unrecognized_keys' ? unknownFieldIn(issue.message) : issue.message
    const names = issue.code === 'unrecognized_keys' ? issue.keys : ['']
    return names
      .map((name) => [...issue.path, name].filter((part) => part !== '').join('.'))
      .map((field) => `${field}${between}${words}`.trim())
      .join('; ')
  })
}

function listed<Problem>(problems: readonly Problem[], most: number, describe: (problem: Problem) => string): string {
  const more = problems.length > most ? [`and ${problems.length - most} more`] : []
  return [...problems.slice(0, most).map(describe), ...more].join('; ')
}
