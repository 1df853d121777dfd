import assert from 'node:assert/strict'
import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import path from 'node:path'
import { describe, test } from 'node:test'
import { readConfig } from '../../src/config.ts'
import { limitedSetting, parentsHere, testGroups, whyNoGroups } from '../support/limited-child.ts'
import { isRunning } from '../support/running-process.ts'
import { toolOrSkip } from '../support/tool-or-skip.ts'

const MEGABYTE = 1024 * 1024

/** 200 MB of memory: nothing but the end of a text without an end of line lets `tail` forget it. */
const HOG = 'head -c 200000000 /dev/zero | tail | wc -c'
/** 300 processes that wait. */
const BOMB = 'for i in $(seq 300); do sleep 60 & done; echo "$(jobs -p | wc -l) run"'
const SPENT = 'const { user, system } = process.cpuUsage(); return (user + system) / 1e6'
const BUSY = (seconds: number) =>
  `node -e 'const spent = () => { ${SPENT} }; while (spent() < ${seconds}) for (let i = 0; i < 1e6; i++);' && echo done`
const BIG_FILE = 'yes | head -c 40000000 > big || true; test "$(wc -c < big)" = 40000000; echo written'
const OPEN = 'for i in $(seq 200); do exec {handle}</dev/null; done; echo opened'

const noGroups = await whyNoGroups()

/** Folders of control groups that tests of this file, or what they started, have left. */
const groupsLeft = () =>
  parentsHere().flatMap(({ folder }) => readdirSync(folder).filter((name) => name.startsWith(`moose-${process.pid}-`)))

describe('a child in a control group', { skip: noGroups }, () => {
  test('that uses too much memory is ended, and told so', async () => {
    using setting = limitedSetting()
    assert.match((await setting.run(HOG)).output, /^200000000$/m)
    const did = await setting.run(HOG, { memoryBytes: 64 * MEGABYTE })
    assert.deepEqual([did.code, did.limit], ['child_limit', 'memory'])
    assert.match(did.message, /^The check was ended: it used more than 64 MB of memory \(MOOSE_CHILD_MEMORY_MB\)\./)
    assert.deepEqual(groupsLeft(), [])
  })

  test('that hides the end of what used too much memory is ended all the same', async () => {
    using setting = limitedSetting()
    const hidden = `(${HOG}) || true; sleep 0.1; echo passed`
    assert.match((await setting.run(hidden)).output, /passed/)
    assert.equal((await setting.run(hidden, { memoryBytes: 64 * MEGABYTE })).limit, 'memory')
  })

  test('that starts too many processes is ended with all of them', async () => {
    using setting = limitedSetting()
    assert.match((await setting.run(BOMB)).output, /300 run/)
    const did = await setting.run(BOMB, { processes: 50 })
    assert.deepEqual([did.code, did.limit], ['child_limit', 'processes'])
    assert.deepEqual(groupsLeft(), [])
  })

  test('that starts processes without end, each of its own session, is ended with all of them', async () => {
    using setting = limitedSetting()
    const endless = `bomb() { setsid bash -c "$(declare -f bomb); bomb" & setsid bash -c "$(declare -f bomb); bomb"; }; bomb`
    assert.equal((await setting.run(endless, { processes: 50 })).limit, 'processes')
    assert.deepEqual(groupsLeft(), [])
  })

  test('that uses too much processor time is ended, also where no single process does', async () => {
    using setting = limitedSetting()
    const both = `(${BUSY(1.2)}) & (${BUSY(1.2)}) & wait`
    assert.match((await setting.run(both)).output, /done\n+done/)
    const did = await setting.run(both, { cpuSeconds: 2 })
    assert.deepEqual([did.code, did.limit], ['child_limit', 'cpu_time'])
  })

  test('leaves no daemon behind, whatever became of its session and its parents', async () => {
    using setting = limitedSetting()
    const daemon = "(setsid env -i /bin/sh -c '(echo $$ > pid; exec /bin/sleep 60) &' >/dev/null 2>&1 &)"
    const did = await setting.run(`${daemon}; while [ ! -s pid ]; do sleep 0.01; done; echo left`)
    assert.match(did.output, /left/)
    assert.equal(await isRunning(Number(readFileSync(path.join(setting.home, 'pid'), 'utf8'))), false)
    assert.deepEqual(groupsLeft(), [])
    assert.deepEqual(readdirSync(path.join(setting.home, 'groups')), [])
  })

  test('that is ended because what is around its group has no memory is not told that it used too much', async () => {
    using outer = testGroups()
    const memory = outer.parents.find(({ controllers }) => controllers.includes('memory'))
    assert.ok(memory, 'a hierarchy of version 1')
    using setting = limitedSetting(() => outer.parents)
    assert.match((await setting.run(HOG)).output, /^200000000$/m)
    writeFileSync(path.join(memory.folder, 'memory.limit_in_bytes'), String(64 * MEGABYTE))
    const did = await setting.run(HOG)
    assert.equal(did.code, 'machine_out_of_memory')
    assert.match(did.message, /had no memory left, and it had used less than it may/)
  })
})

for (const [where, candidates] of [
  ['in a control group', parentsHere],
  ['without control groups', () => []],
] as const) {
  describe(`a child ${where}`, { skip: candidates === parentsHere && noGroups }, () => {
    test('that writes too large a file is ended, and told so', async () => {
      using setting = limitedSetting(candidates)
      assert.match((await setting.run(BIG_FILE)).output, /written/)
      const did = await setting.run('yes > big', { fileBytes: 20 * MEGABYTE })
      assert.deepEqual([did.code, did.limit], ['child_limit', 'file_size'])
      assert.match(did.message, /it wrote a file of more than 20 MB \(MOOSE_CHILD_FILE_MB\)/)
      const refused = await setting.run(`trap '' XFSZ; ${BIG_FILE}`, { fileBytes: 20 * MEGABYTE })
      assert.equal(refused.exitCode, 1)
      assert.match(refused.output, /Note: it seems to have been refused a file of more than 20 MB/)
    })

    test('that opens too many files is refused more, and told so', async () => {
      using setting = limitedSetting(candidates)
      assert.match((await setting.run(OPEN)).output, /opened/)
      const did = await setting.run(OPEN, { openFiles: 64 })
      assert.notEqual(did.exitCode, 0)
      assert.match(did.output, /refused more than 64 open files in one process \(MOOSE_CHILD_OPEN_FILES\)/)
    })

    test('of which a process uses too much processor time is ended, and told so', async () => {
      using setting = limitedSetting(candidates)
      assert.match((await setting.run(BUSY(1.5))).output, /done/)
      const did = await setting.run(BUSY(20), { cpuSeconds: 1 })
      assert.deepEqual([did.code, did.limit], ['child_limit', 'cpu_time'])
    })

    test('that stays within its limits ends as it does, with what it printed', async () => {
      using setting = limitedSetting(candidates)
      const did = await setting.run('echo out; exit 7')
      assert.deepEqual([did.exitCode, did.output], [7, 'out\n'])
    })

    test('starts Node, Java and Go under the limits that hold where none is set', async (t) => {
      using setting = limitedSetting(candidates)
      const { childLimits } = readConfig({})
      assert.match((await setting.run('node --version', childLimits)).output, /^v\d/)
      for (const [tool, asked] of [
        ['java', 'java -version'],
        ['go', 'PATH=$PATH:/usr/local/go/bin go version'],
      ] as const) {
        if (tool === 'java' && toolOrSkip(t, tool) === null) return
        if (tool === 'go' && !existsSync('/usr/local/go/bin/go') && toolOrSkip(t, tool) === null) return
        const did = await setting.run(asked, childLimits)
        assert.equal(did.exitCode, 0, did.output)
      }
    })
  })
}
