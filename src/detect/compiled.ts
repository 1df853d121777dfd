import path from 'node:path'
import { type CheckoutFiles, firstOf, hasGroup, readToml, textOf } from './checkout-files.ts'
import type { Finding, FoundCheck, Line } from './finding.ts'

export const GO_MANIFESTS = ['go.mod', 'go.work']
export const RUST_MANIFESTS = ['Cargo.toml']
export const MAVEN_MANIFESTS = ['pom.xml']
export const GRADLE_MANIFESTS = ['build.gradle', 'build.gradle.kts', 'settings.gradle', 'settings.gradle.kts']

/** In set-up: compiles what checks need into the cache; what does not compile is the checks' to say. */
const ahead = (command: string): string => `${command} >/dev/null 2>&1 || true`
const AHEAD = 'compiles ahead, into the cache'

/** Go at the root. */
export async function detectGo(files: CheckoutFiles): Promise<Finding | null> {
  const manifest = firstOf(files, GO_MANIFESTS)
  if (manifest === undefined) return null
  const isVendored = files.names.has('vendor/modules.txt')
  const download = isVendored
    ? []
    : [{ value: 'go mod download', why: files.names.has('go.sum') ? 'go.sum' : manifest }]
  const format = isVendored ? "gofmt -l $(git ls-files '*.go' ':!vendor')" : 'gofmt -l .'
  return {
    tool: 'go',
    language: 'go',
    lockFile: firstOf(files, ['go.sum']) ?? manifest,
    setup: [
      ...download,
      { value: ahead("go test -run '^$' ./..."), why: AHEAD },
      { value: ahead('go vet ./...'), why: 'what go vet knows of every package it uses, into the cache' },
    ],
    cache: [
      { value: '~/go/pkg/mod', why: 'modules that Go has fetched' },
      { value: '~/.cache/go-build', why: 'what Go has compiled' },
    ],
    env: [],
    checks: [
      { kind: 'test', run: 'go test ./...', why: manifest, fix: null },
      { kind: 'lint', run: 'go vet ./...', why: manifest, fix: null },
      // gofmt lists what is not formatted, and exits with 0 all the same.
      {
        kind: 'format',
        run: `files=$(${format})\necho "$files"\ntest -z "$files"\n`,
        why: manifest,
        fix: 'gofmt -w .',
      },
    ],
    notes: [],
  }
}

/** Rust at the root. */
export async function detectRust(files: CheckoutFiles): Promise<Finding | null> {
  const manifest = await readToml(files, 'Cargo.toml')
  if (manifest === null) return null
  const isLocked = files.names.has('Cargo.lock')
  const locked = isLocked ? ' --locked' : ''
  const all = hasGroup(manifest, 'workspace') ? ' --workspace' : ''
  const checks: FoundCheck[] = [
    { kind: 'test', run: `cargo test${all}${locked} --no-fail-fast`, why: 'Cargo.toml', fix: null },
  ]
  const clippy = clippyReason(
    files,
    hasGroup(manifest, 'lints', 'clippy'),
    hasGroup(manifest, 'workspace', 'lints', 'clippy'),
  )
  if (clippy !== null)
    checks.push({
      kind: 'lint',
      run: `cargo clippy${all} --all-targets${locked} -- -D warnings`,
      why: clippy,
      fix: null,
    })
  checks.push({ kind: 'format', run: 'cargo fmt --all --check', why: 'Cargo.toml', fix: 'cargo fmt --all' })
  return {
    tool: 'cargo',
    language: 'rust',
    lockFile: isLocked ? 'Cargo.lock' : null,
    setup: [
      { value: `cargo fetch${locked}`, why: isLocked ? 'Cargo.lock' : 'Cargo.toml' },
      { value: ahead(`cargo test${all}${locked} --no-run`), why: AHEAD },
    ],
    cache: [
      { value: '~/.cargo/registry', why: 'crates that cargo has fetched' },
      ...(/"git\+/.test(await textOf(files, 'Cargo.lock')) ? [{ value: '~/.cargo/git', why: 'crates from git' }] : []),
      { value: 'target', why: 'what cargo has compiled' },
    ],
    env: [],
    checks,
    notes: isLocked ? [] : ['No Cargo.lock is committed: every set-up may fetch other versions.'],
  }
}

function clippyReason(files: CheckoutFiles, ofPackage: boolean, ofWorkspace: boolean): string | null {
  const file = firstOf(files, ['clippy.toml', '.clippy.toml'])
  if (file !== undefined) return file
  return ofPackage || ofWorkspace ? 'lints.clippy of Cargo.toml' : null
}

/** Maven at the root. */
export async function detectMaven(files: CheckoutFiles): Promise<Finding | null> {
  if (firstOf(files, MAVEN_MANIFESTS) === undefined) return null
  const wrapper = files.names.has('mvnw')
  const maven = `${wrapper ? './mvnw' : 'mvn'} --batch-mode --no-transfer-progress`
  const why = wrapper ? 'mvnw and pom.xml' : 'pom.xml'
  const cache: Line[] = [{ value: '~/.m2/repository', why: 'what Maven has fetched' }]
  const checks: FoundCheck[] = [{ kind: 'test', run: `${maven} verify`, why, fix: null }]
  if (/<artifactId>spotless-maven-plugin</.test(await textOf(files, 'pom.xml')))
    checks.push({
      kind: 'format',
      run: `${maven} spotless:check`,
      why: 'spotless of pom.xml',
      fix: `${maven} spotless:apply`,
    })
  return {
    tool: 'maven',
    language: 'java',
    lockFile: 'pom.xml',
    setup: [{ value: `${maven} --quiet -DskipTests verify`, why }, ...runsOneTest(files, maven)],
    cache: wrapper ? [...cache, { value: '~/.m2/wrapper', why: 'what mvnw has fetched' }] : cache,
    env: [],
    checks,
    notes: [],
  }
}

/**
 * Surefire fetches what runs the tests when it runs the first one, and not before.
 *
 * @see https://maven.apache.org/surefire/maven-surefire-plugin/test-mojo.html (test, failIfNoSpecifiedTests)
 */
function runsOneTest(files: CheckoutFiles, maven: string): Line[] {
  const [first] = [...files.names]
    .filter((name) => `/${name}`.includes('/src/test/java/'))
    .map((name) => path.posix.basename(name))
    .filter((name) => /^\w+Test\.java$/.test(name))
    .map((name) => path.posix.basename(name, '.java'))
    .sort()
  if (first === undefined) return []
  const elsewhere = '-DfailIfNoTests=false -Dsurefire.failIfNoSpecifiedTests=false'
  const run = ahead(`${maven} -Dtest=${first} ${elsewhere} verify`)
  return [{ value: run, why: 'one test: only then Maven fetches what runs them' }]
}

/** Gradle at the root. */
export async function detectGradle(files: CheckoutFiles): Promise<Finding | null> {
  const manifest = firstOf(files, GRADLE_MANIFESTS)
  if (manifest === undefined) return null
  const wrapper = files.names.has('gradlew')
  const gradle = `${wrapper ? './gradlew' : 'gradle'} --no-daemon --console=plain`
  const why = wrapper ? `gradlew and ${manifest}` : manifest
  const checks: FoundCheck[] = [{ kind: 'test', run: `${gradle} test`, why, fix: null }]
  if (/\bspotless\b/.test(await textOf(files, manifest)))
    checks.push({
      kind: 'format',
      run: `${gradle} spotlessCheck`,
      why: `spotless of ${manifest}`,
      fix: `${gradle} spotlessApply`,
    })
  return {
    tool: 'gradle',
    language: 'java',
    lockFile: firstOf(files, ['gradle.lockfile']) ?? manifest,
    setup: [{ value: `${gradle} --quiet testClasses`, why }],
    cache: [{ value: '~/.gradle', why: 'what Gradle has fetched' }],
    env: [],
    checks,
    notes: [],
  }
}
