import assert from 'node:assert/strict'
import { test } from 'node:test'
import { withoutQuotations } from './quoted-request.ts'
import { readTrouble } from './read-trouble.ts'

const ORDER = 'Show the credit balance on the billing page, and say that daily statements are deactivated.'
const asked = (text: string) =>
  JSON.stringify({ model: 'm', messages: [{ role: 'user', content: `Work Order:\n${text}` }] })

const told = (status: number, body: unknown, order: string) =>
  readTrouble(
    { status, headers: {}, body: JSON.stringify(body), request: order === '' ? '' : asked(order), offersTools: false },
    new Date(0),
  ).problem

const QUOTING: readonly (readonly [what: string, status: number, body: unknown])[] = [
  ['a whole sentence', 403, { error: { message: `Blocked by the guard: ${ORDER}` } }],
  ['the beginning of it', 403, { error: { message: `Request refused. Prompt began "${ORDER.slice(0, 40)}"` } }],
  ['a word between quotes', 403, { error: 'Forbidden: the phrase "credit balance" is on the list' }],
  ['in other case and spacing', 403, { error: { message: `REFUSED: ${ORDER.toUpperCase().replaceAll(' ', '  ')}` } }],
  ['nothing but the order', 403, { error: { message: ORDER } }],
]
for (const [what, status, body] of QUOTING) {
  test(`a refusal that quotes of the order ${what} says nothing of the account`, () => {
    assert.ok(['account', 'quota', 'key'].includes(told(status, body, '')), 'where the request is not known')
    assert.equal(told(status, body, ORDER), 'content')
  })
}

test('what a provider says in its own words, or in a code, counts as before', () => {
  const low = { error: { message: 'Your team has used all of its credits. Add billing at the console.' } }
  assert.equal(told(403, low, ORDER), 'account')
  assert.equal(told(403, { error: { code: 'insufficient_quota', message: ORDER } }, ORDER), 'account')
  assert.equal(told(402, { error: { message: ORDER } }, ORDER), 'account')
  assert.equal(told(401, { error: { message: ORDER } }, ORDER), 'key')
  assert.equal(told(403, { error: { code: 'invalid_api_key', message: ORDER } }, ORDER), 'key')
  assert.equal(told(403, { error: { message: 'Forbidden' } }, ORDER), 'key')
  assert.equal(told(429, { error: { message: `Too many requests for: ${ORDER}` } }, ORDER), 'busy')
})

test('a quotation is cut out, and the rest stays', () => {
  assert.deepEqual(
    withoutQuotations('No: one two three four five six, and no credit', asked('One two, three four five six')),
    {
      own: 'No: … … … … … …, and no credit',
      quotes: true,
    },
  )
  assert.deepEqual(withoutQuotations('no credit', asked('credit')), { own: 'no credit', quotes: false })
  assert.deepEqual(withoutQuotations('no "credit"', ''), { own: 'no "credit"', quotes: false })
})

test('the end of a quotation that is longer than is looked at counts for nothing', () => {
  const long = `${'Plain words of a long order. '.repeat(400)}${ORDER}`
  const body = { error: { message: `Blocked by the guard: ${long}` } }
  assert.equal(told(403, body, ''), 'quota')
  assert.equal(told(403, body, long), 'content')
})
