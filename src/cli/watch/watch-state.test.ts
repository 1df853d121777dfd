import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { eventOf, idOf, inboxOf, listed, statusWith } from '../../../test/support/watch-facts.ts'
import type { InboxEntry } from '../../contract/why/inbox.ts'
import type { ListedWorkOrder } from '../../contract/work-orders.ts'
import { refusalOf } from './acts.ts'
import { entriesOf } from './entries.ts'
import { emptyLog, withEvents } from './order-log.ts'
import { entriesIn, FIRST_STATE, heard, type Moved, moved, type WatchState } from './watch-state.ts'

const facts = (inbox: readonly InboxEntry[], orders: readonly ListedWorkOrder[]) => ({
  status: statusWith({}),
  inbox,
  leftOut: 0,
  orders,
})
const seen = (inbox: readonly InboxEntry[], orders: readonly ListedWorkOrder[], state: WatchState = FIRST_STATE) =>
  heard(state, { type: 'facts', facts: facts(inbox, orders) })
const after = (state: WatchState, ...moves: Moved[]) => moves.reduce(moved, state)
const DOWN = { type: 'move', by: 1 } as const

test('every order is listed once: what waits for a human, what runs and waits, what has ended with the newest first', () => {
  const review = listed(3, 'review')
  const older = listed(5, 'completed', { completed_at: '2026-01-30T12:00:00.000Z' })
  const inbox = [inboxOf('stopped', null), inboxOf('merge', review)]
  const entries = entriesOf({ inbox, orders: [listed(1, 'running'), review, older, listed(6, 'completed')] }, '')
  assert.deepEqual(
    entries.map(({ section, key }) => [section, key]),
    [
      ['inbox', 'stopped: It waits as stopped.'],
      ['inbox', idOf(3)],
      ['active', idOf(1)],
      ['ended', idOf(6)],
      ['ended', idOf(5)],
    ],
  )
})

test('a search finds every word in id, title, project, state or reason, whatever its case', () => {
  const orders = [listed(1, 'running', { title: 'Greet in FRENCH' }), listed(2, 'waiting', { project: 'website' })]
  const found = (search: string) => entriesOf({ inbox: [], orders }, search).map(({ key }) => key)
  assert.deepEqual(found('french running'), [idOf(1)])
  assert.deepEqual(found('  WEB '), [idOf(2)])
  assert.deepEqual(found('00000002'), [idOf(2)])
  assert.deepEqual(found('french waiting'), [])
})

test('what is selected stays selected where it goes, and where it is gone its neighbour is', () => {
  const first = seen([inboxOf('approval', listed(1, 'unapproved'))], [listed(2, 'running'), listed(3, 'waiting')])
  assert.equal(first.selected, idOf(1))
  const running = seen([], [listed(2, 'running'), listed(1, 'running'), listed(3, 'waiting')], first)
  assert.equal(running.selected, idOf(1))
  const second = after(running, DOWN)
  assert.equal(second.selected, idOf(3))
  assert.equal(second.log?.orderId, idOf(3))
  assert.equal(seen([], [listed(2, 'running'), listed(1, 'running')], second).selected, idOf(1))
  const none = seen([], [], second)
  assert.deepEqual([none.selected, none.log], [null, null])
})

test('moves stop at both ends, and what is searched for is selected', () => {
  const state = seen([], [listed(1, 'running'), listed(2, 'running'), listed(3, 'running')])
  assert.equal(after(state, { type: 'move', by: -5 }).selected, idOf(1))
  assert.equal(after(state, { type: 'edge', to: 'last' }, DOWN).selected, idOf(3))
  const found = after(state, { type: 'typing' }, { type: 'typed', text: 'Order 2' })
  assert.deepEqual([found.selected, entriesIn(found).length], [idOf(2), 1])
  const all = after(found, { type: 'search_done', keep: false })
  assert.deepEqual([all.search, all.typing, all.selected, entriesIn(all).length], ['', false, idOf(2), 3])
  assert.equal(after(found, { type: 'erased' }).search, 'Order ')
})

test('a log has each event of its order once and in order, however it comes', () => {
  fc.assert(
    fc.property(fc.array(fc.array(fc.integer({ min: 1, max: 40 }))), (pieces) => {
      const log = pieces.reduce(
        (before, piece) =>
          withEvents(
            before,
            piece.map((number) => eventOf(number, number % 7 === 0 ? 2 : 1)),
          ),
        emptyLog(idOf(1)),
      )
      const expected = [...new Set(pieces.flat())]
        .filter((number) => number % 7 !== 0)
        .sort((one, other) => one - other)
      assert.deepEqual(
        log.events.map(({ id }) => Number(id)),
        expected,
      )
    }),
  )
})

test('a log keeps its end, by number and by length', () => {
  const many = Array.from({ length: 3_000 }, (_, index) => eventOf(index + 1, 1))
  assert.deepEqual(
    withEvents(emptyLog(idOf(1)), many).events.map(({ id }) => id),
    many.slice(1_000).map(({ id }) => id),
  )
  const long = [1, 2, 3].map((number) => eventOf(number, 1, { message: 'x'.repeat(300_000) }))
  assert.deepEqual(
    withEvents(emptyLog(idOf(1)), long).events.map(({ id }) => id),
    ['3'],
  )
})

test('who reads further up in a log stays there while it grows, and follows again at its end', () => {
  const events = [1, 2, 3, 4].map((number) => eventOf(number, 1))
  const read = heard(seen([], [listed(1, 'running')]), { type: 'events', events })
  const up = after(read, { type: 'view', view: 'order' }, { type: 'move', by: -2 })
  assert.equal(up.back, 2)
  const grown = heard(up, { type: 'events', events: [eventOf(5, 1), eventOf(6, 1)] })
  assert.equal(grown.log?.events.at(-1 - grown.back)?.id, '2')
  assert.equal(after(grown, { type: 'edge', to: 'last' }).back, 0)
  assert.equal(after(grown, { type: 'move', by: -99 }).back, 5)
})

test('a service that is away keeps the time since when, until it answers', () => {
  const lost = heard(FIRST_STATE, { type: 'lost', reason: 'gone', atMs: 1_000 })
  const still = heard(lost, { type: 'lost', reason: 'still gone', atMs: 9_000 })
  assert.deepEqual(still.lost, { sinceMs: 1_000, reason: 'still gone' })
  assert.equal(heard(still, { type: 'connected' }).lost, null)
})

test('an act is refused where it cannot be, with what can', () => {
  assert.equal(refusalOf('approve', listed(1, 'unapproved')), null)
  assert.equal(refusalOf('merge', listed(1, 'review')), null)
  assert.equal(refusalOf('retry', listed(1, 'failed')), null)
  assert.equal(
    refusalOf('merge', listed(1, 'running')),
    '00000001 is running, and cannot be merged. It can be: cancelled.',
  )
  assert.equal(refusalOf('cancel', listed(1, 'completed')), '00000001 is completed, and cannot be cancelled.')
  const held = listed(1, 'blocked', { status_reason: { code: 'protected_change', message: 'Held.' } })
  assert.match(String(refusalOf('approve', held)), /moose approve 00000001 --allow PATH/)
})
