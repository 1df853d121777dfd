import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { plainWords } from '../contract/plain-words.ts'
import { z } from '../contract/zod.ts'
import { Fault } from '../faults/fault.ts'
import { parseMooseYaml } from './moose-yaml.ts'

test('no file, an empty file and a file of comments ask for no checks', () => {
  for (const text of [null, '', '\n', '# nothing yet\n', '---\n', 'null', '{}', 'checks: []']) {
    assert.deepEqual(parseMooseYaml(text).checks, [], String(text))
  }
})

test('reads checks in their order, with every form of a timeout', () => {
  const { checks } = parseMooseYaml(`checks:
  - { name: test, run: npm test }
  - name: lint
    run: |
      npm run lint
    timeout: 90
    proves: [1, "It is linted"]
  - { name: a, run: a, timeout: 90s }
  - { name: b, run: b, timeout: "60m" }
  - { name: c, run: c, timeout: 0.5 }
`)
  assert.deepEqual(checks, [
    { name: 'test', run: 'npm test', timeoutMs: 600_000, proves: [], fix: null, report: null },
    { name: 'lint', run: 'npm run lint\n', timeoutMs: 90_000, proves: [1, 'It is linted'], fix: null, report: null },
    { name: 'a', run: 'a', timeoutMs: 90_000, proves: [], fix: null, report: null },
    { name: 'b', run: 'b', timeoutMs: 3_600_000, proves: [], fix: null, report: null },
    { name: 'c', run: 'c', timeoutMs: 500, proves: [], fix: null, report: null },
  ])
})

test('reads what is set up, kept, set and shown', () => {
  const config = parseMooseYaml(`setup: { run: npm ci, timeout: 20m }
cache: [node_modules, ~/.npm/]
env: { NODE_ENV: test, RETRIES: 3, FAST: true, EMPTY: "" }
network: { setup: [registry.example, "*.example.org:8443"] }
context: [docs/style.md]
repair: { max: 1 }
checks: [{ name: lint, run: npm run lint, fix: npm run format, report: out/lint.sarif }]
`)
  assert.deepEqual(config, {
    setup: { run: 'npm ci', timeoutMs: 1_200_000 },
    cache: ['node_modules', '~/.npm/'],
    env: { NODE_ENV: 'test', RETRIES: '3', FAST: 'true', EMPTY: '' },
    network: { setup: ['registry.example', '*.example.org:8443'], checks: [] },
    context: ['docs/style.md'],
    repair: { max: 1 },
    checks: [
      {
        name: 'lint',
        run: 'npm run lint',
        timeoutMs: 600_000,
        proves: [],
        fix: 'npm run format',
        report: 'out/lint.sarif',
      },
    ],
  })
  assert.deepEqual(parseMooseYaml('setup: npm ci').setup, { run: 'npm ci', timeoutMs: 600_000 })
  assert.deepEqual(parseMooseYaml('setup: [a, b]').setup, { run: 'a\nb', timeoutMs: 600_000 })
})

test('refuses a path that leads out of the repository, and a variable that Moose sets', () => {
  for (const outside of ['/etc', '../a', 'a/../../b', '.', '~', '~/..', './a', 'a//b', '.git/hooks', 'A/.GIT'])
    assert.throws(() => parseMooseYaml(`cache: ["${outside}"]`), /cache\[0\] is neither a path below/, outside)
  for (const name of ['HOME', 'PATH', 'TMPDIR', 'MOOSE_CHILD', '1A', 'A-B', 'A=B'])
    assert.throws(() => parseMooseYaml(`env: { "${name}": x }`), /env/, name)
})

const refused: readonly [name: string, text: string, line: number, told: RegExp][] = [
  [
    'an unknown key of a check',
    'checks:\n  - name: a\n    run: b\n    tiemout: 5\n',
    4,
    /checks\[0\]\.tiemout is not a known/,
  ],
  ['an unknown key of the file', '\nchecks: []\nscripts: {}\n', 3, /scripts is not a known/],
  ['a missing command', 'checks:\n  - name: a\n', 2, /checks\[0\]\.run is missing/],
  ['a command that is no text', 'checks:\n  - name: a\n    run: 5\n', 3, /checks\[0\]\.run is not a text/],
  [
    'a command with NUL',
    'checks:\n  - name: a\n    run: "b\\0"\n',
    3,
    /checks\[0\]\.run contains NUL or half a character/,
  ],
  ['half a character', 'checks:\n  - name: a\n    run: "b\\ud800"\n', 3, /checks\[0\]\.run contains NUL or half/],
  ['half a character in a name', 'checks:\n  - name: "\\udc00"\n    run: b\n', 2, /\.name contains NUL or half/],
  ['NUL in what a check proves', 'checks:\n  - {name: a, run: b, proves: ["\\0"]}\n', 2, /proves\[0\] /],
  ['an empty name', 'checks:\n  - name: " "\n    run: b\n', 2, /checks\[0\]\.name is empty/],
  [
    'a name used twice',
    'checks:\n  - {name: a, run: b}\n  - {name: a, run: c}\n',
    3,
    /checks\[1\]\.name "a" is used twice/,
  ],
  ['a key used twice', 'checks: []\nchecks: []\n', 2, /the key checks is there twice/],
  ['a timeout of zero', 'checks:\n  - name: a\n    run: b\n    timeout: 0\n', 4, /checks\[0\]\.timeout is not a time/],
  ['a timeout above an hour', 'checks:\n  - name: a\n    run: b\n    timeout: 61m\n', 4, /timeout is not a time/],
  ['a timeout in hours', 'checks:\n  - name: a\n    run: b\n    timeout: 1h\n', 4, /timeout is not a time/],
  ['a timeout that is no time', 'checks:\n  - name: a\n    run: b\n    timeout: [5]\n', 4, /timeout is neither/],
  ['a criterion number 0', 'checks:\n  - name: a\n    run: b\n    proves: [0]\n', 4, /proves\[0\] is neither/],
  ['proves without a list', 'checks:\n  - name: a\n    run: b\n    proves: 1\n', 4, /proves is not a list/],
  ['checks without a list', 'checks:\n  test: npm test\n', 2, /checks is not a list/],
  ['checks without anything', 'checks:\n', 1, /checks is not a list/],
  ['a check that is a text', 'checks:\n  - npm test\n', 2, /checks\[0\] is not a group/],
  ['a file that is a list', '- a\n', 1, /is not a group of setup, cache, env, network, context, repair and checks/],
  [
    'an unknown key of network',
    'network:\n  setp: []\n',
    2,
    /network\.setp is not a known field \(did you mean setup\?\)/,
  ],
  ['a network that is a list', 'network: [registry.example]\n', 1, /network is not a group of setup and checks/],
  ['a host that is a URL', 'network:\n  checks:\n    - https://a.example\n', 3, /network\.checks\[0\] is not a host: /],
  ['a host for everything', 'network: { setup: ["*"] }\n', 1, /network\.setup\[0\] is not a host: /],
  [
    'too many hosts',
    `network: { setup: [${'a.example,'.repeat(51)}] }\n`,
    1,
    /network\.setup has more than 50 entries/,
  ],
  ['broken YAML', 'checks:\n  - name: "a\n', 3, /a " is missing here or above/],
  ['an alias of nothing', 'checks: *x\n', 1, /names no anchor \(&name\) above it/],
  ['an alias of what stands below', 'env: { A: *x }\nchecks: [{ name: &x a, run: b }]\n', 1, /names no anchor/],
  ['an alias of itself', 'checks: &a [*a]\n', 1, /checks\[0\] is not a group/],
  ['a list that is not closed', 'cache: [a\n', 2, /a \] is missing here or above/],
  ['a group that is not closed', 'env: {A: b\n', 2, /a } is missing here or above/],
  [
    'a setup that aliases make longer than a program takes',
    `env: { A: &a "${'x'.repeat(9_000)}" }\nsetup:\n- *a\n${'- *a\n'.repeat(15)}`,
    3,
    /setup.* has more than 100000 bytes together/,
  ],
  ['two colons in a line', 'setup: echo a: b\n', 1, /a second ": " stands in one line; put the text in quotes/],
  ['a tab', 'checks:\n\t- name: a\n', 2, /a tab indents/],
  ['two documents', '---\nchecks: []\n---\nchecks: []\n', 3, /a second document begins here/],
  ['a text that begins with @', 'setup: @a\n', 1, /a text cannot begin with this character/],
  ['an escape that is none', 'setup: "\\q"\n', 1, /no such escape in a text in double quotes/],
  ['a line without a colon', 'setup\nchecks: []\n', 1, /a key has to stand on one line, with its colon/],
  ['a line too deep', 'checks:\n- name: a\n  run: b\n   timeout: 5m\n', 3, /a second ": "/],
  [
    'an unknown key of set-up',
    'setup:\n  run: a\n  tiemout: 5m\n',
    3,
    /setup\.tiemout is not a known field \(did you mean timeout\?\)/,
  ],
  [
    'an unknown key above its value',
    'checks: []\npipeline:\n\n  - a\n',
    2,
    /pipeline is not a known field \(known are setup, cache, env, network, context, repair, checks\)/,
  ],
  ['a key in the wrong case', 'Checks: []\n', 1, /did you mean checks\?/],
  ['set-up that is a number', 'setup: 5\n', 1, /setup is neither a command, nor a list of commands, nor a group/],
  ['set-up with an entry that is none', 'setup:\n  - a\n  - 5\n', 3, /setup\[1\] is not a text/],
  ['set-up without commands', 'setup: []\n', 1, /setup is an empty list/],
  ['a variable of ours', 'env:\n  A: b\n  HOME: c\n', 3, /env\.HOME is set by Moose/],
  ['a name of no variable', 'env: { a-b: c }\n', 1, /env\.a-b is not the name of a variable/],
  ['a variable that is a list', 'env:\n  A: [b]\n', 2, /env\.A is not a text/],
]

for (const [name, text, line, told] of refused) {
  test(`refuses ${name}`, () => {
    assert.throws(
      () => parseMooseYaml(text),
      (error) => {
        assert.ok(error instanceof Fault && error.code === 'checks_invalid', String(error))
        assert.match(error.message, told)
        assert.equal(error.details['line'], line, error.message)
        return true
      },
    )
  })
}

test('every problem is told at once', () => {
  const text = 'checks:\n  - {name: a}\n  - {run: b}\n'
  assert.throws(() => parseMooseYaml(text), /:2: checks\[0\]\.run .*\nmoose\.yaml:3: checks\[1\]\.name/)
  assert.throws(() => parseMooseYaml('a: "x" y\nb: c: d\n'), /moose\.yaml:1: .*\nmoose\.yaml:2: a second ": "/)
})

test('what the parser says in its own words reaches nobody', () => {
  const own =
    /must be|parseAllDocuments|call stack|Unexpected|implicit|Flow |Nested|Unresolved|indicator|Invalid input/i
  const broken = [
    'a: b: c',
    '- a\nb',
    '? [',
    '%x',
    '&a &b c',
    '!a !b c',
    '"a" "b"',
    '[a]]',
    '{a',
    '|x',
    '>9\n a',
    '*',
    '- - -\n -',
  ]
  for (const text of [...broken, ...broken.map((part) => `checks:\n  ${part}`)])
    assert.throws(
      () => parseMooseYaml(text),
      (error) => error instanceof Fault && error.code === 'checks_invalid' && !own.test(error.message),
      text,
    )
})

test('a file that multiplies itself is refused', () => {
  const levels = Array.from({ length: 20 }, (_, level) => `a${level + 1}: &a${level + 1} [${`*a${level},`.repeat(9)}]`)
  assert.throws(() => parseMooseYaml(`a0: &a0 x\n${levels.join('\n')}\n`), /checks_invalid|alias|not valid/)
})

test('of many problems the first 20 are told, and how many more there are', () => {
  const keys = Array.from({ length: 5_000 }, (_, index) => `k${index}: 1`).join('\n')
  assert.throws(
    () => parseMooseYaml(keys),
    (error) => {
      assert.ok(error instanceof Fault)
      assert.match(
        error.message,
        /moose\.yaml:1: k0 is not a known field .*\n[^]*moose\.yaml:20: k19 is .*\nand 4980 more\nCorrect/,
      )
      assert.match(String(error.details['problems']), /^moose\.yaml:1: k0 is .*\n(?:.*\n){19}and 4980 more$/)
      return !error.message.includes('k20 ')
    },
  )
})

test('a file of more than 64 KiB is refused by its size, whatever is in it', () => {
  const of = (bytes: number) => `#${'x'.repeat(bytes - 3)}é`
  assert.deepEqual(parseMooseYaml(of(65_536)).checks, [])
  assert.throws(() => parseMooseYaml(of(65_537)), /it has 65537 bytes, and at most 65536 are read\nCorrect it/)
})

test('a file that is nested too deep for the parser is refused as such', () => {
  for (const part of ['[', '- ', '{a: '])
    assert.throws(() => parseMooseYaml(part.repeat(5_000)), /it is nested too deep\nCorrect it/)
})

test('a parser never warns past the log', async () => {
  const warnings: Error[] = []
  const note = (warning: Error) => warnings.push(warning)
  process.on('warning', note)
  assert.throws(() => parseMooseYaml('? [a]\n: b\n'))
  await new Promise(setImmediate)
  process.off('warning', note)
  assert.deepEqual(warnings, [])
})

test('no text at all does more than be refused', () => {
  const word = fc.constantFrom(
    'checks:',
    ' - name: ',
    'run: ',
    '\n',
    '&a ',
    '*a',
    '{',
    '}',
    '[',
    '"',
    '1',
    'timeout: ',
    ': ',
    '|',
    '\t',
    '<<: ',
  )
  fc.assert(
    fc.property(fc.array(word, { maxLength: 15 }), (words) => {
      try {
        parseMooseYaml(words.join(''))
      } catch (error) {
        assert.ok(error instanceof Fault && error.code === 'checks_invalid', String(error))
      }
    }),
    { numRuns: 2_000 },
  )
})

test('the keys there are stand once, also where the words of the API are set for the process', () => {
  z.config({ customError: plainWords })
  try {
    assert.throws(() => parseMooseYaml('pipeline: 1\n'), /:1: pipeline is not a known field \(known are [^)]*\)$/m)
  } finally {
    z.config({ customError: undefined })
  }
})
