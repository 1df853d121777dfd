import assert from 'node:assert/strict'
import { test } from 'node:test'
import { tellingLines } from './requirement-lines.ts'

test('a line that says where packages come from or what else is read is told', () => {
  for (const line of [
    '-i https://evil.example/simple',
    '--index-url https://evil.example/simple',
    '--index-url=https://evil.example/simple',
    '--extra-index-url https://evil.example/simple',
    '-f ./wheels',
    '--find-links=./wheels',
    '--trusted-host evil.example',
    '-e .',
    '-r other.txt',
    '-c other.txt',
    '--no-index',
    '--pre',
    'git+https://github.com/a/b.git',
    'a @ https://evil.example/a.whl',
    'a@https://evil.example/a.whl',
    'https://evil.example/a.whl',
    './a',
    'a/b',
    'a.whl',
    'a-1.0.tar.gz ; python_version > "3"',
    'a --config-settings=x=y',
    'a==1 --global-option=x',
    '${INDEX}',
  ])
    assert.deepEqual(tellingLines(`a==1\n  ${line}  # why\n`), [line])
})

test('a package with versions, markers and hashes is not', () => {
  for (const line of [
    '',
    '# -i https://example.org',
    'requests',
    'requests[security,socks] >= 2.8.1, == 2.8.* ; python_version < "2.7" and platform_machine == "x86/64"',
    'a==1.0 --hash=sha256:00ff --hash=sha256:11ee',
    'a==1.0 \\\n    --hash=sha256:00ff \\\n    --hash=sha256:11ee',
    'tar==1.0',
  ])
    assert.deepEqual(tellingLines(line), [], line)
})

test('no line is hidden by how the text is broken, continued or encoded', () => {
  const option = '-i https://evil.example/simple'
  for (const text of [
    `\ufeff${option}`,
    `a\r${option}`,
    `a\u2028${option}`,
    `a\f${option}`,
    `-i \\\nhttps://evil.example/simple`,
  ])
    assert.equal(tellingLines(text)?.length, 1, JSON.stringify(text))
  assert.deepEqual(tellingLines(`# a \\\n${option}`), [option])
  assert.equal(tellingLines(`# -*- coding: utf-7 -*-\n${option}`), null)
  assert.deepEqual(tellingLines('# -*- coding: utf-8 -*-\na\n'), [])
  assert.equal(tellingLines(Buffer.from(option, 'utf16le').toString('latin1')), null)
})
