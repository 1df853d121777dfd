import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import path from 'node:path'
import { test } from 'node:test'
import { promisify } from 'node:util'

const MAIN = path.join(import.meta.dirname, '../../src/cli/main.ts')
/** Prints the URL of every module, once the process ends. */
const LIST_MODULES = `import { registerHooks } from 'node:module'
const urls = []
registerHooks({ load: (url, context, next) => (urls.push(url), next(url, context)) })
process.on('exit', () => process.stderr.write(urls.join('\\n')))`

/** What a command line loads: packages by name, and files of ours below src/. */
async function loadedBy(...words: string[]): Promise<string[]> {
  const args = ['--import', `data:text/javascript,${encodeURIComponent(LIST_MODULES)}`, MAIN, ...words]
  const { stderr } = await promisify(execFile)(process.execPath, args, { env: {} })
  const names = stderr.split('\n').map((url) => {
    const [, name] = /\/node_modules\/((?:@[^/]+\/)?[^/]+)/.exec(url) ?? /\/(src\/.*)$/.exec(url) ?? [null, url]
    return name
  })
  return [...new Set(names)].filter((name) => !name.startsWith('node:') && !name.startsWith('data:'))
}

test('moose --help loads no command, no schema and no setting', async () => {
  const loaded = await loadedBy('--help')
  assert.ok(loaded.includes('commander') && loaded.includes('src/cli/program.ts'), loaded.join('\n'))
  assert.deepEqual(
    loaded.filter((name) => !name.startsWith('src/') && !name.endsWith('/package.json')),
    ['commander', 'picocolors'],
  )
  assert.deepEqual(
    loaded.filter((name) => /^src\/(?:cli\/commands|contract|config)/.test(name)),
    [],
  )
})

test('a command that asks a service loads no server, engine, log or database', async () => {
  for (const name of ['list', 'show', 'status', 'watch']) {
    const heavy =
      /^(?:ink|react.*|yoga-layout|hono|@hono\/.*|pino|pg|kysely|ai|@ai-sdk\/.*|@dbos-inc\/.*|src\/(?:app|http|db)\b.*)$/
    const loaded = await loadedBy(name, '--help')
    assert.ok(loaded.includes('zod'), loaded.join('\n'))
    assert.deepEqual(
      loaded.filter((one) => heavy.test(one)),
      [],
    )
  }
})
