import { useEffect, useState } from 'react'
import type { HunkData, HunkTokens } from 'react-diff-view'

/** What the worker is asked for; `language` is null where none is known, and then only changed words are marked. */
export type ColourQuestion = { id: number; hunks: HunkData[]; language: string | null }
export type ColourAnswer = { id: number; tokens: HunkTokens }

/** Of more characters, or farther down in its file, a change is shown without colours: what comes of it is taken in at once. */
const MOST_CHARACTERS = 80_000
const FARTHEST_LINE = 100_000
/** A file that takes longer is left without, and so is what waits behind it. */
const LONGEST_MS = 10_000

/** By the end of a name, or the whole name; as highlight.js calls them. */
const LANGUAGES: Readonly<Record<string, string>> = {
  bash: 'bash',
  c: 'c',
  cc: 'cpp',
  cfg: 'ini',
  cjs: 'javascript',
  cpp: 'cpp',
  cs: 'csharp',
  css: 'css',
  diff: 'diff',
  go: 'go',
  graphql: 'graphql',
  h: 'c',
  hpp: 'cpp',
  htm: 'xml',
  html: 'xml',
  ini: 'ini',
  java: 'java',
  js: 'javascript',
  json: 'json',
  jsx: 'javascript',
  kt: 'kotlin',
  kts: 'kotlin',
  less: 'less',
  lua: 'lua',
  m: 'objectivec',
  makefile: 'makefile',
  markdown: 'markdown',
  md: 'markdown',
  mjs: 'javascript',
  mk: 'makefile',
  mts: 'typescript',
  php: 'php',
  pl: 'perl',
  py: 'python',
  r: 'r',
  rb: 'ruby',
  rs: 'rust',
  scss: 'scss',
  sh: 'bash',
  sql: 'sql',
  svg: 'xml',
  swift: 'swift',
  toml: 'ini',
  ts: 'typescript',
  tsx: 'typescript',
  vue: 'xml',
  xml: 'xml',
  yaml: 'yaml',
  yml: 'yaml',
}

function languageOf(path: string): string | null {
  const name = path.slice(path.lastIndexOf('/') + 1).toLowerCase()
  const ending = name.slice(name.lastIndexOf('.') + 1)
  const language = Object.hasOwn(LANGUAGES, ending) ? LANGUAGES[ending] : undefined
  return language === undefined ? null : language
}

type Asked = { heard: (tokens: HunkTokens | null) => void; timer: ReturnType<typeof setTimeout> }

/** One worker for all files, which is made for the first and ends with the last that looks. */
let worker: Worker | null = null
let lastId = 0
const waiting = new Map<number, Asked>()

function settle(id: number, tokens: HunkTokens | null): void {
  const asked = waiting.get(id)
  if (asked === undefined) return
  clearTimeout(asked.timer)
  waiting.delete(id)
  asked.heard(tokens)
}

function giveUp(): void {
  worker?.terminate()
  worker = null
  for (const id of waiting.keys()) settle(id, null)
}

function opened(): Worker {
  if (worker !== null) return worker
  worker = new Worker(new URL('./diff-worker.ts', import.meta.url), { type: 'module' })
  worker.addEventListener('message', ({ data }: MessageEvent<ColourAnswer>) => settle(data.id, data.tokens))
  worker.addEventListener('error', giveUp)
  return worker
}

/** Colours of the syntax and marks of changed words, made beside the page; null: there are none yet, or none at all. */
export function useColours(path: string, hunks: HunkData[] | null): HunkTokens | null {
  const [tokens, setTokens] = useState<HunkTokens | null>(null)
  useEffect(() => {
    if (hunks === null || !isFit(hunks)) return undefined
    lastId += 1
    const id = lastId
    waiting.set(id, { heard: setTokens, timer: setTimeout(giveUp, LONGEST_MS) })
    opened().postMessage({ id, hunks, language: languageOf(path) } satisfies ColourQuestion)
    return () => {
      const asked = waiting.get(id)
      if (asked !== undefined) clearTimeout(asked.timer)
      waiting.delete(id)
    }
  }, [path, hunks])
  return tokens
}

function isFit(hunks: readonly HunkData[]): boolean {
  let characters = 0
  for (const { changes, oldStart, newStart } of hunks) {
    if (Math.max(oldStart, newStart) > FARTHEST_LINE) return false
    for (const { content } of changes) characters += content.length
  }
  return characters <= MOST_CHARACTERS
}
