import assert from 'node:assert/strict'
import { test } from 'node:test'
import { howLimited } from './how-limited.ts'

const limits = {
  memoryBytes: 64 * 1024 * 1024,
  processes: 50,
  openFiles: 64,
  fileBytes: 20 * 1024 * 1024,
  cpuSeconds: 2,
}

test('with control groups every limit is held, and by what is said', () => {
  const found = { controllers: ['memory', 'pids', 'cpu'], version: 1, refused: [] } as const
  assert.deepEqual(howLimited(limits, found, true), {
    isWhole: true,
    detail:
      'by control groups (version 1): 64 MB of memory, 50 processes, 2 s of processor time; ' +
      'by limits of each process: 64 open files, files of 20 MB',
  })
})

test('without control groups memory is not limited, and of the superuser no processes either', () => {
  const found = { controllers: [], version: null, refused: ['/sys/fs/cgroup: EROFS'] } as const
  const user = howLimited(limits, found, false)
  assert.equal(user.isWhole, false)
  assert.equal(
    user.detail,
    'by limits of each process: 50 processes of the user, 2 s of processor time, 64 open files, files of 20 MB; ' +
      'not limited: memory, for no control group can be made (/sys/fs/cgroup: EROFS)',
  )
  assert.match(howLimited(limits, found, true).detail, /not limited: memory, processes, for/)
})
