import assert from 'node:assert/strict'
import { test } from 'node:test'
import { isApprovedByRule, RISK_RULES, type RiskFacts, riskOf } from './risk-rules.ts'

const PLAIN: RiskFacts = {
  title: 'Greet in French',
  description: 'Add French to the greetings.',
  acceptance_criteria: ["greet('fr') says Bonjour"],
  files_in_scope: ['src/greet.js'],
  changed_files: [],
  risk_level: 'low',
  hidden_text: [],
  protected_scope: [],
  checks: 2,
  history: { orders: 0, failed: 0 },
}
const files = (count: number) => Array.from({ length: count }, (_, index) => `src/file-${index}.js`)

/** What fits each rule and no other, and what it says. */
const CASES: Readonly<Record<string, { facts: Partial<RiskFacts>; level: string; says: string }>> = {
  stated_high: { facts: { risk_level: 'high' }, level: 'high', says: 'it is filed as high risk' },
  stated_medium: { facts: { risk_level: 'medium' }, level: 'medium', says: 'it is filed as medium risk' },
  held_files: {
    facts: { protected_scope: [{ path: 'package-lock.json', why: 'a lock file' }] },
    level: 'high',
    says: 'package-lock.json is a lock file',
  },
  sensitive_paths: {
    facts: { files_in_scope: ['src/userLogin.ts'] },
    level: 'high',
    says: 'src/userLogin.ts names login',
  },
  very_wide_scope: {
    facts: { files_in_scope: files(41) },
    level: 'high',
    says: 'it may change 41 files or folders, more than 40',
  },
  wide_scope: {
    facts: { files_in_scope: files(11) },
    level: 'medium',
    says: 'it may change 11 files or folders, more than 10',
  },
  folder_scope: { facts: { files_in_scope: ['src/'] }, level: 'medium', says: 'it may change all of src/' },
  high_words: {
    facts: { description: 'This is a Breaking\nchange of the output.' },
    level: 'high',
    says: 'its text says "breaking change"',
  },
  medium_words: { facts: { title: 'Refactor greet' }, level: 'medium', says: 'its text says "refactor"' },
  hidden_text: { facts: { hidden_text: [{}] }, level: 'high', says: 'its text holds what a reader does not see' },
  no_criteria: { facts: { acceptance_criteria: [] }, level: 'medium', says: 'no criterion says when it is done' },
  unverified: { facts: { checks: 0 }, level: 'high', says: 'no check verifies it' },
  unknown_checks: {
    facts: { checks: null },
    level: 'medium',
    says: 'which checks will verify it is not known',
  },
  failed_before: {
    facts: { history: { orders: 5, failed: 2 } },
    level: 'medium',
    says: '2 of the last 5 orders of the same files failed, or had an attempt that did',
  },
}

test('an order that no rule fits is of low risk', () => {
  assert.deepEqual(riskOf(PLAIN), { level: 'low', reasons: [] })
})

for (const { rule } of RISK_RULES) {
  test(`the rule ${rule} fits what it is for, alone, and says why`, () => {
    const given = CASES[rule]
    assert.ok(given !== undefined, 'every rule has a case')
    const { facts, level, says } = given
    assert.deepEqual(riskOf({ ...PLAIN, ...facts }), { level, reasons: [{ rule, level, reason: says }] })
  })
}

test('of several rules the highest counts and is named first', () => {
  const { level, reasons } = riskOf({ ...PLAIN, title: 'Refactor the password form' })
  assert.deepEqual([level, reasons.map(({ rule }) => rule)], ['high', ['high_words', 'medium_words']])
})

test('what was changed counts beside the scope: its paths, and how many files there are', () => {
  const said = (facts: Partial<RiskFacts>) =>
    riskOf({ ...PLAIN, files_in_scope: ['src/'], ...facts }).reasons.map(({ level, reason }) => `${level} ${reason}`)
  const folder = 'medium it may change all of src/'
  assert.deepEqual(said({ changed_files: ['src/greet.js'] }), [folder])
  assert.deepEqual(said({ changed_files: ['src/auth/in.js'] }), ['high src/auth/in.js names auth', folder])
  assert.deepEqual(said({ changed_files: files(11) }), ['medium it changes 11 files, more than 10', folder])
  assert.deepEqual(said({ changed_files: files(41) }), ['high it changes 41 files, more than 40', folder])
  assert.deepEqual(said({ changed_files: files(11), files_in_scope: files(41) }), [
    'high it may change 41 files or folders, more than 40',
  ])
})

test('words of a path are seen however they are joined', () => {
  const said = (path: string) => riskOf({ ...PLAIN, files_in_scope: [path] }).reasons.map(({ reason }) => reason)
  for (const [path, word] of [
    ['src/DBMigration.js', 'migration'],
    ['src/JWTToken.js', 'jwt'],
    ['src/SSOLogin.js', 'sso'],
    ['src/userLogin.js', 'login'],
    ['src/oauth2.js', 'oauth'],
    ['src/authn.js', 'authn'],
    ['src/userauth.js', 'userauth'],
  ])
    assert.deepEqual(said(String(path)), [`${path} names ${word}`])
  for (const path of ['src/authors.js', 'src/Tokenizer.js', 'src/secretary.js']) assert.deepEqual(said(path), [])
})

test('a word within another is none', () => {
  const description = 'Authors, tokenless and secretary; the cache of passwordless users.'
  assert.deepEqual(riskOf({ ...PLAIN, description }).reasons, [])
})

test('nothing is approved by rule unless the operator allowed it, and then up to that risk', () => {
  const low = riskOf(PLAIN)
  const medium = riskOf({ ...PLAIN, checks: null })
  assert.deepEqual(
    [null, 'low', 'medium', 'high'].flatMap((most) =>
      most === null || most === 'low' || most === 'medium' || most === 'high'
        ? [[isApprovedByRule(low, most), isApprovedByRule(medium, most)]]
        : [],
    ),
    [
      [false, false],
      [true, false],
      [true, true],
      [true, true],
    ],
  )
})

test('text of any length is looked at in time that grows with it', () => {
  const long = 'a'.repeat(2_000_000)
  assert.equal(riskOf({ ...PLAIN, description: `${long} ${'breaking '.repeat(100_000)}` }).level, 'low')
})
