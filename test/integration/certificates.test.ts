import assert from 'node:assert/strict'
import { mkdir, mkdtempDisposable, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { test } from 'node:test'
import { CERTIFICATE_VARIABLES } from '../../src/config/handed-on.ts'
import { moose } from '../support/moose-command.ts'
import { createMooseHome } from '../support/moose-home.ts'
import { withoutBubblewrap } from '../support/sandbox-setting.ts'

const FILE_VARIABLES = ['SSL_CERT_FILE', 'NODE_EXTRA_CA_CERTS', ...CERTIFICATE_VARIABLES]

test('the operator’s certificates outside of the system’s folders are read, not written, by set-ups and checks', {
  skip: withoutBubblewrap,
}, async () => {
  await using operator = await mkdtempDisposable(path.join(tmpdir(), 'moose-operator-'))
  const folder = path.join(operator.path, 'authorities')
  await mkdir(path.join(operator.path, 'kept'), { recursive: true })
  await mkdir(folder)
  await writeFile(path.join(operator.path, 'kept', 'own.pem'), 'an authority\n')
  await writeFile(path.join(operator.path, 'private'), 'private\n')
  await writeFile(path.join(folder, 'other.pem'), 'another authority\n')
  await symlink('../kept/own.pem', path.join(folder, 'own.pem'))
  await symlink('own.pem', path.join(folder, '0a1b2c3d.0'))
  const file = path.join(folder, 'own.pem')
  const environment = {
    ...Object.fromEntries(FILE_VARIABLES.map((name) => [name, file])),
    SSL_CERT_DIR: `/none/here:${folder}`,
  }
  const script = [
    ...FILE_VARIABLES.map((name) => `echo "${name} $(cat "$${name}")"`),
    'echo "folder $(cat "${SSL_CERT_DIR#*:}/other.pem")"',
    'echo "hashed $(cat "${SSL_CERT_DIR#*:}/0a1b2c3d.0")"',
    'if echo x >>"$SSL_CERT_FILE"; then echo written; fi',
    `if cat ${operator.path}/private; then echo seen; fi`,
  ]
  const yaml = ['setup: |', 'checks:\n  - name: reads\n    run: |'].map((key) =>
    [key, ...script.map((line) => `      ${line}`)].join('\n'),
  )
  await using home = await createMooseHome({ 'moose.yaml': `${yaml.join('\n')}\n` }, [])
  const ended = await moose(['check'], { environment: { ...home.environment, ...environment } })
  const times = (text: string) => ended.stderr.split('\n').filter((line) => line === text).length
  for (const name of FILE_VARIABLES) assert.equal(times(`${name} an authority`), 2, `${name}: ${ended.stderr}`)
  assert.equal(times('folder another authority'), 2, ended.stderr)
  assert.equal(times('hashed an authority'), 2, ended.stderr)
  assert.equal(times('written') + times('seen'), 0, ended.stderr)
  assert.equal(ended.exitCode, 0)
})
