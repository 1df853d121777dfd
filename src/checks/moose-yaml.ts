import { closestMatch } from 'leven'
import { type Document, isMap, isNode, isScalar, LineCounter, parseDocument } from 'yaml'
import { z } from 'zod'
import { MOST_OF_MOOSE_YAML } from '../contract/base-checks.ts'
import { knownKeys, MooseYaml } from '../contract/moose-yaml.ts'
import { Fault } from '../faults/fault.ts'
import { describeProblem, type FieldProblem, fieldProblems } from '../faults/schema-problems.ts'
import type { ProjectConfig } from '../ports/execution.ts'
import { type SyntaxProblem, syntaxProblems, TOO_DEEP, wordsOfRefusal } from './yaml-problems.ts'

const TOLD_PROBLEMS = 20
/** Most letters by which a key may differ from the one that is meant. */
const SLIP_LETTERS = 2

/**
 * What `moose.yaml` asks for; a missing file (null) or an empty one asks for nothing. What states no timeout has 10
 * minutes.
 *
 * @throws {Fault} `checks_invalid` naming the line and the field of the first 20 problems; also for more than 64 KiB.
 *   Details: `line` of the first, and `problems`, one `moose.yaml:LINE: …` a line
 */
export function parseMooseYaml(mooseYaml: string | null): ProjectConfig {
  const bytes = mooseYaml === null ? 0 : Buffer.byteLength(mooseYaml)
  if (bytes > MOST_OF_MOOSE_YAML) {
    const text = `it has ${bytes} bytes, and at most ${MOST_OF_MOOSE_YAML} are read`
    throw invalid([{ line: 1, text }], 0, undefined)
  }
  const lines = new LineCounter()
  const { document, content } = read(mooseYaml === null ? '' : mooseYaml, lines)
  const parsed = MooseYaml.safeParse(content === null ? {} : content)
  if (!parsed.success) {
    const problems = fieldProblems(meantAlternatives(parsed.error))
    const told = problemsOf(problems, document, lines)
    throw invalid(told, problems.length - told.length, parsed.error)
  }
  const { checks, ...rest } = parsed.data
  return { ...rest, checks: checks.map(({ timeout: timeoutMs, ...check }) => ({ ...check, timeoutMs })) }
}

type Problem = { line: number; text: string }

/**
 * Aliases are resolved here, and a file that multiplies itself with them, or is nested too deep for the parser, is
 * refused.
 */
function read(mooseYaml: string, lines: LineCounter): { document: Document.Parsed; content: unknown } {
  try {
    // The parser's warnings would go to stderr past the log.
    const options = { lineCounter: lines, prettyErrors: false, uniqueKeys: false, logLevel: 'error' } as const
    const document = parseDocument(mooseYaml, options)
    const broken = syntaxProblems(document, mooseYaml)
    if (broken.length > 0) throw unreadable(broken, lines)
    return { document, content: document.contents === null ? null : document.toJS({ maxAliasCount: 20 }) }
  } catch (error) {
    if (error instanceof Fault) throw error
    const text = error instanceof RangeError ? TOO_DEEP : wordsOfRefusal(error)
    throw invalid([{ line: 1, text }], 0, error)
  }
}

function unreadable(broken: readonly SyntaxProblem[], lines: LineCounter): Fault {
  const problems = broken.map(({ at, text }) => ({ line: lines.linePos(at).line, text }))
  // What follows from the first slip of a line is often told of that line again.
  const ofLines = [...Map.groupBy(problems, ({ line }) => line).values()].flatMap(([first]) => first ?? [])
  return invalid(ofLines.slice(0, TOLD_PROBLEMS), Math.max(0, ofLines.length - TOLD_PROBLEMS), undefined)
}

/** Of a value that may have several forms, the problems of the form it was written in, where it was written in one. */
function meantAlternatives(error: z.ZodError): z.ZodError {
  const issues = error.issues.flatMap((issue) => {
    // Why a name is refused, rather than that one is.
    if (issue.code === 'invalid_key') return issue.issues.slice(0, 1).map((one) => ({ ...one, path: issue.path }))
    if (issue.code !== 'invalid_union') return [issue]
    const meant = issue.errors.find((problems) => !problems.some(isOfAnotherForm))
    return meant === undefined ? [issue] : meant.map((one) => ({ ...one, path: [...issue.path, ...one.path] }))
  })
  return new z.ZodError(issues)
}

function isOfAnotherForm({ code, path }: z.core.$ZodIssue): boolean {
  return path.length === 0 && (code === 'invalid_type' || code === 'invalid_value')
}

/** The first of them: to find the line of each takes time. */
function problemsOf(problems: readonly FieldProblem[], document: Document.Parsed, lines: LineCounter): Problem[] {
  return problems.slice(0, TOLD_PROBLEMS).map((problem) => {
    const remedy = remedyOf(problem, document)
    // The words of the API, which a process may have set for all schemas, name the fields too.
    const reason = remedy.startsWith(KNOWN_ARE) ? problem.reason.replace(/; there are: .*/s, '') : problem.reason
    return {
      line: lines.linePos(offsetOf(problem.path, document)).line,
      text: `${describeProblem({ ...problem, reason })}${remedy}`,
    }
  })
}

const KNOWN_ARE = ' (known are '

/** Which key is meant, of one that is not known. */
function remedyOf({ path }: FieldProblem, document: Document.Parsed): string {
  const known = knownKeys(path.slice(0, -1))
  const key = String(path.at(-1))
  if (known.length === 0 || known.includes(key) || keyOffset(path, document) === null) return ''
  const meant = closestMatch(key.toLowerCase(), known, { maxDistance: SLIP_LETTERS })
  return meant === undefined ? `${KNOWN_ARE}${known.join(', ')})` : ` (did you mean ${meant}?)`
}

/** Where the field stands in characters: its key where that is unknown, or the nearest thing around it in the file. */
function offsetOf(path: readonly PropertyKey[], document: Document.Parsed): number {
  const isUnknown = typeof path.at(-1) === 'string' && !knownKeys(path.slice(0, -1)).includes(String(path.at(-1)))
  const ofKey = isUnknown ? keyOffset(path, document) : null
  if (ofKey !== null) return ofKey
  for (let length = path.length; length >= 0; length -= 1) {
    const node = length === 0 ? document.contents : document.getIn(path.slice(0, length), true)
    if (isNode(node) && node.range) return node.range[0]
  }
  return 0
}

/** Where the last key of a path stands; null where it is none of a map. */
function keyOffset(path: readonly PropertyKey[], document: Document.Parsed): number | null {
  const parent = path.length === 1 ? document.contents : document.getIn(path.slice(0, -1), true)
  if (path.length === 0 || !isMap(parent)) return null
  const pair = parent.items.find(({ key }) => isScalar(key) && String(key.value) === String(path.at(-1)))
  return isScalar(pair?.key) && pair.key.range ? pair.key.range[0] : null
}

/** @param more problems beside those that are told */
function invalid(problems: readonly Problem[], more: number, cause: unknown): Fault {
  const [first] = problems
  const told = problems.map(({ line, text: problem }) => `moose.yaml:${line}: ${problem}`)
  const listed = [...told, ...(more === 0 ? [] : [`and ${more} more`])].join('\n')
  const message = `moose.yaml is not valid:\n${listed}\nCorrect it (for orders: on the base branch), then retry.`
  return new Fault(
    'checks_invalid',
    message,
    { line: first === undefined ? null : first.line, problems: listed },
    cause,
  )
}
