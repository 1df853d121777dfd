import { execFile } from 'node:child_process'
import { createHash } from 'node:crypto'
import { cpSync, existsSync, globSync, readFileSync, statSync, symlinkSync, writeFileSync } from 'node:fs'
import { chmod, mkdir, mkdtemp, readFile, rename, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { promisify } from 'node:util'

const run = promisify(execFile)

const ROOT = path.join(import.meta.dirname, '../..')
/** What packing reads, with npm's own additions. */
const SOURCES = ['src', 'web', 'demo', 'scripts', 'moose', 'package.json', 'package-lock.json', 'tsconfig.json']
const READ = [...SOURCES, 'openapi.json', 'tsconfig.build.json', '.npmrc', 'README.md', 'LICENSE', 'CHANGELOG.md']
/** Lie about in the working folder that is packed, as such files do; none may come along. */
const STRAY = ['.env', 'demo/.env', 'src/key.pem', 'test/planted.test.ts', 'src/db/migrations/dump.sql.gz', 'notes.txt']

export type PackedMoose = {
  /** Absolute path of what `npm pack` made. */
  tarball: string
  /** What is in it, by path. */
  files: readonly string[]
  /** Of `npm install --global`; `moose` is in its `bin`. A blank is in the path. */
  prefix: string
  /** The `PATH` of a user that has installed it, and Node 24. */
  path: string
}

/**
 * The package as a user gets it: packed from a copy of this checkout and installed in a prefix of its own. The first that
 * asks makes it, once per state of the sources; it lies in the folder for temporary files, which scripts/test.ts clears.
 */
export async function packedMoose(): Promise<PackedMoose> {
  const parent = path.join(tmpdir(), `moose-packed-${process.getuid?.()}`)
  const folder = path.join(parent, `as of ${hashOfSources()}`)
  if (!existsSync(folder)) await make(parent, folder)
  const prefix = path.join(folder, 'prefix')
  const programs = [path.join(prefix, 'bin'), path.dirname(process.execPath), String(process.env['PATH'])]
  return {
    tarball: path.join(folder, 'moose.tgz'),
    files: JSON.parse(await readFile(path.join(folder, 'files.json'), 'utf8')),
    prefix,
    path: programs.join(path.delimiter),
  }
}

/** Under another name first: another test file may be at it too, and whoever is done first is taken. */
async function make(parent: string, folder: string): Promise<void> {
  await mkdir(parent, { recursive: true })
  const draft = await mkdtemp(path.join(parent, 'draft of-'))
  try {
    const copy = path.join(draft, 'copy')
    copyTo(copy)
    const { stdout } = await npm(copy, 'pack', '--json', '--pack-destination', draft)
    const { filename, files } = packOf(JSON.parse(stdout.slice(stdout.search(/^[[{]/m))))
    await rm(copy, { recursive: true })
    const tarball = path.join(draft, 'moose.tgz')
    await rename(path.join(draft, filename), tarball)
    writeFileSync(path.join(draft, 'files.json'), JSON.stringify(files.map((file) => file.path)))
    await npm(draft, 'install', '--global', '--prefix', path.join(draft, 'prefix'), '--prefer-offline', tarball)
    // As a prefix is: others may run what is in it.
    await chmod(draft, 0o755)
    await rename(draft, folder)
  } catch (error) {
    if (!existsSync(folder)) throw error
  } finally {
    await rm(draft, { recursive: true, force: true })
  }
}

/** `npm pack --json` is a list, in newer versions an object by name. */
function packOf(printed: object): { filename: string; files: { path: string }[] } {
  const [pack] = Object.values(printed)
  return pack
}

function npm(cwd: string, ...args: string[]): Promise<{ stdout: string }> {
  const PATH = [path.dirname(process.execPath), String(process.env['PATH'])].join(path.delimiter)
  return run('npm', [...args, '--no-audit', '--no-fund'], {
    cwd,
    env: { ...process.env, PATH, NODE_DISABLE_COMPILE_CACHE: '1' },
    maxBuffer: 1 << 26,
  })
}

function copyTo(copy: string): void {
  // With their times: a package-lock.json that looks newer would have scripts/setup install again.
  for (const name of READ)
    cpSync(path.join(ROOT, name), path.join(copy, name), { recursive: true, preserveTimestamps: true })
  for (const name of STRAY) {
    cpSync(path.join(ROOT, 'LICENSE'), path.join(copy, name))
  }
  symlinkSync(path.join(ROOT, 'node_modules'), path.join(copy, 'node_modules'))
}

function hashOfSources(): string {
  const hash = createHash('sha256')
  for (const file of globSync(
    READ.flatMap((name) => [name, `${name}/**/*`]),
    { cwd: ROOT },
  ).toSorted()) {
    const whole = path.join(ROOT, file)
    if (statSync(whole).isFile()) hash.update(`${file}\0`).update(readFileSync(whole))
  }
  return hash.digest('hex').slice(0, 16)
}
