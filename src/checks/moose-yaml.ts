import { type Document, isNode, LineCounter, parseDocument } from 'yaml'
import { z } from 'zod'
import { keysTwice } from '../contract/repeated-keys.ts'
import { Fault } from '../faults/fault.ts'
import { describeProblem, type FieldProblem, fieldProblems } from '../faults/schema-problems.ts'
import type { Check } from '../ports/execution.ts'

const DEFAULT_TIMEOUT = '10m'
const MAX_TIMEOUT_MS = 60 * 60_000
const MAX_CHECKS = 50
/** Fifty checks of a screen each fit well, and a parser of YAML takes more than linear time. */
const MAX_BYTES = 64 * 1024
const TOLD_PROBLEMS = 20
const NO_CRITERION = 'is neither a text nor a number from 1'
const UNIT_MS = { s: 1_000, m: 60_000 } as const

/** `90`, `90s` or `5m`. */
const Timeout = z
  .union([z.number(), z.string()], { error: 'is neither a number of seconds nor a text like "90s" or "5m"' })
  .transform((value, context) => {
    const [, amount, unit] = /^(\d+(?:\.\d+)?)\s*([sm])$/.exec(typeof value === 'number' ? `${value}s` : value) ?? []
    const timeoutMs = Math.round(Number(amount) * (unit === 'm' ? UNIT_MS.m : UNIT_MS.s))
    if (timeoutMs > 0 && timeoutMs <= MAX_TIMEOUT_MS) return timeoutMs
    context.addIssue({ code: 'custom', message: 'is not a time between 1 s and 60 m, like 90, "90s" or "5m"' })
    return z.NEVER
  })

const text = (max: number) =>
  z
    .string('is not a text')
    .refine((value) => value.trim() !== '', 'is empty')
    // No command line and no database can hold these.
    .refine((value) => value.isWellFormed() && !value.includes('\0'), 'contains NUL or half a character')
    .max(max, `is longer than ${max} characters`)

const CheckEntry = z.strictObject(
  {
    name: text(100).refine((value) => !/\p{Cc}/u.test(value), 'contains a control character'),
    run: text(10_000),
    timeout: Timeout.default(() => Timeout.parse(DEFAULT_TIMEOUT)),
    proves: z
      .array(
        z.union([z.int(NO_CRITERION).positive(NO_CRITERION), text(1_000)], { error: NO_CRITERION }),
        'is not a list',
      )
      .default([]),
  },
  { error: (issue) => (issue.code === 'invalid_type' ? 'is not a group of name, run, timeout and proves' : undefined) },
)

const MooseYaml = z.strictObject(
  {
    checks: z
      .array(CheckEntry, 'is not a list')
      .max(MAX_CHECKS, `has more than ${MAX_CHECKS} entries`)
      .superRefine((checks, context) => {
        for (const [index, { name }] of checks.entries()) {
          if (checks.findIndex((check) => check.name === name) === index) continue
          context.addIssue({ code: 'custom', path: [index, 'name'], message: `"${name}" is used twice` })
        }
      })
      .default([]),
  },
  { error: (issue) => (issue.code === 'invalid_type' ? 'the file does not hold the key checks' : undefined) },
)

/**
 * The checks `moose.yaml` asks for, in their order; a missing file (null) or an empty one asks for none. A check that
 * states no timeout has 10 minutes.
 *
 * @throws {Fault} `checks_invalid` naming the line and the field of the first 20 problems; also for more than 64 KiB
 */
export function parseChecks(mooseYaml: string | null): Check[] {
  if (mooseYaml === null) return []
  const bytes = Buffer.byteLength(mooseYaml)
  if (bytes > MAX_BYTES) {
    const text = `it has ${bytes} bytes, and at most ${MAX_BYTES} are read`
    throw invalid([{ line: 1, text }], 0, undefined)
  }
  const lines = new LineCounter()
  const { document, content } = read(mooseYaml, lines)
  if (content === null) return []
  const parsed = MooseYaml.safeParse(content)
  if (!parsed.success) {
    const problems = fieldProblems(parsed.error)
    const told = problemsOf(problems, document, lines)
    throw invalid(told, problems.length - told.length, parsed.error)
  }
  return parsed.data.checks.map(({ name, run, timeout, proves }) => ({ name, run, timeoutMs: timeout, proves }))
}

type Problem = { line: number; text: string }

const TOO_DEEP = 'it is nested too deep'

/**
 * Aliases are resolved here, and a file that multiplies itself with them, or is nested too deep for the parser, is
 * refused.
 */
function read(mooseYaml: string, lines: LineCounter): { document: Document.Parsed; content: unknown } {
  try {
    // The parser's warnings would go to stderr past the log.
    const options = { lineCounter: lines, prettyErrors: false, uniqueKeys: false, logLevel: 'error' } as const
    const document = parseDocument(mooseYaml, options)
    const broken = firstProblem(document)
    if (broken !== null) throw invalid([{ line: lines.linePos(broken.at).line, text: broken.message }], 0, broken.cause)
    return { document, content: document.contents === null ? null : document.toJS({ maxAliasCount: 20 }) }
  } catch (error) {
    if (error instanceof Fault) throw error
    const text = error instanceof RangeError ? TOO_DEEP : error instanceof Error ? error.message : String(error)
    throw invalid([{ line: 1, text }], 0, error)
  }
}

/** What keeps a document from being read, and where in characters; null: nothing. */
function firstProblem(document: Document.Parsed): { at: number; message: string; cause: unknown } | null {
  const [error] = document.errors
  const [twice] = keysTwice(document)
  if (twice !== undefined && (error === undefined || twice < error.pos[0]))
    return { at: twice, message: 'Map keys must be unique', cause: undefined }
  if (error === undefined) return null
  const message = error.code === 'RESOURCE_EXHAUSTION' ? TOO_DEEP : error.message
  return { at: error.pos[0], message, cause: error }
}

/** The first of them: to find the line of each takes time. */
function problemsOf(problems: readonly FieldProblem[], document: Document.Parsed, lines: LineCounter): Problem[] {
  return problems.slice(0, TOLD_PROBLEMS).map((problem) => ({
    line: lineOf(problem.path, document, lines),
    text: describeProblem(problem),
  }))
}

/** The line of the field, or of the nearest thing around it that is in the file. */
function lineOf(path: readonly PropertyKey[], document: Document.Parsed, lines: LineCounter): number {
  for (let length = path.length; length >= 0; length -= 1) {
    const node = length === 0 ? document.contents : document.getIn(path.slice(0, length), true)
    if (isNode(node) && node.range) return lines.linePos(node.range[0]).line
  }
  return 1
}

/** @param more problems beside those that are told */
function invalid(problems: readonly Problem[], more: number, cause: unknown): Fault {
  const [first] = problems
  const told = problems.map(({ line, text: problem }) => `line ${line}: ${problem}`).join('; ')
  const rest = more === 0 ? '' : `; and ${more} more`
  const message = `moose.yaml is not valid. ${told}${rest}. Correct it on the base branch, then retry.`
  return new Fault('checks_invalid', message, { line: first === undefined ? null : first.line }, cause)
}
