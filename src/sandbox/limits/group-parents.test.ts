import assert from 'node:assert/strict'
import { test } from 'node:test'
import { groupParents } from './group-parents.ts'

const ROOT = '25 1 8:1 / / rw,relatime - ext4 /dev/sda1 rw'
const mount = (root: string, point: string, type: string, options: string) =>
  `31 23 0:28 ${root} ${point} rw,nosuid,relatime shared:9 - ${type} ${type} ${options}`

test('of version 1 the group of this process in each hierarchy, as far as it limits or counts something', () => {
  const mountinfo = [
    ROOT,
    mount('/', '/sys/fs/cgroup/memory', 'cgroup', 'rw,memory'),
    mount('/', '/sys/fs/cgroup/cpu,cpuacct', 'cgroup', 'rw,cpu,cpuacct'),
    mount('/', '/sys/fs/cgroup/pids', 'cgroup', 'rw,pids'),
    mount('/', '/sys/fs/cgroup/freezer', 'cgroup', 'rw,freezer'),
  ].join('\n')
  const own = '4:memory:/jobs/7\n3:cpu,cpuacct:/\n2:pids:/a:b\n1:name=systemd:/\n'
  assert.deepEqual(groupParents(mountinfo, own), [
    { version: 1, folder: '/sys/fs/cgroup/memory/jobs/7', controllers: ['memory'] },
    { version: 1, folder: '/sys/fs/cgroup/cpu,cpuacct', controllers: ['cpu'] },
    { version: 1, folder: '/sys/fs/cgroup/pids/a:b', controllers: ['pids'] },
  ])
})

test('of version 2 the group of this process, and the one above it', () => {
  const mountinfo = `${ROOT}\n${mount('/', '/sys/fs/cgroup', 'cgroup2', 'rw,nsdelegate')}`
  const folders = groupParents(mountinfo, '0::/user.slice/user@1000.service/app.slice/moose.scope\n')
  const all = ['memory', 'pids', 'cpu']
  const slice = '/sys/fs/cgroup/user.slice/user@1000.service/app.slice'
  assert.deepEqual(folders, [
    { version: 2, folder: `${slice}/moose.scope`, controllers: all },
    { version: 2, folder: slice, controllers: all },
  ])
  assert.deepEqual(groupParents(mountinfo, '0::/\n'), [{ version: 2, folder: '/sys/fs/cgroup', controllers: all }])
})

test('a container sees its group at the root of the mount, and one outside of its namespace nowhere', () => {
  const bound = mount('/docker/4f', '/sys/fs/cgroup/memory', 'cgroup', 'ro,memory')
  assert.deepEqual(
    groupParents(bound, '4:memory:/docker/4f/inner\n').map(({ folder }) => folder),
    ['/sys/fs/cgroup/memory/inner'],
  )
  assert.deepEqual(groupParents(bound, '4:memory:/docker/other\n'), [])
  assert.deepEqual(groupParents(mount('/', '/sys/fs/cgroup', 'cgroup2', 'rw'), '0::/../outside\n'), [])
})

test('a mount point with a space in it is read as it is', () => {
  const [parent] = groupParents(mount('/', '/mnt/control\\040groups', 'cgroup', 'rw,pids'), '2:pids:/\n')
  assert.equal(parent?.folder, '/mnt/control groups')
})
