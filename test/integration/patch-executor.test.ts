import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { chmod, link, lstat, mkdir, mkdtemp, readdir, readFile, rm, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { test } from 'node:test'
import { createPatchExecutor } from '../../src/executors/patch/patch-executor.ts'
import { writeChanges } from '../../src/executors/patch/write-changes.ts'
import { Fault } from '../../src/faults/fault.ts'

const BOM = '\ufeff'

const BASE: Record<string, string> = {
  'bin/run.sh': '#!/bin/sh\necho old\n',
  'lib/only.ts': 'export {}\n',
  'lib/deep/one.ts': 'one\n',
  'src/crlf.ts': 'a\r\nb\r\nc',
  'src/bom.ts': `${BOM}a\nb\n`,
  'src/Größe é.ts': 'x\n',
  'docs/my notes.md': 'x\n',
  'README.md': 'read me\n',
}

class Repository implements AsyncDisposable {
  readonly path: string

  private constructor(folder: string) {
    this.path = folder
  }

  static async create(): Promise<Repository> {
    const repository = new Repository(await mkdtemp(path.join(tmpdir(), 'moose-patch-')))
    for (const [file, content] of Object.entries(BASE)) {
      await mkdir(path.dirname(repository.at(file)), { recursive: true })
      await writeFile(repository.at(file), content)
    }
    await chmod(repository.at('bin/run.sh'), 0o755)
    await symlink('/etc/passwd', repository.at('src/passwd'))
    await symlink('../lib', repository.at('src/lib'))
    await symlink(tmpdir(), repository.at('src/outside'))
    repository.git('init', '--quiet')
    repository.git('add', '--all')
    repository.git('commit', '--quiet', '--message', 'base')
    return repository
  }

  at(file: string): string {
    return path.join(this.path, file)
  }

  git(...args: string[]): string {
    const identity = [
      '-c',
      'user.name=t',
      '-c',
      'user.email=t@example.com',
      '-c',
      'core.quotePath=false',
      '-c',
      'core.autocrlf=false',
    ]
    const env = { PATH: process.env['PATH'], GIT_CONFIG_NOSYSTEM: '1', GIT_CONFIG_GLOBAL: '/dev/null' }
    return execFileSync('git', [...identity, ...args], { cwd: this.path, env, encoding: 'utf8' })
  }

  /** Lines of `git status`, e.g. ` M README.md`, sorted. */
  status(): string[] {
    return this.git('status', '--porcelain', '-z', '--untracked-files=all').split('\0').filter(Boolean).sort()
  }

  async apply(
    content: string,
    scope = ['bin/', 'lib/', 'src/', 'docs/', 'new/', 'README.md', 'readme.md'],
  ): Promise<void> {
    const unused = () => assert.fail('the executor neither commits nor restores')
    const workspace = {
      path: this.path,
      baseSha: 'unused',
      commit: unused,
      restore: unused,
      [Symbol.asyncDispose]: async () => unused(),
    }
    await createPatchExecutor().apply({ workspace, content, scope, signal: new AbortController().signal })
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await rm(this.path, { recursive: true, force: true })
  }
}

const modeOf = async (file: string) => ((await lstat(file)).mode & 0o777).toString(8)
const edit = (file: string, search: string, replace: string) =>
  `### edit ${file}\n<<<<<<< SEARCH\n${search}\n=======\n${replace}\n>>>>>>> REPLACE\n`
const write = (file: string, body: string) => `### write ${file}\n\`\`\`\`\n${body}\n\`\`\`\`\n`

test('writes exactly what the blocks say, and git sees exactly those files', async () => {
  await using repository = await Repository.create()
  await repository.apply(
    [
      'Here you are.\n',
      edit('bin/run.sh', 'echo old', 'echo new'),
      edit('src/crlf.ts', 'b', 'B\nBB'),
      edit('src/bom.ts', 'a', 'A'),
      edit('src/Größe é.ts', 'x', 'y'),
      write('docs/my notes.md', 'y'),
      write('new/deep/ümlaut file.ts', 'n'),
      write('new/empty', '').replace('\n\n', '\n'),
      '### delete lib/deep/one.ts\n',
    ].join('\n'),
  )
  assert.deepEqual(repository.status(), [
    ' D lib/deep/one.ts',
    ' M bin/run.sh',
    ' M docs/my notes.md',
    ' M src/Größe é.ts',
    ' M src/bom.ts',
    ' M src/crlf.ts',
    '?? new/deep/ümlaut file.ts',
    '?? new/empty',
  ])
  assert.equal(await readFile(repository.at('src/crlf.ts'), 'utf8'), 'a\r\nB\r\nBB\r\nc')
  assert.equal(await readFile(repository.at('src/bom.ts'), 'utf8'), `${BOM}A\nb\n`)
  assert.equal(await readFile(repository.at('new/deep/ümlaut file.ts'), 'utf8'), 'n\n')
  assert.equal((await readFile(repository.at('new/empty'))).length, 0)
  assert.equal(await modeOf(repository.at('bin/run.sh')), '755')
  assert.equal(await modeOf(repository.at('new/empty')), '644')
  assert.deepEqual(await readdir(repository.at('lib')), ['only.ts'])
})

test('a renamed file keeps its mode, an edit of its new name included, and its empty folder goes', async () => {
  await using repository = await Repository.create()
  await repository.apply(`### rename bin/run.sh -> new/start.sh\n${edit('new/start.sh', 'echo old', 'echo new')}`)
  assert.deepEqual(repository.status(), [' D bin/run.sh', '?? new/start.sh'])
  assert.equal(await readFile(repository.at('new/start.sh'), 'utf8'), '#!/bin/sh\necho new\n')
  assert.equal(await modeOf(repository.at('new/start.sh')), '755')
  assert.ok(!(await readdir(repository.path)).includes('bin'))
})

test('permission bits that the umask would take stay', async () => {
  await using repository = await Repository.create()
  await chmod(repository.at('bin/run.sh'), 0o777)
  await repository.apply(edit('bin/run.sh', 'echo old', 'echo new'))
  assert.equal(await modeOf(repository.at('bin/run.sh')), '777')
})

test('a file can be edited although one that differs only in case is there', async () => {
  await using repository = await Repository.create()
  await writeFile(repository.at('readme.md'), 'the other\n')
  await repository.apply(edit('README.md', 'read me', 'x'))
  assert.equal(await readFile(repository.at('README.md'), 'utf8'), 'x\n')
  assert.equal(await readFile(repository.at('readme.md'), 'utf8'), 'the other\n')
})

test('a file takes the place of a folder and a folder that of a file', async () => {
  await using repository = await Repository.create()
  await repository.apply(
    `### rename lib/deep/one.ts -> lib/deep\n### delete lib/only.ts\n${write('lib/only.ts/index.ts', 'x')}`,
  )
  assert.equal(await readFile(repository.at('lib/deep'), 'utf8'), 'one\n')
  assert.equal(await readFile(repository.at('lib/only.ts/index.ts'), 'utf8'), 'x\n')
})

test('a rename may change only the case of a name', async () => {
  await using repository = await Repository.create()
  await repository.apply('### rename README.md -> readme.md')
  assert.deepEqual(repository.status(), [' D README.md', '?? readme.md'])
})

const refused: Record<string, [answer: string, code: string, reason: RegExp]> = {
  'an answer that does not follow the format': ['Sorry.', 'edits_missing', /no block/],
  'an edit of a link': [edit('src/passwd', 'root', 'x'), 'edits_rejected', /"src\/passwd" is a symbolic link/],
  'a write over a link': [write('src/passwd', 'x'), 'edits_rejected', /"src\/passwd" is a symbolic link/],
  'the deletion of a link': ['### delete src/passwd', 'edits_rejected', /"src\/passwd" is a symbolic link/],
  'the rename of a link': ['### rename src/passwd -> src/x', 'edits_rejected', /"src\/passwd" is a symbolic link/],
  'a rename onto a link': ['### rename README.md -> src/passwd', 'edits_rejected', /"src\/passwd" is a symbolic link/],
  'a write through a linked folder of the tree': [
    write('src/lib/x.ts', 'x'),
    'edits_rejected',
    /"src\/lib" is a symbolic link/,
  ],
  'a write through a linked folder outside': [
    write('src/outside/x', 'x'),
    'edits_rejected',
    /"src\/outside" is a symbolic link/,
  ],
  'a write onto a folder': [write('lib/deep', 'x'), 'edits_rejected', /"lib\/deep" is a folder/],
  "git's own files": [write('.git/hooks/pre-commit', 'x'), 'edits_rejected', /names git's own folder/],
  "git's own files in another case": [write('src/.Git/config', 'x'), 'edits_rejected', /names git's own folder/],
  'a path outside of the scope': [write('package.json', '{}'), 'change_out_of_scope', /"package.json"/],
  'a file beside one that differs only in case': [
    write('readme.md', 'x'),
    'edits_rejected',
    /only in case.*"README.md"/,
  ],
  'a folder beside one that differs only in case': [
    write('docs/X/a', 'x'),
    'edits_rejected',
    /"docs\/X" differs only in case.*"x"/,
  ],
  'a name beside one in another normalization': [
    write('src/Gr\u006f\u0308\u00dfe e\u0301.ts', 'x'),
    'edits_rejected',
    /only in case or Unicode/,
  ],
  'an edit under another case': [edit('readme.md', 'read me', 'x'), 'edits_rejected', /"readme.md": does not exist/],
  'edits without effect': [edit('README.md', 'read me', 'read me'), 'change_without_effect', /as it was/],
  'a name the disk does not take, after others were written': [
    `### delete lib/deep/one.ts\n${edit('bin/run.sh', 'echo old', 'x')}${write('new/a/b', 'x')}${write(`src/${'n'.repeat(300)}`, 'x')}`,
    'edits_rejected',
    /nothing was changed: .* has a name of more than 255 bytes/,
  ],
}

for (const [name, [answer, code, reason]] of Object.entries(refused)) {
  test(`refuses ${name}, and changes nothing on disk`, async () => {
    await using repository = await Repository.create()
    await mkdir(repository.at('docs/x'))
    const good = code === 'edits_missing' || code === 'change_without_effect' ? '' : write('docs/good.md', 'x')
    await assert.rejects(repository.apply(`${good}${answer}`), (thrown: unknown) => {
      assert.ok(thrown instanceof Fault, String(thrown))
      assert.equal(thrown.code, code, thrown.message)
      assert.match(thrown.message, reason)
      return true
    })
    assert.deepEqual(repository.status(), [])
    assert.equal(await modeOf(repository.at('bin/run.sh')), '755')
    assert.deepEqual((await readdir(repository.path)).sort(), ['.git', 'README.md', 'bin', 'docs', 'lib', 'src'])
  })
}

test('a link that appears after the edits were checked is not written through', async () => {
  await using repository = await Repository.create()
  const content = Buffer.from('x')
  for (const file of ['src/passwd', 'src/outside/moose-must-not-exist']) {
    await assert.rejects(writeChanges(repository.path, [{ path: file, content }]), /is a symbolic link/)
  }
  assert.deepEqual(repository.status(), [])
})

test('a hard link to a file outside is replaced, not written through', async () => {
  await using repository = await Repository.create()
  await using outside = await Repository.create()
  await rm(repository.at('README.md'))
  await link(outside.at('README.md'), repository.at('README.md'))
  await repository.apply(edit('README.md', 'read me', 'changed'))
  assert.equal(await readFile(outside.at('README.md'), 'utf8'), 'read me\n')
  assert.equal(await readFile(repository.at('README.md'), 'utf8'), 'changed\n')
})

test('an aborted attempt writes nothing', async () => {
  await using repository = await Repository.create()
  const reason = new Fault('attempt_cancelled', 'Cancelled.')
  const workspace = {
    path: repository.path,
    baseSha: '',
    commit: assert.fail,
    restore: assert.fail,
    [Symbol.asyncDispose]: assert.fail,
  }
  const input = {
    workspace,
    content: edit('README.md', 'read me', 'x'),
    scope: ['README.md'],
    signal: AbortSignal.abort(reason),
  }
  await assert.rejects(createPatchExecutor().apply(input), reason)
  assert.deepEqual(repository.status(), [])
})
