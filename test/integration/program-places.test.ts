import assert from 'node:assert/strict'
import { chmod, copyFile, mkdir, mkdtempDisposable, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { test } from 'node:test'
import { commandIn } from '../support/confined-command.ts'
import { usualSandbox } from '../support/usual-sandbox.ts'

test('a program that is a relative link is found where a parent of its folder of the PATH is a link', async () => {
  await using home = await mkdtempDisposable(path.join(tmpdir(), 'moose-places-'))
  await using tools = await mkdtempDisposable(path.join(tmpdir(), 'moose-tools-'))
  const at = (...parts: readonly string[]) => path.join(tools.path, ...parts)
  for (const folder of ['installed/bin', 'installed/node_modules/.bin', 'installed/python/bin'])
    await mkdir(at(folder), { recursive: true })
  for (const [name, lies] of [
    ['pack', 'node_modules/.bin/pack'],
    ['snake', 'python/bin/snake'],
  ] as const) {
    await writeFile(at('installed', lies), `#!/bin/sh\necho ${name} ran\n`)
    await chmod(at('installed', lies), 0o755)
    await symlink(`../${lies}`, at('installed/bin', name))
  }
  await copyFile('/bin/sh', at('installed/bin/python'))
  await writeFile(at('installed/bin/own'), `#!${at('installed/bin/python')}\necho own ran\n`, { mode: 0o755 })
  await symlink('installed', at('current'))
  const command = ['/bin/sh', '-c', 'pack && snake && own']
  const searchPath = `${at('current/bin')}:/usr/bin:/bin`
  const { exitCode, stdout, stderr } = await usualSandbox(home.path).run(
    await commandIn(home.path, command, searchPath),
  )
  assert.equal(stderr.text(), '')
  assert.equal(stdout.text(), 'pack ran\nsnake ran\nown ran\n')
  assert.equal(exitCode, 0)
})

test('a program of a virtual environment is started by the Python that was made with, wherever that lies', async () => {
  await using home = await mkdtempDisposable(path.join(tmpdir(), 'moose-places-'))
  await using tools = await mkdtempDisposable(path.join(tmpdir(), 'moose-tools-'))
  const at = (...parts: readonly string[]) => path.join(tools.path, ...parts)
  for (const folder of ['venv/bin', 'versions/3/bin']) await mkdir(at(folder), { recursive: true })
  await copyFile('/bin/sh', at('versions/3/bin/python3'))
  await symlink(at('versions/3/bin/python3'), at('venv/bin/python3'))
  await symlink('python3', at('venv/bin/python'))
  await writeFile(at('venv/pyvenv.cfg'), '')
  const program = at('venv/bin/own')
  await writeFile(program, `#!${at('venv/bin/python')}\necho own ran\n`, { mode: 0o755 })
  const { stdout, stderr } = await usualSandbox(home.path).run(await commandIn(home.path, [program], '/usr/bin:/bin'))
  assert.deepEqual([stdout.text(), stderr.text()], ['own ran\n', ''])
})
