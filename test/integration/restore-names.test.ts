import assert from 'node:assert/strict'
import { lstat, readdir } from 'node:fs/promises'
import path from 'node:path'
import { test } from 'node:test'
import { sandboxSetting, withoutBubblewrap } from '../support/sandbox-setting.ts'

/** What stands in the folder of the attempt and in its tree, one character per byte. */
async function standing(tree: string): Promise<string[]> {
  const folders = [path.dirname(tree), tree, path.join(tree, 'src')]
  const names = await Promise.all(folders.map((folder) => readdir(folder, { encoding: 'latin1' })))
  return names.flat().sort()
}

test('what a check leaves under a name that is no text, or as a pipe, is not there for the next', {
  skip: withoutBubblewrap,
}, async () => {
  await using given = await sandboxSetting('bubblewrap')
  await given.run('true')
  const before = await standing(given.workspace.path)
  const left = await given.run(`
    name=$(printf 'left\\377')
    mkdir "../$name" "$name" "$name/locked" && touch "../$name/file" "$name/locked/file" && chmod 500 "$name/locked"
    mkfifo src/pipe src/b.test.js
    ls -a .. . src | tr -d '\\377'`)
  assert.match(left.outputTail, /left\n[^]*left\n[^]*pipe/, 'they were there')
  await given.workspace.restore()
  assert.deepEqual(
    (await standing(given.workspace.path)).filter((name) => !before.includes(name)),
    [],
  )
  assert.ok((await lstat(path.join(given.workspace.path, 'src/a'))).isFile())
})
