import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { EngineFacts } from './engine.ts'
import { type ContainerPlan, environmentParts, hardLimits, runArguments, userArguments } from './run-arguments.ts'

const PODMAN: EngineFacts = {
  flavour: 'podman',
  version: '4.3.1',
  rootless: false,
  hasMoreIds: false,
  canLimit: true,
  controlGroups: '',
  selinux: false,
}
const DOCKER: EngineFacts = { ...PODMAN, flavour: 'docker' }
const PLAN: ContainerPlan = {
  name: 'moose-1',
  labels: {},
  image: { id: 'sha256:1', architecture: 'x64', volumes: ['/data'] },
  limits: { memoryBytes: 64, processes: 8, openFiles: 16, fileBytes: 1, cpuSeconds: 1 },
  hard: { nofile: 10 },
  binds: [{ source: '/a,"b', target: '/c:d', writable: false }],
  workingFolder: '/work',
  environment: { file: 'environment', rest: { ODD: 'a\nb' } },
  command: ['/bin/sh', '-c', '--privileged'],
  hasInput: false,
}
const ADA = { uid: 1001, gid: 1002 }
const ROOT = { uid: 0, gid: 0 }

/** The value that stands after each of these options. */
const valuesOf = (option: string, args: readonly string[]) =>
  args.flatMap((arg, index) => (arg === option ? [args[index + 1]] : []))

test('what is foreign stands after the image, and nothing that stands before it can be taken for an option', () => {
  for (const facts of [PODMAN, DOCKER]) {
    const args = runArguments(PLAN, facts, ADA)
    const image = args.indexOf('sha256:1')
    assert.deepEqual(args.slice(image), ['sha256:1', '-c', '--privileged'])
    assert.deepEqual(valuesOf('--entrypoint', args), ['/bin/sh'])
    assert.ok(!args.slice(0, image).includes('--privileged'))
  }
})

test('the guarantees are asked for of either engine', () => {
  for (const facts of [PODMAN, DOCKER]) {
    const args = runArguments(PLAN, facts, ADA)
    for (const flag of ['--rm', '--read-only', '--init', '--no-healthcheck']) assert.ok(args.includes(flag), flag)
    const wanted = {
      '--network': 'none',
      '--cap-drop': 'ALL',
      '--pull': 'never',
      '--memory': '64b',
      '--memory-swap': '64b',
    }
    for (const [option, value] of Object.entries(wanted)) assert.deepEqual(valuesOf(option, args), [value])
    assert.deepEqual(valuesOf('--security-opt', args), ['no-new-privileges'])
    assert.deepEqual(valuesOf('--security-opt', runArguments(PLAN, { ...facts, selinux: true }, ADA)), [
      'no-new-privileges',
      'label=disable',
    ])
    assert.deepEqual(valuesOf('--env', args), ['ODD=a\nb'])
    assert.ok(valuesOf('--ulimit', args).includes('nofile=10:10'), 'no more than this process may have')
  }
})

test('a path stands in a mount as it is, and volumes of an image are none', () => {
  const bound = 'type=bind,"source=/a,""b",target=/c:d,readonly'
  assert.deepEqual(valuesOf('--mount', runArguments(PLAN, PODMAN, ADA)), [bound])
  assert.deepEqual(valuesOf('--image-volume', runArguments(PLAN, PODMAN, ADA)), ['ignore'])
  const [, volume] = valuesOf('--mount', runArguments(PLAN, DOCKER, ADA))
  assert.equal(volume, 'type=tmpfs,target=/data,tmpfs-size=1048576')
})

test('what a child writes belongs to the user of Moose, whoever runs the engine', () => {
  const rootless = { ...PODMAN, rootless: true }
  assert.deepEqual(userArguments({ ...rootless, hasMoreIds: true }, ADA), [
    '--userns',
    'keep-id',
    '--user',
    '1001:1002',
  ])
  assert.deepEqual(userArguments(rootless, ADA), ['--user', '0:0'])
  assert.deepEqual(userArguments({ ...DOCKER, rootless: true }, ADA), ['--user', '0:0'])
  assert.deepEqual(userArguments(DOCKER, ADA), ['--user', '1001:1002'])
  assert.deepEqual(userArguments(DOCKER, ROOT), ['--user', '0:0'])
  const mapped = userArguments(PODMAN, ROOT)
  assert.deepEqual(valuesOf('--user', mapped), ['1000:1000'])
  for (const option of ['--uidmap', '--gidmap'])
    assert.deepEqual(valuesOf(option, mapped), ['1000:0:1', '0:2000000000:1000', '1001:2000001001:64535'])
})

test('of an environment, what every engine reads as itself is in the file, and the rest is in arguments', () => {
  const { lines, rest } = environmentParts({
    PATH: '',
    HOME: '/a/b',
    EMPTY: '',
    TOKEN: 'a-b_c.d+e/f=',
    QUOTED: '"x"',
    HASH: 'a#b',
    LINES: 'a\nb',
    SPACE: ' a',
    'odd-name': 'x',
    LONG: 'x'.repeat(40_000),
  })
  assert.equal(lines, 'HOME=/a/b\nEMPTY=\nTOKEN=a-b_c.d+e/f=\n')
  assert.deepEqual(Object.keys(rest), ['QUOTED', 'HASH', 'LINES', 'SPACE', 'odd-name', 'LONG'])
  assert.equal(environmentParts({ PATH: '/bin' }).lines, 'PATH=/bin\n')
})

test('the hard limits of a process are read as Linux says them', () => {
  const limits = [
    'Limit                     Soft Limit           Hard Limit           Units     ',
    'Max cpu time              unlimited            unlimited            seconds   ',
    'Max file size             1000                 2000                 bytes     ',
    'Max processes             96365                96366                processes ',
    'Max open files            1024                 20000                files     ',
  ].join('\n')
  assert.deepEqual(hardLimits(limits), { nofile: 20_000, nproc: 96_366, fsize: 2_000 })
  assert.deepEqual(hardLimits(''), {})
})
