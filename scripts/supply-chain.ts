/**
 * The gate `supply chain`: what is installed is what was locked. Every package of the lock file has the hash of its archive and
 * comes from a registry, every one that brings an install script is decided on by name in `allowScripts` of package.json, and
 * every Python package that Moose or its tests install has an exact version and its hashes.
 */
import { readFileSync } from 'node:fs'
import { z } from 'zod'

const Locked = z.object({
  resolved: z.string().optional(),
  integrity: z.string().optional(),
  link: z.boolean().optional(),
  hasInstallScript: z.boolean().optional(),
})
const LockFile = z.object({ packages: z.record(z.string(), Locked) })
const Manifest = z.object({ allowScripts: z.record(z.string(), z.boolean()) })

const PYTHON_LOCKS = ['src/executors/aider/requirements.txt', 'scripts/schemathesis.txt']

const { packages } = LockFile.parse(JSON.parse(readFileSync('package-lock.json', 'utf8')))
const { allowScripts } = Manifest.parse(JSON.parse(readFileSync('package.json', 'utf8')))
const installed = Object.entries(packages).filter(([place]) => place !== '')

function nameAt(place: string): string {
  return place.slice(place.lastIndexOf('node_modules/') + 'node_modules/'.length)
}

function unlocked(): string[] {
  return installed.flatMap(([place, { integrity, link, resolved }]) => {
    if (link === true) return [`${place}: a link, and no package of a registry`]
    if (resolved !== undefined) return [`${place}: names the address it came from, and would be fetched there`]
    return integrity?.startsWith('sha512-') === true ? [] : [`${place}: without a sha512 of its archive`]
  })
}

function undecidedScripts(): string[] {
  const bringing = new Set(
    installed.filter(([, { hasInstallScript }]) => hasInstallScript).map(([place]) => nameAt(place)),
  )
  const decided = Object.keys(allowScripts)
  return [
    ...[...bringing]
      .filter((name) => !decided.includes(name))
      .map((name) => `${name}: brings an install script; read it, then enter it in allowScripts of package.json`),
    ...decided
      .filter((name) => !bringing.has(name))
      .map((name) => `${name}: in allowScripts, and no locked package has an install script of that name`),
  ]
}

/** Lines that name a package, with those that go on with it. */
function unhashedPython(file: string): string[] {
  const requirements = readFileSync(file, 'utf8').replaceAll('\\\n', ' ').split('\n')
  const named = requirements.filter((line) => line.trim() !== '' && !line.trim().startsWith('#'))
  if (named.length === 0) return [`${file}: names no package`]
  return named
    .filter((line) => !/^[\w.[\]-]+==[^\s;]+(?: ;[^\\]+?)?(?:\s+--hash=sha256:[0-9a-f]{64})+\s*$/.test(line))
    .map((line) => `${file}: not an exact version with its hashes: ${line.slice(0, 80)}`)
}

const problems = [...unlocked(), ...undecidedScripts(), ...PYTHON_LOCKS.flatMap(unhashedPython)]
for (const problem of problems) console.error(problem)
console.log(`${installed.length} packages`)
process.exitCode = problems.length === 0 ? 0 : 1
