/** A Moose in a process of its own that runs one script in a container, to be killed. Arguments: folder of the attempt, image, script. */
import { readConfig } from '../../src/config.ts'
import { createSandbox } from '../../src/sandbox/create-sandbox.ts'

const [folder = '', image = '', script = ''] = process.argv.slice(2)
process.on('SIGTERM', () => process.exit(1))
await createSandbox(readConfig(process.env)).run({
  what: 'check',
  folder,
  writable: [folder],
  readable: [],
  reach: [],
  image,
  command: '/bin/sh',
  args: ['-c', script],
  env: { HOME: `${folder}/home`, TMPDIR: `${folder}/tmp`, PATH: '' },
  timeoutMs: 600_000,
  maxOutputBytes: 0,
  signal: null,
})
