import { lstat, mkdir, readdir, readlink, realpath, stat, writeFile } from 'node:fs/promises'
import path from 'node:path'
import { inside } from '../reach/forwarding.ts'

/** What of the system foreign code may read: programs, libraries and what these need. */
const FOLDERS = ['/usr', '/opt', '/nix/store', '/gnu/store', '/run/current-system', '/var/lib/gems']
/** Links to folders of `/usr` on most systems, folders on others. */
const LINKS = ['/bin', '/sbin', '/lib', '/lib32', '/lib64', '/libx32']
/** Of `/etc`; also folders of languages and their versions. */
const SETTINGS = [
  'alternatives ca-certificates crypto-policies fonts ld.so.cache ld.so.conf ld.so.conf.d locale.alias localtime magic',
  'mime.types npmrc os-release pip.conf protocols services shells timezone pki/ca-trust pki/java pki/tls/cert.pem',
  'pki/tls/certs pki/tls/openssl.cnf ssl/cert.pem ssl/certs ssl/openssl.cnf',
].flatMap((names) => names.split(' '))
const LANGUAGE = /^(?:java|maven|gradle|perl|php|python|ruby|ld-musl)(?:[-\d].*)?$/
const OTHERS_MAY_READ = 0o004

/** The HOME of the user in the list of users: a link to the real one, which is another for every child. */
export const NAMED_HOME = inside('home')

/** The user that foreign code runs as: never one called root, as which some programs behave otherwise. */
export type SandboxUser = { uid: number; gid: number }

/** The arguments of bubblewrap that give a child the system, read-only; the same for every child of a process. */
export async function systemMounts(home: string, user: SandboxUser): Promise<string[]> {
  const languages = (await readdir('/etc')).filter((name) => LANGUAGE.test(name))
  const settings = [...SETTINGS, ...languages].map((name) => path.join('/etc', name))
  const mounts = await Promise.all([...FOLDERS, ...LINKS, ...settings].map(asItIs))
  const own = await ownFiles(path.join(home, 'sandbox'), user)
  return [...mounts.flat(), ...own]
}

/** Whether a path is given to every child. */
export function isOfSystem(place: string): boolean {
  return [...FOLDERS, ...LINKS].some((folder) => place === folder || place.startsWith(`${folder}/`))
}

/** A link stays one where what it leads to is there too. What not every user of the machine may read is left out. */
async function asItIs(place: string): Promise<string[]> {
  const found = await stat(place).catch(() => null)
  if (found === null || (found.mode & OTHERS_MAY_READ) === 0) return []
  if (!(await lstat(place)).isSymbolicLink()) return ['--ro-bind', place, place]
  const target = await realpath(place)
  return isOfSystem(target) ? ['--symlink', await readlink(place), place] : ['--ro-bind', target, place]
}

/** Lists of users and hosts that name nothing of this machine. */
async function ownFiles(folder: string, { uid, gid }: SandboxUser): Promise<string[]> {
  const files: Readonly<Record<string, string>> = {
    passwd: `root:x:0:0:root:/:/bin/sh\nmoose:x:${uid}:${gid}:moose:${NAMED_HOME}:/bin/sh\nnobody:x:65534:65534:nobody:/:/bin/sh\n`,
    group: `root:x:0:\nmoose:x:${gid}:\nnogroup:x:65534:\n`,
    hosts: '127.0.0.1\tlocalhost moose\n::1\tlocalhost\n',
    'nsswitch.conf': 'passwd: files\ngroup: files\nhosts: files dns\n',
    'resolv.conf': '',
  }
  await mkdir(folder, { recursive: true, mode: 0o700 })
  for (const [name, content] of Object.entries(files)) await writeFile(path.join(folder, name), content)
  return Object.keys(files).flatMap((name) => ['--ro-bind', path.join(folder, name), path.join('/etc', name)])
}
