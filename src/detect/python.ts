import { type CheckoutFiles, firstOf, groupIn, hasGroup, readToml, type Said, textOf } from './checkout-files.ts'
import type { Finding, FoundCheck, Line } from './finding.ts'
import { defaultGroups, extrasNeeded, groupsNeeded, groupText, isNamed, needed } from './python-groups.ts'
import { type PythonProject, pythonTests } from './python-tests.ts'

export const PYTHON_MANIFESTS = [
  'pyproject.toml',
  'setup.py',
  'setup.cfg',
  'requirements.txt',
  'uv.lock',
  'poetry.lock',
]

/** In the order in which they are installed. */
const REQUIREMENTS = [
  'requirements.txt',
  ...['dev', 'develop', 'test', 'tests', 'testing'].flatMap((kind) => [
    `requirements-${kind}.txt`,
    `requirements_${kind}.txt`,
    `${kind}-requirements.txt`,
    `requirements/${kind}.txt`,
  ]),
]
const VENV = '.venv/bin/python'

type Manager = {
  tool: string
  lockFile: string | null
  setup: Line[]
  cache: Line[]
  env: Finding['env']
  python: string
  notes: string[]
}

/** Null: nothing of Python at the root. */
export async function detectPython(files: CheckoutFiles): Promise<Finding | null> {
  if (firstOf(files, PYTHON_MANIFESTS) === undefined) return null
  const read = await readToml(files, 'pyproject.toml')
  const pyproject = read === null ? {} : read
  const requirementFiles = REQUIREMENTS.filter((name) => files.names.has(name))
  const isProject = ['project', 'build-system', 'dependency-groups'].some((key) => hasGroup(pyproject, key))
  const isPackage = isProject || hasGroup(pyproject, 'tool', 'poetry') || files.names.has('setup.py')
  if (!isPackage && requirementFiles.length === 0 && firstOf(files, ['uv.lock', 'poetry.lock']) === undefined)
    return null
  const manager = await managerOf(files, pyproject, requirementFiles)
  const texts = [...requirementFiles, 'setup.cfg', 'setup.py'].map((name) => textOf(files, name))
  const requirements = [JSON.stringify(requirementsOf(pyproject)), ...(await Promise.all(texts))].join('\n')
  const project = { files, pyproject, requirements, python: manager.python }
  const tests = await pythonTests(project, manager.tool === 'pip')
  const linters = await lintersOf(project)
  return {
    tool: manager.tool,
    language: 'python',
    lockFile: manager.lockFile,
    cache: manager.cache,
    setup: [...manager.setup, ...tests.setup],
    env: [...manager.env, ...(await codeFirst(files, pyproject, manager.tool))],
    checks: [...tests.checks, ...linters.checks],
    notes: [...manager.notes, ...tests.notes, ...linters.notes],
  }
}

/** Everything of pyproject.toml in which packages are named. */
function requirementsOf(pyproject: Said): unknown[] {
  const project = groupIn(pyproject, 'project')
  return [
    project['dependencies'],
    project['optional-dependencies'],
    pyproject['dependency-groups'],
    groupIn(pyproject, 'tool', 'poetry'),
    groupIn(pyproject, 'tool', 'uv')['dev-dependencies'],
  ]
}

async function managerOf(files: CheckoutFiles, pyproject: Said, requirementFiles: readonly string[]): Promise<Manager> {
  if (files.names.has('uv.lock')) return uv(pyproject)
  if (files.names.has('poetry.lock') || hasGroup(pyproject, 'tool', 'poetry')) return poetry(files, pyproject)
  return await pip(files, pyproject, requirementFiles)
}

function uv(pyproject: Said): Manager {
  const why = 'uv.lock'
  const byDefault = defaultGroups(pyproject)
  const inDefault = byDefault.map((group) => groupText(groupIn(pyproject, 'dependency-groups'), group)).join('\n')
  const extras = extrasNeeded(pyproject, inDefault)
  const more = extras.map((extra) => ` --extra ${extra}`).join('')
  const groups = groupsNeeded(pyproject, extras)
    .filter((group) => !byDefault.includes(group))
    .map((group) => ` --group ${group}`)
    .join('')
  return {
    tool: 'uv',
    lockFile: 'uv.lock',
    setup: [{ value: `uv sync --locked${more}${groups}`, why }],
    cache: [
      { value: '.venv', why: 'where uv installs' },
      { value: '~/.cache/uv', why: 'what uv has fetched' },
      { value: '~/.local/share/uv', why: 'a Python that uv has fetched' },
    ],
    env: [],
    python: `uv run --locked${more}${groups} python`,
    notes: [],
  }
}

function poetry(files: CheckoutFiles, pyproject: Said): Manager {
  const isLocked = files.names.has('poetry.lock')
  const groups = groupIn(pyproject, 'tool', 'poetry', 'group')
  const isOptional = ([name]: [string, unknown]) => groupIn(groups, name)['optional'] === true
  const ofPoetry = groupIn(pyproject, 'tool', 'poetry')
  const always = Object.entries(groups).filter((group) => !isOptional(group))
  const given = JSON.stringify([ofPoetry['dependencies'], ofPoetry['dev-dependencies'], always])
  const optional = needed(Object.fromEntries(Object.entries(groups).filter(isOptional)), given)
  const more = optional.length === 0 ? '' : ` --with ${optional.join(',')}`
  const extras = extrasNeeded(pyproject, JSON.stringify([ofPoetry, pyproject['dependency-groups']]))
    .map((extra) => ` --extras ${extra}`)
    .join('')
  return {
    tool: 'poetry',
    lockFile: isLocked ? 'poetry.lock' : null,
    setup: [
      {
        value: `poetry install --no-interaction${more}${extras}`,
        why: isLocked ? 'poetry.lock' : 'pyproject.toml: tool.poetry',
      },
    ],
    cache: [{ value: '.venv', why: 'where poetry installs' }],
    env: [{ name: 'POETRY_VIRTUALENVS_IN_PROJECT', value: 'true', why: 'so that poetry installs into .venv' }],
    python: 'poetry run python',
    notes: isLocked ? [] : ['No poetry.lock is committed: every set-up may install other versions.'],
  }
}

async function pip(files: CheckoutFiles, pyproject: Said, requirementFiles: readonly string[]): Promise<Manager> {
  const isPackage = hasGroup(pyproject, 'project') || hasGroup(pyproject, 'build-system') || files.names.has('setup.py')
  const required = await Promise.all([...requirementFiles, 'setup.cfg', 'setup.py'].map((name) => textOf(files, name)))
  const extras = extrasNeeded(pyproject, required.join('\n'))
  const groups = groupsNeeded(pyproject, extras, required.join('\n'))
  const setup: Line[] = [{ value: 'python3 -m venv .venv', why: 'below the tree, so that checks find it' }]
  const install = `${VENV} -m pip install --quiet`
  if (groups.length > 0) setup.push({ value: `${install} --upgrade 'pip>=25.1'`, why: 'the first that knows --group' })
  if (requirementFiles.length > 0)
    setup.push({
      value: `${install}${requirementFiles.map((name) => ` -r ${name}`).join('')}`,
      why: requirementFiles.join(', '),
    })
  if (isPackage) {
    const target = extras.length === 0 ? '.' : `'.[${extras.join(',')}]'`
    setup.push({
      value: `${install} -e ${target}`,
      why: files.names.has('pyproject.toml') ? 'pyproject.toml' : 'setup.py',
    })
  }
  if (groups.length > 0)
    setup.push({
      value: `${install}${groups.map((group) => ` --group ${group}`).join('')}`,
      why: 'dependency-groups of pyproject.toml',
    })
  const isPinned = requirementFiles.length > 0 && /--hash=/.test(await textOf(files, String(requirementFiles[0])))
  return {
    tool: 'pip',
    lockFile: isPinned ? String(requirementFiles[0]) : null,
    setup,
    cache: [{ value: '.venv', why: 'where pip installs' }],
    env: [],
    python: VENV,
    notes: [],
  }
}

/**
 * An editable install names the folder it was made in, and checks run in another one. So the code of the tree comes
 * first; uv installs it anew by itself.
 */
async function codeFirst(files: CheckoutFiles, pyproject: Said, tool: string): Promise<Finding['env']> {
  const isPackage =
    hasGroup(pyproject, 'project') || hasGroup(pyproject, 'tool', 'poetry') || files.names.has('setup.py')
  if (tool === 'uv' || !isPackage || groupIn(pyproject, 'tool', 'poetry')['package-mode'] === false) return []
  const isBelowSrc = [...files.names].some((name) => /^src\/.+\.py$/.test(name))
  return [
    { name: 'PYTHONPATH', value: isBelowSrc ? 'src' : '.', why: 'the code of the tree that is checked comes first' },
  ]
}

type Linter = { name: string; isSetUp: boolean; check: Omit<FoundCheck, 'why'>; why: string }

async function lintersOf(project: PythonProject): Promise<{ checks: FoundCheck[]; notes: string[] }> {
  const found = (await linters(project)).filter(({ isSetUp }) => isSetUp)
  const brought = (name: string) => isNamed(name, project.requirements)
  const [here, away] = [found.filter(({ name }) => brought(name)), found.filter(({ name }) => !brought(name))]
  const names = [...new Set(away.map(({ name }) => name))]
  // Of two that format, the first.
  const kinds = new Set<string>()
  const checks = here.filter(({ check }) => !kinds.has(check.kind) && kinds.add(check.kind))
  return {
    checks: checks.map(({ check, why }) => ({ ...check, why })),
    notes: names.map((name) => `${name} is configured, but no requirement brings it: no check was made of it.`),
  }
}

async function linters({ files, pyproject, python }: PythonProject): Promise<Linter[]> {
  const tool = (name: string) => hasGroup(pyproject, 'tool', name)
  const ruffFile = firstOf(files, ['ruff.toml', '.ruff.toml'])
  const mypyFile = firstOf(files, ['mypy.ini', '.mypy.ini'])
  const setupCfg = await textOf(files, 'setup.cfg')
  const hooks = await textOf(files, '.pre-commit-config.yaml')
  const inProject = (name: string) => `tool.${name} of pyproject.toml`
  const ruff = { name: 'ruff', isSetUp: ruffFile !== undefined || tool('ruff'), why: ruffFile ?? inProject('ruff') }
  const formatsByRuff = hasGroup(pyproject, 'tool', 'ruff', 'format') || /\bruff-format\b/.test(hooks)
  const mypyText = mypyFile === undefined ? setupCfg : await textOf(files, mypyFile)
  const isTold = hasTargets(groupIn(pyproject, 'tool', 'mypy')) || /^(?:files|packages|modules)\s*=/m.test(mypyText)
  return [
    { ...ruff, check: { kind: 'lint', run: `${python} -m ruff check .`, fix: `${python} -m ruff check --fix .` } },
    {
      ...ruff,
      isSetUp: ruff.isSetUp && formatsByRuff,
      check: { kind: 'format', run: `${python} -m ruff format --check .`, fix: `${python} -m ruff format .` },
    },
    {
      name: 'black',
      isSetUp: tool('black'),
      why: inProject('black'),
      check: { kind: 'format', run: `${python} -m black --check .`, fix: `${python} -m black .` },
    },
    {
      name: 'mypy',
      isSetUp: mypyFile !== undefined || tool('mypy') || /^\[mypy\]/m.test(setupCfg),
      why: mypyFile ?? (tool('mypy') ? inProject('mypy') : 'setup.cfg'),
      check: { kind: 'types', run: `${python} -m mypy${isTold ? '' : ' .'}`, fix: null },
    },
  ]
}

function hasTargets(mypy: Said): boolean {
  return ['files', 'packages', 'modules'].some((key) => Object.hasOwn(mypy, key))
}
