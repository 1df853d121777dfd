import { z } from 'zod'
import { MOST_REPAIRS } from '../config/environment.ts'
import { HOST_RULE, LONGEST_RULE, UNFIT_RULE } from './hosts/host-rule.ts'

const DEFAULT_TIMEOUT = '10m'
const MAX_TIMEOUT_MS = 60 * 60_000
const MAX_CHECKS = 50
/** Linux passes a program no argument of 128 KiB (execve(2), MAX_ARG_STRLEN); aliases make more of a small file. */
const MAX_SETUP_BYTES = 100_000
const MAX_PATHS = 50
const MAX_VARIABLES = 100
const MAX_HOSTS = 50
const NO_CRITERION = 'is neither a text nor a number from 1'

/** `90`, `90s` or `5m`. */
const Timeout = z
  .union([z.number(), z.string()], { error: 'is neither a number of seconds nor a text like "90s" or "5m"' })
  .transform((value, context) => {
    const [, amount, unit] = /^(\d+(?:\.\d+)?)\s*([sm])$/.exec(typeof value === 'number' ? `${value}s` : value) ?? []
    const timeoutMs = Math.round(Number(amount) * (unit === 'm' ? 60_000 : 1_000))
    if (timeoutMs > 0 && timeoutMs <= MAX_TIMEOUT_MS) return timeoutMs
    context.addIssue({ code: 'custom', message: 'is not a time between 1 s and 60 m, like 90, "90s" or "5m"' })
    return z.NEVER
  })
  .prefault(DEFAULT_TIMEOUT)
  .meta({
    description: 'When it is ended: seconds, or a text like `90s` or `5m`; at most an hour. Without it: 10 minutes.',
    examples: ['5m', '90s', 90],
  })

const text = (max: number) =>
  z
    .string({ error: (issue) => (issue.input === undefined ? 'is missing' : 'is not a text') })
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

const SetupGroup = z.strictObject(
  {
    run: Script.meta({ description: 'The script.', examples: ['npm ci'] }),
    timeout: Timeout,
  },
  { error: unfit('is not a group of run and timeout') },
)

const Setup = z
  .union(
    [
      Script,
      z
        .array(Script)
        .min(1, 'is an empty list')
        .max(MAX_CHECKS, `has more than ${MAX_CHECKS} entries`)
        .refine(
          (commands) => Buffer.byteLength(commands.join('\n')) <= MAX_SETUP_BYTES,
          `has more than ${MAX_SETUP_BYTES} bytes together`,
        ),
      SetupGroup,
    ],
    {
      error: 'is neither a command, nor a list of commands, nor a group of run and timeout',
    },
  )
  .transform((setup) => {
    if (typeof setup === 'object' && !Array.isArray(setup)) return { run: setup.run, timeoutMs: setup.timeout }
    return { run: [setup].flat().join('\n'), timeoutMs: Timeout.parse(undefined) }
  })
  .nullable()
  .default(null)
  .meta({
    description:
      'What the checks need before they can run, such as the installation of the dependencies: a script, a list of ' +
      'commands, or a group of `run` and `timeout`. It runs on the base commit.',
    examples: ['npm ci', ['npm ci', 'npm run build'], { run: 'npm ci', timeout: '20m' }],
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
  .default({})
  .meta({
    description:
      'Variables of `setup` and of every check, at most 100. `PATH`, `HOME`, `TMPDIR` and names that begin with ' +
      '`MOOSE_` are set by Moose. No secret belongs here.',
    examples: [{ NODE_ENV: 'test', RETRIES: 3 }],
  })

const Proves = z
  .array(z.union([z.int(NO_CRITERION).positive(NO_CRITERION), text(1_000)], { error: NO_CRITERION }), 'is not a list')
  .default([])
  .meta({
    description:
      'The acceptance criteria that a pass proves: their text, or their number in the order, from 1. What names no ' +
      'criterion of an order proves nothing there.',
    examples: [['The test suite passes'], [1]],
  })

const CheckEntry = z.strictObject(
  {
    name: text(100)
      .refine((value) => !/\p{Cc}/u.test(value), 'contains a control character')
      .meta({ description: 'How the check is called, in the pull request too; each name once.', examples: ['test'] }),
    run: Script.meta({
      description: 'The script, run in the root of the repository. It passes when it exits with 0.',
      examples: ['npm test', 'npm run build\nnpm test\n'],
    }),
    timeout: Timeout,
    proves: Proves,
    fix: Script.nullable()
      .default(null)
      .meta({
        description:
          'A script that may mend what the check finds. It runs where the check fails on a change, before a model is asked; ' +
          'what it changes within the scope of the order is committed. It has the time of the check.',
        examples: ['npm run format'],
      }),
    report: path
      .nullable()
      .default(null)
      .meta({
        description:
          'Where the check writes its results as JUnit XML or SARIF, below the root of the repository. When the check fails, ' +
          'the failures in it are told first. At most 8 MiB; no link, and written by this run.',
        examples: ['build/junit.xml'],
      }),
  },
  { error: unfit('is not a group of name, run, timeout, proves, fix and report') },
)

const Checks = z
  .array(CheckEntry, 'is not a list')
  .max(MAX_CHECKS, `has more than ${MAX_CHECKS} entries`)
  .superRefine((checks, context) => {
    const names = new Set<string>()
    for (const [index, { name }] of checks.entries()) {
      if (names.has(name))
        context.addIssue({ code: 'custom', path: [index, 'name'], message: `"${name}" is used twice` })
      names.add(name)
    }
  })
  .default([])
  .meta({
    description: 'What has to pass on the commit that will be pushed, in this order; at most 50.',
    examples: [[{ name: 'test', run: 'npm test' }]],
  })

const pathsOf = (entry: typeof path) =>
  z.array(entry, 'is not a list').max(MAX_PATHS, `has more than ${MAX_PATHS} entries`).default([])

const hostsFor = (what: string) =>
  z
    .array(text(LONGEST_RULE).regex(HOST_RULE, UNFIT_RULE), 'is not a list')
    .max(MAX_HOSTS, `has more than ${MAX_HOSTS} entries`)
    .default([])
    .meta({
      description: `Hosts ${what}; at most ${MAX_HOSTS}.`,
      examples: [['registry.example', '*.example.org:8443']],
    })

const NetworkGroup = z
  .strictObject(
    { setup: hostsFor('that `setup` fetches from'), checks: hostsFor('that the checks need') },
    { error: unfit('is not a group of setup and checks') },
  )
  .prefault({})
  .meta({
    description:
      'Hosts that are asked for; without a port, for 443 and 80. What can be reached is what the operator has granted to ' +
      'the project, and nothing else.',
    examples: [{ setup: ['registry.example'] }],
  })

const RepairGroup = z
  .strictObject(
    {
      max: z
        .int('is not a whole number')
        .min(0, 'is less than 0')
        .max(MOST_REPAIRS, `is more than ${MOST_REPAIRS}`)
        .nullable()
        .default(null)
        .meta({
          description:
            'How often a model is told what failed and mends its change, from 0 to 10. Without it: what the operator has set ' +
            '(`MOOSE_REPAIR_MAX`, 2).',
          examples: [1],
        }),
    },
    { error: unfit('is not a group of max') },
  )
  .prefault({})
  .meta({
    description: 'What is done where a change fails a check that its base does not fail.',
    examples: [{ max: 1 }],
  })

/** The file `moose.yaml` as it is written, and what it means: times in milliseconds, what is left out as null or empty. */
export const MooseYaml = z
  .strictObject(
    {
      setup: Setup,
      cache: pathsOf(CachePath).meta({
        description:
          'Files and folders that `setup` leaves and the checks need: below the root of the repository, or below HOME ' +
          '(`~/…`), which is empty otherwise. At most 50.',
        examples: [['node_modules', '~/.cache/pip']],
      }),
      env: Variables,
      network: NetworkGroup,
      context: pathsOf(path).meta({
        description:
          'Files of the repository that a model is shown with every order, to be read and not changed; a folder with a `/` at ' +
          'its end is all that is in it. At most 50, as far as there is room.',
        examples: [['docs/style.md', 'docs/design/']],
      }),
      repair: RepairGroup,
      checks: Checks,
    },
    { error: unfit('the file is not a group of setup, cache, env, network, context, repair and checks') },
  )
  .meta({ title: 'moose.yaml', description: 'How Moose sets up and checks a repository.' })

/** Of a group: what is told where it is something else; an unknown key is told by its name. */
function unfit(told: string): (issue: z.core.$ZodRawIssue) => string | undefined {
  return ({ code }) => (code === 'invalid_type' ? told : undefined)
}

/** The keys of the group at a path of the file, in their order; none where there is no group. */
export function knownKeys(path: readonly PropertyKey[]): string[] {
  const [first, ...rest] = path
  if (first === undefined) return Object.keys(MooseYaml.shape)
  if (first === 'setup' && rest.length === 0) return Object.keys(SetupGroup.shape)
  if (first === 'network' && rest.length === 0) return Object.keys(NetworkGroup.def.innerType.shape)
  if (first === 'repair' && rest.length === 0) return Object.keys(RepairGroup.def.innerType.shape)
  return first === 'checks' && rest.length === 1 ? Object.keys(CheckEntry.shape) : []
}

/** JSON Schema (draft 2020-12) of `moose.yaml` as it is written, for editors and other programs. */
export function mooseYamlJsonSchema(): z.core.JSONSchema.JSONSchema {
  return z.toJSONSchema(MooseYaml, {
    io: 'input',
    // Where a value is transformed zod leaves its examples out; ours are of what is written.
    override: ({ zodSchema, jsonSchema }) => {
      const { examples } = z.globalRegistry.get(zodSchema) ?? {}
      if (Array.isArray(examples)) jsonSchema.examples = examples
    },
  })
}
