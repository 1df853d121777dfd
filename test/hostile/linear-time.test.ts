/** Cases of texts that are made to take long: each takes a plain pattern or a plain loop more than linear time, and ours does not. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { SaxesParser } from 'saxes'
import { junitFailures } from '../../src/checks/excerpt/report/junit.ts'
import { parseMooseYaml } from '../../src/checks/moose-yaml.ts'
import { parseEdits } from '../../src/edits/parse-edits.ts'
import { refuseForeignPath } from '../../src/executors/aider/foreign-path.ts'
import { withoutCredentials } from '../../src/git/repository-url.ts'
import { plainText } from '../../src/redaction/plain-text.ts'
import { assertLinear, orFault, repeated } from '../support/growth.ts'

const MOST = 500_000

const unknownKeys = (size: number) => Array.from({ length: size / 10 }, (_, index) => `${index + 1e6}: 1\n`).join('')

const CASES: Record<
  string,
  { make: (size: number) => string; naive: (text: string) => unknown; ours: (text: string) => unknown }
> = {
  'S2: a moose.yaml of unknown keys': {
    make: unknownKeys,
    naive: (text) => text.split('\n').filter((key, index, all) => all.indexOf(key) !== index),
    ours: (text) => orFault(() => parseMooseYaml(text)),
  },
  'S3: escape sequences that never end': {
    make: repeated('\u001b]'),
    // biome-ignore lint/suspicious/noControlCharactersInRegex: exactly these are looked for
    naive: (text) => text.replace(/\u001b\][^\u0007]*\u0007/g, ''),
    ours: plainText,
  },
  'S4: what a hook prints where a URL is looked for': {
    make: repeated('a'),
    naive: (text) => text.replace(/[a-z][a-z0-9+.-]*:\/\/[^@]*@/g, ''),
    ours: withoutCredentials,
  },
  'S5: an answer with a rename that never ends': {
    make: (size) => `# w ${'a -> '.repeat(size / 5)}\u2028x`,
    naive: (text) => /^# (.*) -> (.*)$/.exec(text),
    ours: (text) => orFault(() => parseEdits(text)),
  },
  'S6: a path that is followed by blanks without end': {
    make: (size) => `x${' '.repeat(size)}x\n<<<<<<< SEARCH\n`,
    naive: (text) => text.replace(/[\s`*:]+$/, ''),
    ours: refuseForeignPath,
  },
}

for (const [name, { make, naive, ours }] of Object.entries(CASES))
  test(`${name} takes a plain reading quadratic time, and linear time here`, async () => {
    await assert.rejects(assertLinear(make, naive, MOST), /not linear/)
    await assertLinear(make, ours, MOST)
  })

test('S2: a moose.yaml of 389 kB is refused by its size', () => {
  assert.throws(() => parseMooseYaml(unknownKeys(389_000)), { code: 'checks_invalid' })
})

test('S21: a report whose elements never end holds a plain reader for long, and is read no further here', () => {
  const report = '<a>'.repeat(300_000)
  const plain = cpuMs(() => {
    const errors: Error[] = []
    const parser = new SaxesParser()
    parser.on('error', (error) => errors.push(error))
    parser.write(report).close()
    assert.equal(errors.length, 300_000)
  })
  const ours = cpuMs(() => assert.match(String(junitFailures(report).problem), /nested more than 100 deep/))
  assert.ok(ours * 10 < plain, `${ours} and ${plain} ms`)
})

function cpuMs(run: () => void): number {
  const before = process.threadCpuUsage()
  run()
  const { user, system } = process.threadCpuUsage(before)
  return (user + system) / 1_000
}
