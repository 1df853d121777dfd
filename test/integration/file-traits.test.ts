import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { after, before, describe, test } from 'node:test'
import type { Moose } from '../../src/app.ts'
import type { WorkOrderDetail } from '../../src/contract/work-orders.ts'
import { approveWorkOrder } from '../../src/db/work-orders/approve-work-order.ts'
import { type Scripted, startModelServer } from '../support/model-server.ts'
import { createMooseHome, fileOrder, type MooseHome, settled } from '../support/moose-home.ts'
import { useStandIn } from '../support/stand-in-proposer.ts'

const latin1 = (text: string) => Buffer.from(text, 'latin1')
const utf16 = (text: string) => Buffer.from(`\ufeff${text}`, 'utf16le')
const write = (header: string, text: string) => `### write ${header}\n\`\`\`\`\n${text}\n\`\`\`\`\n\n`
const edit = (header: string, search: string, replace: string) =>
  `### edit ${header}\n<<<<<<< SEARCH\n${search}\n=======\n${replace}\n>>>>>>> REPLACE\n\n`

const FILES = {
  'moose.yaml': 'checks:\n  - { name: good, run: "test ! -f build/config.js || grep -q good build/config.js" }\n',
  '.gitignore': 'build/\n*.log\n',
  'a.txt': 'one\ntwo\n',
  'run.sh': { content: '#!/bin/sh\n', mode: 0o755 },
  'tool.sh': '#!/bin/sh\n',
  'unended.txt': 'one\ntwo',
  'latin1.txt': latin1('caf\xe9\nx\n'),
  'utf16.txt': utf16('gr\u00f6\u00dfer\r\nx\r\n'),
  'koi8.txt': latin1('\xd0\xd2\xc9\xd7\xc5\xd4\n'),
}

const DIFF = `diff --git a/bin/diffed b/bin/diffed
new file mode 100755
--- /dev/null
+++ b/bin/diffed
@@ -0,0 +1 @@
+echo
diff --git a/a.txt b/a.txt
--- a/a.txt
+++ b/a.txt
@@ -1,2 +1,2 @@
 one
-two
+two
\\ No newline at end of file
`

const ANSWERS = {
  'Write new files': `${write('bin/run (executable)', 'echo')}${write('new.txt (no final newline)', 'x')}${edit('run.sh', '#!/bin/sh', '#!/bin/dash')}`,
  'End files otherwise': `### edit a.txt (no final newline)\n\n${edit('unended.txt (final newline)', 'two', '2')}`,
  'Answer with a diff': DIFF,
  'Change modes': '### edit tool.sh (executable)\n\n### edit run.sh (not executable)\n',
  'Keep encodings': `${edit('latin1.txt', 'x', 'th\u00e9')}${edit('utf16.txt', 'x', '\u0436')}`,
  'Edit what cannot be told': edit('koi8.txt', 'x', 'y'),
  'Rename out of scope': '### rename a.txt -> a.log\n',
}

/** As git lists a file of a branch. */
const listed = (mode: string, content: string | Buffer) => {
  const bytes = Buffer.from(content)
  return `${mode} ${createHash('sha1').update(`blob ${bytes.length}\0`).update(bytes).digest('hex')}`
}

/** Mode and blob of what differs from the base, by path; null where it is gone. */
async function made({ remote }: MooseHome, { pull_request: pull, status_reason: reason }: WorkOrderDetail) {
  assert.ok(pull !== null, JSON.stringify(reason))
  const raw = await remote.git('diff-tree', '-r', '--raw', '--no-abbrev', '--no-renames', 'main', pull.branch)
  const files = raw.split('\n').map((line) => {
    const [, now, , id, status = '', path = ''] = line.split(/[ \t]/)
    return [path, status === 'D' ? null : `${now} ${id}`] as const
  })
  return Object.fromEntries(files)
}

describe('what an order says of modes, ends, encodings and ignored files is in its branch, exactly', () => {
  let home: MooseHome
  let moose: Moose

  before(async () => {
    const turns = Object.entries(ANSWERS).flatMap(([task, text]) => [1, 2].map((turn) => ({ task, turn, text })))
    home = await createMooseHome(FILES, turns, { ORCHESTRATOR_EXECUTOR: 'patch' })
    moose = await home.open()
    await moose.orchestrator.start(null)
  })
  after(async () => {
    await moose[Symbol.asyncDispose]()
    await home[Symbol.asyncDispose]()
  })

  const carriedOut = async (title: keyof typeof ANSWERS, files: string[]) =>
    settled(moose, await fileOrder(home.database, { title, files }))

  test('a new executable file, and a new one without a final newline', async () => {
    const order = await carriedOut('Write new files', ['bin/run', 'new.txt', 'run.sh'])
    assert.deepEqual(await made(home, order), {
      'bin/run': listed('100755', 'echo\n'),
      'new.txt': listed('100644', 'x'),
      'run.sh': listed('100755', '#!/bin/dash\n'),
    })
  })

  test('a final newline that is taken away, and one that is added', async () => {
    const order = await carriedOut('End files otherwise', ['a.txt', 'unended.txt'])
    assert.deepEqual(await made(home, order), {
      'a.txt': listed('100644', 'one\ntwo'),
      'unended.txt': listed('100644', 'one\n2\n'),
    })
  })

  test('the same as a unified diff', async () => {
    const order = await carriedOut('Answer with a diff', ['a.txt', 'bin/'])
    assert.deepEqual(await made(home, order), {
      'a.txt': listed('100644', 'one\ntwo'),
      'bin/diffed': listed('100755', 'echo\n'),
    })
  })

  test('a change of mode alone, which a human allows', async () => {
    const held = await carriedOut('Change modes', ['run.sh', 'tool.sh'])
    assert.equal(held.status_reason?.code, 'protected_change', JSON.stringify(held.status_reason))
    const all = { allow: [], allow_secrets: [], allow_all_protected: true }
    await approveWorkOrder(home.database.db, held.id, all)
    assert.deepEqual(await made(home, await settled(moose, held.id)), {
      'run.sh': listed('100644', '#!/bin/sh\n'),
      'tool.sh': listed('100755', '#!/bin/sh\n'),
    })
  })

  test('a file that is not UTF-8 is written in its own encoding', async () => {
    const order = await carriedOut('Keep encodings', ['latin1.txt', 'utf16.txt'])
    assert.deepEqual(await made(home, order), {
      'latin1.txt': listed('100644', latin1('caf\xe9\nth\xe9\n')),
      'utf16.txt': listed('100644', utf16('gr\u00f6\u00dfer\r\n\u0436\r\n')),
    })
  })

  test('a file in an encoding that cannot be told is refused by its name before a model is asked', async () => {
    const order = await carriedOut('Edit what cannot be told', ['koi8.txt'])
    assert.deepEqual([order.status, order.status_reason?.code], ['failed', 'scope_unreadable'])
    assert.match(String(order.status_reason?.message), /^koi8\.txt is not UTF-8, and its encoding cannot be told/)
    const calls = await home.database.db
      .selectFrom('model_calls')
      .selectAll()
      .where('work_order_id', '=', order.id)
      .execute()
    assert.deepEqual(calls, [])
  })

  test('a renaming to an ignored file that the scope does not name is refused by its name', async () => {
    const order = await carriedOut('Rename out of scope', ['a.txt'])
    assert.deepEqual([order.status, order.status_reason?.code], ['failed', 'change_out_of_scope'])
    assert.match(String(order.status_reason?.message), /a\.log/)
    assert.equal(order.pull_request, null)
  })
})

test('ignored files that the scope names are committed, renamed into, and repaired', async () => {
  const script = [
    `${write('build/config.js', 'bad')}### rename a.txt -> a.log\n`,
    `${edit('build/config.js (executable)', 'bad', 'good')}${write('build/run.js', 'x')}`,
  ].map((text): Scripted => ({ kind: 'text', text }))
  await using home = await createMooseHome(FILES, [], { ORCHESTRATOR_EXECUTOR: 'patch' })
  await using server = await startModelServer(...script)
  await useStandIn(home, 'stand-in', { url: server.url, threshold: 1 })
  await using moose = await home.open()
  await moose.orchestrator.start(null)
  const files = ['a.txt', 'a.log', 'build/']
  const order = await settled(moose, await fileOrder(home.database, { title: 'Write ignored files', files }))
  assert.equal(order.evidence?.repairs.length, 1)
  assert.deepEqual(await made(home, order), {
    'a.log': listed('100644', 'one\ntwo\n'),
    'a.txt': null,
    'build/config.js': listed('100755', 'good\n'),
    'build/run.js': listed('100644', 'x\n'),
  })
})
