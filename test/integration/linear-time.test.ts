/**
 * Every function that is given text of a model, a repository, a check, a hook, a provider or a work order, on the text
 * that should take it longest.
 */
import { test } from 'node:test'
import { OutputTail } from '../../src/checks/output-tail.ts'
import { plainText } from '../../src/process/plain-text.ts'
import { assertLinear } from '../support/growth.ts'

/** Characters of the longest input: more than any of these functions is given, unless it says otherwise. */
const MOST = 2_000_000

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
