import { realpath, stat } from 'node:fs/promises'
import path from 'node:path'
import { namesIn } from '../files/names-in.ts'
import { readPlainFile } from '../files/plain-file.ts'

/** One toolchain of the operator that children are handed. */
export type Toolchain = {
  name: string
  /** As the folder's name says; null: it does not. */
  version: string | null
  /** Absolute path. */
  where: string
}

/** What is handed of the operator's toolchains to children, whose HOME is empty. */
export type Toolchains = {
  /** The `PATH` of children: that of Moose, then what was found beside it. */
  executablePath: string
  variables: Readonly<Record<string, string>>
  found: readonly Toolchain[]
}

type Environment = Readonly<Record<string, string>>
/** `bin`: folders of programs, for the PATH. */
type Finding = {
  name: string
  where: string
  version?: string | null
  bin?: readonly string[]
  variables?: Environment
}

/**
 * Finds the operator's toolchains where their installers put them, or where a variable says. Only what runs programs is
 * handed. What tools write (registries of crates, modules and packages, build caches) has no variable here, so that it goes
 * to the HOME of the child. Nothing is started. Without a sandbox nothing keeps a child from writing into a toolchain.
 *
 * @param from.environment of the operator, `TOOLCHAIN_VARIABLES` of it
 * @param from.executablePath the `PATH` of Moose
 */
export async function findToolchains(from: { environment: Environment; executablePath: string }): Promise<Toolchains> {
  const { environment, executablePath } = from
  const finders = [rust, pyenv, uv, node, go, java, sdkman, asdf, mise, programFolders]
  const findings = (await Promise.all(finders.map((find) => find(environment)))).flat()
  const known = new Set(executablePath.split(path.delimiter))
  const more = findings.flatMap(({ bin = [] }) => bin).filter((folder) => !known.has(folder))
  return {
    executablePath: [executablePath, ...new Set(more)].filter((entry) => entry !== '').join(path.delimiter),
    variables: Object.assign({}, ...findings.map(({ variables = {} }) => variables)),
    found: findings.map(({ name, where, version = null }) => ({ name, where, version })),
  }
}

/** @see https://rust-lang.github.io/rustup/environment-variables.html */
async function rust(environment: Environment): Promise<Finding[]> {
  const cargo = await folder(placeOf(environment, 'CARGO_HOME', '.cargo'), 'bin')
  const rustup = await folder(placeOf(environment, 'RUSTUP_HOME', '.rustup'))
  const { RUSTUP_TOOLCHAIN } = environment
  return [
    ...(cargo === null ? [] : [{ name: 'cargo', where: cargo, bin: [cargo] }]),
    ...(rustup === null
      ? []
      : [
          {
            name: 'rustup',
            where: rustup,
            // What a child installs would be installed for the operator.
            variables: {
              RUSTUP_HOME: rustup,
              RUSTUP_AUTO_INSTALL: '0',
              ...(RUSTUP_TOOLCHAIN === undefined ? {} : { RUSTUP_TOOLCHAIN }),
            },
          },
        ]),
  ]
}

/** @see https://github.com/pyenv/pyenv#environment-variables */
async function pyenv(environment: Environment): Promise<Finding[]> {
  const root = await folder(placeOf(environment, 'PYENV_ROOT', '.pyenv'))
  const shims = await folder(root, 'shims')
  if (root === null || shims === null) return []
  const version = await firstLine(path.join(root, 'version'))
  const bin = await folder(root, 'bin')
  return [
    {
      name: 'pyenv',
      where: root,
      version,
      bin: bin === null ? [shims] : [shims, bin],
      // Its programs are scripts that write a list anew unless they are told not to.
      variables: { PYENV_ROOT: root },
    },
  ]
}

/** The Pythons uv has installed: on the PATH uv finds them itself, and installs others for the child alone. */
async function uv(environment: Environment): Promise<Finding[]> {
  const root = placeOf(environment, 'UV_PYTHON_INSTALL_DIR', dataPath(environment, 'uv/python'))
  return await versions('python of uv', root, 'bin')
}

async function node(environment: Environment): Promise<Finding[]> {
  const nvm = placeOf(environment, 'NVM_DIR', '.nvm')
  const byNvm = await defaultOfNvm(nvm)
  const fnm = await folder(placeOf(environment, 'FNM_DIR', dataPath(environment, 'fnm')), 'aliases/default/bin')
  const volta = await folder(placeOf(environment, 'VOLTA_HOME', '.volta'))
  const voltaBin = await folder(volta, 'bin')
  return [
    ...(byNvm === null ? [] : [byNvm]),
    ...(fnm === null ? [] : [{ name: 'node of fnm', where: fnm, bin: [fnm] }]),
    ...(volta === null || voltaBin === null
      ? []
      : [{ name: 'volta', where: volta, bin: [voltaBin], variables: { VOLTA_HOME: volta } }]),
  ]
}

/**
 * The version of `alias/default` where it names one by number, otherwise the newest that is installed.
 *
 * @see https://github.com/nvm-sh/nvm#usage
 */
async function defaultOfNvm(root: string | null): Promise<Finding | null> {
  if (root === null) return null
  const installed = await versions('node of nvm', path.join(root, 'versions', 'node'), 'bin')
  const alias = await firstLine(path.join(root, 'alias', 'default'))
  const wanted = alias === null ? '' : `v${alias.replace(/^v/, '')}`
  const named = installed.find(({ version }) => version === wanted || String(version).startsWith(`${wanted}.`))
  const [newest] = installed
  const chosen = named === undefined ? newest : named
  return chosen === undefined ? null : chosen
}

/** @see https://go.dev/doc/manage-install */
async function go(environment: Environment): Promise<Finding[]> {
  const home = environment['HOME']
  const sdks = home === undefined ? [] : await versions('go', path.join(home, 'sdk'), 'bin')
  const goroot = await folder(placeOf(environment, 'GOROOT', null))
  const bin = await folder(placeOf(environment, 'GOBIN', environment['GOPATH'] === undefined ? 'go/bin' : null))
  return [
    ...(goroot === null ? [] : [{ name: 'go', where: goroot, variables: { GOROOT: goroot } }]),
    ...sdks.slice(0, 1),
    ...(bin === null ? [] : [{ name: 'programs of go', where: bin, bin: [bin] }]),
  ]
}

async function java(environment: Environment): Promise<Finding[]> {
  const set = await folder(placeOf(environment, 'JAVA_HOME', null))
  if (set !== null) return [{ name: 'java', where: set, bin: [`${set}/bin`], variables: { JAVA_HOME: set } }]
  const [newest] = await versions('java', '/usr/lib/jvm', 'bin')
  return newest === undefined ? [] : [newest]
}

/** @see https://sdkman.io/install */
async function sdkman(environment: Environment): Promise<Finding[]> {
  const root = await folder(placeOf(environment, 'SDKMAN_DIR', '.sdkman'), 'candidates')
  if (root === null) return []
  const found: Finding[] = []
  for (const name of (await namesIn(root)).sort()) {
    const bin = await folder(root, `${name}/current/bin`)
    if (bin === null) continue
    const where = path.dirname(bin)
    const isJava = name === 'java' && environment['JAVA_HOME'] === undefined
    found.push({ name: `${name} of SDKMAN`, where, bin: [bin], variables: isJava ? { JAVA_HOME: where } : {} })
  }
  return found
}

/** The versions of the operator's own `.tool-versions`: asdf's shims would look for it in the HOME of the child. */
async function asdf(environment: Environment): Promise<Finding[]> {
  const root = await folder(placeOf(environment, 'ASDF_DATA_DIR', '.asdf'), 'installs')
  const home = environment['HOME']
  if (root === null || home === undefined) return []
  const wanted = await readPlainFile(path.join(home, '.tool-versions'), MAX_LIST_BYTES)
  const found: Finding[] = []
  for (const line of wanted === null ? [] : wanted.split('\n')) {
    const [name = '', version = ''] = line.trim().split(/\s+/)
    if (!/^[\w.-]+$/.test(name) || !/^[\w.+-]+$/.test(version)) continue
    const bin = await folder(root, `${name}/${version}/bin`)
    if (bin !== null) found.push({ name: `${name} of asdf`, where: path.dirname(bin), version, bin: [bin] })
  }
  return found
}

/** @see https://mise.jdx.dev/directories.html */
async function mise(environment: Environment): Promise<Finding[]> {
  const root = await folder(placeOf(environment, 'MISE_DATA_DIR', dataPath(environment, 'mise')), 'installs')
  if (root === null) return []
  const found: Finding[] = []
  for (const name of (await namesIn(root)).sort()) {
    const bin = await folder(root, `${name}/latest/bin`)
    if (bin !== null) found.push({ name: `${name} of mise`, where: path.dirname(bin), bin: [bin] })
  }
  return found
}

/** Where installers put single programs: uv, pipx, poetry, pnpm, bun, deno. */
async function programFolders(environment: Environment): Promise<Finding[]> {
  const places: readonly (readonly [name: string, place: string | null])[] = [
    ['~/.local/bin', placeOf(environment, null, '.local/bin')],
    ['pnpm', placeOf(environment, 'PNPM_HOME', dataPath(environment, 'pnpm'))],
    ['bun', below(placeOf(environment, 'BUN_INSTALL', '.bun'), 'bin')],
    ['deno', below(placeOf(environment, 'DENO_INSTALL', '.deno'), 'bin')],
    ['poetry', below(placeOf(environment, 'POETRY_HOME', null), 'bin')],
    ['maven', below(placeOf(environment, 'MAVEN_HOME', placeOf(environment, 'M2_HOME', null)), 'bin')],
    ['gradle', below(placeOf(environment, 'GRADLE_HOME', null), 'bin')],
  ]
  const found = await Promise.all(places.map(async ([name, place]) => ({ name, where: await folder(place) })))
  return found.flatMap(({ name, where }) => (where === null ? [] : [{ name, where, bin: [where] }]))
}

const MAX_LIST_BYTES = 64 * 1024

/** What a variable names; else what is at a path below the operator's HOME, or an absolute one. Null: neither. */
function placeOf(environment: Environment, variable: string | null, usual: string | null): string | null {
  const set = variable === null ? undefined : environment[variable]
  if (set !== undefined && path.isAbsolute(set)) return set
  const home = environment['HOME']
  if (usual === null || path.isAbsolute(usual)) return usual
  return home === undefined ? null : path.join(home, usual)
}

/** @see https://specifications.freedesktop.org/basedir-spec/latest/ */
function dataPath({ XDG_DATA_HOME }: Environment, name: string): string {
  return path.join(XDG_DATA_HOME !== undefined && path.isAbsolute(XDG_DATA_HOME) ? XDG_DATA_HOME : '.local/share', name)
}

function below(folder: string | null, name: string): string | null {
  return folder === null ? null : path.join(folder, name)
}

/** An existing folder; null: it is none. */
async function folder(at: string | null, name = '.'): Promise<string | null> {
  if (at === null) return null
  const place = path.resolve(at, name)
  const found = await stat(place).catch(() => null)
  return found?.isDirectory() === true ? place : null
}

/** Everything that is installed in folders named after versions, the newest first, links to the same one left out. */
async function versions(name: string, root: string | null, bin: string): Promise<Finding[]> {
  if (root === null) return []
  const newestFirst = new Intl.Collator('en', { numeric: true }).compare
  const found: Finding[] = []
  const places = new Set<string>()
  for (const version of (await namesIn(root)).sort((one, other) => newestFirst(other, one))) {
    const place = await folder(root, `${version}/${bin}`)
    if (place === null) continue
    const real = await realpath(place)
    if (places.has(real)) continue
    places.add(real)
    found.push({ name, version, where: path.join(root, version), bin: [place] })
  }
  return found
}

async function firstLine(file: string): Promise<string | null> {
  const text = await readPlainFile(file, MAX_LIST_BYTES)
  const [line = ''] = text === null ? [] : text.trim().split('\n')
  return line.trim() === '' ? null : line.trim()
}
