import assert from 'node:assert/strict'
import { execFileSync, spawnSync } from 'node:child_process'
import { writeFileSync } from 'node:fs'
import path from 'node:path'
import { describe, test } from 'node:test'
import { limitedSetting, parentsHere } from '../support/limited-child.ts'
import { smallDisk, whyNoDisk } from '../support/small-disk.ts'
import { until } from '../support/until.ts'

const MEGABYTE = 1024 * 1024

const FILLS: Record<string, string> = {
  'one file': 'head -c 50000000 /dev/zero > a',
  'several files': 'for i in 1 2 3 4 5; do head -c 10000000 /dev/zero > $i; done',
  'a file that has no name any more': 'exec 3> a; rm a; head -c 50000000 /dev/zero >&3',
  'many files': "mkdir many; seq -f 'many/%g' 3500 | xargs touch",
  'all there is': 'head -c 500000000 /dev/zero > a || true',
}
/** A wait in which to be ended. */
const WAIT = '; sleep 30; echo waited'

test('nothing else keeps a program from filling the disk', { skip: whyNoDisk() }, () => {
  for (const script of Object.values(FILLS)) {
    using place = smallDisk()
    const left = 'df --output=avail,iavail . | tail -n 1'
    const said = execFileSync('bash', ['-ec', `${script}; ${left}`], {
      cwd: place.folder,
      encoding: 'utf8',
      stdio: 'pipe',
    })
    const [kilobytes, files] = said.trim().split(/\s+/).map(Number)
    assert.ok(Number(kilobytes) < 32 * 1024 || Number(files) < 2_000, `${script}: ${said}`)
  }
})

for (const [where, candidates] of [
  ['', parentsHere],
  [', without control groups', () => []],
] as const) {
  describe(`a child that fills the disk${where}`, { skip: whyNoDisk() }, () => {
    for (const [how, script] of Object.entries(FILLS)) {
      test(`with ${how} is ended, and told so`, async () => {
        using place = smallDisk()
        using setting = limitedSetting(candidates, place.folder)
        const did = await setting.run(script + WAIT)
        assert.deepEqual([did.code, did.limit], ['child_limit', 'disk'], JSON.stringify(did))
        assert.match(
          did.message,
          /^The check was ended: it filled the disk of its work folder, on which less than 3\d MB/,
        )
      })
    }

    test('ends as it does where there is room for what it writes', async () => {
      using place = smallDisk()
      using setting = limitedSetting(candidates, place.folder)
      assert.match((await setting.run('head -c 20000000 /dev/zero > a; sleep 0.5; echo waited')).output, /waited/)
    })

    test('is not blamed for what something else writes there', async () => {
      using place = smallDisk()
      using setting = limitedSetting(candidates, place.folder)
      const running = setting.run(`echo begun > begun${WAIT}`)
      await until('the child runs', () => spawnSync('test', ['-s', path.join(place.folder, 'begun')]).status === 0)
      writeFileSync(path.join(place.disk, 'other'), Buffer.alloc(50 * MEGABYTE))
      const did = await running
      assert.equal(did.code, 'disk_full')
      assert.match(did.message, /is full, and not because of what ran there/)
    })
  })
}
