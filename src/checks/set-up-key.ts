import { createHash } from 'node:crypto'
import { realpath, stat } from 'node:fs/promises'
import path from 'node:path'
import type { ProjectConfig } from '../ports/execution.ts'
import type { Toolchains } from '../sandbox/toolchains.ts'

/** Raised when what is kept of a set-up is kept in another way. */
const FORMAT = 1

/** Files that say what a project depends on and what it is built with, in any folder of a repository. */
const MANIFESTS: ReadonlySet<string> = new Set(
  `package.json package-lock.json npm-shrinkwrap.json .npmrc pnpm-lock.yaml pnpm-workspace.yaml .pnpmfile.cjs yarn.lock
  .yarnrc .yarnrc.yml bun.lock bun.lockb bunfig.toml deno.json deno.jsonc deno.lock .nvmrc .node-version lerna.json
  pyproject.toml uv.lock uv.toml poetry.lock poetry.toml pdm.lock Pipfile Pipfile.lock pylock.toml setup.py setup.cfg
  tox.ini environment.yml .python-version
  go.mod go.sum go.work go.work.sum
  Cargo.toml Cargo.lock rust-toolchain rust-toolchain.toml
  pom.xml build.gradle build.gradle.kts settings.gradle settings.gradle.kts gradle.properties gradle.lockfile
  libs.versions.toml gradle-wrapper.properties maven-wrapper.properties .sdkmanrc
  Gemfile Gemfile.lock .ruby-version composer.json composer.lock mix.exs mix.lock Package.swift Package.resolved
  packages.lock.json Directory.Packages.props global.json flake.nix flake.lock .tool-versions mise.toml .mise.toml`.split(
    /\s+/,
  ),
)
const MANIFEST = /^(?:requirements|constraints)[\w.-]*\.(?:txt|in)$|\.(?:csproj|fsproj|gemspec|cabal)$/

/** Programs whose version decides what a set-up leaves. */
const PROGRAMS =
  `node npm pnpm yarn bun deno python3 python uv poetry tox go cargo rustc java mvn gradle ruby bundle php
  composer dotnet make gcc cc`.split(/\s+/)

export function isManifest(file: string): boolean {
  const name = path.posix.basename(file)
  return MANIFESTS.has(name) || MANIFEST.test(name)
}

/**
 * The key of a set-up: a hash of what it runs, where it is kept, what the commit depends on, and what the machine or the
 * image has.
 *
 * @param contents of the commit; without a lock file or a manifest everything in it counts
 * @param has.granted hosts it can reach: a set-up that goes on without one leaves something else
 * @param has.image the hash of the image it runs in; null: it runs on this machine
 */
export async function setUpKey(
  config: Pick<ProjectConfig, 'setup' | 'cache' | 'env'>,
  contents: { tree: string; files: ReadonlyMap<string, string> },
  has: { toolchains: Toolchains; granted: readonly string[]; image: string | null },
): Promise<string> {
  const { toolchains, granted, image } = has
  const manifests = [...contents.files]
    .filter(([file]) => isManifest(file))
    .sort(([one], [other]) => (one < other ? -1 : 1))
  const told = {
    format: FORMAT,
    setup: config.setup === null ? null : config.setup.run,
    cache: config.cache,
    env: Object.entries(config.env).sort(([one], [other]) => (one < other ? -1 : 1)),
    contents: manifests.length === 0 ? contents.tree : manifests,
    platform: [process.platform, process.arch],
    toolchains: [toolchains.variables, toolchains.found],
    granted,
    programs: await programsOf(toolchains.executablePath),
    ...(image === null ? {} : { image }),
  }
  return createHash('sha256').update(JSON.stringify(told)).digest('hex')
}

/** Where the programs are that a script would find, and when each was installed: another version has another of the two. */
async function programsOf(executablePath: string): Promise<[name: string, what: string][]> {
  const folders = executablePath.split(path.delimiter).filter((folder) => folder !== '')
  return await Promise.all(
    PROGRAMS.map(async (name): Promise<[string, string]> => [name, await firstOf(folders, name)]),
  )
}

async function firstOf(folders: readonly string[], name: string): Promise<string> {
  for (const folder of folders) {
    const place = path.join(folder, name)
    const found = await stat(place).catch(() => null)
    if (found?.isFile() === true) return `${await realpath(place)} ${found.size} ${found.mtimeMs}`
  }
  return ''
}
