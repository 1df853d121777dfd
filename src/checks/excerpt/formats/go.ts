import {
  calledOnce,
  detail,
  type FailureFormat,
  isForeign,
  key,
  type Line,
  type Opening,
  single,
  type Worth,
} from '../failure-format.ts'

/** Tests of which something was said while none of their results was known. */
const MOST_TESTS = 500
const MOST_SAID = 12
/** Frames of a panic that are told before anything else. */
const FIRST_FRAMES = 6

/** What a test says through `t.Error` and its like, below its name or, with `-v`, before its result. */
const SAID = /^ {4}[ \t]*\S+\.go:\d+: /

/** `go test`, `go vet`, `go build`, and a panic. @see https://pkg.go.dev/cmd/go#hdr-Test_packages */
export function go(): FailureFormat {
  const said = new Map<string, Line[]>()
  let test = ''
  let isBuild = false
  return (text) => {
    if (test === '' && !isBuild && !'= -pfWvF#'.includes(text.charAt(0)) && !text.includes('.go:')) return null
    const [, running] = /^=== (?:RUN|CONT|NAME) +(\S+)$/.exec(text) ?? []
    if (running !== undefined) {
      test = running
      return single('noise', text)
    }
    const [, result, name] = /^ *--- (FAIL|PASS|SKIP): (\S+) \(/.exec(text) ?? []
    if (name !== undefined) {
      const lines = said.get(name)
      said.delete(name)
      test = ''
      return result === 'FAIL'
        ? { ...failure(text.trim(), lines === undefined ? [] : lines), called: calledOnce(name) }
        : single('noise', text)
    }
    if (test !== '') remember(said, test, text)
    if (/^(?:panic|fatal error): |^WARNING: DATA RACE$/.test(text)) return panic(text)
    if (text.startsWith('# ')) {
      isBuild = true
      return null
    }
    const [, place, message] = /^(?:vet: )?([^\s:][^:]*\.go:\d+)(?::\d+)?: (.*)$/.exec(text) ?? []
    if (place !== undefined)
      return { ...compileError(text, isBuild), called: calledOnce(`go: ${place.replace(/^\.\//, '')}: ${message}`) }
    if (!text.startsWith('\t')) isBuild = false
    return /^FAIL\t\S+ \[(?:build|setup) failed\]$/.test(text) ? single('name', text) : null
  }
}

function remember(said: Map<string, Line[]>, test: string, text: string): void {
  const known = said.get(test)
  if (known === undefined) {
    if (SAID.test(text) && said.size < MOST_TESTS) said.set(test, [key(text)])
    return
  }
  if (known.length < MOST_SAID && /^ {4,}/.test(text)) known.push(SAID.test(text) ? key(text) : detail(text))
}

function failure(title: string, said: readonly Line[]): Opening {
  const next = (text: string): Worth | null => {
    if (!/^(?: {4,}|\t)/.test(text)) return null
    return SAID.test(text) ? 'key' : 'detail'
  }
  return { kind: 'failure', lines: [key(title), ...said], next }
}

function compileError(text: string, isBuild: boolean): Opening {
  const kind = isBuild || text.startsWith('vet: ') ? 'failure' : 'trace'
  return { ...single(kind, text), next: (line) => (line.startsWith('\t') ? 'detail' : null) }
}

/** A stack names a function, and its place in the line behind it. */
function panic(text: string): Opening {
  let caller = ''
  let frames = 0
  const seen = new Set<string>()
  const next = (line: string, at: number): Worth | null => {
    if (/^(?:FAIL|ok|exit status|---|===|PASS)(?:\s|$)/.test(line)) return null
    if (line.trim() === '' || line.startsWith('created by ')) return 'none'
    if (line.startsWith('goroutine ')) return at <= 3 ? 'context' : 'none'
    const [, place] = /^\s+(\S+\.go:\d+)/.exec(line) ?? []
    if (place === undefined) {
      caller = line
      return line.startsWith('\t') || line.startsWith('[') || at <= 1 ? 'key' : 'none'
    }
    if (isForeign(place) || seen.has(place) || seen.size > MOST_TESTS) return 'none'
    seen.add(place)
    frames += 1
    return frames <= FIRST_FRAMES && caller !== '' ? 'key' : 'context'
  }
  return { kind: 'failure', lines: [key(text)], next, settled: () => 'failure' }
}
