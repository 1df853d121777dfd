import { execFile } from 'node:child_process'
import { readFile } from 'node:fs/promises'
import path from 'node:path'
import { promisify } from 'node:util'
import { LOG_HOST } from './actions.ts'

/** A certificate for the names of GitHub that only who is told its file believes. */
export async function makeCertificate(folder: string): Promise<{ key: string; cert: string; file: string }> {
  const key = path.join(folder, 'key.pem')
  const file = path.join(folder, 'cert.pem')
  const hosts = ['github.com', 'api.github.com', 'ghe.example', 'acme.ghe.com', 'api.acme.ghe.com', LOG_HOST]
  const names = `subjectAltName=${hosts.map((host) => `DNS:${host}`).join(',')}`
  const kind = '-x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 2'.split(' ')
  const files = ['-keyout', key, '-out', file]
  await promisify(execFile)('openssl', ['req', ...kind, '-subj', '/CN=github.com', '-addext', names, ...files])
  return { key: await readFile(key, 'utf8'), cert: await readFile(file, 'utf8'), file }
}
