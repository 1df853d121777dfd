import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { answerIn, keptAnswer, requestKey } from './remembered-answers.ts'

const proposer = { provider: 'openai', model: 'gpt-small', baseUrl: null } as const

const keyOf = (content: string) =>
  requestKey({ proposer, maxOutputTokens: 100, messages: [{ role: 'system', content }] })
const asked = (environment: string) => keyOf(`Act as an expert software developer.\n${environment}\nReply in English.`)

test('what Aider says of its machine and of the day is no part of the question', () => {
  const here = '- Platform: Linux-6.1.0-x86_64-with-glibc2.36\n- Shell: SHELL=None\n- Language: English'
  const there = '- Platform: Linux-5.15.0-aarch64-with-glibc2.31\n- Shell: SHELL=/bin/sh'
  const key = asked(`${here}\n- Current date: 2026-11-23`)
  assert.equal(asked(`${there}\n- Current date: 2026-11-24`), key)
  assert.equal(asked('- Platform information unavailable\n- Shell: SHELL=None\n- Current date: 2026-11-23'), key)
})

test('the same words elsewhere, in a file of the project, are part of the question', () => {
  for (const line of ['- Platform: ', '- Language: ', '- Current date: ']) {
    assert.notEqual(keyOf(`# Notes\n${line}one\n`), keyOf(`# Notes\n${line}other\n`))
  }
  assert.notEqual(asked('one'), asked('other'))
})

test('an answer comes back as it was, whatever it holds, and as UTF-8 wherever it can be', () => {
  fc.assert(
    fc.property(
      fc.string({ unit: fc.integer({ min: 0, max: 0xffff }).map((unit) => String.fromCharCode(unit)) }),
      (text) => {
        assert.equal(answerIn(keptAnswer(text)), text)
        if (text.isWellFormed()) assert.deepEqual(keptAnswer(text), Buffer.from(text))
      },
    ),
  )
  for (const text of ['', '\ufeffa', '\0', '\ud800', 'ÿþ']) assert.equal(answerIn(keptAnswer(text)), text)
})
