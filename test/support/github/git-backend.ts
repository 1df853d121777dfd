import { spawn } from 'node:child_process'
import type { IncomingMessage } from 'node:http'
import type { Answer } from './answer.ts'

/** Serves one request of git's smart HTTP from the bare repositories below `root`, by git's own server program. */
export async function serveGit(
  { root, pathInfo }: { root: string; pathInfo: string },
  request: IncomingMessage,
): Promise<Answer> {
  const { search } = new URL(String(request.url), 'http://git')
  const child = spawn('git', ['http-backend'], {
    env: {
      PATH: '/usr/local/bin:/usr/bin:/bin:/opt/homebrew/bin',
      HOME: '/nonexistent',
      GIT_PROJECT_ROOT: root,
      GIT_HTTP_EXPORT_ALL: '1',
      GIT_CONFIG_NOSYSTEM: '1',
      GIT_CONFIG_GLOBAL: '/dev/null',
      GIT_CONFIG_COUNT: '2',
      GIT_CONFIG_KEY_0: 'http.receivepack',
      GIT_CONFIG_VALUE_0: 'true',
      GIT_CONFIG_KEY_1: 'safe.directory',
      GIT_CONFIG_VALUE_1: '*',
      PATH_INFO: pathInfo,
      QUERY_STRING: search.slice(1),
      REQUEST_METHOD: String(request.method),
      CONTENT_TYPE: header(request, 'content-type'),
      CONTENT_LENGTH: header(request, 'content-length'),
      HTTP_CONTENT_ENCODING: header(request, 'content-encoding'),
      GIT_PROTOCOL: header(request, 'git-protocol'),
      REMOTE_USER: 'tester',
    },
    stdio: ['pipe', 'pipe', 'ignore'],
  })
  child.stdin.on('error', () => {})
  request.pipe(child.stdin)
  const chunks: Buffer[] = []
  for await (const chunk of child.stdout) chunks.push(chunk)
  const output = Buffer.concat(chunks)
  const end = output.indexOf('\r\n\r\n')
  const head = output.subarray(0, end).toString('latin1').split('\r\n')
  const status = head.map((line) => /^Status: (\d+)/.exec(line)).find((match) => match !== null)
  const headers = head
    .filter((text) => text !== '' && !text.startsWith('Status:'))
    .map((line) => [line.slice(0, line.indexOf(':')), line.slice(line.indexOf(':') + 1).trim()] as const)
  return {
    status: status === undefined ? 200 : Number(status[1]),
    headers: Object.fromEntries(headers),
    body: output.subarray(end + 4),
  }
}

function header(request: IncomingMessage, name: string): string {
  const value = request.headers[name]
  return typeof value === 'string' ? value : ''
}
