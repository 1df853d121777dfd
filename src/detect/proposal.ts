import { stringify } from 'yaml'
import type { Detection } from './detect.ts'
import type { CheckKind, FoundCheck, Line } from './finding.ts'

/** What most orders ask for in their own words. */
const PROVES: Readonly<Record<CheckKind, string | null>> = {
  test: 'The test suite passes',
  lint: null,
  types: null,
  format: null,
}
const MOST_CACHES = 50
const MOST_HOSTS = 50

export type ProposedCheck = FoundCheck & { name: string; proves: readonly string[] }

/** The parts of a `moose.yaml`, each line with what in the checkout said so. */
export type Proposal = {
  tools: readonly { tool: string; lock_file: string | null }[]
  setup: readonly Line[]
  cache: readonly Line[]
  env: readonly (Line & { name: string })[]
  /** What is asked for, for `setup`. */
  hosts: readonly Line[]
  checks: readonly ProposedCheck[]
  notes: readonly string[]
}

/** One proposal for all that was found; checks of several languages are told apart by their names. */
export function proposalOf({ findings, notes }: Detection): Proposal {
  const checks = findings.flatMap(({ checks, tool }) => checks.map((check) => ({ check, tool })))
  const isOnly = (kind: CheckKind) => checks.filter(({ check }) => check.kind === kind).length === 1
  return {
    tools: findings.map(({ tool, lockFile }) => ({ tool, lock_file: lockFile })),
    setup: findings.flatMap(({ setup }) => setup),
    cache: unique(
      findings.flatMap(({ cache }) => cache),
      ({ value }) => value,
    ).slice(0, MOST_CACHES),
    env: unique(
      findings.flatMap(({ env }) => env),
      ({ name }) => name,
    ),
    hosts: unique(
      findings.flatMap(({ hosts }) => hosts),
      ({ value }) => value,
    ).slice(0, MOST_HOSTS),
    checks: checks.map(({ check, tool }) => {
      const proves = PROVES[check.kind]
      return {
        ...check,
        name: isOnly(check.kind) ? check.kind : `${check.kind} (${tool})`,
        // Of several that test, none proves it alone.
        proves: proves === null || !isOnly(check.kind) ? [] : [proves],
      }
    }),
    notes,
  }
}

function unique<Item>(items: readonly Item[], key: (item: Item) => string): Item[] {
  return [...new Map(items.toReversed().map((item) => [key(item), item])).values()].toReversed()
}

/** The text of a commented `moose.yaml` that says what a proposal does. */
export function writeMooseYaml({ setup, cache, env, hosts, checks }: Proposal): string {
  const parts = [
    '# How Moose sets up and checks this repository. What counts is this file on the base branch.',
    section('Run before the checks, on the base commit; each line has to succeed.', 'setup', listed(setup), ['npm ci']),
    section(
      'What setup leaves and the checks need: below this folder, or below HOME (~/), which is empty otherwise.',
      'cache',
      listed(cache),
      ['node_modules'],
    ),
    section('Variables of setup and of every check. No secret belongs here.', 'env', variables(env), null),
    networkSection(hosts),
    checksSection(checks),
  ]
  return `${parts.join('\n\n')}\n`
}

/** A key with its entries; without any, a comment that shows how it would look. */
function section(what: string, key: string, entries: readonly string[], example: readonly string[] | null): string {
  if (entries.length > 0) return [`# ${what}`, `${key}:`, ...entries].join('\n')
  const shown = example === null ? ['  TZ: UTC'] : example.map((value) => `  - ${value}`)
  return [`# ${what}`, ...[`${key}:`, ...shown].map((line) => `# ${line}`)].join('\n')
}

function listed(lines: readonly Line[]): string[] {
  return lines.map(({ value, why }) => `  - ${scalar(value)} # ${why}`)
}

function variables(env: Proposal['env']): string[] {
  return env.map(({ name, value, why }) => `  ${name}: ${scalar(value)} # ${why}`)
}

const NETWORK_IS = [
  '# Hosts that setup fetches from, and those that checks need. This asks for them: nothing can be reached but what the',
  '# operator of Moose grants.   moose project edit NAME --allow-host HOST',
]

function networkSection(hosts: readonly Line[]): string {
  const [lines, mark] =
    hosts.length === 0 ? [['    - registry.example'], '# '] : [listed(hosts).map((line) => `  ${line}`), '']
  return [...NETWORK_IS, ...['network:', '  setup:', ...lines].map((line) => `${mark}${line}`)].join('\n')
}

const CHECKS_ARE = [
  '# What has to pass on the commit that will be pushed, in this order. A check is a script that exits with 0.',
  '#   timeout: when it is ended (10m without it)   fix: a script that may mend what the check finds, in scope',
  '#   proves: acceptance criteria of an order that a pass proves, by their text or number',
]
const NO_CHECKS = [
  'checks: []',
  '# checks:',
  '#   - name: test',
  '#     run: npm test',
  '#     timeout: 10m',
  '#     proves: [The test suite passes]',
]

function checksSection(checks: readonly ProposedCheck[]): string {
  if (checks.length === 0) return [...CHECKS_ARE, ...NO_CHECKS].join('\n')
  return [...CHECKS_ARE, 'checks:', ...checks.flatMap(checkLines)].join('\n')
}

function checkLines({ name, run, why, fix, proves }: ProposedCheck): string[] {
  const command = run.includes('\n')
    ? [
        `    run: | # ${why}`,
        ...run
          .trimEnd()
          .split('\n')
          .map((line) => `      ${line}`),
      ]
    : [`    run: ${scalar(run)} # ${why}`]
  return [
    `  - name: ${scalar(name)}`,
    ...command,
    ...(proves.length === 0 ? [] : [`    proves: [${proves.map(scalar).join(', ')}]`]),
    ...(fix === null ? [] : [`    fix: ${scalar(fix)}`]),
  ]
}

/** A text on one line, in quotes where YAML needs them. */
function scalar(value: string): string {
  return stringify(value, { lineWidth: 0, defaultStringType: 'PLAIN' }).trimEnd()
}
