import assert from 'node:assert/strict'
import { test } from 'node:test'
import { stripVTControlCharacters } from 'node:util'
import { renderToString } from 'ink'
import pc from 'picocolors'
import { createElement as h } from 'react'
import stringWidth from 'string-width'
import { eventOf, idOf, inboxOf, listed, statusWith } from '../../../test/support/watch-facts.ts'
import { layoutOf, type Size, windowOf } from './layout.ts'
import { Screen } from './screen.ts'
import { FIRST_STATE, heard, type WatchState } from './watch-state.ts'

const NOW = new Date('2026-01-31T12:01:00.000Z')
const HOSTILE = 'Evil \u001b[2J\u001b[31mred\u202e\u0007 end'
const WIDE_TITLE =
  '日本語のタイトルはとても幅が広いのでここで切れるはずです、たぶんこのあたりで切れます。本当に長い題名です'

const STATE = [
  {
    type: 'facts',
    facts: {
      status: statusWith({ running: 1, waiting: 1, review: 1, unapproved: 3, blocked: 1, failed: 1 }),
      inbox: [
        inboxOf('approval', listed(1, 'unapproved', { title: WIDE_TITLE }), { worst_case_usd: 5 }),
        inboxOf('failed', listed(2, 'failed', { title: HOSTILE, actual_cost: 0.0123 })),
        inboxOf('paused_provider', null, { sentence: 'The provider one is paused.' }),
      ],
      leftOut: 4,
      orders: [
        listed(3, 'running', { why: { kind: 'scope', short: HOSTILE, code: null, orders: [], until: null } }),
        listed(4, 'completed', { title: '👩‍👩‍👧‍👦 family 🇩🇪' }),
      ],
    },
  } as const,
  {
    type: 'events',
    events: [
      eventOf(1, 1, { message: `${HOSTILE}\nsecond line` }),
      eventOf(2, 1, { type: 'output', message: WIDE_TITLE.repeat(4) }),
    ],
  } as const,
  { type: 'log_read', orderId: idOf(1), state: 'whole' } as const,
].reduce<WatchState>(heard, FIRST_STATE)

function drawn(size: Size, state: WatchState = STATE, color = false): string[] {
  const output = { paint: pc.createColors(color), hint: (text: string) => text }
  return renderToString(h(Screen, { state, size, now: NOW, output }), { columns: size.columns }).split('\n')
}

const SIZES: readonly Size[] = [
  { columns: 80, rows: 24 },
  { columns: 200, rows: 60 },
  { columns: 120, rows: 30 },
  { columns: 100, rows: 12 },
  { columns: 30, rows: 8 },
  { columns: 10, rows: 3 },
]

test('what is drawn fits into the terminal, whatever its size and whatever the texts are', () => {
  const question = {
    act: 'approve',
    orderId: idOf(1),
    lines: [WIDE_TITLE, 'long words '.repeat(40)],
    body: null,
  } as const
  const states: WatchState[] = [
    STATE,
    FIRST_STATE,
    { ...STATE, view: 'order' },
    { ...STATE, view: 'help' },
    { ...STATE, question },
    { ...STATE, search: HOSTILE, typing: true },
    { ...STATE, said: { text: WIDE_TITLE.repeat(9), tone: 'bad' } },
    heard(STATE, { type: 'lost', reason: HOSTILE, atMs: NOW.getTime() - 12_000 }),
  ]
  for (const size of SIZES) {
    for (const state of states) {
      const lines = drawn(size, state, true)
      assert.ok(lines.length <= size.rows, `${lines.length} rows of ${size.rows}`)
      for (const line of lines) {
        assert.ok(stringWidth(line) <= size.columns, `${stringWidth(line)} of ${size.columns}: ${line}`)
        // biome-ignore lint/suspicious/noControlCharactersInRegex: exactly these must not be there
        assert.doesNotMatch(stripVTControlCharacters(line), /[\u0000-\u001f\u007f-\u009f\u202e]/)
        assert.doesNotMatch(line, /\u001b\[2J/)
      }
    }
  }
})

test('without colours nothing but text is drawn', () => {
  assert.doesNotMatch(drawn({ columns: 80, rows: 24 }).join('\n'), /\u001b/)
  assert.match(drawn({ columns: 80, rows: 24 }, STATE, true).join('\n'), /\u001b\[/)
})

test('80 columns: the list above what is known of the selected order, and the line of keys whole', () => {
  const lines = drawn({ columns: 80, rows: 24 })
  assert.equal(lines[0], 'Moose  on  1 running, 1 waiting, 1 in review, 3 to approve, 1 blocked, 1 failed')
  assert.equal(lines[1], 'Spent $1.23 of $10.00 today, $20.00 of $100.00 this month')
  assert.equal(lines[2], 'Waits for you (3, 4 older ones left out)')
  assert.match(String(lines[3]), /^› to approve 00000001 日本語.*… +1m$/)
  assert.match(String(lines[4]), /^ {2}failed {5}00000002 Evil \\u001b\[2J.*\$0\.0123 1m$/)
  assert.match(String(lines[5]), /^ {2}paused {14}The provider one is paused\. +1m$/)
  assert.match(lines.join('\n'), /\n── Log ─+\n/)
  assert.equal(lines.at(-1), 'j/k enter a approve x cancel r retry m merge o open / search ? help q quit')
})

test('200 columns: the log beside the list', () => {
  const lines = drawn({ columns: 200, rows: 60 })
  assert.match(String(lines[2]), /^Waits for you .{60,}00000001 {2}pending, not approved {2}sample {2}日本語/)
  assert.equal(lines.length, 60)
})

test('a service that is away is told above all else', () => {
  const lost = heard(STATE, { type: 'lost', reason: 'Start one with: moose up --start', atMs: NOW.getTime() - 12_000 })
  const [first, second] = drawn({ columns: 80, rows: 24 }, lost)
  assert.equal(first, 'Moose  reconnecting: no answer since 12.0s')
  assert.equal(second, 'Start one with: moose up --start')
})

test('a long log shows its end, a short one its beginning', () => {
  const events = Array.from({ length: 99 }, (_, index) => eventOf(index + 10, 1))
  const long = drawn({ columns: 80, rows: 24 }, heard(STATE, { type: 'events', events }))
  assert.match(String(long.at(-2)), /event 108$/)
  const short = drawn({ columns: 200, rows: 60 })
  const head = short.findIndex((line) => line.includes('── Log ─'))
  assert.match(String(short[head + 1]), /Evil/)
})

test('the line that is selected is always among those that are seen', () => {
  for (const at of [0, 7, 50, 99]) {
    const [from, to] = windowOf(100, at, 10)
    assert.ok(from <= at && at < to && to - from === 10, `${at}: ${from} to ${to}`)
  }
  assert.deepEqual(windowOf(3, -1, 10), [0, 3])
})

test('the parts of the screen fill it', () => {
  for (const size of SIZES.slice(0, 5)) {
    const { shape, list, side } = layoutOf(size, 2)
    if (shape === 'wide') assert.deepEqual([list.columns + side.columns, list.rows], [size.columns, size.rows - 5])
    else assert.equal(list.rows + side.rows, size.rows - 5)
  }
  assert.equal(layoutOf({ columns: 20, rows: 24 }, 0).shape, 'tiny')
})
