import { type CheckoutFiles, textOf } from './checkout-files.ts'
import type { Finding, Line } from './finding.ts'
import { TASK_MANIFESTS } from './task-runner.ts'

/** Where each tool fetches from unless it is told otherwise, by the documentation of each. */
export const REGISTRIES = {
  npm: ['registry.npmjs.org'],
  pnpm: ['registry.npmjs.org'],
  // The last one: where corepack fetches version 2 and later.
  yarn: ['registry.yarnpkg.com', 'registry.npmjs.org', 'repo.yarnpkg.com'],
  bun: ['registry.npmjs.org'],
  pip: ['pypi.org', 'files.pythonhosted.org'],
  uv: ['pypi.org', 'files.pythonhosted.org'],
  poetry: ['pypi.org', 'files.pythonhosted.org'],
  go: ['proxy.golang.org', 'sum.golang.org'],
  cargo: ['index.crates.io', 'static.crates.io'],
  maven: ['repo.maven.apache.org'],
  gradle: ['repo.maven.apache.org', 'plugins.gradle.org', 'plugins-artifacts.gradle.org', 'services.gradle.org'],
} as const satisfies Readonly<Record<string, readonly string[]>>

/** A line of npm's configuration, whoever's, that names a registry. */
export const NPMRC_REGISTRY = /^[ \t]*(?:@[\w.-]{1,100}:)?registry[ \t]*=[ \t]*["']?(\S{1,300})/gm

/** Where the files of a repository name another registry, and the lines that do. */
const OWN: readonly { language: Finding['language']; file: string; line: RegExp }[] = [
  { language: 'node', file: '.npmrc', line: NPMRC_REGISTRY },
  { language: 'node', file: '.yarnrc', line: /^[ \t]*registry[ \t]+["']?(\S{1,300})/gm },
  { language: 'node', file: '.yarnrc.yml', line: /^[ \t]*npmRegistryServer:[ \t]*["']?(\S{1,300})/gm },
  ...['requirements.txt', 'requirements-dev.txt', 'requirements/dev.txt', 'pip.conf'].map((file) => ({
    language: 'python' as const,
    file,
    line: /^[ \t]*(?:--)?(?:extra-)?index-url[ \t=]+["']?(\S{1,300})/gm,
  })),
  // Sources of poetry and indexes of uv are the tables of pyproject.toml whose `url` is one.
  { language: 'python', file: 'pyproject.toml', line: /^[ \t]*url[ \t]*=[ \t]*["'](\S{1,300})/gm },
  { language: 'python', file: 'uv.toml', line: /^[ \t]*url[ \t]*=[ \t]*["'](\S{1,300})/gm },
  {
    language: 'rust',
    file: '.cargo/config.toml',
    line: /^[ \t]*(?:index|registry)[ \t]*=[ \t]*["'](?:sparse\+)?(\S{1,300})/gm,
  },
  // Lock files: whole addresses of what a registry of one's own, git or a plain server has, and no installation asks elsewhere.
  ...['package-lock.json', 'npm-shrinkwrap.json'].map((file) => ({
    language: 'node' as const,
    file,
    line: /^[ \t]*"resolved": "(?:git\+)?(https?:\S{1,300})/gm,
  })),
  { language: 'node', file: 'yarn.lock', line: /^[ \t]*resolved "(https?:\S{1,300})/gm },
  { language: 'node', file: 'pnpm-lock.yaml', line: /\btarball: ["']?(https?:\S{1,300})/g },
  { language: 'python', file: 'uv.lock', line: /\b(?:registry|url|git) = "(https?:\S{1,300})/g },
  { language: 'python', file: 'poetry.lock', line: /^url = "(https?:\S{1,300})/gm },
  // The index of crates.io has this address in every lock file, and is asked for elsewhere.
  {
    language: 'rust',
    file: 'Cargo.lock',
    line: /^source = "(?:sparse|git|registry)\+(https?:(?!\/\/github\.com\/rust-lang\/crates\.io-index")\S{1,300})/gm,
  },
]
/** With a letter in what comes last, so that it is a name and no address. */
const HOST = /^https?:\/\/((?:[a-z0-9][a-z0-9-]{0,60}\.){1,8}[a-z][a-z0-9]{0,60})(:[1-9]\d{0,3})?(?:\/|["']|$)/i
const MOST_HOSTS = 20

/** What recipes that fetch something call. */
const FETCHES: readonly { tool: string; called: RegExp }[] = [
  { tool: 'npm', called: /\b(?:npm|pnpm|bun) (?:ci|i|install)\b/ },
  { tool: 'yarn', called: /\byarn\b/ },
  { tool: 'pip', called: /\bpip3? install\b|\buv (?:sync|pip|run)\b|\bpoetry install\b/ },
  { tool: 'go', called: /\bgo (?:mod|get|install|build|test)\b/ },
  { tool: 'cargo', called: /\bcargo (?:fetch|build|test)\b/ },
  { tool: 'maven', called: /\bmvnw?\b/ },
  { tool: 'gradle', called: /\bgradlew?\b/ },
]

/** Hosts that the set-up of what was found fetches from: the tool's own, and those the repository's files name. */
export async function hostsOf(files: CheckoutFiles, { tool, language, setup }: Finding): Promise<Line[]> {
  if (setup.length === 0) return []
  const tools = language === 'make' || language === 'just' ? await calledIn(files) : [tool]
  const lines = tools.flatMap((name) =>
    registriesOf(name).map((value) => ({ value, why: `where ${name} fetches from` })),
  )
  for (const { file, line } of OWN.filter((own) => own.language === language)) {
    lines.push(...hostsIn(await textOf(files, file), line).map((value) => ({ value, why: file })))
  }
  // The usual ones first, also where a file names them again.
  const isFirst = ({ value }: Line, index: number) => lines.findIndex((one) => one.value === value) === index
  return lines.filter(isFirst).slice(0, MOST_HOSTS)
}

/**
 * At most 20 of them.
 *
 * @param address what of the text is an address of http or https, in its first group
 */
export function hostsIn(text: string, address: RegExp): string[] {
  const found = [...text.matchAll(address)].map(([, url = '']) => hostOf(url))
  return [...new Set(found)].filter((host) => host !== null).slice(0, MOST_HOSTS)
}

function hostOf(url: string): string | null {
  const [, host, port = ''] = HOST.exec(url) ?? []
  return host === undefined ? null : `${host.toLowerCase()}${port}`
}

function registriesOf(tool: string): readonly string[] {
  return Object.entries(REGISTRIES).flatMap(([name, hosts]) => (name === tool ? hosts : []))
}

async function calledIn(files: CheckoutFiles): Promise<string[]> {
  const texts = await Promise.all(TASK_MANIFESTS.map((name) => textOf(files, name)))
  const text = texts.join('\n')
  return FETCHES.filter(({ called }) => called.test(text)).map(({ tool }) => tool)
}
