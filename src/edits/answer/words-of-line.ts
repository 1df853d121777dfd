import { MAX_PATH_BYTES } from '../../work-order/scope.ts'

/** Endings of files that words of a sentence, members of an object and addresses do not have. */
const FILE = new RegExp(
  `[^.]\\.(?:${[
    '[cm]?[jt]sx?|jsonc?|json5|ya?ml|toml|ini|cfg|conf|lock|mdx?|rst|txt|adoc|csv|tsv|xml|html?|xhtml|s?css|sass|less|svg',
    'vue|svelte|astro|pyi?|ipynb|rb|erb|rake|gemspec|rs|java|kts?|groovy|gradle|scala|clj[cs]?|exs|erl|hs|fsx|csproj|sln|vb',
    'cc|cpp|cxx|hh|hpp|swift|dart|php|lua|jl|sh|bash|zsh|fish|ps1|bat|cmd|sql|graphql|gql|proto|tf|tfvars|hcl|nix|cmake|mk',
    'properties|plist|snap|patch|diff|tmpl|tpl|j2|ejs|hbs|pug|vim|tex|zig|sol|prisma|go',
  ].join('|')})$`,
  'i',
)
/** Endings that say as much only behind a folder. */
const FILE_IN_FOLDER = /[^.]\.(?:c|h|m|mm|r|s|d|mod|sum|mli?|fs|cs|ex|el|p[lm]|nim|asm|env)$/i
const DOTTED = /^\.(?:env(?:\.\w+)?|\w+ignore|\w+rc|editorconfig|gitattributes|gitmodules)$/
const WITHOUT_ENDING = /^(?:Make|Docker|Container|Gem|Rake|Proc|Jenkins|Vagrant|Brew|Pod|Caddy|Pip|Just)file$/
/** Names of programs, and members of objects, that end like files. */
const NO_FILE =
  /^(?:[A-Z]\w*\.js|(?:node|vue|next|nuxt|react|three|d3|p5|chart|ember|express|alpine|moment|pdf|socket)\.js|(?:res|resp|response|req|request|this|self|ctx|event|window|document|process|console|module|obj|data|r|e)\.\w+)$/
/** What is called so is a file all the same: `b.ts(updated)`. */
const PROGRAM = /\.(?:[cm]?[jt]sx?|py|rb|rs|java|php)$/i
const ADDRESS =
  /:\/\/|^www\.|^[\w-]+(?:\.[\w-]+){0,3}\.(?:com|org|net|io|dev|app|gov|edu)\/|^(?:node|npm|bun|jsr|data|file|mailto|virtual|astro):/i

/** A word of a line as it may name a file. `isCalled`: what stands in brackets follows right behind it. */
export type Word = { word: string; isCalled: boolean }

/** What stands between spaces and the signs between words, in the scripts that have signs of their own for it. */
const CHUNK =
  /[^\s,;"'`*<>{}=|\u2018\u2019\u201c\u201d\u00ab\u00bb\u2022\u2023\u2026\u2190-\u21ff\u3001\u3002\u300c-\u3011\uff08\uff09\uff0c\uff1a\uff1b]+/g
/** A word that has nothing to be taken off. */
const PLAIN = /^[\w-]+$/
/** A path of which folders are in brackets, as routers of pages have them. */
const WITH_BRACKETS = /^[\w@.-]+(?:\/(?:[\w@.-]+|[[(]+[\w.-]+[\])]+))+$/
const LABELLED = /^[^:/\\.]+:(?!\/\/|\\)(?=.)/
const MODULE = /^(?:node|npm|bun|jsr|data|file|mailto|virtual|astro):/i

/** The words of a line that are no longer than a path may be. Linear. */
export function wordsOf(line: string): Word[] {
  return [...eachWordOf(line)]
}

/** The same, one by one: a line may have a megabyte of them. */
export function* eachWordOf(line: string): Generator<Word> {
  for (const [chunk] of line.matchAll(CHUNK)) {
    if (!PLAIN.test(chunk)) yield* partsOf(chunk)
    else if (chunk.length <= MAX_PATH_BYTES) yield { word: chunk, isCalled: false }
  }
}

function partsOf(chunk: string): Word[] {
  const parts = WITH_BRACKETS.test(withoutEnds(chunk)) ? [chunk] : chunk.split(/(?=\()|[[\])]+/)
  return parts.flatMap((part, index) => {
    const bare = part.replace(/^\(+/, '')
    const word = withoutEnds(MODULE.test(bare) ? bare : bare.replace(LABELLED, ''))
    const isCalled = parts[index + 1]?.startsWith('(') === true
    return word === '' || part.length > MAX_PATH_BYTES ? [] : [{ word, isCalled }]
  })
}

/** A name without signs of emphasis, of a mention or of a list around it. */
export function withoutSigns(word: string): string {
  if (/^[A-Za-z\d.]/.test(word) && !word.endsWith('_')) return word
  return word.replace(/^[^\p{L}\p{N}./[(\\]+/u, '').replace(/(?<!_)_+$/, '')
}

/** A word without the end of a sentence, and without the line or the part of a file that stands behind its name. */
function withoutEnds(word: string): string {
  return word.replace(/(?<![.:!?])[.:!?]+$/, '').replace(/(?<=\.\w{1,12})(?::(?!\/\/)|#L\d).*$/, '')
}

/** Whether a word has the form of a file's name: one that words of a sentence, programs and members of objects do not have. */
export function looksLikeFile({ word: written, isCalled }: Word): boolean {
  if (!written.includes('.') && !written.includes('file')) return false
  const word = withoutSigns(written).replaceAll('\\', '/')
  if (isAddress(word) || isNoFile(word) || word.startsWith('../')) return false
  const last = word.slice(word.lastIndexOf('/') + 1)
  if (isCalled && !PROGRAM.test(last)) return false
  if (DOTTED.test(last) || WITHOUT_ENDING.test(last) || FILE.test(last)) return true
  return word.includes('/') && FILE_IN_FOLDER.test(last)
}

export function isAddress(word: string): boolean {
  return ADDRESS.test(word)
}

/** Whether a word, or each part of it, is the name of a program or the member of an object. */
export function isNoFile(word: string): boolean {
  return word.split('/').every((part) => NO_FILE.test(part))
}
