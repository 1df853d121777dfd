import assert from 'node:assert/strict'
import { test } from 'node:test'
import {
  learn,
  type Manner,
  mannerOf,
  otherManner,
  type Shape,
  shapeBody,
  shapeHeaders,
  shapeUrl,
  withoutQuery,
} from './shape-request.ts'

const shape: Shape = {
  provider: 'openai-compatible',
  model: 'm',
  baseUrl: 'https://models.example/v1',
  outputLimitParameter: null,
  extraHeaders: {},
  extraBody: {},
}
const USUAL: Manner = { limit: 'max_tokens', without: 'nothing' }
const AZURE = 'https://acme.openai.azure.com/openai/deployments/d?api-version=2024-10-21'

test('the query of a base URL stays at the end of the URL that is called', () => {
  assert.equal(withoutQuery(`${AZURE}#x`), 'https://acme.openai.azure.com/openai/deployments/d')
  assert.equal(withoutQuery('https://models.example/v1/'), 'https://models.example/v1')
  for (const call of ['chat/completions', 'chat/completions/?a=b', 'responses', 'messages#x'])
    assert.equal(withoutQuery(`https://models.example/v1/${call}`), 'https://models.example/v1', call)
  assert.equal(withoutQuery('https://models.example/messages.v1'), 'https://models.example/messages.v1')
  const called = (url: string, baseUrl: string | null) => shapeUrl(new URL(url), { ...shape, baseUrl }).href
  const path = 'https://acme.openai.azure.com/openai/deployments/d/chat/completions'
  assert.equal(called(path, AZURE), `${path}?api-version=2024-10-21`)
  assert.equal(
    called('https://g.example/m:stream?alt=sse', 'https://g.example?k=v'),
    'https://g.example/m:stream?alt=sse&k=v',
  )
  assert.equal(called(path, null), path)
})

test('a row adds headers; Azure gets the key in a header of its own too, and nobody else', () => {
  const sent = (url: string, extraHeaders = {}) =>
    Object.fromEntries(
      shapeHeaders(new URL(url), new Headers({ authorization: 'Bearer k' }), { ...shape, extraHeaders }),
    )
  assert.deepEqual(sent('https://models.example/v1', { 'HTTP-Referer': 'https://a.example' }), {
    authorization: 'Bearer k',
    'http-referer': 'https://a.example',
  })
  assert.equal(sent(AZURE)['api-key'], 'k')
  assert.equal(sent('https://openai.azure.com.evil.example/')['api-key'], undefined)
})

test('a row adds fields to the body and takes some out, but cannot change what was asked or how long the answer may be', () => {
  const body = { model: 'm', messages: [], max_tokens: 1_000, stream: true, stream_options: { include_usage: true } }
  const extraBody = {
    model: 'dear',
    messages: ['x'],
    n: 9,
    max_tokens: 1e6,
    max_completion_tokens: 1e6,
    max_output_tokens: 1e6,
    stream: false,
    stream_options: null,
    reasoning_effort: 'low',
  }
  const shaped = { model: 'm', messages: [], stream: true, reasoning_effort: 'low' }
  assert.deepEqual(shapeBody(body, { ...shape, extraBody }, USUAL), { ...shaped, max_tokens: 1_000 })
  assert.deepEqual(shapeBody(body, { ...shape, extraBody }, { ...USUAL, limit: 'max_completion_tokens' }), {
    ...shaped,
    max_completion_tokens: 1_000,
  })
  const google = { contents: [], generationConfig: { maxOutputTokens: 1_000 } }
  const wish = { generationConfig: { maxOutputTokens: 9e9, candidateCount: 8, temperature: 0 } }
  assert.deepEqual(shapeBody(google, { ...shape, extraBody: wish }, { ...USUAL, limit: null }), {
    contents: [],
    generationConfig: { maxOutputTokens: 1_000, candidateCount: 1, temperature: 0 },
  })
})

test('the limit has the name the row states, else the one learnt, else the one known', () => {
  const nameOf = (changed: Partial<Shape>, learnt = new Map<string, string>()) =>
    mannerOf({ ...shape, ...changed }, learnt).limit
  assert.equal(nameOf({}), 'max_tokens')
  for (const model of [
    'o1',
    'o3-mini',
    'o4-mini-2025-04-16',
    'gpt-5',
    'gpt-5.1-codex',
    'openai/gpt-5-mini',
    'gpt-10',
  ]) {
    assert.equal(nameOf({ model }), 'max_completion_tokens', model)
  }
  for (const model of ['gpt-4o', 'olmo', 'o1ympic', 'acme-o1', 'gpt-oss', 'llama']) {
    assert.equal(nameOf({ model }), 'max_tokens', model)
  }
  assert.equal(nameOf({ baseUrl: AZURE }), 'max_completion_tokens')
  assert.equal(nameOf({ baseUrl: 'https://api.openai.com/v1' }), 'max_completion_tokens')
  const learnt = new Map([['https://models.example/v1 m', 'max_completion_tokens']])
  assert.equal(nameOf({}, learnt), 'max_completion_tokens')
  assert.equal(nameOf({ model: 'other' }, learnt), 'max_tokens')
  assert.equal(nameOf({ outputLimitParameter: 'max_new_tokens' }, learnt), 'max_new_tokens')
  assert.equal(nameOf({ provider: 'anthropic' }), null)
})

test('what a server has taught is known from then on, also of a provider at its own address', () => {
  const rows: Shape[] = [
    shape,
    { ...shape, provider: 'anthropic', baseUrl: null },
    { ...shape, provider: 'openai', baseUrl: null },
    { ...shape, provider: 'google', baseUrl: null },
  ]
  for (const row of rows) {
    const limit = row.baseUrl === null ? null : 'max_tokens'
    const learnt = new Map<string, string>()
    assert.deepEqual(mannerOf(row, learnt), { limit, without: 'nothing' }, row.provider)
    learn(learnt, row, { limit, without: 'stream' })
    assert.deepEqual(mannerOf(row, learnt), { limit, without: 'stream' }, row.provider)
    for (const other of [
      { ...row, baseUrl: 'https://other.example/v1' },
      { ...row, model: 'other' },
    ])
      assert.deepEqual(mannerOf(other, learnt), { limit, without: 'nothing' }, row.provider)
  }
  const learnt = new Map<string, string>()
  learn(learnt, { ...shape, provider: 'openai', baseUrl: null }, { limit: null, without: 'stream' })
  assert.equal(mannerOf({ ...shape, provider: 'google', baseUrl: null }, learnt).without, 'nothing')
})

test('only a refusal of the name is answered with the other name', () => {
  const other = (error: object | string, changed: Partial<Shape> = {}, status = 400) => {
    const body = typeof error === 'string' ? error : JSON.stringify({ error })
    const found = otherManner({ ...shape, ...changed }, USUAL, { status, body })
    return found === null ? null : found.limit
  }
  const said =
    "Unsupported parameter: 'max_tokens' is not supported with this model. Use 'max_completion_tokens' instead."
  const newer = 'max_completion_tokens'
  assert.equal(other({ message: said, param: 'max_tokens', code: 'unsupported_parameter' }), newer)
  assert.equal(other({ message: 'Unrecognized request argument supplied: max_tokens' }), newer)
  assert.equal(other('{"detail":"max_tokens: Extra inputs are not permitted"}'), newer)
  assert.equal(other({ message: 'max_tokens is too large: 16000', param: 'max_tokens', code: 'invalid_value' }), null)
  assert.equal(other({ message: said }, { outputLimitParameter: 'max_tokens' }), null, 'the operator has stated it')
  assert.equal(other({ message: said }, {}, 500), null)
  for (const message of [
    'This model does not support max_tokens.',
    "max_tokens: please use 'max_completion_tokens' instead",
    'max_tokens is deprecated and not allowed for this model',
    'Invalid parameter: max_tokens',
  ])
    assert.equal(other({ message }), newer, message)
  const body = `{"error":{"message":"Unknown parameter: '${newer}'."}}`
  assert.deepEqual(otherManner(shape, { ...USUAL, limit: newer }, { status: 400, body }), USUAL)
})

test('a stream or its options that are refused are left out, and nothing is left out twice', () => {
  const other = (error: object, sent: Manner = USUAL, provider: Shape['provider'] = 'openai-compatible') => {
    const found = otherManner({ ...shape, provider }, sent, { status: 400, body: JSON.stringify({ error }) })
    return found === null ? null : found.without
  }
  const unverified = {
    message: 'Your organization must be verified to stream this model.',
    param: 'stream',
    code: 'unsupported_value',
  }
  assert.equal(other(unverified), 'stream')
  assert.equal(other(unverified, { limit: null, without: 'nothing' }, 'openai'), 'stream')
  assert.equal(other(unverified, USUAL, 'anthropic'), null)
  assert.equal(other(unverified, { ...USUAL, without: 'stream' }), null)
  const options = { message: 'Unrecognized request argument supplied: stream_options' }
  assert.equal(other(options), 'stream_options')
  assert.equal(other(options, { ...USUAL, without: 'stream_options' }), null)
  assert.equal(other({ message: "Unsupported value: 'temperature' does not support 0" }), null)
  assert.equal(other({ message: 'The upstream is not supported' }), null)
  const body = { model: 'm', stream: true, stream_options: { include_usage: true } }
  assert.deepEqual(shapeBody(body, shape, { ...USUAL, without: 'stream' }), { model: 'm', stream: false })
  assert.deepEqual(shapeBody(body, shape, { ...USUAL, without: 'stream_options' }), { model: 'm', stream: true })
})
