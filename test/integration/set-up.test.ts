import assert from 'node:assert/strict'
import { cp, readdir, readFile, readlink, rename, writeFile } from 'node:fs/promises'
import path from 'node:path'
import { test } from 'node:test'
import { Fault, type FaultCode } from '../../src/faults/fault.ts'
import { gitIn } from '../support/git-remote.ts'
import { exists, setUpSetting } from '../support/set-up-setting.ts'
import { until } from '../support/until.ts'

const fault = (code: FaultCode, words: RegExp) => (error: unknown) =>
  error instanceof Fault && error.code === code && words.test(error.message)

const FILES = { 'package.json': '{}\n', 'src/a': 'a\n', '.gitignore': 'deps/\nbuild/\n' }
const SETUP = `echo set up
mkdir -p deps/bin "$HOME/.cache/tool"
date +%N > deps/made
printf '#!/bin/sh\\necho %s\\n' "$PWD" > deps/bin/tool
chmod +x deps/bin/tool
ln -s "$PWD/deps/made" deps/absolute
ln -s made deps/relative
cp deps/made "$HOME/.cache/tool/made"`
const WANTED = { setup: SETUP, cache: ['deps/', '~/.cache/tool'] }

test('what setup leaves is made once for a key, and every attempt is given a copy in its tree and its HOME', async () => {
  await using given = await setUpSetting(FILES, WANTED)
  const base = await given.fetch()
  const first = await given.prepare(base)
  assert.deepEqual([first.reused, first.notKept, given.told.join('')], [false, [], 'set up\n'])
  const second = await given.prepare(base)
  assert.deepEqual([second.reused, second.key, given.told.length], [true, first.key, 1])
  await using one = await given.open(base, second, 1)
  await using other = await given.open(base, second, 2)
  const made = 'cmp deps/made "$HOME/.cache/tool/made" && cat deps/made'
  const results = [await given.check(one, made), await given.check(other, made), await given.check(one, made)]
  assert.deepEqual(
    results.map(({ outcome, outputTail }) => [outcome, outputTail]),
    Array.from({ length: 3 }, () => ['passed', results[0]?.outputTail]),
  )
  assert.notEqual(one.path, other.path)
})

test('what names the folder it was made in names the one it is copied to: scripts and links', async () => {
  await using given = await setUpSetting(FILES, WANTED)
  const base = await given.fetch()
  const prepared = await given.prepare(base)
  await using one = await given.open(base, prepared, 1)
  await using other = await given.open(base, prepared, 2)
  for (const { path: tree } of [one, other]) {
    assert.match(await readFile(path.join(tree, 'deps/bin/tool'), 'utf8'), new RegExp(`echo ${tree}\n`))
    assert.equal(await readlink(path.join(tree, 'deps/absolute')), path.join(tree, 'deps/made'))
    assert.equal(await readlink(path.join(tree, 'deps/relative')), 'made')
  }
})

test('the folder of a set-up is used again by the attempt after it, so that what compilers keep by path is found', async () => {
  await using given = await setUpSetting(FILES, WANTED)
  const base = await given.fetch()
  const prepared = await given.prepare(base)
  const paths: string[] = []
  for (const name of [1, 2]) {
    await using workspace = await given.open(base, prepared, name)
    paths.push(workspace.path)
  }
  const [tree] = paths
  assert.deepEqual(paths, [tree, tree])
  assert.deepEqual(await readdir(path.join(given.home, 'workspaces')), [])
})

test('no attempt gives anything back: what one changes, removes or adds the next one does not see', async () => {
  await using given = await setUpSetting(FILES, WANTED)
  const base = await given.fetch()
  const prepared = await given.prepare(base)
  const look = 'cat deps/made "$HOME/.cache/tool/made"; ls deps "$HOME/.cache/tool"'
  const before = await (async () => {
    await using workspace = await given.open(base, prepared, 1)
    return (await given.check(workspace, look)).outputTail
  })()
  {
    await using hostile = await given.open(base, prepared, 2)
    const poison =
      'for d in deps "$HOME/.cache/tool"; do echo evil > $d/made; echo evil > $d/new; done; rm -rf deps/bin'
    assert.equal((await given.check(hostile, poison)).outcome, 'passed')
  }
  assert.equal((await given.prepare(base)).reused, true)
  await using workspace = await given.open(base, prepared, 3)
  assert.equal((await given.check(workspace, look)).outputTail, before)
})

test('files of which a package manager keeps the other name in its store are kept alone, as they were', async () => {
  const setup = `mkdir -p "$HOME/store" deps/shut "$HOME/.cache/tool"
printf 'linked' > "$HOME/store/a"
chmod 500 "$HOME/store/a"
touch -d 2020-01-01T00:00:00Z "$HOME/store/a"
ln "$HOME/store/a" deps/a
ln "$HOME/store/a" deps/shut/b
chmod 555 deps/shut
printf 'twice' > deps/c
ln deps/c "$HOME/.cache/tool/c"`
  await using given = await setUpSetting(FILES, { ...WANTED, setup })
  const base = await given.fetch()
  const prepared = await given.prepare(base)
  assert.equal((await given.prepare(base)).reused, true, 'the store is gone with the HOME it was in')
  await using workspace = await given.open(base, prepared, 1)
  const look = 'cat deps/a deps/shut/b deps/c "$HOME/.cache/tool/c"; stat -c " %a %Y %h" deps/a; stat -c %a deps/shut'
  const { outcome, outputTail } = await given.check(workspace, look)
  assert.deepEqual([outcome, outputTail], ['passed', 'linkedlinkedtwicetwice 500 1577836800 2\n555'])
})

const POISONS: readonly [name: string, how: string][] = [
  ['writes into a file', 'echo evil >> "$f"'],
  ['writes into a file and puts its time back', 'touch -r "$f" ../t; echo evil >> "$f"; touch -r ../t "$f"'],
  [
    'writes as much as there was and puts the time back',
    'touch -r "$f" ../t; n=$(wc -c < "$f"); head -c $n /dev/zero > ../z; cat ../z > "$f"; touch -r ../t "$f"',
  ],
  ['puts another file in its place', 'cp "$f" "$f.2"; mv "$f.2" "$f"'],
  ['adds a file', 'echo evil > "$(dirname "$f")/new"'],
  ['removes a file', 'rm "$f"'],
  ['puts a link in its place', 'rm "$f"; ln -s /etc/hostname "$f"'],
  ['gives the file a second name outside', 'ln "$f" ../second'],
  [
    'writes the record anew',
    'echo "{\\"from\\":\\"/x\\",\\"mentions\\":[],\\"digest\\":\\"0\\"}" > "$(echo ../../../caches/*/*/kept.json)"',
  ],
  [
    'has the record name another text to replace in the copies',
    'r="$(echo ../../../caches/*/*/kept.json)"; sed -i -e "s,\\"from\\":\\"[^\\"]*,\\"from\\":\\"#!/bin," "$r"; grep "#!/bin" "$r"',
  ],
]
for (const [name, how] of POISONS) {
  test(`a check that finds what is kept and ${name} does not reach the next order`, async () => {
    await using given = await setUpSetting(FILES, WANTED, undefined, false)
    const base = await given.fetch()
    const prepared = await given.prepare(base)
    {
      await using hostile = await given.open(base, prepared, 1)
      const run = `f=$(find ../../../caches -name made | sort | head -n 1); test -f "$f"; ${how}`
      const result = await given.check(hostile, run)
      assert.equal(result.outcome, 'passed', result.outputTail)
    }
    await assert.rejects(given.open(base, prepared, 2), fault('setup_failed', /another program has changed it/))
    const again = await given.prepare(base)
    assert.equal(again.reused, false)
    await using next = await given.open(base, again, 2)
    const { outcome, outputTail } = await given.check(
      next,
      'cmp deps/made "$HOME/.cache/tool/made" && ! grep -r evil deps && ls deps',
    )
    assert.deepEqual([outcome, outputTail], ['passed', 'absolute\nbin\nmade\nrelative'])
  })
}

test('what is put in the place of what is kept while it is copied does not reach the order', async () => {
  await using given = await setUpSetting(FILES, WANTED)
  const base = await given.fetch()
  const prepared = await given.prepare(base)
  const [project] = await readdir(path.join(given.home, 'caches'))
  const kept = path.join(given.home, 'caches', String(project), String(prepared.key))
  const [content, own, other] = ['content', 'own', 'other'].map((name) => path.join(kept, name))
  await cp(String(content), String(other), { recursive: true, verbatimSymlinks: true })
  await writeFile(path.join(String(other), '0/made'), 'evil')
  await rename(String(content), String(own))
  await rename(String(other), String(content))
  const tree = path.join(given.home, 'workspaces', `${project}.0`, 'tree')
  let opened: Awaited<ReturnType<typeof given.open>> | 'refused' | null = null
  const opening = given.open(base, prepared).then(
    (workspace) => (opened = workspace),
    () => (opened = 'refused'),
  )
  await until('it was copied or refused', async () => opened !== null || (await exists(tree, 'deps/relative')), {
    everyMs: 0,
  })
  await rename(String(content), String(other))
  await rename(String(own), String(content))
  if ((await opening) === 'refused') return
  assert.notEqual(await readFile(path.join(tree, 'deps/made'), 'utf8'), 'evil')
})

test('a cache is no part of a commit, of git status or of what is cleaned, whether or not git ignores it', async () => {
  await using given = await setUpSetting({ 'package.json': '{}\n', 'src/a': 'a\n' }, WANTED)
  const base = await given.fetch()
  const prepared = await given.prepare(base)
  await using workspace = await given.open(base, prepared)
  assert.equal(await gitIn(workspace.path, 'status', '--porcelain'), '')
  assert.deepEqual(await workspace.changedPaths(), [])
  assert.equal(await workspace.commit('nothing', new Date(0)), null)
  const result = await given.check(workspace, 'mkdir deps/.git && touch planted deps/planted && git status --porcelain')
  assert.deepEqual([result.outcome, result.outputTail], ['passed', '?? planted'])
  assert.deepEqual(
    [await exists(workspace.path, 'planted'), await exists(workspace.path, 'deps/planted')],
    [false, true],
  )
})

test('another key is another set-up: a lock file, the script, the environment, a cache; a source file is none', async () => {
  await using given = await setUpSetting(FILES, WANTED)
  const base = await given.fetch()
  const keyOf = (sha: string, changes = {}) =>
    given.setUp.keyOf({ project: given.project, sha, config: { ...given.config, ...changes } })
  const key = await keyOf(base)
  assert.match(String(key), /^[0-9a-f]{64}$/)
  const source = await given.remote.commit('main', { 'src/a': 'b\n' })
  await given.fetch()
  assert.equal(await keyOf(source), key)
  const lock = await given.remote.commit('main', { 'packages/web/package-lock.json': '{}\n' })
  await given.fetch()
  const others = [
    await keyOf(lock),
    await keyOf(base, { env: { A: 'b' } }),
    await keyOf(base, { cache: ['deps'] }),
    await keyOf(base, { setup: { run: 'true', timeoutMs: 1_000 } }),
  ]
  assert.equal(new Set([key, ...others]).size, 5)
  assert.equal(await keyOf(base, { setup: null }), null)
})

test('without any manifest every change asks for another set-up', async () => {
  await using given = await setUpSetting({ 'src/a': 'a\n' }, WANTED)
  const base = await given.fetch()
  const next = await given.remote.commit('main', { 'src/a': 'b\n' })
  await given.fetch()
  const { project, config, setUp } = given
  assert.notEqual(await setUp.keyOf({ project, sha: base, config }), await setUp.keyOf({ project, sha: next, config }))
})

test('two that need the same set-up at once run it once', async () => {
  await using given = await setUpSetting(FILES, WANTED)
  const base = await given.fetch()
  const both = await Promise.all([given.prepare(base), given.prepare(base)])
  assert.equal(both.filter(({ reused }) => reused).length, 1)
  assert.equal(given.told.join(''), 'set up\n')
})

test('a set-up that fails is named with its last lines and its exit code, and nothing of it is kept', async () => {
  await using given = await setUpSetting(FILES, { ...WANTED, setup: 'mkdir deps; echo no such package; exit 3' })
  const base = await given.fetch()
  const thrown = await given.prepare(base).catch((error: unknown) => error)
  assert.ok(fault('setup_failed', /Set-up of project .* failed with exit code 3\..*no such package/s)(thrown))
  assert.ok(thrown instanceof Fault)
  assert.deepEqual(thrown.details['exit_code'], 3)
  assert.deepEqual(await readdir(path.join(given.home, 'workspaces')), [])
  assert.equal(await exists(given.home, 'caches'), false)
})

test('a cache whose files are also named in a store in HOME, as pnpm links them, is kept without the store', async () => {
  const store = 'mkdir -p "$HOME/store" deps "$HOME/.cache/tool"\necho stored > "$HOME/store/made"\n'
  const links = 'ln "$HOME/store/made" deps/made\nln deps/made deps/again\nln deps/made "$HOME/.cache/tool/made"\n'
  await using given = await setUpSetting(FILES, { ...WANTED, setup: `${store}${links}` })
  const base = await given.fetch()
  const prepared = await given.prepare(base)
  for (const name of [1, 2]) {
    await using workspace = await given.open(base, prepared, name)
    const result = await given.check(
      workspace,
      'cat deps/made; test deps/made -ef deps/again; cat "$HOME/.cache/tool/made"',
    )
    assert.deepEqual([result.outcome, result.outputTail], ['passed', 'stored\nstored'])
  }
  assert.equal((await given.prepare(base)).reused, true)
})

test('a set-up that fails for a program or a service that is not there says so', async () => {
  const endings: [setup: string, says: RegExp][] = [
    ['no-such-manager install', /cannot be run: no-such-manager is missing \(exit code 127\)\./],
    ['echo connect ECONNREFUSED 127.0.0.1:5432; exit 1', /exit code 1\. Note: it seems to need a service/],
  ]
  for (const [setup, says] of endings) {
    await using given = await setUpSetting(FILES, { ...WANTED, setup })
    await assert.rejects(given.prepare(await given.fetch()), fault('setup_failed', says))
  }
})

test('a folder that git ignores and no cache names is told as lost', async () => {
  await using given = await setUpSetting(FILES, { ...WANTED, setup: 'mkdir -p deps build/x; touch deps/a build/x/b' })
  const base = await given.fetch()
  assert.deepEqual((await given.prepare(base)).notKept, ['build/'])
})

test('an ignored folder with a cache in it is told as lost only where it holds something else', async () => {
  const wanted = { ...WANTED, cache: ['build/x/kept', 'deps/state'] }
  const setup = 'mkdir -p deps build/x/kept\ntouch deps/state build/x/kept/a build/x/b'
  await using given = await setUpSetting(FILES, { ...wanted, setup })
  const base = await given.fetch()
  assert.deepEqual((await given.prepare(base)).notKept, ['build/'])
})

test('a cache in which the base has files is refused by name; one in which a change has files fails the change', async () => {
  await using given = await setUpSetting(FILES, WANTED)
  const base = await given.fetch()
  for (const cache of ['src', 'src/a', 'src/a/b', 'package.json'])
    await assert.rejects(
      given.prepare(base, { cache: [cache] }),
      fault('checks_invalid', /git tracks (src\/a|package\.json)/),
    )
  const prepared = await given.prepare(base)
  for (const change of [{ 'deps/mine': 'x\n' }, { deps: { link: '/etc' } }]) {
    const sha = await given.remote.commit('change', change)
    await given.workspaces.fetchBase({ ...given.project, defaultBranch: 'change' }, new AbortController().signal)
    await assert.rejects(given.open(sha, prepared), fault('change_out_of_scope', /deps.*a cache/))
  }
})

test('a change that needs another set-up has it run on top of its copies; a failure is a result', async () => {
  const setup = 'mkdir -p deps; cat package.json >> deps/log; ! grep -q broken package.json'
  await using given = await setUpSetting(FILES, { setup, cache: ['deps'] })
  const base = await given.fetch()
  const prepared = await given.prepare(base)
  const sha = await given.remote.commit('main', { 'package.json': '{"changed":1}\n' })
  const broken = await given.remote.commit('main', { 'package.json': '{"broken":1}\n' })
  await given.fetch()
  const run = async (commit: string) => {
    await using workspace = await given.open(commit, prepared)
    const { config, project } = given
    const request = { workspace, project, config, signal: new AbortController().signal, onOutput: () => undefined }
    const { name, outcome } = await given.setUp.again(request)
    return [name, outcome, (await given.check(workspace, 'cat deps/log')).outputTail]
  }
  assert.deepEqual(await run(sha), ['setup', 'passed', '{}\n{"changed":1}'])
  assert.deepEqual(await run(broken), ['setup', 'failed', '{}\n{"broken":1}'])
})

test('folders nobody may write to are kept, copied, given to every child and removed', async () => {
  const setup =
    'mkdir -p "$HOME/go/mod/x" deps/locked; touch "$HOME/go/mod/x/f" deps/locked/f; chmod -R a-w "$HOME/go" deps'
  await using given = await setUpSetting(FILES, { setup, cache: ['deps', '~/go/mod'] })
  const base = await given.fetch()
  const prepared = await given.prepare(base)
  {
    await using workspace = await given.open(base, prepared)
    for (let child = 0; child < 2; child += 1) {
      const { outcome, outputTail } = await given.check(
        workspace,
        'ls -ld "$HOME/go/mod/x" deps/locked && ls "$HOME/go/mod/x" deps/locked',
      )
      assert.equal(outcome, 'passed', outputTail)
      assert.match(outputTail, /^dr-x.*\ndr-x/)
    }
  }
  assert.deepEqual(await readdir(path.join(given.home, 'workspaces')), [])
})

test('of a project the three set-ups that were wanted last are kept', async () => {
  await using given = await setUpSetting(FILES, WANTED)
  const base = await given.fetch()
  const with_ = (name: string) => given.prepare(base, { env: { NAME: name } })
  for (const name of ['a', 'b', 'c']) await with_(name)
  await with_('a')
  await with_('d')
  const reused = [await with_('a'), await with_('d'), await with_('c'), await with_('b')].map(
    (prepared) => prepared.reused,
  )
  assert.deepEqual(reused, [true, true, true, false])
  assert.equal((await readdir(path.join(given.home, 'caches', given.project.id))).length, 3)
})
