import path from 'node:path'

/** What one run of Aider is told. */
export type AiderRun = {
  /** Absolute path of a private folder beside the work tree. */
  folder: string
  /** Existing files of the scope, from the root of the tree. */
  files: readonly string[]
  lineEndings: 'lf' | 'crlf'
  /** As the gateway calls it. */
  model: string
  timeoutMs: number
}

/** Where the parts of a run's folder are. */
export function runPaths(folder: string) {
  return {
    message: path.join(folder, 'instruction.txt'),
    metadata: path.join(folder, 'model-metadata.json'),
    home: path.join(folder, 'home'),
    temporary: path.join(folder, 'tmp'),
    clone: path.join(folder, 'clone'),
    masked: path.join(folder, 'masked'),
    ignore: path.join(folder, 'ignore'),
  }
}

/**
 * Aider's arguments. `--yes-always` because without it and without a terminal every question counts as answered with
 * its default, and the default for a shell command the model suggests is yes. Moose makes the commits itself, so that
 * no model is paid for their messages.
 *
 * @see https://aider.chat/docs/config/options.html
 */
export function aiderArguments({ folder, files, lineEndings, model, timeoutMs }: AiderRun): string[] {
  const { message, metadata, ignore, temporary } = runPaths(folder)
  const name = `openai/${model}`
  const valued = {
    '--message-file': message,
    '--model': name,
    '--weak-model': name,
    '--editor-model': name,
    '--model-metadata-file': metadata,
    '--edit-format': 'diff',
    '--line-endings': lineEndings,
    '--map-tokens': '0',
    '--timeout': String(Math.ceil(timeoutMs / 1000) + 60),
    '--chat-history-file': path.join(temporary, 'chat.md'),
    '--input-history-file': path.join(temporary, 'input'),
    '--aiderignore': ignore,
    '--env-file': path.join(folder, 'no-env'),
  }
  return [...Object.entries(valued).flat(), ...SWITCHES, '--', ...files]
}

const SWITCHES = [
  '--yes-always',
  '--no-stream',
  '--no-pretty',
  '--no-fancy-input',
  '--no-show-model-warnings',
  '--no-auto-commits',
  '--no-dirty-commits',
  '--no-gitignore',
  '--no-auto-lint',
  '--no-auto-test',
  '--no-check-update',
  '--no-show-release-notes',
  '--no-analytics',
  '--no-notifications',
  '--no-browser',
  '--no-detect-urls',
  '--disable-playwright',
  '--no-suggest-shell-commands',
  '--no-watch-files',
]

/**
 * Aider's whole environment. Git in it sees no configuration but ours and runs no hook; litellm reads no `.env`; what
 * opens a browser opens nothing.
 */
export function aiderEnvironment(
  { folder }: Pick<AiderRun, 'folder'>,
  grant: { url: string; token: string },
  executablePath: string,
): Record<string, string> {
  const { home, temporary } = runPaths(folder)
  return {
    PATH: executablePath,
    HOME: home,
    TMPDIR: temporary,
    LANG: 'C.UTF-8',
    TERM: 'dumb',
    // What is not a terminal is wrapped at 80 columns otherwise, in the middle of what the verdict reads.
    COLUMNS: '5000',
    BROWSER: '/bin/true',
    PYTHONUTF8: '1',
    PYTHONNOUSERSITE: '1',
    PYTHONDONTWRITEBYTECODE: '1',
    NO_PROXY: '127.0.0.1',
    OPENAI_API_BASE: grant.url,
    OPENAI_API_KEY: grant.token,
    LITELLM_LOCAL_MODEL_COST_MAP: 'True',
    LITELLM_MODE: 'PRODUCTION',
    ...gitEnvironment(),
  }
}

function gitEnvironment(): Record<string, string> {
  const settings = [
    ['user.name', 'Moose'],
    ['user.email', 'moose@localhost'],
    ['core.hooksPath', '/dev/null'],
    ['core.fsmonitor', 'false'],
    ['core.attributesFile', '/dev/null'],
    ['protocol.allow', 'never'],
  ]
  return {
    GIT_CONFIG_NOSYSTEM: '1',
    GIT_CONFIG_GLOBAL: '/dev/null',
    GIT_TERMINAL_PROMPT: '0',
    GIT_CONFIG_COUNT: String(settings.length),
    ...Object.fromEntries(
      settings.flatMap(([key, value], index) => [
        [`GIT_CONFIG_KEY_${index}`, String(key)],
        [`GIT_CONFIG_VALUE_${index}`, String(value)],
      ]),
    ),
  }
}

/** What Aider would otherwise look up on the network. The limits are those of no model: the gateway's provider judges. */
export function modelMetadata(model: string): string {
  const facts = { litellm_provider: 'openai', mode: 'chat', max_input_tokens: 2_000_000, max_output_tokens: 64_000 }
  return JSON.stringify({ [`openai/${model}`]: { ...facts, input_cost_per_token: 0, output_cost_per_token: 0 } })
}
