import assert from 'node:assert/strict'
import { test } from 'node:test'
import { githubFault, isRefusal } from './github-api.ts'

const DATE = new Date(1_000_000_000).toUTCString()
const LIMIT = { message: 'You have exceeded a secondary rate limit.' }
const REQUEST = { host: 'github.com', method: 'GET', path: 'repos/o/r' } as const

function answered(status: number, headers: Record<string, string>, body: unknown) {
  const told = new Map(Object.entries({ date: DATE, ...headers }))
  return { status, headers: told, body, text: JSON.stringify(body), isCut: false, shown: (text: string) => text }
}

/** How long GitHub is left alone after an answer, in s. */
const PAUSES: readonly (readonly [string, ReturnType<typeof answered>, number])[] = [
  ['Retry-After says', answered(403, { 'retry-after': '17' }, LIMIT), 17],
  ['nothing says: a minute', answered(429, {}, null), 60],
  [
    'the limit is used up: until it begins anew',
    answered(403, { 'x-ratelimit-remaining': '0', 'x-ratelimit-reset': '1000600' }, LIMIT),
    600,
  ],
  [
    'some is left, so the secondary limit is meant: a minute, not until the limit begins anew',
    answered(403, { 'x-ratelimit-remaining': '4000', 'x-ratelimit-reset': '1003000' }, LIMIT),
    60,
  ],
  ['the time named has passed', answered(403, { 'x-ratelimit-remaining': '0', 'x-ratelimit-reset': '999' }, LIMIT), 1],
  ['no more than an hour is believed', answered(429, { 'retry-after': '99999999' }, null), 3600],
  [
    'no more than an hour is believed of a reset either',
    answered(403, { 'x-ratelimit-remaining': '0', 'x-ratelimit-reset': '99999999999' }, LIMIT),
    3600,
  ],
  ['GraphQL says so with 200', answered(200, {}, { data: null, errors: [{ type: 'RATE_LIMITED', ...LIMIT }] }), 60],
]
for (const [when, answer, seconds] of PAUSES) {
  test(`a limit: ${when}`, () => {
    const fault = githubFault(REQUEST, answer)
    assert.deepEqual([fault.code, fault.details['retryAfterS']], ['github_rate_limited', seconds])
    assert.match(fault.message, new RegExp(`Try again in ${seconds} s\\.$`))
  })
}

test('an answer of GraphQL without data is a refusal, one with some data is none', () => {
  const errors = [{ type: 'FORBIDDEN', message: 'Resource not accessible by personal access token' }]
  assert.equal(isRefusal(answered(200, {}, { data: null, errors })), true)
  assert.equal(isRefusal(answered(200, {}, { errors })), true)
  assert.equal(isRefusal(answered(200, {}, { data: { nodes: [null] }, errors })), false)
  assert.equal(isRefusal(answered(200, {}, [])), false)
  assert.equal(isRefusal(answered(404, {}, null)), true)
  const fault = githubFault(REQUEST, answered(200, {}, { data: null, errors }))
  assert.equal(fault.code, 'github_failed')
  assert.match(fault.message, /Resource not accessible/)
})
