import assert from 'node:assert/strict'
import { existsSync } from 'node:fs'
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { test } from 'node:test'
import { openInBrowser } from '../../src/process/open-in-browser.ts'
import { until } from '../support/until.ts'

const PAGE = 'https://example.test/pull/1?a=b&c=$(id)'

test('a web page is given to the desktop as one argument, and to nothing without a desktop', async () => {
  await using stack = new AsyncDisposableStack()
  const folder = await mkdtemp(path.join(tmpdir(), 'moose-browser-'))
  stack.defer(() => rm(folder, { recursive: true, force: true }))
  const told = path.join(folder, 'told')
  for (const program of ['xdg-open', 'open'])
    await writeFile(
      path.join(folder, program),
      `#!/bin/sh\nprintf '%s|' "$#" "$@" >"${told}.part"\nmv "${told}.part" "${told}"\n`,
      {
        mode: 0o755,
      },
    )
  const desktop = { PATH: `${folder}:${process.env['PATH']}`, DISPLAY: ':0' }
  for (const [url, environment] of [
    [PAGE, { ...desktop, SSH_CONNECTION: '10.0.0.1 1 10.0.0.2 22' }],
    ['local://sample/pull/1', desktop],
    ['javascript:alert(1)', desktop],
    ['--help', desktop],
  ] as const)
    assert.equal(await openInBrowser(url, environment), false, url)
  assert.equal(existsSync(told), false)

  assert.equal(await openInBrowser(PAGE, desktop), true)
  await until('the desktop was told', () => existsSync(told))
  assert.equal(await readFile(told, 'utf8'), `1|${PAGE}|`)
  assert.equal(await openInBrowser(PAGE, { ...desktop, PATH: '/nonexistent' }), false)
})
