import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import { openControls, runControls } from '../bench/fidelity/controls.ts'
import { FORMS } from '../bench/fidelity/forms.ts'
import { commitsOf } from '../bench/fidelity/history.ts'
import { type Lane, openLane } from '../bench/fidelity/lane.ts'
import { judge, type Replayed, replayOf, type Skipped } from '../bench/fidelity/replay-history.ts'
import type { FileChange } from '../support/git-remote.ts'

const LONG = Array.from({ length: 40 }, (_, index) => `line ${index % 3}`)
const longWith = (line: string, at: number) => `${LONG.with(at, line).join('\n')}\n`

const latin = (text: string) => Buffer.from(text, 'latin1')
const utf16 = (text: string) => Buffer.from(`\ufeff${text}`, 'utf16le')

const FIRST: Readonly<Record<string, FileChange>> = {
  'crlf.txt': 'one\r\ntwo\r\nthree\r\n',
  'open.txt': 'one\ntwo',
  'run.sh': 'echo 1\n',
  'long.txt': `${LONG.join('\n')}\n`,
  '.gitignore': '*.log\n',
  'bom.txt': '\ufeffone\ntwo\n',
  'empty.txt': '',
  'three.txt': 'a\nb\nc\n',
  'wide.txt': utf16('eins\r\nzwei\r\n'),
  'named.py': latin('# coding: latin-1\nx = "\xf6"\n'),
  'latin.txt': latin('Gr\xfc\xdfe\nzwei \xe4pfel\n'),
}
/** Each as one commit on top of the one before. */
const HISTORY: readonly Readonly<Record<string, FileChange>>[] = [
  { 'crlf.txt': 'one\r\n2\r\nnew\r\nthree\r\n', 'bom.txt': '\ufeffone\n2\n' },
  { 'open.txt': 'one\n2', 'empty.txt': 'no more\n' },
  { 'three.txt': 'a\nb\nC' },
  { 'open.txt': 'one\n2\n', 'three.txt': 'A\nb\nC\n' },
  { 'bin/tool': { content: '#!/bin/sh\n', mode: 0o755 }, 'bare.txt': 'no newline' },
  { 'run.sh': { content: 'echo 1\n', mode: 0o755 } },
  { 'run.sh': { content: 'echo 2\n', mode: 0o644 } },
  { 'long.txt': null, 'moved/long.txt': longWith('another', 20) },
  { 'moved/long.txt': longWith('a third', 23), 'three.txt': null },
  { 'Ünïcödé ñame.txt': 'ü\n', 'with space.txt': 'x\n', 'app.log': 'ignored, and in scope\n', 'void.txt': '' },
  {
    'Ünïcödé ñame.txt': 'ü\n<<<<<<< SEARCH\n=======\n```\n</think>\n>>>>>>> REPLACE\n```\n',
    'with space.txt': '- x\n-- y\n',
  },
  { 'with space.txt': null, 'moved with space.txt': '- x\n-- y\n', 'void.txt': null, link: { link: 'crlf.txt' } },
  { 'with space.txt': 'again\n', 'moved with space.txt': null },
  { 'wide.txt': utf16('eins\r\nzwei und ü\r\ndrei\r\n'), 'latin.txt': latin('Gr\xfc\xdfe\nz\xe4hes \xfc\n') },
  { 'named.py': latin('# coding: latin-1\nx = "\xe4"\n') },
  { 'wide.txt': utf16('eins\r\n'), 'latin.txt': latin('Gr\xfc\xdfe\n\xe4pfel\n') },
  { 'app.log': 'ignored, and changed\n', 'empty.txt': '' },
]

const isReplay = (replay: Replayed | Skipped): replay is Replayed => !('reason' in replay)

describe('a commit that a model asks for is made as it stands in the history', { concurrency: true }, () => {
  let opened: Awaited<ReturnType<typeof openControls>>
  let moose: AsyncDisposable
  let lanes: Lane[]

  before(async () => {
    opened = await openControls(FIRST)
    const { home } = opened
    for (const files of HISTORY) await home.remote.commit('history', files)
    lanes = await Promise.all([1, 2].map((number) => openLane(home, home.remote.path, 'history', number)))
    const service = await home.open()
    await service.orchestrator.start(null)
    moose = service
  })
  after(async () => {
    await moose[Symbol.asyncDispose]()
    await opened[Symbol.asyncDispose]()
  })

  test('its tree is equal, whatever form the answer has; what no form can say is named', async () => {
    const { path } = opened.home.remote
    const commits = (await commitsOf(path, 'history')).toReversed()
    const replays = await Promise.all(
      commits.map((commit, number) => replayOf(path, commit, { number, form: FORMS[number % FORMS.length] ?? 'edit' })),
    )
    const skipped = replays.flatMap((replay) => (isReplay(replay) ? [] : [replay.reason]))
    assert.deepEqual(skipped, ['it has no parent', 'link is a link'])
    const orders = replays.filter(isReplay)
    assert.deepEqual([...new Set(orders.map(({ form }) => form))].toSorted(), FORMS.toSorted())
    const queue = orders.values()
    const problems: string[] = []
    const work = async (lane: Lane) => {
      for (const order of queue) {
        const { problem } = await judge(lane, order)
        if (problem !== null)
          problems.push(`${order.title} as ${order.form} (${order.files.join(', ')}): ${problem}\n${order.answer}`)
      }
    }
    await Promise.all(lanes.map(work))
    assert.deepEqual(problems, [])
  })

  test('what is no such commit ends in its fault and leaves no branch', async () => {
    const ended = await runControls(opened.lane)
    assert.deepEqual(
      ended.filter(({ problem }) => problem !== null),
      [],
    )
  })
})
