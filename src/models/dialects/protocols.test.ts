import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { PROTOCOLS } from './protocols.ts'
import { CutAnswer, readAnswer } from './read-answer.ts'

async function read(provider: keyof typeof PROTOCOLS, events: readonly object[]) {
  const body = events.map((event) => `data: ${JSON.stringify(event)}\n\n`).join('')
  const { text, calls, isOver } = await readAnswer(new Blob([body]).stream(), PROTOCOLS[provider].reader)
  return { text, calls: calls.map(({ name, input, at }) => [name, input, at]), isOver }
}

describe('a stream of Chat Completions', () => {
  const message = (said: object, stop: string | null = null) => ({
    choices: [{ index: 0, message: said, finish_reason: stop }],
  })
  const delta = (said: object) => ({ choices: [{ index: 0, delta: said, finish_reason: null }] })
  const call = (path: string, own: object = {}) => {
    return { ...own, function: { name: 'delete', arguments: `{"path":"${path}"}` } }
  }
  const chat = (...events: object[]) => read('openai-compatible', events)
  const DELETES = (path: string, at: number) => ['delete', `{"path":"${path}"}`, at]

  test('that sends messages for parts is cut where it breaks off', async () => {
    await assert.rejects(chat(message({ content: 'hello' })), CutAnswer)
    await assert.rejects(chat(message({ content: 'hello' }), message({ content: ' you' })), CutAnswer)
    await assert.rejects(chat(message({ content: 'hello' }), message({ content: 'hello you' })), CutAnswer)
    await assert.rejects(chat(message({ content: '\n' }), message({ content: '\n' })), CutAnswer)
    const whole = await chat(message({ content: 'hello' }), message({ content: ' you' }, 'stop'))
    assert.deepEqual(whole, { text: 'hello you', calls: [], isOver: true })
  })

  test('is over with the whole answer again, also with other white space, and has its text once', async () => {
    for (const content of ['hello\n you ', 'hello you', '\nhello\tyou\n']) {
      const said = await chat(delta({ content: 'hello\n' }), delta({ content: ' you ' }), message({ content }))
      assert.deepEqual([said.text, said.isOver], ['hello\n you ', true], content)
    }
  })

  test('has its calls once where a message at its end repeats them, with a text or without', async () => {
    for (const again of [call('a.ts', { id: 'c1' }), call('a.ts'), call('a.ts', { id: 'other', index: 0 })])
      for (const content of [null, '', 'Done.', 'Done']) {
        const said = await chat(
          delta({ content: 'Done.' }),
          delta({ tool_calls: [call('a.ts', { id: 'c1', index: 0 })] }),
          message({ content, tool_calls: [again] }, 'tool_calls'),
        )
        assert.deepEqual(said.calls, [DELETES('a.ts', 5)], JSON.stringify([again, content]))
        if (content !== 'Done') assert.equal(said.text, 'Done.')
      }
  })

  test('has the calls that stand in a message alone', async () => {
    const first = call('a.ts', { id: 'c1' })
    const said = await chat(
      delta({ content: 'Done.' }),
      message({ content: null, tool_calls: [first] }),
      message({ content: null, tool_calls: [call('b.ts', { id: 'c2' })] }),
      message({ content: null, tool_calls: [first, call('b.ts', { id: 'c2' }), call('c.ts')] }, 'tool_calls'),
    )
    assert.deepEqual(said.calls, [DELETES('a.ts', 5), DELETES('b.ts', 5), DELETES('c.ts', 5)])
  })
})

describe('a stream of Responses', () => {
  const done = (name: string, path: string, own: object = {}) => {
    return { type: 'function_call', name, arguments: `{"path":"${path}"}`, ...own }
  }
  const end = (...output: object[]) => ({ type: 'response.completed', response: { status: 'completed', output } })
  const responses = (...events: object[]) => read('openai', events)

  test('that gives no places has each call by its item', async () => {
    const parts = ['i1', 'i2'].flatMap((id) => [
      { type: 'response.output_item.added', item: { type: 'function_call', id, name: 'delete', arguments: '' } },
      { type: 'response.function_call_arguments.delta', item_id: id, delta: `{"path":"${id}"` },
      { type: 'response.function_call_arguments.delta', item_id: id, delta: '}' },
    ])
    const calls = ['i1', 'i2'].map((id) => ['delete', `{"path":"${id}"}`, 0])
    assert.deepEqual((await responses(...parts, end())).calls, calls)
  })

  test('loses no call where it gives neither places nor items', async () => {
    const text = { type: 'response.output_text.delta', delta: 'Done.' }
    const items = ['a.ts', 'b.ts'].map((path) => done('delete', path))
    const parts = items.map((item) => ({ type: 'response.output_item.done', item }))
    const begun = { type: 'response.output_item.added', item: { type: 'function_call', name: 'delete' } }
    const unnamed = { type: 'response.function_call_arguments.delta', delta: '{}' }
    for (const events of [
      [...parts, end(...items)],
      [...parts, end()],
      [begun, ...parts, end(done('delete', '', { arguments: '' }), done('delete', '', { arguments: '' }))],
      [begun, unnamed, end(...items)],
    ]) {
      const said = await responses(text, ...events)
      assert.deepEqual(said.calls, [
        ['delete', '{"path":"a.ts"}', 5],
        ['delete', '{"path":"b.ts"}', 5],
      ])
      assert.equal(said.text, 'Done.')
    }
  })

  test('keeps where a call stood in the text, and calls that its end leaves out', async () => {
    const say = (delta: string) => ({ type: 'response.output_text.delta', delta })
    const [a, b] = [done('delete', 'a.ts', { id: 'i1' }), done('delete', 'b.ts', { id: 'i2' })]
    const came = [a, b].flatMap((item, index) => [
      say('More.'),
      { type: 'response.output_item.done', output_index: index, item },
    ])
    const calls = [
      ['delete', '{"path":"a.ts"}', 5],
      ['delete', '{"path":"b.ts"}', 10],
    ]
    for (const output of [[a, b], [b], []])
      assert.deepEqual((await responses(...came, say('End.'), end(...output))).calls, calls, `${output.length}`)
  })
})

test('what is nested deeper than anything can be written again cannot be read', async () => {
  const deep = `${'['.repeat(200_000)}${']'.repeat(200_000)}`
  const { reader } = PROTOCOLS['openai-compatible']
  const answers = [
    `{"error":${deep}}`,
    `{"choices":[{"message":{"tool_calls":[{"function":{"name":"delete","arguments":${deep}}}]},"finish_reason":"stop"}]}`,
  ]
  for (const answer of answers) await assert.rejects(readAnswer(new Blob([answer]).stream(), reader), CutAnswer)
})
