import { type CheckoutFiles, firstOf, groupIn, hasGroup, type Said, textOf } from './checkout-files.ts'
import type { FoundCheck, Line } from './finding.ts'

/** What the files of a Python project say. */
export type PythonProject = {
  files: CheckoutFiles
  pyproject: Said
  /** All that names packages which set-up brings, as text. */
  requirements: string
  /** What stands before `-m pytest`. */
  python: string
}

/** Files that are looked into to see what the tests are written with. */
const SEEN_TESTS = 5
const TEST_FILE = /^(?:tests?\/(?:.+\/)?)?(?:test_[^/]*|[^/]*_test|tests)\.py$/

type Tests = { checks: FoundCheck[]; setup: Line[]; notes: string[] }

/**
 * With what the tests of a project are run: pytest where it is configured or required, tox or nox where only these know
 * what the tests need, Django's own runner, and what the tests themselves are written with.
 *
 * @param installs whether set-up is a list of what pip installs, to which more can be added
 */
export async function pythonTests(project: PythonProject, installs: boolean): Promise<Tests> {
  const { files, requirements, python } = project
  const isRequired = /(?<![\w.-])pytest(?![\w-])/i.test(requirements)
  const configured = await pytestConfig(project)
  if (isRequired) return told(`${python} -m pytest`, configured ?? 'pytest is required')
  const session = await sessionRunner(project)
  if (session !== null) return withInstalled(session, installs, python)
  if (files.names.has('manage.py') && configured === null) return told(`${python} manage.py test`, 'manage.py')
  const tests = [...files.names].filter((name) => TEST_FILE.test(name)).toSorted()
  const texts = await Promise.all(tests.slice(0, SEEN_TESTS).map((name) => textOf(files, name)))
  const usesPytest = texts.some((text) => /^(?:import|from) pytest\b/m.test(text))
  const usesUnittest = texts.some((text) => /^(?:import|from) unittest\b/m.test(text))
  if (configured === null && !usesPytest && usesUnittest) {
    const folder = ['tests', 'test'].find((name) => tests.some((test) => test.startsWith(`${name}/`)))
    const where = folder === undefined ? '' : ` -s ${folder}`
    return told(`${python} -m unittest discover${where}`, `${tests[0]} imports unittest`)
  }
  if (configured === null && tests.length === 0)
    return { checks: [], setup: [], notes: ['No tests of Python were found.'] }
  const why = configured ?? `${tests[0]}`
  return withInstalled({ module: 'pytest', run: 'pytest', why }, installs, python)
}

function told(run: string, why: string): Tests {
  return { checks: [{ kind: 'test', run, why, fix: null }], setup: [], notes: [] }
}

type Runner = { module: string; run: string; why: string }

/** A runner that no requirement of the project brings. */
function withInstalled({ module, run, why }: Runner, installs: boolean, python: string): Tests {
  const tests = told(`${python} -m ${run}`, why)
  if (installs)
    return {
      ...tests,
      setup: [{ value: `${python} -m pip install --quiet ${module}`, why: `${why}; no requirement brings it` }],
    }
  return { ...tests, notes: [`No requirement brings ${module}, which the check test needs. Add it to the project.`] }
}

async function pytestConfig({ files, pyproject }: PythonProject): Promise<string | null> {
  if (hasGroup(pyproject, 'tool', 'pytest')) return 'tool.pytest of pyproject.toml'
  const file = firstOf(files, ['pytest.ini', '.pytest.ini', 'conftest.py', 'tests/conftest.py', 'test/conftest.py'])
  if (file !== undefined) return file
  if (/^\[tool:pytest\]/m.test(await textOf(files, 'setup.cfg'))) return 'setup.cfg'
  return /^\[pytest\]/m.test(await textOf(files, 'tox.ini')) ? 'tox.ini' : null
}

/** tox and nox install what they need on their own, at each run. */
async function sessionRunner({ files, pyproject }: PythonProject): Promise<Runner | null> {
  if (/^\[(?:tox|testenv)/m.test(await textOf(files, 'tox.ini')))
    return { module: 'tox', run: 'tox run -e py', why: 'tox.ini' }
  if (Object.keys(groupIn(pyproject, 'tool', 'tox')).length > 0 || files.names.has('tox.toml'))
    return {
      module: 'tox',
      run: 'tox run -e py',
      why: files.names.has('tox.toml') ? 'tox.toml' : 'tool.tox of pyproject.toml',
    }
  const [, session] = /^def (tests?)\(/m.exec(await textOf(files, 'noxfile.py')) ?? []
  return session === undefined ? null : { module: 'nox', run: `nox -s ${session}`, why: 'noxfile.py' }
}
