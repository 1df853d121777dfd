/**
 * Every function that is given text of a model, a repository, a check, a hook, a provider or a work order, on the text
 * that should take it longest. Patterns are also looked at one by one, by `patterns.test.ts`.
 */
import { test } from 'node:test'
import { OutputTail } from '../../src/checks/output-tail.ts'
import { Fault } from '../../src/errors.ts'
import { whatGitSaid } from '../../src/git/git.ts'
import { parseRepositoryUrl, withoutCredentials } from '../../src/git/repository-url.ts'
import { BoundedOutput } from '../../src/process/bounded-output.ts'
import { plainText } from '../../src/process/plain-text.ts'
import { assertLinear } from '../support/growth.ts'

/** Characters of the longest input: more than any of these functions is given, unless it says otherwise. */
const MOST = 2_000_000

/** A refusal is an answer too. */
function orFault(run: () => unknown): unknown {
  try {
    return run()
  } catch (error) {
    if (error instanceof Fault) return error
    throw error
  }
}

const repeated = (part: string) => (size: number) => part.repeat(Math.ceil(size / part.length))

test('escape sequences', async (t) => {
  for (const part of ['\u001b]', '\u001b[', '\u001b]8;;x', '\u001b[1;', '\u009b', '\u001b]\u0007'])
    await t.test(JSON.stringify(part), () => assertLinear(repeated(part), plainText, MOST))
})

test('the output of a check, one character at a time', () =>
  assertLinear(
    repeated('a'),
    (text) => {
      const tail = new OutputTail()
      for (const character of text) tail.add(character)
      tail.read(16_384)
    },
    MOST,
  ))

test('credentials in URLs', async (t) => {
  for (const part of ['a', 'a://', 'a://b', '://', '@', 'a://@'])
    await t.test(part, () => assertLinear(repeated(part), withoutCredentials, MOST))
})

test('what git has said', () =>
  assertLinear(
    repeated('a'),
    (text) => {
      const stderr = new BoundedOutput(MOST, 'ends')
      stderr.write(Buffer.from(text))
      whatGitSaid({ exitCode: 1, endedBy: null, stdout: new BoundedOutput(0, 'ends'), stderr, durationMs: 0 })
    },
    MOST,
  ))

test('the address of a repository', () =>
  assertLinear(repeated('x://'), (text) => orFault(() => parseRepositoryUrl(text)), MOST))
