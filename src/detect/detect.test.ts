import assert from 'node:assert/strict'
import { test } from 'node:test'
import { parse } from 'yaml'
import type { CheckoutFiles } from './checkout-files.ts'
import { detect } from './detect.ts'
import { proposalOf, writeMooseYaml } from './proposal.ts'
import { REGISTRIES } from './registries.ts'

function filesOf(files: Readonly<Record<string, string | null>>): CheckoutFiles {
  return { names: new Set(Object.keys(files)), read: (name) => Promise.resolve(files[name] ?? null) }
}

async function proposed(files: Readonly<Record<string, string | null>>) {
  const proposal = proposalOf(await detect(filesOf(files)))
  return {
    ...proposal,
    tools: proposal.tools.map(({ tool }) => tool),
    setup: proposal.setup.map(({ value }) => value),
    cache: proposal.cache.map(({ value }) => value),
    hosts: proposal.hosts.map(({ value }) => value),
    env: Object.fromEntries(proposal.env.map(({ name, value }) => [name, value])),
    checks: Object.fromEntries(proposal.checks.map(({ name, run }) => [name, run])),
    fixes: Object.fromEntries(proposal.checks.flatMap(({ name, fix }) => (fix === null ? [] : [[name, fix]]))),
    text: writeMooseYaml(proposal),
  }
}

const node = (scripts: unknown, more: object = {}) => JSON.stringify({ scripts, dependencies: { a: '1' }, ...more })
const TEST = { test: 'node --test' }

const LOCKS: readonly [name: string, files: Record<string, string>, setup: string, test: string][] = [
  ['npm', { 'package-lock.json': '' }, 'npm ci', 'npm test'],
  ['npm with a shrinkwrap', { 'npm-shrinkwrap.json': '' }, 'npm ci', 'npm test'],
  ['pnpm', { 'pnpm-lock.yaml': '' }, 'pnpm install --frozen-lockfile', 'pnpm run test'],
  ['yarn of version 1', { 'yarn.lock': '# yarn lockfile v1' }, 'yarn install --frozen-lockfile', 'yarn run test'],
  ['yarn by its lock file', { 'yarn.lock': '__metadata:\n' }, 'yarn install --immutable', 'yarn run test'],
  ['yarn by its settings', { 'yarn.lock': '', '.yarnrc.yml': '' }, 'yarn install --immutable', 'yarn run test'],
  ['bun', { 'bun.lock': '' }, 'bun install --frozen-lockfile', 'bun run test'],
  ['bun with a binary lock file', { 'bun.lockb': '' }, 'bun install --frozen-lockfile', 'bun run test'],
  ['no lock file', {}, 'npm install', 'npm test'],
]
for (const [name, files, setup, run] of LOCKS) {
  test(`the lock file decides: ${name}`, async () => {
    const found = await proposed({ 'package.json': node(TEST), ...files })
    assert.deepEqual([found.setup, found.checks], [[setup], { test: run }])
  })
}

test('packageManager says which yarn, which of two lock files counts, and what there is without one', async () => {
  const of = async (packageManager: string, files: Record<string, string>) =>
    await proposed({ 'package.json': node(TEST, { packageManager }), ...files })
  assert.deepEqual((await of('yarn@4.1.0', { 'yarn.lock': '' })).setup, ['yarn install --immutable'])
  assert.deepEqual((await of('yarn@1.22.0', { 'yarn.lock': '' })).setup, ['yarn install --frozen-lockfile'])
  const two = await of('npm@11.0.0', { 'yarn.lock': '', 'package-lock.json': '' })
  assert.deepEqual([two.setup, two.notes], [['npm ci'], ['yarn.lock is there beside package-lock.json, which counts.']])
  const none = await of('pnpm@9.1.0', {})
  assert.deepEqual(none.setup, ['pnpm install'])
  assert.match(none.notes.join(), /No lock file is committed.*that of pnpm/)
  const unwanted = await of('npm@11.0.0', { '.npmrc': 'package-lock=false\n' })
  assert.deepEqual(
    [unwanted.setup, unwanted.notes],
    [
      ['npm install'],
      ['No lock file is committed: every set-up may install other versions. .npmrc says package-lock=false.'],
    ],
  )
  const told = await of('pnpm@9.1.0+sha512.abc', { 'pnpm-lock.yaml': '' })
  assert.match(told.notes.join(), /asks for pnpm@9\.1\.0: the PATH needs it, or corepack/)
  assert.ok(told.cache.includes('~/.cache/node/corepack'))
})

test("of yarn's Plug'n'Play what is not tracked is kept", async () => {
  const found = await proposed({ 'package.json': node(TEST), 'yarn.lock': '__metadata:', '.pnp.cjs': '' })
  const kept = ['.yarn/install-state.gz', '.pnp.loader.mjs', '.yarn/cache', '.yarn/unplugged', '~/.yarn/berry']
  assert.deepEqual(found.cache, kept)
})

test('each member of a workspace has a folder of its own', async () => {
  const members = { 'packages/a/package.json': '', 'packages/b/package.json': '', 'packages/b/c/package.json': '' }
  const files = { 'pnpm-lock.yaml': '', ...members, 'apps/x/y/package.json': '', 'other/package.json': '' }
  const ofPnpm = { ...files, 'pnpm-workspace.yaml': "packages:\n  - 'packages/*'\n  - apps/**\n  - '!other'\n" }
  const cache = ['node_modules', 'apps/x/y/node_modules', 'packages/a/node_modules', 'packages/b/node_modules']
  assert.deepEqual((await proposed({ 'package.json': node(TEST), ...ofPnpm })).cache, cache)
  const workspaces = ['packages/*', 'apps/**']
  assert.deepEqual((await proposed({ 'package.json': node(TEST, { workspaces }), ...files })).cache, cache)
})

const SCRIPTS: readonly [name: string, scripts: Record<string, unknown>, checks: Record<string, string>][] = [
  ['the placeholder of npm is none', { test: 'echo "Error: no test specified" && exit 1' }, {}],
  ['an empty one is none', { test: ' ' }, {}],
  ['one that is no text is none', { test: 5, lint: ['x'] }, {}],
  ['vitest waits for changes', { test: 'vitest' }, { test: 'npm test -- --run' }],
  ['vitest that ends', { test: 'vitest run' }, { test: 'npm test' }],
  ['jest that watches', { test: 'jest --watch' }, { test: 'npm test -- --watchAll=false' }],
  [
    'a script for once beside one that watches',
    { test: 'jest --watch', 'test:ci': 'jest' },
    { test: 'npm run test:ci' },
  ],
  ['watching that is turned off', { test: 'jest --watchAll=false' }, { test: 'npm test' }],
  ['Angular', { test: 'ng test --watch' }, { test: 'npm test -- --watch=false' }],
  ['one of several commands gets nothing added', { test: 'tsc && vitest' }, { test: 'npm test' }],
  [
    'all kinds, in their order',
    { 'format:check': 'a', tsc: 'b', lint: 'c', test: 'd' },
    { test: 'npm test', lint: 'npm run lint', types: 'npm run tsc', format: 'npm run format:check' },
  ],
  ['names that no one knows are not used', { 'lint; rm -rf ~': 'x', 'test\n': 'x', __proto__: 'x' }, {}],
]
for (const [name, scripts, checks] of SCRIPTS) {
  test(`scripts: ${name}`, async () => {
    const found = await proposed({ 'package.json': node(scripts), 'package-lock.json': '' })
    assert.deepEqual(found.checks, checks)
  })
}

test('a script that mends is the fix of its check, and one that mends while it checks is told', async () => {
  const scripts = { lint: 'eslint --fix .', 'lint:fix': 'eslint --fix .', 'format:check': 'a', format: 'b' }
  const found = await proposed({ 'package.json': node(scripts), 'package-lock.json': '' })
  assert.deepEqual(found.fixes, { lint: 'npm run lint:fix', format: 'npm run format' })
  assert.match(found.notes.join('\n'), /scripts\.lint changes files/)
  assert.match(found.notes.join('\n'), /no script that tests/)
})

test('a package.json that cannot be read, is none, or is nested deep is passed over', async () => {
  for (const text of ['{', '[]', '"x"', 'null', '['.repeat(100_000), `{"scripts":${'{"a":'.repeat(100_000)}`, null])
    assert.deepEqual((await proposed({ 'package.json': text, 'pyproject.toml': text })).checks, {})
})

const RUFF = '[tool.ruff]\n[tool.mypy]\nfiles = ["src"]\n[tool.ruff.format]\n'
const PYTHON: readonly [
  name: string,
  files: Record<string, string>,
  setup: string[],
  checks: Record<string, string>,
][] = [
  [
    'uv, with what is configured and required',
    {
      'uv.lock': '',
      'pyproject.toml': `[project]\nname = "a"\n[dependency-groups]\ndev = ["pytest", "ruff", "mypy"]\n${RUFF}`,
    },
    ['uv sync --locked'],
    {
      test: 'uv run --locked python -m pytest',
      lint: 'uv run --locked python -m ruff check .',
      format: 'uv run --locked python -m ruff format --check .',
      types: 'uv run --locked python -m mypy',
    },
  ],
  [
    'uv, with tests in an extra and in a group',
    {
      'uv.lock': '',
      'pyproject.toml':
        '[project]\nname = "a"\n[project.optional-dependencies]\ntest = ["pytest"]\n[dependency-groups]\ntesting = []\n',
    },
    ['uv sync --locked --extra test --group testing'],
    { test: 'uv run --locked --extra test --group testing python -m pytest' },
  ],
  [
    'uv, whose default groups are said',
    {
      'uv.lock': '',
      'pyproject.toml': `[project]\nname = "a"\n[tool.uv]\ndefault-groups = ["tests"]\n[dependency-groups]\ndev = ["ruff"]\ntests = ["pytest"]\n${RUFF}`,
    },
    ['uv sync --locked --group dev'],
    {
      test: 'uv run --locked --group dev python -m pytest',
      lint: 'uv run --locked --group dev python -m ruff check .',
      format: 'uv run --locked --group dev python -m ruff format --check .',
    },
  ],
  [
    'uv, with a linter in a group that another includes, and none of a name that could be an option',
    {
      'uv.lock': '',
      'pyproject.toml':
        '[project]\nname = "a"\n[tool.mypy]\nfiles = "a"\n[dependency-groups]\n"--x" = ["mypy"]\ntyping = [{ include-group = "checkers" }]\ncheckers = ["mypy", { include-group = "typing" }]\ntests = ["pytest"]\n',
    },
    ['uv sync --locked --group tests --group typing'],
    {
      test: 'uv run --locked --group tests --group typing python -m pytest',
      types: 'uv run --locked --group tests --group typing python -m mypy',
    },
  ],
  [
    'pip, with a linter in an extra of its own',
    {
      'pyproject.toml':
        '[project]\nname = "a"\n[tool.black]\n[project.optional-dependencies]\ndocs = ["sphinx"]\nstyle = ["black"]\ntest = ["pytest"]\n',
    },
    ['python3 -m venv .venv', ".venv/bin/python -m pip install --quiet -e '.[test,style]'"],
    { test: '.venv/bin/python -m pytest', format: '.venv/bin/python -m black --check .' },
  ],
  [
    'poetry, with a linter in an optional group',
    {
      'poetry.lock': '',
      'pyproject.toml':
        '[tool.poetry]\nname = "a"\n[tool.black]\n[tool.poetry.dependencies]\npytest = "*"\n[tool.poetry.group.style]\noptional = true\n[tool.poetry.group.style.dependencies]\nblack = "*"\n',
    },
    ['poetry install --no-interaction --with style'],
    { test: 'poetry run python -m pytest', format: 'poetry run python -m black --check .' },
  ],
  [
    'poetry, with an optional group',
    {
      'poetry.lock': '',
      'pyproject.toml':
        '[tool.poetry]\nname = "a"\n[tool.poetry.group.test]\noptional = true\n[tool.poetry.group.test.dependencies]\npytest = "*"\n',
    },
    ['poetry install --no-interaction --with test'],
    { test: 'poetry run python -m pytest' },
  ],
  [
    'pip, with requirements for development',
    { 'requirements.txt': 'a', 'requirements-dev.txt': 'pytest>=8\nblack', 'pyproject.toml': '[tool.black]\n' },
    ['python3 -m venv .venv', '.venv/bin/python -m pip install --quiet -r requirements.txt -r requirements-dev.txt'],
    { test: '.venv/bin/python -m pytest', format: '.venv/bin/python -m black --check .' },
  ],
  [
    'pip, with a package that has an extra',
    { 'pyproject.toml': '[project]\nname = "a"\n[project.optional-dependencies]\ndev = ["pytest"]\n' },
    ['python3 -m venv .venv', ".venv/bin/python -m pip install --quiet -e '.[dev]'"],
    { test: '.venv/bin/python -m pytest' },
  ],
  [
    'pip, with a group',
    { 'pyproject.toml': '[project]\nname = "a"\n[dependency-groups]\ntest = ["pytest"]\n' },
    [
      'python3 -m venv .venv',
      ".venv/bin/python -m pip install --quiet --upgrade 'pip>=25.1'",
      '.venv/bin/python -m pip install --quiet -e .',
      '.venv/bin/python -m pip install --quiet --group test',
    ],
    { test: '.venv/bin/python -m pytest' },
  ],
  [
    'pytest that is configured and nowhere required',
    { 'requirements.txt': 'a', 'pytest.ini': '' },
    [
      'python3 -m venv .venv',
      '.venv/bin/python -m pip install --quiet -r requirements.txt',
      '.venv/bin/python -m pip install --quiet pytest',
    ],
    { test: '.venv/bin/python -m pytest' },
  ],
  [
    'tox, which alone knows what the tests need',
    { 'setup.py': '', 'tox.ini': '[tox]\n[testenv]\ndeps = pytest\n', 'tests/test_a.py': 'import pytest\n' },
    [
      'python3 -m venv .venv',
      '.venv/bin/python -m pip install --quiet -e .',
      '.venv/bin/python -m pip install --quiet tox',
    ],
    { test: '.venv/bin/python -m tox run -e py' },
  ],
  [
    'nox',
    { 'requirements.txt': '', 'noxfile.py': '@nox.session\ndef tests(session):\n' },
    [
      'python3 -m venv .venv',
      '.venv/bin/python -m pip install --quiet -r requirements.txt',
      '.venv/bin/python -m pip install --quiet nox',
    ],
    { test: '.venv/bin/python -m nox -s tests' },
  ],
  [
    'Django',
    { 'requirements.txt': 'django', 'manage.py': '' },
    ['python3 -m venv .venv', '.venv/bin/python -m pip install --quiet -r requirements.txt'],
    { test: '.venv/bin/python manage.py test' },
  ],
  [
    'tests of unittest at the root',
    { 'requirements.txt': 'a', 'test_a.py': 'import unittest\n' },
    ['python3 -m venv .venv', '.venv/bin/python -m pip install --quiet -r requirements.txt'],
    { test: '.venv/bin/python -m unittest discover' },
  ],
]
for (const [name, files, setup, checks] of PYTHON) {
  test(`Python: ${name}`, async () => {
    const found = await proposed(files)
    assert.deepEqual([found.setup, found.checks], [setup, checks])
  })
}

test('code of the tree comes before what an editable install names, but for uv, which installs it anew', async () => {
  const pyproject = '[project]\nname = "a"\ndependencies = ["pytest"]\n'
  assert.deepEqual((await proposed({ 'pyproject.toml': pyproject, 'src/a/b.py': '' })).env, { PYTHONPATH: 'src' })
  assert.deepEqual((await proposed({ 'pyproject.toml': pyproject, 'a/b.py': '' })).env, { PYTHONPATH: '.' })
  assert.deepEqual((await proposed({ 'pyproject.toml': pyproject, 'uv.lock': '', 'src/a.py': '' })).env, {})
})

test('a linter that is configured and that nothing brings is told, and no check', async () => {
  const found = await proposed({ 'requirements.txt': 'pytest', 'ruff.toml': '', 'mypy.ini': '[mypy]\n' })
  assert.deepEqual(Object.keys(found.checks), ['test'])
  assert.deepEqual(found.notes, [
    'ruff is configured, but no requirement brings it: no check was made of it.',
    'mypy is configured, but no requirement brings it: no check was made of it.',
  ])
})

test('Go with vendored modules fetches none, and does not look at their format', async () => {
  const found = await proposed({ 'go.mod': '', 'vendor/modules.txt': '' })
  assert.deepEqual(found.setup, [
    "go test -run '^$' ./... >/dev/null 2>&1 || true",
    'go vet ./... >/dev/null 2>&1 || true',
  ])
  assert.match(String(found.checks['format']), /':!vendor'/)
})

test('Rust: a workspace, clippy where it is configured, no lock file', async () => {
  const found = await proposed({ 'Cargo.toml': '[workspace]\n[workspace.lints.clippy]\nall = "warn"\n' })
  assert.deepEqual(found.checks, {
    test: 'cargo test --workspace --no-fail-fast',
    lint: 'cargo clippy --workspace --all-targets -- -D warnings',
    format: 'cargo fmt --all --check',
  })
  assert.match(found.notes.join(), /No Cargo\.lock/)
})

test('Java: wrappers go before what is on the PATH', async () => {
  const maven = await proposed({ 'pom.xml': '<artifactId>spotless-maven-plugin</artifactId>', mvnw: '' })
  assert.match(String(maven.checks['test']), /^\.\/mvnw --batch-mode --no-transfer-progress verify$/)
  assert.match(String(maven.checks['format']), /spotless:check$/)
  assert.deepEqual(maven.cache, ['~/.m2/repository', '~/.m2/wrapper'])
  assert.equal(maven.setup.length, 1)
  const tested = {
    'pom.xml': '',
    'a/src/test/java/b/ZTest.java': '',
    'src/test/java/Base.java': '',
    'src/main/java/ATest.java': '',
  }
  assert.match(String((await proposed(tested)).setup[1]), / -Dtest=ZTest .* verify >/)
  const gradle = await proposed({ 'build.gradle.kts': '', gradlew: '' })
  assert.match(String(gradle.checks['test']), /^\.\/gradlew --no-daemon --console=plain test$/)
  assert.match(String((await proposed({ 'settings.gradle': '' })).checks['test']), /^gradle /)
})

test('Make and just alone: their targets, but no install', async () => {
  const make = await proposed({
    '.gitignore': '/build/\n.deps\n*.o\n',
    Makefile:
      'X := test:\nall: x\ninstall:\n\tcp x /usr\ndeps: ; \nbootstrap:\n\tmkdir build .deps/a\ncheck lint: all\n\t./t\nfmt:\n\tx\nformat-check:\n\tx\n',
  })
  assert.deepEqual(
    [make.setup, make.checks],
    [['make deps'], { test: 'make check', lint: 'make lint', format: 'make format-check' }],
  )
  assert.deepEqual(make.fixes, { format: 'make fmt' })
  const just = await proposed({ justfile: 'v := "x"\nsetup:\n  x\n@test filter="": setup\n  y\nlint path:\n  z\n' })
  assert.deepEqual([just.setup, just.checks], [['just setup'], { test: 'just test' }])
  assert.match((await proposed({ Makefile: 'test:\n\tx\n' })).notes.join(), /No target for set-up/)
})

test('what git ignores and the recipe of set-up names is kept', async () => {
  const Makefile = 'deps:\n\tmkdir -p build && ./get .deps/a\n'
  assert.deepEqual((await proposed({ '.gitignore': 'build/\n.deps\nother\n..\n', Makefile })).cache, ['build', '.deps'])
})

test("a target is proposed in place of a language's command where it calls the same tool, or where there is none", async () => {
  const go = (recipe: string) =>
    proposed({ 'go.mod': '', Makefile: `test:\n\t${recipe}\nlint:\n\tgolangci-lint run\n` })
  assert.equal((await go('go test -race ./...')).checks['test'], 'make test')
  assert.equal((await go('docker compose run tests')).checks['test'], 'go test ./...')
  assert.equal((await go('go test -race ./...')).checks['lint'], 'go vet ./...')
  const uv = { 'uv.lock': '', 'pyproject.toml': '[project]\ndependencies = ["pytest"]\n', 'uv.txt': '' }
  assert.equal((await proposed({ ...uv, justfile: 'test:\n  uv run pytest -x\n' })).checks['test'], 'just test')
  assert.equal(
    (await proposed({ ...uv, Makefile: 'test:\n\tpytest\n' })).checks['test'],
    'uv run --locked python -m pytest',
  )
  const without = await proposed({
    'package.json': node({}),
    'package-lock.json': '',
    Makefile: 'test:\n\tx\nlint:\n\ty\n',
  })
  assert.deepEqual([without.setup, without.checks], [['npm ci'], { test: 'make test' }])
})

test('where a target of Go looks for races, what it needs is compiled ahead so', async () => {
  const aheadOf = async (recipe: string) =>
    (await proposed({ 'go.mod': 'module a\n', Makefile: `test:\n\t${recipe}\n` })).setup.filter((line) =>
      line.startsWith('go test'),
    )
  const plain = ["go test -run '^$' ./... >/dev/null 2>&1 || true"]
  assert.deepEqual(await aheadOf('go test -v ./...'), plain)
  assert.deepEqual(await aheadOf('go test -cover -race ./...'), [
    "go test -race -run '^$' ./... >/dev/null 2>&1 || true",
  ])
  assert.deepEqual(await aheadOf('go test ./... -run -racetrack'), plain)
})

test('several languages are combined, and their checks told apart', async () => {
  const found = await proposed({ 'package.json': node(TEST), 'package-lock.json': '', 'go.mod': '' })
  assert.deepEqual(found.tools, ['npm', 'go'])
  assert.deepEqual(Object.keys(found.checks), ['test (npm)', 'test (go)', 'lint', 'format'])
  assert.doesNotMatch(found.text, /^ +proves:/m)
})

test('the root counts; where it says nothing, folders below it do', async () => {
  const both = await proposed({ 'package.json': node(TEST), 'package-lock.json': '', 'api/go.mod': '' })
  assert.deepEqual([both.tools, both.notes.length], [['npm'], 1])
  assert.match(both.notes.join(), /The root alone was looked at\. api has files of a package too/)
  const below = await proposed({
    'web/package.json': node(TEST),
    'web/package-lock.json': '',
    'api/go.mod': '',
    'a b/go.mod': '',
  })
  assert.deepEqual(below.tools, ['api: go', 'web: npm'])
  assert.ok(below.setup.includes('(cd web && npm ci)'))
  assert.ok(below.cache.includes('web/node_modules') && below.cache.includes('~/go/pkg/mod'))
  assert.equal(below.checks['format'], 'cd api\nfiles=$(gofmt -l .)\necho "$files"\ntest -z "$files"\n')
  assert.equal(parse(below.text).checks.length, 4)
})

test('nothing found is a file that asks for nothing and shows how it would look', async () => {
  const found = await proposed({ 'README.md': '' })
  assert.deepEqual(parse(found.text), { checks: [] })
  assert.match(found.text, /\n# setup:\n# {3}- npm ci\n/)
})

test('a name with a line break stands in no comment', async () => {
  const found = await proposed({ 'requirements.txt': '', 'tests/test_a\nchecks: []\n#.py': 'import unittest\n' })
  assert.deepEqual(Object.keys(parse(found.text)), ['setup', 'cache', 'network', 'checks'])
  assert.deepEqual(found.checks, {})
})

test('asks for the hosts of what it found, and for those that its files name; nothing else of a file becomes a host', async () => {
  const both = await proposed({
    'package.json': node(TEST),
    'package-lock.json': '',
    '.npmrc':
      '@acme:registry=https://npm.acme.example:8443/x/\nregistry = "https://user:word@evil.example/"\nregistry=$X\n',
    'requirements.txt': '--extra-index-url https://Pypi.acme.example/simple\n--index-url=https://10.0.0.1/\nflask\n',
    'test_a.py': 'import unittest\n',
  })
  assert.deepEqual(both.hosts, [...REGISTRIES.npm, 'npm.acme.example:8443', ...REGISTRIES.pip, 'pypi.acme.example'])
  assert.deepEqual(parse(both.text).network, { setup: both.hosts })
  const uv = await proposed({
    'uv.lock': '',
    'pyproject.toml': '[project]\nname = "a"\n[[tool.uv.index]]\nurl = "https://index.acme.example/simple"\n',
  })
  assert.deepEqual(uv.hosts, [...REGISTRIES.uv, 'index.acme.example'])
  assert.deepEqual((await proposed({ Makefile: 'test:\n\ttrue\n' })).hosts, [])
})

test('asks for the hosts that lock files name beside the usual registries', async () => {
  const resolved = (url: string) => `      "resolved": "${url}",\n`
  const acme = 'https://npm.acme.example/a/-/a-1.0.0.tgz'
  const cases: [files: Record<string, string>, hosts: readonly string[]][] = [
    [
      {
        'package.json': node(TEST),
        'package-lock.json': [
          acme,
          'https://registry.npmjs.org/b/-/b-1.0.0.tgz',
          'git+ssh://git@git.example/c.git#1',
          acme,
        ]
          .map(resolved)
          .join(''),
      },
      [...REGISTRIES.npm, 'npm.acme.example'],
    ],
    [
      { 'package.json': node(TEST), 'yarn.lock': `a@^1:\n  resolved "${acme}#1"\n` },
      [...REGISTRIES.yarn, 'npm.acme.example'],
    ],
    [
      {
        'package.json': node(TEST),
        'pnpm-lock.yaml': `lockfileVersion: '9.0'\n    resolution: {tarball: ${acme}}\n    resolution: {integrity: x, tarball: https://codeload.github.com/a}\n`,
      },
      [...REGISTRIES.pnpm, 'npm.acme.example', 'codeload.github.com'],
    ],
    [
      {
        'uv.lock':
          'source = { registry = "https://pypi.acme.example/simple" }\nurl = "https://files.acme.example/a.whl"\nsource = { git = "https://git.example/b?rev=1#2" }\n',
        'pyproject.toml': '[project]\nname = "a"\n',
      },
      [...REGISTRIES.uv, 'pypi.acme.example', 'files.acme.example', 'git.example'],
    ],
    [
      {
        'Cargo.toml': '[package]\nname = "a"\n',
        'Cargo.lock': [
          'registry+https://github.com/rust-lang/crates.io-index',
          'sparse+https://crates.acme.example/index/',
          'git+https://git.example/b#1',
        ]
          .map((source) => `source = "${source}"\n`)
          .join(''),
      },
      [...REGISTRIES.cargo, 'crates.acme.example', 'git.example'],
    ],
  ]
  for (const [files, hosts] of cases) assert.deepEqual((await proposed(files)).hosts, hosts)
})

test('asks for the hosts of what recipes call, and of Go', async () => {
  const makefile = 'deps:\n\tpython3 -m pip install -r a\ntest:\n\ttrue\n'
  assert.deepEqual((await proposed({ Makefile: makefile })).hosts, REGISTRIES.pip)
  assert.deepEqual((await proposed({ 'go.mod': 'module a\n' })).hosts, REGISTRIES.go)
})
