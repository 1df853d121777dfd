import { execFile, execFileSync } from 'node:child_process'
import { copyFile, glob, mkdir, mkdtemp, realpath, rm, rmdir, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { promisify } from 'node:util'

const run = promisify(execFile)

/** What images of the tests hold of this machine: a shell and what its scripts need. */
const PROGRAMS = `sh bash ls cat id env sleep seq dd touch rm ln mkdir setsid nohup stat grep true sort wc`.split(' ')

export type ImageContent = {
  programs: readonly string[]
  /** Texts by their paths from the root. */
  files?: Readonly<Record<string, string>>
  /** Of `podman import`. */
  options?: readonly string[]
}

/** A real Podman with a store of its own, and an image made of programs of this machine. */
export type ContainerEngine = AsyncDisposable & {
  /** What a Moose that uses it has in its environment. */
  environment: Record<string, string>
  /** Its name; a container of it has a shell. */
  image: string
  /** podman, on that store; its stdout. Rejects on a non-zero exit. */
  podman: (...args: readonly string[]) => Promise<string>
  /** Makes another image: of a folder, or of these programs and files. @returns its name */
  importImage: (name: string, content: ImageContent) => Promise<string>
  /** Names of all containers, also those that do not run. */
  containers: () => Promise<string[]>
}

/**
 * As this machine can: control groups of version 1 and a kernel without overlays need these options. Disposing it removes
 * every container, image and file of it.
 */
export async function createContainerEngine(): Promise<ContainerEngine> {
  const folder = await mkdtemp(path.join(tmpdir(), 'e-'))
  const store = ['--root', path.join(folder, 'root'), '--runroot', path.join(folder, 'r'), '--storage-driver', 'vfs']
  const engineArguments = [...store, '--cgroup-manager', 'cgroupfs', '--runtime', 'runc']
  const settings = path.join(folder, 'containers.conf')
  await writeFile(
    settings,
    `[engine]\nlock_type = "file"\nevents_logger = "none"\ntmp_dir = "${path.join(folder, 'tmp')}"\n`,
  )
  const env = { PATH: String(process.env['PATH']), HOME: folder, CONTAINERS_CONF: settings }
  const podman = async (...args: readonly string[]) => {
    const { stdout } = await run('podman', [...engineArguments, ...args], { env, maxBuffer: 16 * 1024 * 1024 })
    return stdout.trim()
  }
  const importImage: ContainerEngine['importImage'] = async (name, { programs, files = {}, options = [] }) => {
    const root = path.join(folder, 'image')
    await makeRoot(root, programs)
    for (const [file, text] of Object.entries(files)) await writeFile(path.join(root, file), text)
    const archive = path.join(folder, 'image.tar')
    await run('tar', ['-C', root, '-cf', archive, '.'])
    await podman('import', ...options, archive, `localhost/${name}:1`)
    await rm(archive)
    await rm(root, { recursive: true })
    return `localhost/${name}:1`
  }
  const image = await importImage('tools', { programs: PROGRAMS })
  return {
    environment: { ...env, MOOSE_SANDBOX: 'podman', MOOSE_SANDBOX_ENGINE_ARGUMENTS: engineArguments.join(' ') },
    image,
    podman,
    importImage,
    containers: async () => (await podman('ps', '--all', '--format', '{{.Names}}')).split('\n').filter(Boolean),
    async [Symbol.asyncDispose]() {
      await podman('rm', '--all', '--force', '--time', '0')
      await podman('rmi', '--all', '--force')
      await rm(folder, { recursive: true, force: true, maxRetries: 10, retryDelay: 100 })
      await removeGroups()
    },
  }
}

/** Programs with their libraries, as a system with everything in `/usr` has them. */
async function makeRoot(root: string, programs: readonly string[]): Promise<void> {
  for (const name of ['usr/bin', 'usr/lib', 'usr/lib64', 'etc', 'proc', 'dev', 'sys', 'run', 'tmp'])
    await mkdir(path.join(root, name), { recursive: true })
  for (const name of ['bin', 'lib', 'lib64']) await symlink(`usr/${name}`, path.join(root, name))
  await writeFile(path.join(root, 'etc/passwd'), 'root:x:0:0::/root:/bin/sh\n')
  for (const program of programs) {
    const place = `/usr/bin/${program}`
    for (const needed of [place, ...libraries(place)]) await copyInto(root, needed)
  }
}

/** As `ldd` names them; a script has none. */
function libraries(file: string): string[] {
  const said = execFileSync('sh', ['-c', 'ldd "$0" 2>/dev/null || true', file], { encoding: 'utf8' })
  return [...said.matchAll(/(?<=\s)\/\S+/g)].map(String)
}

async function copyInto(root: string, file: string): Promise<void> {
  const place = path.join(root, file)
  await mkdir(path.dirname(place), { recursive: true })
  await copyFile(await realpath(file), place)
}

/** Podman leaves the groups that those of its containers were in. One in use cannot be removed. */
async function removeGroups(): Promise<void> {
  for await (const group of glob('/sys/fs/cgroup/*/libpod_parent'))
    for (const place of [path.join(group, 'conmon'), group]) await rmdir(place).catch(() => undefined)
}
