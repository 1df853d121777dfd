import assert from 'node:assert/strict'
import { test } from 'node:test'
import { storyLines } from './story-lines.ts'

const NOW = new Date('2026-01-31T12:00:00Z')

test('a line of a story that holds several facts is a line for each, with times as the reader has them', () => {
  const line =
    'Stopped: in review, follow_up_exhausted: It is in review with pull request #1: it conflicts with main in a.txt, seen at ' +
    '2026-01-31T11:00:00.000Z; a model was to resolve that in attempt 2: it failed. Merge main into b by hand; or close it.'
  const lines = storyLines(line, NOW)
  assert.match(
    String(lines[0]),
    /^Stopped: .*: it conflicts with main in a\.txt, seen at (?:\d{4}-\d\d-\d\d )?\d\d:\d\d(?::\d\d)?$/,
  )
  assert.deepEqual(lines.slice(1), [
    '  A model was to resolve that in attempt 2: it failed.',
    '  Merge main into b by hand',
    '  Or close it.',
  ])
})

test('commands stand on a line each, and what was asked for stays as it was written', () => {
  assert.deepEqual(storyLines('Stopped: blocked: Mend it: moose verify 1a2b3c4d then: moose merge 1a2b3c4d', NOW), [
    'Stopped: blocked: Mend it: moose verify 1a2b3c4d',
    '  Then: moose merge 1a2b3c4d',
  ])
  const asked = 'Asked: hello: Do this; do that. Now (2 files, filed as low risk)'
  assert.deepEqual(storyLines(asked, NOW), [asked])
})
