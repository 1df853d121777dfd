import { RISK_LEVELS, type RiskLevel } from '../work-order/content.ts'
import { isAtMost, type Risk, type ScopeHistory } from '../work-order/risk.ts'

/** What the rules look at of an order. */
export type RiskFacts = {
  title: string
  description: string
  acceptance_criteria: readonly string[]
  files_in_scope: readonly string[]
  /** Paths of what its change has changed; empty also before there is one. */
  changed_files: readonly string[]
  /** As its writer says. */
  risk_level: string
  hidden_text: readonly unknown[]
  /** What of its scope, and of what it has changed, is held for a human in its project. */
  protected_scope: readonly { path: string; why: string }[]
  /** How many checks verify it; null: it is not known. */
  checks: number | null
  history: ScopeHistory
}

/** Each says why it fits, completing "It is of this risk, because …"; null: it does not. */
type RiskRule = { rule: string; level: RiskLevel; fits: (facts: RiskFacts) => string | null }

const listed = (text: string) => new Set(text.split(',').map((word) => word.trim()))

/** Words of a path behind which a mistake reaches people, money or data. */
const SENSITIVE_PATHS = listed(`
  auth, authn, authz, authentication, authorization, jwt, login, oauth, sso, session, sessions, password, passwords, permission, permissions, acl, rbac,
  security, crypto, secret, secrets, credential, credentials, token, tokens, payment, payments, billing, invoice, invoices,
  migration, migrations, schema, terraform, k8s, kubernetes, helm, deploy, deployment`)

/** Words of its text that say so. */
const HIGH_WORDS = listed(`
  breaking change, breaking changes, schema migration, database migration, data migration, auth, authentication, authorization, security,
  vulnerability, encryption, decrypt, encrypt, password, passwords, credential, credentials, secret, secrets, private key, api contract,
  payment, payments, billing, permission, permissions, delete all, drop table, force push, rewrite history, production data`)

const MEDIUM_WORDS = listed(`
  refactor, refactoring, rewrite, redesign, rename, upgrade, dependency, dependencies, migrate, migration, public api, new api,
  schema change, integration, concurrency, race condition, transaction, cache invalidation, performance, deprecate, remove support`)

/** Files and folders of a scope. */
const WIDE = 10
const VERY_WIDE = 40
/** So many of the latest orders of the same files, at least, failed. */
const FAILED_BEFORE = 2

export const RISK_RULES: readonly RiskRule[] = [
  {
    rule: 'stated_high',
    level: 'high',
    fits: ({ risk_level: stated }) => (stated === 'high' ? 'it is filed as high risk' : null),
  },
  {
    rule: 'stated_medium',
    level: 'medium',
    fits: ({ risk_level: stated }) => (stated === 'medium' ? 'it is filed as medium risk' : null),
  },
  {
    rule: 'held_files',
    level: 'high',
    fits: ({ protected_scope: [first, ...others] }) =>
      first === undefined ? null : `${first.path} is ${first.why}${more(others)}`,
  },
  {
    rule: 'sensitive_paths',
    level: 'high',
    fits: ({ files_in_scope: files, changed_files: changed }) => sensitivePath([...files, ...changed]),
  },
  {
    rule: 'very_wide_scope',
    level: 'high',
    fits: (facts) => wider(facts, VERY_WIDE),
  },
  {
    rule: 'wide_scope',
    level: 'medium',
    fits: (facts) => (wider(facts, VERY_WIDE) === null ? wider(facts, WIDE) : null),
  },
  { rule: 'folder_scope', level: 'medium', fits: ({ files_in_scope: files }) => namedFolder(files) },
  { rule: 'high_words', level: 'high', fits: (facts) => saidWord(facts, HIGH_WORDS) },
  { rule: 'medium_words', level: 'medium', fits: (facts) => saidWord(facts, MEDIUM_WORDS) },
  {
    rule: 'hidden_text',
    level: 'high',
    fits: ({ hidden_text: { length } }) => (length > 0 ? 'its text holds what a reader does not see' : null),
  },
  {
    rule: 'no_criteria',
    level: 'medium',
    fits: ({ acceptance_criteria: { length } }) => (length === 0 ? 'no criterion says when it is done' : null),
  },
  { rule: 'unverified', level: 'high', fits: ({ checks }) => (checks === 0 ? 'no check verifies it' : null) },
  {
    rule: 'unknown_checks',
    level: 'medium',
    fits: ({ checks }) => (checks === null ? 'which checks will verify it is not known' : null),
  },
  {
    rule: 'failed_before',
    level: 'medium',
    fits: ({ history: { orders, failed } }) =>
      failed >= FAILED_BEFORE
        ? `${failed} of the last ${orders} orders of the same files failed, or had an attempt that did`
        : null,
  },
]

/** By every rule that fits. */
export function riskOf(facts: RiskFacts): Risk {
  const reasons = RISK_RULES.flatMap(({ rule, level, fits }) => {
    const reason = fits(facts)
    return reason === null ? [] : [{ rule, level, reason }]
  }).toSorted((one, other) => RISK_LEVELS.indexOf(other.level) - RISK_LEVELS.indexOf(one.level))
  const [highest] = reasons
  return { level: highest === undefined ? 'low' : highest.level, reasons }
}

/** Whether rules approve an order alone, up to the risk that its project allows; null: its project allows none. */
export function isApprovedByRule({ level }: Risk, most: RiskLevel | null): boolean {
  return most !== null && isAtMost(level, most)
}

function more(others: readonly unknown[]): string {
  return others.length === 0 ? '' : `, and ${others.length} more are held`
}

/** In lower case. */
function wordsOf(text: string): string[] {
  return text.toLowerCase().split(/[^a-z0-9]+/)
}

/** Where one word of a name ends and another begins: `userLogin`, `JWTToken`, `oauth2`. */
const WITHIN_NAMES = /(?<=[a-z])(?=[A-Z\d])|(?<=[A-Z])(?=\d|[A-Z][a-z])|(?<=\d)(?=[A-Za-z])/

function sensitivePath(files: readonly string[]): string | null {
  for (const file of files) {
    const words = file.split(WITHIN_NAMES).flatMap(wordsOf)
    const word = words.find((each) => SENSITIVE_PATHS.has(each) || each.endsWith('auth'))
    if (word !== undefined) return `${file} names ${word}`
  }
  return null
}

function wider({ files_in_scope: files, changed_files: changed }: RiskFacts, most: number): string | null {
  if (files.length > most) return `it may change ${files.length} files or folders, more than ${most}`
  return changed.length > most ? `it changes ${changed.length} files, more than ${most}` : null
}

function namedFolder(files: readonly string[]): string | null {
  const folder = files.find((file) => file.endsWith('/'))
  return folder === undefined ? null : `it may change all of ${folder}`
}

function saidWord(
  { title, description, acceptance_criteria: criteria }: RiskFacts,
  words: ReadonlySet<string>,
): string | null {
  for (const text of [title, description, ...criteria]) {
    const said = wordsOf(text)
    const index = said.findIndex((word, at) => words.has(word) || words.has(`${word} ${said[at + 1]}`))
    const word = said[index]
    if (word !== undefined) return `its text says "${words.has(word) ? word : `${word} ${said[index + 1]}`}"`
  }
  return null
}
