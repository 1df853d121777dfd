import assert from 'node:assert/strict'
import { readFile } from 'node:fs/promises'
import path from 'node:path'
import { test } from 'node:test'
import { type MooseCommand, startMoose } from '../support/moose-command.ts'
import { createMooseHome, fileOrder, type MooseHome, type RecordedAnswer, rested } from '../support/moose-home.ts'
import { mooseUp } from '../support/service-process.ts'
import { openTerminal, type Terminal } from '../support/terminal.ts'
import { lacking } from '../support/tool-or-skip.ts'
import { until } from '../support/until.ts'

const MAIN = path.join(import.meta.dirname, '../../src/cli/main.ts')
const WATCH = `${process.execPath} ${MAIN} watch`
const FILES = {
  'greeting.txt': 'hello\n',
  'moose.yaml': 'checks:\n  - { name: greets, run: "echo looking closely; test -s greeting.txt" }\n',
}
const answer = (task: string, delay_ms = 0): RecordedAnswer => ({
  task,
  turn: 1,
  text: '### write greeting.txt\n```\nbonjour\n```\n',
  delay_ms,
})
const QUICK = answer('Greet in French', 1_000)
const SLOW = answer('Greet slowly', 4_000)
const skip = lacking('tmux')

const file = (home: MooseHome, title: string, approved = false) =>
  fileOrder(home.database, { title, files: ['greeting.txt'], approved })

/** What is stored of an order: `pending, approved: false`. */
async function standing({ database }: MooseHome, id: string): Promise<string> {
  const row = await database.db
    .selectFrom('work_orders')
    .select(['status', 'phase', 'metadata'])
    .where('id', '=', id)
    .executeTakeFirstOrThrow()
  const approved = JSON.stringify(row.metadata).includes('"approved_by_director":true')
  return `${[row.status, row.phase].filter((part) => part !== null).join('/')}, approved: ${approved}`
}

const stands = (home: MooseHome, id: string, where: string) =>
  until(`the order is ${where}`, async () => (await standing(home, id)) === where, { say: () => standing(home, id) })

/** Null: the line is no event. */
function idOfEvent(line: string): string | null {
  const { id } = JSON.parse(line)
  return typeof id === 'string' ? id : null
}

/** The terminal is as it was: no other screen, the cursor there, and what is typed is seen. */
async function assertRestored(terminal: Terminal): Promise<void> {
  assert.deepEqual([await terminal.flag('alternate_on'), await terminal.flag('cursor_flag')], [false, true])
  await terminal.type('echo $((6 * 7)) again')
  assert.match(await terminal.shows(/^42 again$/m), /echo \$\(\(6 \* 7\)\) again/)
}

test('an order is filed, approved, followed and merged on the screen, and the terminal is left as it was', {
  skip,
}, async () => {
  await using home = await createMooseHome(FILES, [QUICK])
  await using _service = await mooseUp(home.environment, '--start')
  await using terminal = await openTerminal({ ...home.environment, MOOSE_INVOKED: 'moose' })
  await terminal.type('echo it was here before')
  await terminal.shows(/^it was here before$/m)
  await terminal.type(`${WATCH}; echo left with $?`)
  await terminal.shows(/^Moose {2}on {2}0 running\n.*\nWaits for you \(0\)\n {2}Nothing waits for a human\./)
  assert.equal(await terminal.flag('alternate_on'), true)

  const id = await file(home, QUICK.task)
  const short = id.slice(0, 8)
  const filed = await terminal.shows(new RegExp(`^› to approve ${short} Greet in French {2}at most \\$5\\.00`, 'm'))
  assert.match(filed, /^Moose {2}on {2}0 running, 1 to approve\nSpent \$0 of \$100\.00 today/)
  await terminal.paste('a')
  await terminal.press('m')
  await terminal.shows(new RegExp(`^${short} is not approved, and cannot be merged\\.`, 'm'))

  await terminal.press('a')
  const asked = await terminal.shows(/^y yes {3}any other key: no$/m)
  assert.match(asked, /\nApprove [0-9a-f]{8} “Greet in French”\?\n {2}At most \$5\.00 may be spent\.\n/)
  await terminal.press('n')
  await terminal.shows(/^Nothing was changed\.$/m)
  assert.equal(await standing(home, id), 'pending, approved: false')
  await terminal.press('a')
  await terminal.shows(/^y yes/m)
  await terminal.press('y')
  await terminal.shows(/^approved [0-9a-f]{8} “Greet in French”$/m)
  await terminal.shows(new RegExp(`^› running +${short} Greet in French {2}attempt 1, `, 'm'))

  const early = await terminal.shows(/^\d\d:\d\d:\d\d → propose$/m)
  assert.doesNotMatch(early, /→ verify/)
  await terminal.shows(/^\d\d:\d\d:\d\d → verify$/m)
  const ready = await terminal.shows(new RegExp(`^› to merge +${short} Greet in French`, 'm'))
  assert.match(ready, /^Moose {2}on {2}0 running, 1 in review$/m)
  await stands(home, id, 'in_progress/in_review, approved: true')
  await terminal.press('o')
  await terminal.shows(/^local:\/\/sample\/pull\/1 Its diff: moose show [0-9a-f]{8} --diff$/m)

  await terminal.press('m')
  await terminal.shows(/^Merge pull request #1 of [0-9a-f]{8} “Greet in French”\?$/m)
  await terminal.press('y')
  await terminal.shows(new RegExp(`^› completed +${short} Greet in French`, 'm'))
  assert.equal(await standing(home, id), 'completed, approved: true')
  assert.equal(await home.remote.git('show', 'main:greeting.txt'), 'bonjour')

  await terminal.press('q')
  assert.match(await terminal.shows(/^left with 0$/m), /^it was here before$/m)
  await assertRestored(terminal)
})

test('closing it by Ctrl-C or a signal leaves runs alone and the terminal as it was; x cancels, r retries', {
  skip,
}, async () => {
  await using home = await createMooseHome(FILES, [SLOW, QUICK])
  await using _service = await mooseUp(home.environment, '--start')
  await using terminal = await openTerminal(home.environment)
  const slow = await file(home, SLOW.task, true)
  const pidFile = path.join(home.config.home, 'watch.pid')
  const command = `sh -c 'echo $$ > ${pidFile}; exec ${WATCH}'; echo left with $?`
  await terminal.type(command)
  await terminal.shows(/^› running .*\n[^]*→ propose$/m)
  await terminal.press('C-c')
  await terminal.shows(/^left with 130$/m)
  await assertRestored(terminal)
  assert.match(await standing(home, slow), /^in_progress\/(?!in_review)/)

  await terminal.type(command)
  await terminal.shows(/^› running /m)
  process.kill(Number(await readFile(pidFile, 'utf8')), 'SIGTERM')
  await terminal.shows(/^left with 143$/m)
  await assertRestored(terminal)
  await rested(home.database.db, slow)
  assert.equal(await standing(home, slow), 'in_progress/in_review, approved: true')

  await terminal.type(command)
  await terminal.shows(/^› to merge /m)
  await terminal.press('x')
  await terminal.shows(
    /^Cancel [0-9a-f]{8} “Greet slowly”\?\n {2}Its pull request #1 is closed unmerged\. .*spent so far\.$/m,
  )
  await terminal.press('y')
  await stands(home, slow, 'cancelled, approved: true')
  await terminal.shows(/^› cancelled /m)
  await terminal.press('r')
  await terminal.shows(/^Try again [0-9a-f]{8} “Greet slowly”\?$/m)
  await terminal.press('y')
  await terminal.shows(/^› running /m)
  assert.match(await standing(home, slow), /^in_progress/)
  await rested(home.database.db, slow)
  await terminal.press('q')
  await terminal.shows(/^left with 0$/m)
})

test('a service that goes away is told and waited for; what happened meanwhile is shown once', { skip }, async () => {
  await using home = await createMooseHome(FILES, [SLOW])
  await using terminal = await openTerminal(home.environment, { columns: 110, rows: 50 })
  const id = await file(home, SLOW.task, true)
  await using stack = new AsyncDisposableStack()
  let lines: MooseCommand
  {
    await using service = await mooseUp(home.environment, '--start')
    await terminal.type(WATCH)
    lines = stack.use(startMoose(['watch', '--json'], { environment: home.environment }))
    await lines.said(/"type":"connected"/)
    await terminal.shows(/→ propose$/m)
    await terminal.press('Enter')
    await service.kill()
    await lines.said(/"type":"lost"/)
    await terminal.shows(/^Moose {2}reconnecting: no answer since \d.*\nNo service is up for .*moose up --start$/m)
  }
  await using _service = await mooseUp(home.environment, '--start')
  await terminal.shows(/■ .*pull request #1 is open/)
  const screen = await terminal.shows(/^Moose {2}on {2}0 running, 1 in review$/m)
  const stored = await home.database.db
    .selectFrom('work_order_events')
    .select(['id', 'type', 'message'])
    .where('work_order_id', '=', id)
    .orderBy('id')
    .execute()
  for (const [type, shown] of [
    ['attempt_ended', /■ /g],
    ['output', /looking closely/g],
    ['step_started', /→ \w+/g],
    ['step_succeeded', /✓ \w+/g],
  ] as const) {
    const count = stored.filter((event) => event.type === type).length
    assert.equal(screen.match(shown)?.length, count, `${type} in:\n${screen}`)
  }
  await lines.said(/"type":"attempt_ended"/)
  lines.child.kill('SIGINT')
  const printed = (await lines.ended).stdout
    .trim()
    .split('\n')
    .map(idOfEvent)
    .filter((one) => one !== null)
  const ids = stored.map((event) => event.id)
  assert.ok(printed.length > 5, String(printed.length))
  assert.deepEqual(printed, ids.slice(ids.indexOf(String(printed[0]))).slice(0, printed.length))
})

test('it fits wide, narrow and small terminals, without colours where none are wanted', { skip }, async () => {
  await using home = await createMooseHome(FILES, [])
  await using _service = await mooseUp(home.environment)
  for (const title of ['日本語のタイトル', 'Evil \u001b[2J\u202e title', 'Find me'])
    await fileOrder(home.database, { title, files: ['a.txt'], approved: false })
  await using terminal = await openTerminal({ ...home.environment, NO_COLOR: '1' }, { columns: 200, rows: 60 })
  await terminal.type(WATCH)
  const wide = await terminal.shows(/^Waits for you \(3\) {60,}[0-9a-f]{8} {2}pending, not approved {2}sample/m)
  assert.match(wide, /^Moose {2}takes no orders on: .*moose start {2}0 running, 3 to approve$/m)
  assert.match(wide, /Evil \\u001b\[2J\\u202e title/)
  await terminal.resize(80, 24)
  const narrow = await terminal.shows(/^Waits for you \(3\)$[^]*^── Log ─+$/m)
  assert.match(narrow, /^j\/k enter a approve .* q quit$/m)
  await terminal.press('/')
  for (const key of 'find') await terminal.press(key)
  await terminal.shows(/^Waits for you \(1\)$[^]*^\/find/m)
  await terminal.press('Enter', '?')
  await terminal.shows(/^q, Ctrl-C {2,}quit$/m)
  await terminal.press('Escape')
  await terminal.shows(/^› to approve .*Find me/m)
  // biome-ignore lint/suspicious/noControlCharactersInRegex: the codes for colours begin with one
  assert.doesNotMatch(await terminal.painted(), /\u001b\[(?:\d+;)*[349][0-7]m/)
  await terminal.resize(20, 5)
  await terminal.shows(/^too small$/)
  await terminal.resize(80, 24)
  await terminal.shows(/^› to approve .*Find me/m)
})

test('a terminal that cannot be written over gets lines', { skip }, async () => {
  await using home = await createMooseHome(FILES, [QUICK])
  await using terminal = await openTerminal({ ...home.environment, MOOSE_INVOKED: 'moose' }, { columns: 160 })
  await terminal.type(`TERM=dumb ${WATCH}; echo left with $?`)
  await terminal.shows(/error: No service is up for .*\nleft with 1$/m)
  await using _service = await mooseUp(home.environment, '--start')
  await terminal.type(`TERM=dumb ${WATCH}; echo left with $?`)
  await terminal.shows(/^takes orders on {2}0 running, 0 waiting, 0 in review, 0 things for you$/m)
  await file(home, QUICK.task)
  await terminal.shows(/^! {2}to approve {2}[0-9a-f]{8} {2}Greet in French/m)
  assert.equal(await terminal.flag('alternate_on'), false)
  await terminal.press('C-c')
  await terminal.shows(/^\^?C?left with 130$/m)
})
