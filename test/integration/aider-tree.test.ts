import assert from 'node:assert/strict'
import { once } from 'node:events'
import { existsSync } from 'node:fs'
import { lstat, mkdir, mkdtemp, readdir, readFile, rm, symlink, writeFile } from 'node:fs/promises'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { after, beforeEach, test } from 'node:test'
import { maskTree } from '../../src/executors/aider/masked-entries.ts'
import { scopeArguments } from '../../src/executors/aider/scope-arguments.ts'

/** What Aider is shown of a tree, on the real file system. */
const root = await mkdtemp(path.join(tmpdir(), 'moose-tree-'))
let tree: string
let count = 0

beforeEach(async () => {
  count += 1
  tree = path.join(root, String(count), 'tree')
  await mkdir(path.join(tree, '.git'), { recursive: true })
})
after(() => rm(root, { recursive: true, force: true }))

const write = async (name: string, content: string | Buffer = 'x\n') => {
  await mkdir(path.dirname(path.join(tree, name)), { recursive: true })
  await writeFile(path.join(tree, name), content)
}
const mask = () => maskTree(tree, ['src/'], { aside: path.join(tree, '../masked'), clone: path.join(tree, '../clone') })
/** A name that is no UTF-8, as a path the file system takes. */
const odd = (...rest: string[]) =>
  Buffer.concat([Buffer.from(`${tree}/odd-`), Buffer.from([0xff]), ...rest.map(Buffer.from)])

test('only existing regular text files are listed: no link, socket, binary file, other encoding or new file', async () => {
  await write('a.txt')
  await write('picture.png', Buffer.from([0x89, 0x50, 0x4e, 0x47, 0]))
  await write('latin.txt', Buffer.from([0x67, 0xfc]))
  await using socket = createServer().listen(path.join(tree, 'socket'))
  await once(socket, 'listening')
  const scope = ['a.txt', 'picture.png', 'latin.txt', 'socket', 'new.txt', 'a.txt', 'no-folder/']
  assert.deepEqual(await scopeArguments(tree, scope, 1_000), { files: ['a.txt'], lineEndings: 'lf' })
  await symlink('a.txt', path.join(tree, 'link'))
  await assert.rejects(scopeArguments(tree, ['link'], 1_000), { code: 'scope_unreadable' })
})

test('of a folder come the first files there is room for; what is in no text, a link or no UTF-8 name is left out', async () => {
  for (let n = 0; n < 300; n += 1) await write(`many/${n}.txt`)
  await write('few/a.bin', Buffer.alloc(100))
  await write('few/b.txt', 'b'.repeat(2_000))
  await write('few/c.txt', 'c\r\n')
  await write('few/-x', 'c\r\n')
  await symlink('c.txt', path.join(tree, 'few/link'))
  await writeFile(Buffer.concat([Buffer.from(`${tree}/few/`), Buffer.from([0xff])]), 'x')
  assert.deepEqual(await scopeArguments(tree, ['few/'], 1_000), { files: ['few/-x', 'few/c.txt'], lineEndings: 'crlf' })
  assert.equal((await scopeArguments(tree, ['many/'], 1_000)).files.length, 30)
  assert.deepEqual((await scopeArguments(tree, ['many/', 'few/b.txt'], 2_004)).files.slice(0, 2), [
    'few/b.txt',
    'many/0.txt',
  ])
})

test('files named one by one that are too large are refused by name', async () => {
  await write('a.txt', 'a'.repeat(600))
  await write('b.txt', 'b'.repeat(600))
  await assert.rejects(scopeArguments(tree, ['a.txt', 'b.txt'], 1_000), { code: 'scope_too_large', message: /b\.txt/ })
  await write('large.bin', Buffer.alloc(2_000))
  assert.deepEqual((await scopeArguments(tree, ['a.txt', 'large.bin'], 1_000)).files, ['a.txt'])
})

test('configuration and links are out of reach for the time of a run, also below names that are no text', async () => {
  await write('.env', 'A=1\n')
  await write('.ENV.local')
  await write('.aider/skills')
  await write('sub/.env', 'B=1\n')
  await mkdir(odd())
  await symlink('/etc/passwd', odd('/link'))
  await symlink('/etc', path.join(tree, 'sub/etc'))
  const masked = await mask()
  assert.deepEqual(
    (await readdir(tree)).filter((name) => /env|aider/i.test(name)),
    ['.ENV.local'],
  )
  assert.ok((await lstat(path.join(tree, '.git'))).isFile())
  assert.deepEqual(await readdir(odd()), [])
  assert.deepEqual(await readdir(path.join(tree, 'sub')), ['.env'])
  assert.deepEqual(await masked.putBack(), [])
  assert.equal(await readFile(path.join(tree, '.env'), 'utf8'), 'A=1\n')
  assert.ok((await lstat(odd('/link'))).isSymbolicLink())
  assert.ok(existsSync(path.join(tree, '.aider/skills')))
})

test('ignore rules out of scope are out of reach for the time of a run, those in scope stay', async () => {
  for (const name of ['.gitignore', 'sub/.gitignore', 'src/.gitignore', 'sub/a.gitignore']) await write(name)
  const masked = await mask()
  assert.deepEqual(masked.hidden.toSorted(), ['.gitignore', 'sub/.gitignore'])
  assert.ok(existsSync(path.join(tree, 'src/.gitignore')))
  await write('sub/.gitignore', 'written by the run\n')
  assert.deepEqual(await masked.putBack(), ['sub/.gitignore'])
  assert.ok(existsSync(path.join(tree, '.gitignore')))
})

test('what stands where something was kept out, and every repository in the tree, is a trespass', async () => {
  await write('.env', 'A=1\n')
  const masked = await mask()
  await write('.env', 'OPENAI_API_BASE=http://evil.example\n')
  await write('docs/.git/config', '[core]\n')
  await write('sub/.git', 'gitdir: ../x\n')
  assert.deepEqual((await masked.putBack()).toSorted(), ['.env', 'docs/.git', 'sub/.git'])
})

test('masking looks at every file once: ten times the files take about ten times as long', async () => {
  const timed = async (folders: number) => {
    for (let n = 0; n < folders; n += 1) {
      const folder = path.join(tree, `node_modules/${folders}-${n}`)
      await mkdir(folder, { recursive: true })
      await Promise.all(Array.from({ length: 10 }, (_, file) => writeFile(path.join(folder, String(file)), '')))
    }
    const begun = performance.now()
    await (await mask()).putBack()
    return performance.now() - begun
  }
  const small = await timed(40)
  await rm(path.join(tree, '.git'))
  await rm(path.join(tree, '../clone'), { recursive: true })
  await mkdir(path.join(tree, '.git'))
  const large = await timed(400)
  assert.ok(large < small * 40 + 500, `${small} ms, then ${large} ms`)
})
