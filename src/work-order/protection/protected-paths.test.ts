import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { foldedPath, isMatch, LONGEST_PATTERN, PATTERN_FORM, pathPattern, patternProblem } from './path-pattern.ts'
import { protectionBy } from './protected-paths.ts'

const usual = protectionBy({ protect: [], unprotect: [] })

test('what decides how a repository is verified, built and reviewed is protected, at any depth', () => {
  for (const path of [
    'moose.yaml',
    'AGENTS.md',
    'packages/a/CLAUDE.md',
    'GEMINI.md',
    '.cursorrules',
    '.github/copilot-instructions.md',
    '.github/workflows/ci.yml',
    '.github/actions/set-up/index.js',
    'tools/deploy/action.yml',
    '.gitlab-ci.yml',
    '.circleci/config.yml',
    'Jenkinsfile',
    'ci/Jenkinsfile.release',
    'azure-pipelines.yml',
    'azure-pipelines-nightly.yaml',
    'CODEOWNERS',
    'docs/CODEOWNERS',
    '.github/CODEOWNERS',
    'package-lock.json',
    'web/pnpm-lock.yaml',
    'uv.lock',
    'go.sum',
    '.npmrc',
    '.yarn/releases/yarn-4.cjs',
    '.gitattributes',
    'src/.gitattributes',
    '.gitmodules',
    '.husky/pre-commit',
    '.pre-commit-config.yaml',
    '.vscode/tasks.json',
    'a/.idea/workspace.xml',
    '.devcontainer/devcontainer.json',
    '.devcontainer.json',
    '.claude/settings.json',
    '.cursor/rules/a.mdc',
    '.aider.conf.yml',
    '.aiderignore',
    '.mcp.json',
    '.envrc',
    'gradle/wrapper/gradle-wrapper.properties',
    'binding.gyp',
    'packages/a/package.json5',
    'package.yaml',
    'mise.local.toml',
    '.mise.ci.toml',
    '.bazeliskrc',
    'tools/bazel',
    '.github/hooks/session.json',
    '.copilot/config.json',
  ])
    assert.notEqual(usual.whyProtected(path), null, path)
})

test('what nothing runs by is not', () => {
  for (const path of [
    'src/a.ts',
    'moose.yaml.md',
    'packages/moose.yaml',
    'docs/workflows/ci.yml',
    '.github/ISSUE_TEMPLATE/bug.yml',
    '.gitignore',
    '.editorconfig',
    'README.md',
    'src/agents.ts',
    'lib/lock.js',
    'package.json',
    'claude.md.txt',
    'src/github/workflows/a.ts',
    'docs/~1/x',
  ])
    assert.equal(usual.whyProtected(path), null, path)
})

test('a name that some file system takes for a protected one is protected', () => {
  for (const path of [
    '.GitHub/Workflows/ci.yml',
    '.GITHUB/WORKFLOWS/CI.YML',
    'agents.MD',
    '.github./workflows/ci.yml',
    '.github /workflows /ci.yml',
    '.git\u200chub/workflows/ci.yml',
    '.github/work\u00adflows/ci.yml',
    '\uff0egithub/workflows/ci.yml',
    '.github\\workflows\\ci.yml',
    '.github::$INDEX_ALLOCATION/workflows/ci.yml',
    'moose.yaml::$DATA',
    'GITHUB~1/WORKFL~1/ci.yml',
    'moose.yaml.',
    '.vſcode/tasks.json',
    'CODEOWNERS ',
    'pacKage-lock.json',
  ])
    assert.notEqual(usual.whyProtected(path), null, JSON.stringify(path))
})

test('a folder is protected when everything in it is', () => {
  for (const path of ['.github/workflows/', '.vscode/', 'a/.claude/commands/']) {
    assert.notEqual(usual.whyProtected(path), null, path)
  }
  for (const path of ['.github/', 'src/', 'docs/']) assert.equal(usual.whyProtected(path), null, path)
})

test('a project adds and excepts, and what it adds counts first', () => {
  const own = protectionBy({
    protect: ['infra/', 'schema.sql'],
    unprotect: ['package-lock.json', 'infra/a/', '.vscode/'],
  })
  assert.notEqual(own.whyProtected('infra/main.tf'), null)
  assert.notEqual(own.whyProtected('db/SCHEMA.sql'), null)
  assert.equal(own.whyProtected('package-lock.json'), null)
  assert.equal(own.whyProtected('web/package-lock.json'), null)
  assert.equal(own.whyProtected('.vscode/tasks.json'), null)
  assert.notEqual(own.whyProtected('infra/a/x'), null)
  assert.notEqual(own.whyProtected('yarn.lock'), null)
  assert.deepEqual(
    ['package-lock.json', 'infra/a/x', 'yarn.lock'].map((path) => own.isExcepted(path)),
    [true, false, false],
  )
})

test('of a manifest the scripts are protected, not the rest', () => {
  assert.ok(usual.protectedPart('packages/a/package.json')?.keys.some(([key]) => key === 'scripts'))
  assert.equal(usual.protectedPart('src/a.ts'), null)
  assert.equal(protectionBy({ protect: [], unprotect: ['package.json'] }).protectedPart('package.json'), null)
})

test('of a requirements file the lines are protected that say where packages come from', () => {
  for (const path of [
    'requirements.txt',
    'a/Requirements-dev.txt',
    'requirements/ci/all.txt',
    'constraints.txt',
    'dev_requirements.in',
  ])
    assert.notEqual(usual.protectedLines(path), null, path)
  for (const path of ['requirements.md', 'docs/a.txt', 'src/requirements.py'])
    assert.equal(usual.protectedLines(path), null, path)
  assert.equal(protectionBy({ protect: [], unprotect: ['requirements.txt'] }).protectedLines('requirements.txt'), null)
})

test('patterns fit as those of .gitignore', () => {
  for (const [pattern, path, fits] of [
    ['a', 'a', true],
    ['a', 'b/a', true],
    ['a', 'b/a/c', true],
    ['/a', 'b/a', false],
    ['/a', 'a/b', true],
    ['a/', 'a', false],
    ['a/', 'x/a/b', true],
    ['a/b', 'x/a/b', false],
    ['**/a/b', 'x/y/a/b', true],
    ['a/**/b', 'a/b', true],
    ['a/**/b', 'a/x/y/b', true],
    ['**', 'x/y', true],
    ['*.lock', 'x/y.lock', true],
    ['*.lock', 'x.lock/y', true],
    ['a?c', 'abc', true],
    ['a?c', 'a/c', false],
    ['a*', 'b', false],
  ] as const)
    assert.equal(isMatch(pathPattern(pattern), foldedPath(path)), fits, `${pattern} ${path}`)
})

test('any path is folded without a throw, and folding it again changes nothing', () => {
  fc.assert(
    fc.property(fc.string({ unit: 'binary', maxLength: 60 }), (path) => {
      const folded = foldedPath(path)
      usual.whyProtected(path)
      assert.equal(foldedPath(folded), folded)
    }),
  )
})

test('the contract says of patterns what is checked', () => {
  const form = new RegExp(PATTERN_FORM, 'u')
  const unit = fc.constantFrom('a', '.', '/', '*', ' ', '!', '[', '\\\\', '{', '\n', 'ä', '?')
  fc.assert(
    fc.property(fc.string({ unit, maxLength: 8 }), (text) => {
      assert.equal(form.test(text), patternProblem(text) === null, JSON.stringify(text))
    }),
    { numRuns: 2_000 },
  )
  assert.notEqual(patternProblem('x'.repeat(LONGEST_PATTERN + 1)), null)
})

test('what is no pattern is named', () => {
  for (const text of ['', '/', ' a', 'a//b', '../a', '!a', 'a[b]', 'a\\b', 'x'.repeat(201), 'a\nb'])
    assert.notEqual(patternProblem(text), null, JSON.stringify(text))
  for (const text of ['a', '/a/', '**/a/*.lock', '.github/workflows/', 'ä?'])
    assert.equal(patternProblem(text), null, text)
})
