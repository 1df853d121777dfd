/**
 * Answers as models write them, in test/fixtures/answers/: each file is an order with its files before and after, and
 * answers to it. Those that are right must be applied; those that are wrong must be refused, or end in the same files.
 */
import assert from 'node:assert/strict'
import { readdirSync, readFileSync } from 'node:fs'
import { test } from 'node:test'
import { type Files, outcomeOf } from '../../test/support/edit-outcome.ts'

const FOLDER = new URL('../../test/fixtures/answers/', import.meta.url)

type Answer = { kind: string; name: string; text: string }
type Order = { files: Files; scope: readonly string[]; after: Record<string, string | null>; answers: Answer[] }

/** Parts begin with `@@@@ kind name`; in an answer a line `{{kind name}}`, or `{{name}}` of a `part`, stands for one. */
function orderIn(file: string): Order {
  const text = readFileSync(new URL(file, FOLDER), 'utf8')
  const parts = text
    .split(/^@@@@ /m)
    .slice(1)
    .map((part): Answer => {
      const [head = ''] = part.split('\n', 1)
      const [kind = '', ...name] = head.split(' ')
      return { kind, name: name.join(' '), text: part.slice(head.length + 1) }
    })
  const of = (...kinds: string[]) => parts.filter(({ kind }) => kinds.includes(kind))
  const textsOf = (...kinds: string[]) => Object.fromEntries(of(...kinds).map((part) => [part.name, part.text]))
  const byName = new Map(
    parts.map((part) => [part.kind === 'part' ? part.name : `${part.kind} ${part.name}`, part.text]),
  )
  const filled = (answer: string): string =>
    answer.replace(/^( *)\{\{(.*)\}\}\n/gm, (_, indent: string, name: string) =>
      filled(byName.get(name) ?? assert.fail(`${file}: no part ${name}`)).replace(/^(?=.)/gm, indent),
    )
  const gone = Object.fromEntries(of('gone').map(({ name }) => [name, null]))
  return {
    files: textsOf('before', 'base'),
    scope:
      of('scope').length > 0
        ? of('scope').map(({ name }) => name)
        : [...new Set(of('before', 'after').map(({ name }) => name))],
    after: { ...textsOf('after'), ...gone },
    answers: of('right', 'wrong').map((answer) => ({ ...answer, text: filled(answer.text) })),
  }
}

for (const file of readdirSync(FOLDER)) {
  const { files, scope, after, answers } = orderIn(file)
  for (const { kind, name, text } of answers)
    test(`${kind === 'right' ? 'a right answer is applied' : 'a wrong answer is refused, or right'}: ${file}: ${name}`, async () => {
      const outcome = await outcomeOf(files, text, scope)
      if (kind === 'right' || typeof outcome !== 'string') assert.deepEqual(outcome, after)
    })
}
