import { foldedPath, isMatch, type PathPattern, pathPattern } from './path-pattern.ts'

/** What of a project is protected beyond what usually is, and what is not; patterns as `path-pattern.ts` reads them. */
export type ProtectionRules = {
  protect: readonly string[]
  unprotect: readonly string[]
}

const listed = (text: string) => text.trim().split(/\s+/)

/**
 * Paths whose change a human has to allow, also where they are in scope: what decides how a repository is verified, built,
 * installed and reviewed, and what tells programs and coding agents what to do. Each reason completes "PATH is …".
 *
 * `.gitignore`, `.editorconfig` and files that name a version (`.nvmrc`) are none of them: nothing runs by them.
 */
const PROTECTED: readonly { why: string; paths: readonly string[] }[] = [
  { why: 'what Moose verifies by', paths: listed('/moose.yaml /moose.yml') },
  {
    why: 'what coding agents are told',
    paths: listed(`
      AGENTS.md AGENTS.override.md AGENT.md CLAUDE.md CLAUDE.local.md GEMINI.md QWEN.md CRUSH.md WARP.md JULES.md
      .cursorrules .windsurfrules .clinerules .roorules* .goosehints .rules copilot-instructions.md
      .github/instructions/ .github/prompts/ .github/chatmodes/ .github/agents/ .github/skills/ .github/hooks/
    `),
  },
  {
    why: 'the configuration of coding agents',
    paths: listed(`
      .claude/ .cursor/ .codex/ .gemini/ .qwen/ .windsurf/ .clinerules/ .roo/ .continue/ .amazonq/ .kiro/ .junie/
      .augment/ .copilot/ .opencode/ .openhands/ .agents/ .agent/ .trae/ .factory/ .crush/ .goose/ .mcp/ .aider*
      .mcp.json mcp.json opencode.json* .crush.json .cursorignore .cursorindexingignore
    `),
  },
  {
    why: 'what continuous integration runs',
    paths: listed(`
      .github/workflows/ .github/actions/ action.yml action.yaml .gitlab-ci.yml *.gitlab-ci.yml .gitlab/ .circleci/
      Jenkinsfile* *.jenkinsfile azure-pipelines*.y*ml .azure-pipelines/ .azuredevops/ .azure/ .travis.yml
      bitbucket-pipelines.yml .buildkite/ .drone.y*ml .drone.star .woodpecker.y*ml .woodpecker/ .semaphore/
      appveyor.yml .appveyor.yml cloudbuild.y*ml buildspec*.y*ml .teamcity/ .forgejo/ .gitea/ .builds/ /.build.yml
      .cirrus.y*ml .cirrus.star .ci/ codefresh.yml .codefresh/ wercker.yml .tekton/ .harness/ .dagger/
    `),
  },
  {
    why: 'who reviews what, and what bots may do',
    paths: listed(`
      CODEOWNERS .github/settings.yml .github/dependabot.y*ml renovate.json* .renovaterc* .github/renovate.json*
      .mergify.yml .github/mergify.yml .mergify/ .probot.y*ml .github/auto*.y*ml
    `),
  },
  {
    why: 'a lock file',
    paths: listed(`
      package-lock.json npm-shrinkwrap.json yarn.lock pnpm-lock.yaml bun.lock bun.lockb deno.lock Cargo.lock
      poetry.lock uv.lock pdm.lock Pipfile.lock pylock*.toml conda-lock.y*ml pixi.lock Gemfile.lock gems.locked
      composer.lock go.sum go.work.sum mix.lock rebar.lock pubspec.lock Podfile.lock Package.resolved
      packages.lock.json paket.lock flake.lock gradle.lockfile gradle/verification-metadata.xml
      .terraform.lock.hcl MODULE.bazel.lock Chart.lock
    `),
  },
  {
    why: 'where packages come from and what runs when they are installed',
    paths: listed(`
      .npmrc .yarnrc .yarnrc.yml .yarn/ .pnpmfile.* pnpmfile.* pnpm-workspace.yaml bunfig.toml .cargo/ pip.conf .pip/
      .pypirc /uv.toml .bundle/ nuget.config .netrc .mvn/ gradle/wrapper/ gradlew gradlew.bat mvnw mvnw.cmd .condarc
      .gemrc .corepack.env binding.gyp package.json5 package.yaml .bazeliskrc tools/bazel
    `),
  },
  {
    why: 'the configuration of git, or a hook of it',
    paths: listed(`
      .gitattributes .gitmodules .gitconfig .lfsconfig .githooks/ .git-hooks/ .husky/ .huskyrc*
      .pre-commit-config.y*ml .pre-commit-hooks.y*ml lefthook*.* .lefthook* .lefthook/ .lintstagedrc*
      lint-staged.config.* .simple-git-hooks.* simple-git-hooks.* .overcommit.yml .captainhook.json
    `),
  },
  {
    why: 'the configuration of an editor or a development environment',
    paths: listed(`
      .vscode/ *.code-workspace .idea/ .fleet/ .zed/ .vs/ .nova/ .devcontainer/ .devcontainer.json .envrc .direnv/
      .gitpod.yml .gitpod.Dockerfile .idx/ .replit devbox.json devenv.* .tool-versions mise.toml .mise.toml mise.*.toml .mise.*.toml .mise/
      mise/ .vimrc .exrc .nvimrc .nvim.lua .vim/ .dir-locals.el .dir-locals-2.el *.sublime-project .gdbinit
      .lldbinit .bazelrc
    `),
  },
]

/**
 * Files of which a part is protected: what stands at these keys runs when the project is installed, built or tested. The
 * rest of such a file may change. A key is a way of names from the root of the file.
 */
const PROTECTED_PARTS: readonly { path: string; why: string; keys: readonly string[] }[] = [
  {
    path: 'package.json',
    why: 'a script of a package, or what decides which packages and hooks run',
    keys: listed(`
      scripts husky simple-git-hooks lint-staged pre-commit pre-push gitHooks packageManager devEngines pnpm overrides
      resolutions trustedDependencies allowScripts dependenciesMeta publishConfig gypfile wireit nx.targets
    `),
  },
  { path: 'composer.json', why: 'a script of a package', keys: listed('scripts repositories config.allow-plugins') },
  { path: 'deno.json*', why: 'a task of a package', keys: listed('tasks imports importMap') },
  {
    path: 'pyproject.toml',
    why: 'what builds the package, or a task of it',
    keys: listed(`
      build-system tool.pdm.scripts tool.pdm.source tool.pdm.build tool.poe tool.taskipy tool.hatch.envs
      tool.hatch.build.hooks tool.uv.index tool.uv.index-url tool.uv.sources tool.poetry.source tool.poetry.build
      tool.setuptools.cmdclass tool.pixi.tasks
    `),
  },
]

/** Files of pip, of which the lines are protected that say more than which package in which version. */
const REQUIREMENTS = {
  why: 'where packages come from',
  patterns: listed(`
    *requirements*.txt *requirements*.in *constraints*.txt *constraints*.in
    **/requirements/**/*.txt **/requirements/**/*.in
  `).map(pathPattern),
}

type Compiled = { why: string; patterns: readonly PathPattern[] }

const USUAL: readonly Compiled[] = PROTECTED.map(({ why, paths }) => ({ why, patterns: paths.map(pathPattern) }))
const PARTS = PROTECTED_PARTS.map(({ path, why, keys }) => ({
  why,
  keys: keys.map((key) => key.split('.')),
  pattern: pathPattern(path),
}))

export type Protection = {
  /**
   * Why a path is protected, so that it completes "PATH is …"; null: it is not.
   *
   * @param path of a file, or of a folder with a slash at its end: whether everything in it is
   */
  whyProtected: (path: string) => string | null
  /** What of a file is protected; null: nothing, or all of it. */
  protectedPart: (path: string) => { why: string; keys: readonly (readonly string[])[] } | null
  /** Why lines of a file are protected, those that `tellingLines` gives; null: none is, or all of them are. */
  protectedLines: (path: string) => string | null
  /** Whether the project says that nothing of it is held, whatever changes. */
  isExcepted: (path: string) => boolean
}

/** The usual rules with those of a project: what it adds counts before what it excepts. */
export function protectionBy({ protect, unprotect }: ProtectionRules): Protection {
  const added = protect.map(pathPattern)
  const excepted = unprotect.map(pathPattern)
  const fits = (patterns: readonly PathPattern[], path: string) => patterns.some((pattern) => isMatch(pattern, path))
  const isExcepted = (path: string) => {
    const folded = foldedPath(path)
    return fits(excepted, folded) && !fits(added, folded)
  }
  return {
    isExcepted,
    whyProtected(path) {
      const folded = foldedPath(path)
      if (fits(added, folded)) return 'protected in this project'
      if (fits(excepted, folded)) return null
      if (SHORT_NAME.test(folded)) return 'what some file systems take for a protected file (a short name)'
      const rule = USUAL.find(({ patterns }) => fits(patterns, folded))
      return rule === undefined ? null : rule.why
    },
    protectedPart(path) {
      const folded = foldedPath(path)
      const part = PARTS.find(({ pattern }) => isMatch(pattern, folded))
      return part === undefined || isExcepted(path) ? null : part
    },
    protectedLines(path) {
      return fits(REQUIREMENTS.patterns, foldedPath(path)) && !isExcepted(path) ? REQUIREMENTS.why : null
    },
  }
}

/**
 * A name such as `GITHUB~1`, which Windows finds `.github` under.
 *
 * @see https://learn.microsoft.com/en-us/windows/win32/fileio/naming-a-file#short-vs-long-names
 */
const SHORT_NAME = /(?:^|\/)[^/~]{1,6}~\d(?:\.[^/]{0,3})?(?:\/|$)/
