import assert from 'node:assert/strict'
import { mkdtempDisposable, readdir } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { test } from 'node:test'
import { runCommand } from '../../src/process/run-command.ts'
import { createNoSandbox } from '../../src/sandbox/none.ts'
import { commandIn } from '../support/confined-command.ts'
import { withoutBubblewrap } from '../support/sandbox-setting.ts'
import { sandboxOf } from '../support/usual-sandbox.ts'

/** @see https://man7.org/linux/man-pages/man8/ld.so.8.html: with LD_PRELOAD it would be any code at all */
test('what the environment of a child tells the loader is done in the sandbox alone', {
  skip: withoutBubblewrap,
}, async () => {
  await using temporary = await mkdtempDisposable(path.join(tmpdir(), 'moose-loader-'))
  await using outside = await mkdtempDisposable(path.join(tmpdir(), 'moose-victim-'))
  const home = temporary.path
  const told = {
    LD_DEBUG: 'files',
    LD_DEBUG_OUTPUT: path.join(outside.path, 'planted'),
    NAMED: 'a value\nof two lines',
  }
  const written = async (sandbox: ReturnType<typeof sandboxOf>) => {
    const command = await commandIn(home, ['/bin/sh', '-c', 'printf %s "$NAMED"'], '/usr/bin:/bin')
    const { exitCode, stdout } = await sandbox.run({ ...command, env: { ...command.env, ...told } })
    assert.equal(exitCode, 0)
    assert.ok(stdout.text().endsWith(told.NAMED), stdout.text())
    return (await readdir(outside.path)).length > 0
  }
  assert.equal(await written(sandboxOf('bubblewrap', home)), false)
  assert.equal(await written(createNoSandbox({ home, runLimited: runCommand })), true)
})
