import assert from 'node:assert/strict'
import { lstat, mkdir, mkdtemp, readdir, readFile, readlink, rm, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { test } from 'node:test'
import fc from 'fast-check'
import { createPatchExecutor } from '../../src/executors/patch/patch-executor.ts'
import { Fault } from '../../src/faults/fault.ts'
import { withinMs } from '../support/within.ts'

const PROPOSALS = 10_000
/** Longer than any proposal of this size may keep the service. */
const HANGS_MS = 10_000
const SCOPE = ['src/', 'docs/', 'README.md']
const BASE: Record<string, string> = { 'src/a.ts': 'one\ntwo\nthree\n', 'docs/b.md': '# B\n', 'README.md': 'read\n' }

/** Paths a model, or who speaks through it, may name; most of them lead out of the tree in some way. */
const PATHS = [
  'src/a.ts',
  'src/new.ts',
  'docs/b.md',
  'docs/deep/er/c.md',
  'README.md',
  'package.json',
  'src',
  'src/',
  '../outside.txt',
  'src/../../outside.txt',
  './../outside.txt',
  'src/./a.ts',
  '/etc/moose',
  '//outside',
  '~/x',
  'src/out/outside.txt',
  'src/out',
  'src/up/outside.txt',
  'src/file',
  'docs/loop/x',
  'src/%2e%2e/x',
  'src/..',
  '..',
  '.git/config',
  '.GIT/hooks/post-commit',
  '.git',
  'src/.git/config',
  'git~1/config',
  '.g‌it/config',
  '.git./x',
  '.git::$INDEX_ALLOCATION/config',
  '..\\outside.txt',
  'C:\\x',
  'src/a.ts\0.md',
  'src/a.ts\r',
  '-rf',
  '--load=x',
  ' ',
  'src/‮gnp.ts',
  'SRC/A.TS',
  'src/a.ts/below',
  'con',
  'src/🦌.ts',
  `src/${'x'.repeat(300)}`,
  '`id`',
  '$(id)',
]
const LINES = [
  'one',
  'two',
  'three',
  '# B',
  'read',
  '',
  '```',
  '````',
  '=======',
  '>>>>>>> REPLACE',
  '<<<<<<< SEARCH',
  '\r',
  '\0',
]

const somePath = fc.oneof(
  { weight: 6, arbitrary: fc.constantFrom(...PATHS) },
  { weight: 1, arbitrary: fc.string({ unit: 'binary', maxLength: 12 }) },
  {
    weight: 1,
    arbitrary: fc
      .array(fc.constantFrom('..', '.', 'src', 'a', '.git', ''), { maxLength: 6 })
      .map((all) => all.join('/')),
  },
)
const text = fc.array(fc.oneof(fc.constantFrom(...LINES), fc.string({ unit: 'binary', maxLength: 8 })), {
  maxLength: 4,
})
const block = fc.oneof(
  fc.tuple(somePath, text).map(([at, lines]) => `### write ${at}\n\`\`\`\`\n${lines.join('\n')}\n\`\`\`\`\n`),
  fc
    .tuple(somePath, text, text)
    .map(
      ([at, old, now]) =>
        `### edit ${at}\n<<<<<<< SEARCH\n${old.join('\n')}\n=======\n${now.join('\n')}\n>>>>>>> REPLACE\n`,
    ),
  somePath.map((at) => `### delete ${at}\n`),
  fc.tuple(somePath, somePath).map(([from, to]) => `### rename ${from} -> ${to}\n`),
  text.map((lines) => lines.join('\n')),
)
const proposal = fc.array(block, { minLength: 1, maxLength: 4 }).map((blocks) => blocks.join('\n'))

test('4 and 13: ten thousand fuzzed proposals write nothing outside of the tree, end, and are refused with a code', {
  timeout: 600_000,
}, async (t) => {
  await using place = await makePlace()
  const before = await place.outside()
  const seed = seedOf(t)
  const seen = { applied: 0, escaping: 0, codes: new Map<string, number>() }
  const property = fc.asyncProperty(proposal, async (content) => {
    // Without Moose's look at the path, this one would have been written outside.
    if (namedPaths(content).some((at) => leavesTree(place.tree, at))) seen.escaping += 1
    const ended = await withinMs(HANGS_MS, apply(place.tree, content))
    if (ended === null) {
      seen.applied += 1
      await place.reset()
    } else seen.codes.set(ended, (seen.codes.get(ended) ?? 0) + 1)
    assert.deepEqual(await place.outside(), before)
  })
  await fc.assert(property, { numRuns: PROPOSALS, seed })
  t.diagnostic(
    `${seen.applied} applied, ${seen.escaping} named a path outside, refused: ${JSON.stringify([...seen.codes])}`,
  )
  assert.ok(seen.applied > 100 && seen.escaping > 1_000 && seen.codes.size > 2, JSON.stringify(seen))
})

test('3 and 13: a proposal for a path outside is written there by who trusts the path, and refused here', async () => {
  await using place = await makePlace()
  const at = '../outside.txt'
  const before = await place.outside()
  await writeFile(path.join(place.tree, at), 'overwritten')
  assert.notDeepEqual(await place.outside(), before)
  await writeFile(path.join(place.tree, at), 'outside\n')
  assert.equal(await apply(place.tree, `### write ${at}\n\`\`\`\`\noverwritten\n\`\`\`\`\n`), 'edits_rejected')
  assert.deepEqual(await place.outside(), before)
})

test('12 and 13: a tracked link is followed out of the tree by who writes through it, and refused here', async () => {
  await using place = await makePlace()
  const before = await place.outside()
  await writeFile(path.join(place.tree, 'src/file'), 'overwritten')
  assert.notDeepEqual(await place.outside(), before)
  await writeFile(path.join(place.tree, 'src/file'), 'outside\n')
  for (const at of ['src/file', 'src/out/outside.txt']) {
    const code = await apply(place.tree, `### write ${at}\n\`\`\`\`\noverwritten\n\`\`\`\`\n`)
    assert.match(String(code), /^(?:edits_rejected|scope_unreadable)$/, at)
  }
  assert.deepEqual(await place.outside(), before)
})

/** Null: it was applied; else the code it was refused with. */
async function apply(tree: string, content: string): Promise<string | null> {
  const unused = () => assert.fail('the executor neither commits nor restores')
  const workspace = { path: tree, baseSha: 'unused', commit: unused, restore: unused }
  try {
    const { signal } = new AbortController()
    await createPatchExecutor().apply({ workspace, content, scope: SCOPE, signal })
    return null
  } catch (thrown) {
    assert.ok(thrown instanceof Fault, `${String(thrown)} for ${JSON.stringify(content)}`)
    assert.notEqual(thrown.code, 'internal', `${thrown.message} for ${JSON.stringify(content)}`)
    return thrown.code
  }
}

function namedPaths(content: string): string[] {
  return [...content.matchAll(/^### (?:write|edit|delete|rename) (.*)$/gm)].flatMap(([, at]) =>
    String(at).split(' -> '),
  )
}

function leavesTree(tree: string, at: string): boolean {
  const target = path.resolve(tree, at.trim())
  return !target.startsWith(`${tree}/`) || /^(?:src\/(?:out|up|file)|docs\/loop|\.git)/i.test(at)
}

type Place = AsyncDisposable & {
  tree: string
  /** Everything beside the tree, and git's folder in it. */
  outside(): Promise<string[]>
  /** The tree as it was. */
  reset(): Promise<void>
}

async function makePlace(): Promise<Place> {
  const folder = await mkdtemp(path.join(tmpdir(), 'moose-fuzz-'))
  const tree = path.join(folder, 'tree')
  await writeFile(path.join(folder, 'outside.txt'), 'outside\n')
  await mkdir(path.join(folder, 'beside'))
  await reset(tree)
  return {
    tree,
    outside: async () => [...(await contentOf(folder, ['tree'])), ...(await contentOf(path.join(tree, '.git'), []))],
    reset: () => reset(tree),
    [Symbol.asyncDispose]: () => rm(folder, { recursive: true, force: true }),
  }
}

async function reset(tree: string): Promise<void> {
  await rm(tree, { recursive: true, force: true })
  await mkdir(path.join(tree, '.git/hooks'), { recursive: true })
  await writeFile(path.join(tree, '.git/config'), '[core]\n')
  for (const [file, content] of Object.entries(BASE)) {
    await mkdir(path.dirname(path.join(tree, file)), { recursive: true })
    await writeFile(path.join(tree, file), content)
  }
  await symlink('../..', path.join(tree, 'src/out'))
  await symlink('../../beside', path.join(tree, 'src/up'))
  await symlink('../../outside.txt', path.join(tree, 'src/file'))
  await symlink('loop', path.join(tree, 'docs/loop'))
}

async function contentOf(root: string, except: readonly string[]): Promise<string[]> {
  const names = (await readdir(root)).filter((name) => !except.includes(name)).toSorted()
  const each = names.map(async (name) => {
    const at = path.join(root, name)
    const entry = await lstat(at)
    if (entry.isSymbolicLink()) return [`${at} -> ${await readlink(at)}`]
    return entry.isDirectory() ? [`${at}/`, ...(await contentOf(at, []))] : [`${at}: ${await readFile(at, 'utf8')}`]
  })
  return (await Promise.all(each)).flat()
}

/** Printed, so that a failure can be made again: `SEED=1 npm run test:hostile -- fuzzed`. */
function seedOf(t: { diagnostic(message: string): void }): number {
  const seed = Number(process.env['SEED'] ?? Math.floor(Math.random() * 2 ** 31))
  t.diagnostic(`SEED=${seed}`)
  return seed
}
