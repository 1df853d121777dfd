import assert from 'node:assert/strict'
import { test } from 'node:test'
import { readConfig } from './config.ts'

test('entries of PATH that mean the working folder are left out: it may be a foreign repository', () => {
  assert.equal(readConfig({ PATH: ':.:/usr/bin:node_modules/.bin:/bin:' }).executablePath, '/usr/bin:/bin')
})
