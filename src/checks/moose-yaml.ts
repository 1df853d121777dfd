import { type Document, isNode, LineCounter, parseDocument } from 'yaml'
import { z } from 'zod'
import { keysTwice } from '../contract/repeated-keys.ts'
import { Fault } from '../faults/fault.ts'
import { describeProblem, type FieldProblem, fieldProblems } from '../faults/schema-problems.ts'
import type { ProjectConfig } from '../ports/execution.ts'

const DEFAULT_TIMEOUT = '10m'
const MAX_TIMEOUT_MS = 60 * 60_000
const MAX_CHECKS = 50
const MAX_PATHS = 50
const MAX_VARIABLES = 100
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

const Script = text(10_000)

/** Below the root of the repository; git's own folder is none of a project's files. */
const path = text(1_000).refine(isBelow, 'is not a path below the root of the repository, such as build/cache')

/** Below the root of the repository, or below the HOME of what runs there. */
const CachePath = text(1_000).refine(
  (value) => isBelow(value.replace(/^~\//, '')),
  'is neither a path below the root of the repository, such as node_modules, nor one below HOME, such as ~/.cache/pip',
)

function isBelow(value: string): boolean {
  const parts = value.replace(/(?<!\/)\/$/, '').split('/')
  return parts.every(
    (part) => part !== '' && part !== '.' && part !== '..' && part !== '~' && part.toLowerCase() !== '.git',
  )
}

const Setup = z
  .union(
    [Script, z.array(Script).min(1).max(MAX_CHECKS), z.strictObject({ run: Script, timeout: Timeout.optional() })],
    {
      error: 'is neither a command, nor a list of commands, nor a group of run and timeout',
    },
  )
  .transform((setup) => {
    const isGroup = typeof setup === 'object' && !Array.isArray(setup)
    const run = isGroup ? setup.run : [setup].flat().join('\n')
    return { run, timeoutMs: isGroup && setup.timeout !== undefined ? setup.timeout : Timeout.parse(DEFAULT_TIMEOUT) }
  })

/** Those that Moose sets itself. */
const OUR_VARIABLES = /^(?:PATH|HOME|TMPDIR|MOOSE_.*)$/

const Variables = z
  .record(
    text(100)
      .regex(/^[A-Za-z_][A-Za-z0-9_]*$/, 'is not the name of a variable')
      .refine((name) => !OUR_VARIABLES.test(name), 'is set by Moose'),
    z.union([text(10_000), z.literal(''), z.number().transform(String), z.boolean().transform(String)], {
      error: 'is not a text',
    }),
    'is not a group of variables',
  )
  .refine((variables) => Object.keys(variables).length <= MAX_VARIABLES, `has more than ${MAX_VARIABLES} entries`)

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
    fix: Script.nullable().default(null),
    report: path.nullable().default(null),
  },
  {
    error: (issue) =>
      issue.code === 'invalid_type' ? 'is not a group of name, run, timeout, proves, fix and report' : undefined,
  },
)

const MooseYaml = z.strictObject(
  {
    setup: Setup.nullable().default(null),
    cache: z.array(CachePath, 'is not a list').max(MAX_PATHS, `has more than ${MAX_PATHS} entries`).default([]),
    env: Variables.default({}),
    context: z.array(path, 'is not a list').max(MAX_PATHS, `has more than ${MAX_PATHS} entries`).default([]),
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
  {
    error: (issue) =>
      issue.code === 'invalid_type' ? 'the file is not a group of setup, cache, env, context and checks' : undefined,
  },
)

/**
 * What `moose.yaml` asks for; a missing file (null) or an empty one asks for nothing. What states no timeout has 10
 * minutes.
 *
 * @throws {Fault} `checks_invalid` naming the line and the field of the first 20 problems; also for more than 64 KiB
 */
export function parseMooseYaml(mooseYaml: string | null): ProjectConfig {
  const bytes = mooseYaml === null ? 0 : Buffer.byteLength(mooseYaml)
  if (bytes > MAX_BYTES) {
    const text = `it has ${bytes} bytes, and at most ${MAX_BYTES} are read`
    throw invalid([{ line: 1, text }], 0, undefined)
  }
  const lines = new LineCounter()
  const { document, content } = read(mooseYaml === null ? '' : mooseYaml, lines)
  const parsed = MooseYaml.safeParse(content === null ? {} : content)
  if (!parsed.success) {
    const problems = fieldProblems(parsed.error)
    const told = problemsOf(problems, document, lines)
    throw invalid(told, problems.length - told.length, parsed.error)
  }
  const { checks, ...rest } = parsed.data
  return { ...rest, checks: checks.map(({ timeout: timeoutMs, ...check }) => ({ ...check, timeoutMs })) }
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
