import assert from 'node:assert/strict'
import { type ChildProcess, execFileSync, spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { chownSync, existsSync, mkdirSync, readdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs'
import path from 'node:path'
import { describe, test } from 'node:test'
import { createLog } from '../../src/log.ts'
import { bootId, lookAtProcess } from '../../src/process/process-table.ts'
import type { GroupParent } from '../../src/sandbox/limits/group-parents.ts'
import { endLeftGroups } from '../../src/sandbox/limits/left-groups.ts'
import type { ChildLimits } from '../../src/sandbox/limits/limited-run.ts'
import { type Did, limitedSetting, parentsHere, testGroups, whyNoGroups } from '../support/limited-child.ts'
import { endsSoon, isRunning } from '../support/running-process.ts'
import { until } from '../support/until.ts'

const MEGABYTE = 1024 * 1024
const SUPPORT = path.join(import.meta.dirname, '../support/limited-child.ts')
/** No account of a system has it, so that nothing else runs as this user. */
const OTHER_USER = 61_342
const log = createLog('silent')
const skip = await whyNoGroups()

/** A process that runs a script within limits, as a Moose does, and prints what it did. */
function otherProcess(
  { home, script, parents }: { home: string; script: string; parents: readonly GroupParent[] },
  { limits = {}, user = null }: { limits?: Partial<ChildLimits>; user?: number | null } = {},
): ChildProcess {
  const program = `
    const { limitedSetting } = await import(${JSON.stringify(SUPPORT)})
    const [home, script, parents, limits] = JSON.parse(process.argv[1])
    console.log(JSON.stringify(await limitedSetting(() => parents, home).run(script, limits)))`
  const told = JSON.stringify([home, script, parents, limits])
  const words = [process.execPath, '--input-type=module', '-e', program, told]
  const as = user === null ? [] : ['setpriv', `--reuid=${user}`, `--regid=${user}`, '--clear-groups', '--']
  const [command, ...args] = [...as, ...words]
  return spawn(String(command), args, { cwd: home, stdio: ['ignore', 'pipe', 'inherit'] })
}

async function ended(child: ChildProcess): Promise<Did> {
  const printed: Buffer[] = []
  child.stdout?.on('data', (chunk: Buffer) => printed.push(chunk))
  await once(child, 'close')
  return JSON.parse(Buffer.concat(printed).toString('utf8'))
}

describe('groups of a Moose that was killed', { skip }, () => {
  const foldersOf = (pid: number) =>
    parentsHere().flatMap(({ folder }) =>
      readdirSync(folder)
        .filter((name) => name.startsWith(`moose-${pid}-`))
        .map((name) => path.join(folder, name)),
    )

  test('are removed at the next start, and what runs in them is ended', async () => {
    using setting = limitedSetting()
    const { home } = setting
    const script = "setsid sh -c 'echo $$ > pid; exec sleep 600' & wait"
    const moose = otherProcess({ home, script, parents: parentsHere() })
    const pidFile = path.join(home, 'pid')
    await until('the child runs', () => existsSync(pidFile) && readFileSync(pidFile, 'utf8').endsWith('\n'))
    const child = Number(readFileSync(pidFile, 'utf8'))
    assert.deepEqual(await endLeftGroups(home, log), [], 'those of one that lives stay')
    assert.ok(await isRunning(child))
    assert.ok(moose.pid)
    moose.kill('SIGKILL')
    await once(moose, 'close')
    const left = foldersOf(moose.pid)
    assert.notEqual(left.length, 0)
    assert.ok(await isRunning(child), 'a killed Moose ends nothing')
    assert.deepEqual((await endLeftGroups(home, log)).sort(), left.sort())
    assert.ok(await endsSoon(child))
    assert.deepEqual(foldersOf(moose.pid), [])
    assert.deepEqual(readdirSync(path.join(home, 'groups')), [])
  })

  test('are those of their notes alone: no other folder and no other group is touched', async () => {
    using outer = testGroups()
    using setting = limitedSetting()
    const writer = { pid: 999_999_999, startTime: 1 }
    const name = `moose-${writer.pid}-${writer.startTime}`
    const notes = path.join(setting.home, 'groups')
    const plain = path.join(setting.home, name)
    mkdirSync(path.join(plain, 'child'), { recursive: true })
    mkdirSync(notes)
    const [first] = outer.parents
    const note = {
      bootId: bootId(),
      writer,
      folders: [plain, String(first?.folder), path.join(setting.home, 'gone', name)],
    }
    writeFileSync(path.join(notes, 'planted.json'), JSON.stringify(note))
    writeFileSync(path.join(notes, 'cut.json'), '{"bootId":')
    symlinkSync('/dev/zero', path.join(notes, 'link.json'))
    await endLeftGroups(setting.home, log)
    assert.ok(existsSync(path.join(plain, 'child')))
    assert.ok(first !== undefined && existsSync(first.folder))
  })

  test('of an earlier boot are gone with it, and so is their note', async () => {
    using setting = limitedSetting()
    const self = lookAtProcess(process.pid)
    const notes = path.join(setting.home, 'groups')
    mkdirSync(notes)
    const note = { bootId: 'another', writer: { pid: process.pid, startTime: self?.startTime }, folders: [] }
    writeFileSync(path.join(notes, 'old.json'), JSON.stringify(note))
    assert.deepEqual(await endLeftGroups(setting.home, log), [])
    assert.deepEqual(readdirSync(notes), [])
  })
})

/** Why another user cannot run this checkout here, or false. */
function whyNoOtherUser(): string | false {
  if (process.getuid?.() !== 0) return 'only root can become another user'
  const words = [
    `--reuid=${OTHER_USER}`,
    `--regid=${OTHER_USER}`,
    '--clear-groups',
    '--',
    process.execPath,
    '--check',
    SUPPORT,
  ]
  const { status } = spawnSync('setpriv', words)
  return status === 0 ? false : 'another user cannot read this checkout, or there is no setpriv'
}
const noOther = whyNoOtherUser()

describe('limits of a Moose of another user', { skip: skip || noOther }, () => {
  /** Not bash, which waits and tries again before it gives up. */
  const BOMB = `sh -c 'i=0; while [ $i -lt 300 ]; do sleep 60 & i=$((i + 1)); done; echo $i run'`
  const user = OTHER_USER

  function settingOf(user: number) {
    const setting = limitedSetting()
    chownSync(setting.home, user, user)
    return setting
  }

  test('hold in groups that were handed to it', async () => {
    using outer = testGroups()
    for (const { folder } of outer.parents) {
      chownSync(folder, user, user)
      chownSync(path.join(folder, 'cgroup.procs'), user, user)
    }
    using setting = settingOf(user)
    const hog = 'head -c 200000000 /dev/zero | tail | wc -c; id -u'
    const place = { home: setting.home, parents: outer.parents }
    assert.match((await ended(otherProcess({ ...place, script: hog }, { user }))).output, /^200000000\n61342$/m)
    const limits = { memoryBytes: 64 * MEGABYTE, processes: 50 }
    assert.equal((await ended(otherProcess({ ...place, script: hog }, { user, limits }))).limit, 'memory')
    assert.match((await ended(otherProcess({ ...place, script: BOMB }, { user }))).output, /300 run/)
    assert.equal((await ended(otherProcess({ ...place, script: BOMB }, { user, limits }))).limit, 'processes')
  })

  test('of processes hold without groups too, and count what its user runs already', async () => {
    using setting = settingOf(user)
    const place = { home: setting.home, parents: [], script: BOMB }
    assert.match((await ended(otherProcess(place, { user }))).output, /300 run/)
    // On a busy machine they are gone a moment later, and until then count among what runs already.
    await until('none of these is left', () => leftOf(user).length === 0)
    const did = await ended(otherProcess(place, { user, limits: { processes: 50 } }))
    assert.notEqual(did.exitCode, 0)
    assert.match(did.output, /refused more than 50 processes and threads at once \(MOOSE_CHILD_PROCESSES\)/)
  })

  test('are told to be none where it can make no group', async () => {
    using setting = settingOf(user)
    const program = `
      const { limitedSetting } = await import(${JSON.stringify(SUPPORT)})
      console.log(JSON.stringify(await limitedSetting(undefined, process.argv[1]).groups.found()))`
    const as = ['--reuid=61342', '--regid=61342', '--clear-groups', '--', process.execPath]
    const said = execFileSync('setpriv', [...as, '--input-type=module', '-e', program, setting.home], {
      cwd: setting.home,
    })
    const { controllers, refused } = JSON.parse(said.toString('utf8'))
    assert.deepEqual(controllers, [])
    assert.match(refused.join('\n'), /EACCES: permission denied, mkdir/)
  })

  test('leave no process of that user', () => {
    assert.deepEqual(leftOf(user), [])
  })
})

/** The processes of a bomb that a user has. */
function leftOf(user: number): string[] {
  const all = execFileSync('ps', ['-eo', 'uid=,args='], { encoding: 'utf8' }).split('\n')
  return all.filter((line) => line.trim().replace(/\s+/, ' ') === `${user} sleep 60`)
}
