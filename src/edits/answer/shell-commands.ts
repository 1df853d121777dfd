import type { ScopeNames } from '../scope-names.ts'

/** What command lines do to files in scope. Folders end in a slash. */
export type Commanded = {
  /** What they change. */
  changed: readonly string[]
  /** Of that, whose text they change in a fence, and what they take away. */
  rewritten: readonly string[]
  removed: readonly string[]
  /** What they make executable, or take that from. */
  modes: readonly { paths: readonly string[]; executable: boolean }[]
  /** Whose mode they set in a way that the format cannot say. */
  oddModes: readonly string[]
}

/** More than a person types. */
export const MOST_OF_COMMAND = 20_000
const MOST_OF_WORD = 500
const SHELLS =
  /^(?:sh|bash|shell|zsh|fish|console|terminal|powershell|pwsh|ps1|cmd|bat|batch|dos|shell-session|shellsession)\b/i
const PROMPT = /^(?:[$#>%]|PS [^>\s]*>)\s+/
/** What may stand before the name of a command. */
const BEFORE =
  /^(?:[({!]\s*|(?:then|do|else|elif|if|while|until|time|nohup|env|exec|command|builtin|sudo(?:\s+-\S+)*)\s+|[A-Za-z_]\w*=\S*\s+|\\)/
const SYSTEM = /^\/(?:usr\/)?(?:local\/)?s?bin\//
const SEPARATORS = /&&|\|\||[;|]|\$\(/
const HEREDOC = /<<-?\s*\\?["']?([A-Za-z_]\w*)/
/** A program that is written in the line itself. */
const PROGRAM_IN_LINE =
  /\b(?:python[\d.]*|node|ruby|perl|php|deno|bun|tsx|(?:ba|z|da)?sh|pwsh|powershell)(?:\s+-\S+){0,3}\s+-(?:-eval|-command|[a-z]{0,3}[ecpr])(?=[\s"'])/i

/** Words that a program has which changes files, or runs commands. */
const MAY_WRITE =
  /\b(?:ba|z|da)?sh\b|pwsh|powershell|write|unlink|rename|remove|replace|delete|\brm|\bmv|\bcp|copy|append|truncat|open|exec|spawn|system|\brun\b|subprocess|shutil|put_|link|touch|inplace|move|save|dump|to_(?:csv|excel|html|parquet|pickle)|mkdir|chmod|chown|utime|patch|\bedit|extract|File\.new|>|`|\$\(|-i/i

/** Commands that change the files they are given, in whatever they say. */
const CHANGERS = new Set(
  `rm mv cp tee touch patch truncate ln install rmdir unlink shred srm trash dd ed ex del erase ren rd rename copy move
  remove-item set-content add-content clear-content out-file move-item copy-item rename-item new-item`.split(/\s+/),
)
/** Commands that leave the files they are given as they are, unless an option says otherwise. */
const READERS = new Set(
  `cat bat less more head tail grep egrep fgrep rg ag ack ls tree wc diff cmp stat file find sort uniq cut tr jq yq awk gawk sed gsed
  perl ruby node nodejs deno bun tsx ts-node python python2 python3 pip pip3 php java javac kotlin go cargo rustc gcc g++ cc clang
  make gmake cmake ninja bazel mvn gradle dotnet npm npx pnpm pnpx yarn bunx uv uvx poetry pipenv hatch tox nox pytest mypy pyright
  ruff flake8 pylint eslint tsc prettier biome vitest jest mocha ava cypress playwright phpunit rspec bundle rake rails mix elixir
  swift xcodebuild docker docker-compose podman kubectl helm terraform gh curl wget echo printf test [ [[ read source . export set
  pushd popd which whereis type open code dir findstr get-content select-string test-path get-childitem get-item write-output
  write-host bash sh zsh dash fish pwsh powershell watch entr md5sum sha1sum sha256sum shasum xxd od hexdump strings shellcheck shfmt
  gofmt goimports stylelint hadolint actionlint yamllint markdownlint psql sqlite3 mysql redis-cli ssh return exit true false case
  moose ctest valgrind gdb strace time timeout xargs fi done esac basename dirname realpath readlink cd vi vim nvim nano emacs micro
  hx subl idea rubocop standard streamlit flask uvicorn gunicorn hypercorn jupyter ansible ansible-playbook ansible-lint wrk ab k6
  hey pdm taplo glow mdcat black isort autopep8 yapf rustfmt dprint clang-format clang-tidy php-cs-fixer ktlint swiftformat swiftlint
  golangci-lint staticcheck bandit semgrep pyflakes pycodestyle phpstan psalm phpcs sqlfluff vale codespell cspell xmllint jsonlint
  htmlhint tidy pre-commit nodemon pm2 ng nx turbo vite webpack rollup esbuild vue-tsc svelte-check http newman buf protoc Rscript
  julia lua luajit ghc runghc zig nim scala sbt meson just task mise nix ansible-galaxy serverless sam pulumi promtool nginx caddy
  redocly spectral nl tokei cloc oxlint knip ts-prune tsd lychee mdl traefik prometheus vegeta airflow fastapi gradio nosetests behave
  act py-spy wrangler nomad consul dot ok not`.split(/\s+/),
)
const CHANGES_IN_GIT = /^(?:rm|mv|apply|am|checkout|restore|clean|revert|stash|update-index|switch)$/
const IN_PLACE = /^(?:g?sed|perl|ruby|g?awk|yq)$/
const IN_PLACE_OPTION = /\s-(?:-in-?place|[a-zA-Z]{0,6}i)/
/** Commands that change the text of files, and those that take files away. */
const REWRITES = /^(?:g?sed|perl|ruby|g?awk|yq|tee|patch|truncate|dd|ed|ex)$/
const REMOVES = /^(?:rm|unlink|del|erase|shred|srm|trash|remove-item)$/
const WRITES = /^(?:sort|curl|wget|npx|pnpm|yarn|bunx|uvx)$/
const WRITES_OPTION = /\s(?:--output|-o|-O)(?=[\s=]|$)/
/** Commands that leave all but the last of what they are given as it is. */
const COPIES = /^(?:cp|copy|copy-item|install|ln)$/
/** What a program reads, whatever it is. */
const READ_BY_OPTION = /\s(?:-c|-f|-s|--(?:config|file|script|app|input|env-file))[\s=]\S+/g
const READS = /^\s+(?:run|check|validate|lint|test|serve|show|view|open|exec|build|start)\s/
/** Lines of output, and no names of programs. */
const OUTPUT = /(?:ing|ed)$/
const RUNS_ANOTHER = /\s-(?:exec|execdir|ok)\s+(\S+)|^xargs\s+(?:-\S+(?:\s+\d+)?\s+)*([^-\s]\S*)/

/** What no line lacks that changes files and is no command by what stands around it. */
export const MAY_CHANGE = new RegExp(
  `>|(?<!\\w)(?:${[...CHANGERS].join('|')}|git|chmod|find|g?sed|perl|ruby|g?awk|yq|sort|curl|wget|npx|pnpm|yarn|bunx|uvx)(?!\\w)`,
  'iu',
)

/** Whether the info string of a fence says that it holds commands. */
export function isShell(info: string): boolean {
  return SHELLS.test(info)
}

const NOTHING_LOOPED = { changed: [], modes: [] }

/** Command lines in their order. What is no command is passed over. Linear. */
export class Commands {
  readonly #names: ScopeNames
  /** Whether what is not known to read changes what it names. */
  readonly #isStrict: boolean
  readonly #hasPrompts: boolean
  #folder = ''
  /** What a loop goes through, and was not yet said to change, and to have another mode. */
  #loop: { changed: readonly string[]; modes: readonly string[] } = NOTHING_LOOPED
  /** Of the line in hand, what `find` and `xargs` have done to all that it names. */
  #done: 'nothing' | 'changed' | 'mode' = 'nothing'
  #heredoc: { end: string; isProgram: boolean } | null = null
  #changed: string[] = []
  #rewritten: string[] = []
  #removed: string[] = []
  #modes: { paths: readonly string[]; executable: boolean }[] = []
  #oddModes: string[] = []

  /** @param info of the fence; null: a line of words */
  constructor(names: ScopeNames, info: string | null, hasPrompts = false) {
    this.#names = names
    this.#isStrict = info !== null && isShell(info)
    this.#hasPrompts = hasPrompts
  }

  /** Whether a line starts as one that was typed behind a prompt. */
  static hasPrompt(line: string): boolean {
    return /^\s*\$\s/.test(line)
  }

  read(line: string): Commanded {
    this.#changed = []
    this.#rewritten = []
    this.#removed = []
    this.#modes = []
    this.#oddModes = []
    const text = line.trim()
    if (text.length <= MOST_OF_COMMAND && !this.#isInHeredoc(text)) this.#readLine(text)
    const [changed, rewritten, removed] = [this.#changed, this.#rewritten, this.#removed]
    return { changed, rewritten, removed, modes: this.#modes, oddModes: this.#oddModes }
  }

  #isInHeredoc(text: string): boolean {
    const { end, isProgram } = this.#heredoc ?? { end: null, isProgram: false }
    if (end === null) return false
    if (isProgram) this.#changed.push(...this.#filesIn(text))
    if (text === end) this.#heredoc = null
    return true
  }

  #readLine(line: string): void {
    const isTyped = this.#isStrict && (!this.#hasPrompts || Commands.hasPrompt(line))
    const typed = line.replace(PROMPT, '')
    const comment = typed.search(/(?:^|\s)#\s/)
    const text = comment === -1 ? typed : typed.slice(0, comment)
    this.#done = 'nothing'
    for (const part of text.split(SEPARATORS)) this.#readPart(part.trim(), isTyped)
    this.#addAllOf(text)
    for (const [, target = ''] of text.matchAll(/(?<![-=<]|<[\w-]{1,40})>{1,2}\|?\s*["']?([^\s"'>&;|()]+)/g))
      this.#rewrite(this.#filesIn(target))
    if (this.#isStrict && PROGRAM_IN_LINE.test(text) && MAY_WRITE.test(text)) this.#changed.push(...this.#filesIn(text))
    const end = HEREDOC.exec(text)?.[1]
    if (end !== undefined && this.#isStrict)
      this.#heredoc = { end, isProgram: !/^(?:cat|tee)\b/.test(withoutWrappers(text)) }
  }

  #addAllOf(line: string): void {
    if (this.#done === 'changed') this.#changed.push(...this.#filesIn(line, true))
    if (this.#done === 'mode') this.#oddModes.push(...this.#filesIn(line, true))
  }

  #readPart(part: string, isTyped: boolean): void {
    const command = withoutWrappers(part)
    const [first = ''] = command.split(/\s/, 1)
    const name = first
      .replace(SYSTEM, '')
      .replace(/\.exe$/i, '')
      .toLowerCase()
    const words = command.slice(first.length)
    if (name === 'for') {
      const files = this.#filesIn(words, true)
      this.#loop = { changed: files, modes: files }
    }
    if (name === 'cd')
      this.#folder = (words.split(/[\s"'()]+/, 2).find((word) => word !== '') ?? '').slice(0, MOST_OF_WORD)
    if (name === 'chmod' || (name === 'git' && words.includes('--chmod='))) return this.#readMode(words, name)
    const [, behindExec, behindXargs] = RUNS_ANOTHER.exec(command) ?? []
    const other = behindExec ?? behindXargs
    if (other !== undefined) {
      if (/(?:^|\/)chmod$/.test(other)) this.#done = 'mode'
      else if (this.#changes(other.replace(SYSTEM, ''), { words, isTyped })) this.#done = 'changed'
      return
    }
    const isProgram = isTyped && (first === name || /^[A-Z][a-z]+-[A-Z]\w+$/.test(first) || SYSTEM.test(first))
    if (!this.#changes(name, { words, isTyped: isProgram })) return
    const given = CHANGERS.has(name) ? targetsIn(name, words) : words.replace(READ_BY_OPTION, ' ')
    const files = this.#filesIn(given, CHANGERS.has(name) || name === 'find' || name === 'git')
    if (REWRITES.test(name)) this.#rewrite(files)
    else this.#changed.push(...files)
    if (this.#isStrict && REMOVES.test(name)) this.#removed.push(...files)
    if (!words.includes('$')) return
    this.#changed.push(...this.#loop.changed)
    this.#loop = { ...this.#loop, changed: [] }
  }

  #rewrite(files: readonly string[]): void {
    this.#changed.push(...files)
    if (this.#isStrict) this.#rewritten.push(...files)
  }

  #changes(name: string, { words, isTyped }: { words: string; isTyped: boolean }): boolean {
    if (CHANGERS.has(name)) return true
    if (name === 'git') return CHANGES_IN_GIT.test(ofGit(words)) && !isUnstaging(words)
    if (IN_PLACE.test(name)) return IN_PLACE_OPTION.test(words)
    if (WRITES.test(name)) return WRITES_OPTION.test(words)
    if (name === 'find') return /\s-delete\b/.test(words)
    if (!isTyped || READERS.has(name) || READS.test(words) || OUTPUT.test(name)) return false
    return /^[a-z][\w.+-]*$/.test(name) && !/\.\w+$/.test(name) && !/^(?:for|select|function)$/.test(name)
  }

  #readMode(words: string, name: string): void {
    const all = words.trim().split(/\s+/)
    const at = all.findIndex((word) => (name === 'git' ? word.startsWith('--chmod=') : isMode(word)))
    const mode = all[at]?.replace('--chmod=', '')
    if (mode === undefined) return
    const isAll = all.some((word) => /^-(?:[A-Za-z]*R|-recursive)/.test(word))
    const rest = all.slice(at + 1).join(' ')
    const paths = [...this.#filesIn(rest, true), ...(rest.includes('$') ? this.#loop.modes : [])]
    if (rest.includes('$')) this.#loop = { ...this.#loop, modes: [] }
    const executable = executableBy(mode)
    const isOdd = isAll || paths.some((path) => path.endsWith('/'))
    if (executable === 'odd' || (executable !== null && isOdd)) this.#oddModes.push(...paths)
    else if (executable !== null) this.#modes.push({ paths, executable })
  }

  /** The files that words name; also folders, where these are asked for. */
  #filesIn(text: string, withFolders = false): string[] {
    const found = new Set(this.#names.mentionedIn(text))
    for (const word of text.split(/[\s"'(),;`<>|=]+/)) {
      if (word === '' || word.length > MOST_OF_WORD || word.startsWith('-')) continue
      for (const name of this.#folder === '' ? [word] : [word, `${this.#folder}/${word}`]) {
        const path = this.#names.meantBy(name)
        if (path !== null && (this.#names.namesFile(path) || /\.\w+$/.test(path))) found.add(path)
        else if (withFolders) for (const file of this.#patternOf(name)) found.add(file)
      }
    }
    return [...found]
  }

  /** What a word stands for that is no file: the files of a pattern, or folders. */
  #patternOf(word: string): readonly string[] {
    const files = /[*?[{]/.test(word) ? this.#names.matching(word.replace(/^\.\//, '')) : null
    if (files !== null && files.length > 0) return files
    return foldersOf(word).filter((folder) => this.#names.reaches(folder))
  }
}

/** Of what a command is given, what it changes. */
function targetsIn(name: string, words: string): string {
  if (!COPIES.test(name) || /\s-(?:t|-target)/.test(words)) return words
  const end = words.search(/\s\d?[<>]/)
  const plain = end === -1 ? words : words.slice(0, end)
  return String(plain.trim().split(/\s+/).at(-1))
}

function withoutWrappers(part: string): string {
  let command = part.replace(PROMPT, '')
  for (let round = 0; round < 8 && BEFORE.test(command); round += 1) command = command.replace(BEFORE, '')
  return command
}

/** The command of git that words begin with, behind options of git's own. */
function ofGit(words: string): string {
  const all = words.trim().split(/\s+/)
  return String(all.find((word, at) => !word.startsWith('-') && !/^-[Cc]$/.test(String(all[at - 1]))))
}

/** The folder that a word of a command stands for, with a slash at its end. A pattern stands for the folder it is in. */
function foldersOf(word: string): string[] {
  const pattern = word.search(/[*?[{]/)
  const folder = pattern === -1 ? word : word.slice(0, word.lastIndexOf('/', pattern) + 1)
  const plain = folder.replaceAll('\\', '/').replace(/^\.\//, '').replace(/\/$/, '')
  return plain === '' || plain === '.' ? [] : [`${plain}/`]
}

/** Whether a command of git takes files out of what is to be committed, and leaves them as they are. */
function isUnstaging(words: string): boolean {
  const isStaged = /\s(?:--staged\b|-[pq]{0,2}S[pq]{0,2}(?=\s))/.test(words)
  return ofGit(words) === 'restore' && isStaged && !/\s(?:--worktree\b|-[A-Za-z]{0,4}W)/.test(words)
}

function isMode(word: string): boolean {
  return /^(?:0?[0-7]{3,4}|[ugoa]*[-+=][rwxXst]*(?:,[ugoa]*[-+=][rwxXst]*)*)$/.test(word)
}

/** What a mode makes of the owner's bit, which is the one git keeps. Null: nothing; odd: it says more. */
function executableBy(mode: string): boolean | 'odd' | null {
  const [, owner] = /^0?([0-7])[0-7]{2}$/.exec(mode) ?? []
  if (owner !== undefined) return /^[457]/.test(owner) || owner === '6' ? Number(owner) % 2 === 1 : 'odd'
  let executable: boolean | null = null
  for (const clause of mode.split(',')) {
    const [, who = '', sign, bits = ''] = /^([ugoa]*)([-+=])([rwxXst]*)$/.exec(clause) ?? []
    if (sign === undefined || /[Xst]/.test(bits)) return 'odd'
    const isOwners = who === '' || /[ua]/.test(who)
    if (!isOwners && bits.includes('x')) return 'odd'
    if (isOwners && (bits.includes('x') || sign === '=')) executable = sign !== '-' && bits.includes('x')
  }
  return executable
}
