import { createHash } from 'node:crypto'
import { existsSync } from 'node:fs'
import { Fault, toFault } from '../faults/fault.ts'
import { type CommandResult, runCommand } from '../process/run-command.ts'
import { type Git, whatGitSaid } from './git.ts'

const TIMEOUT_MS = 10_000
const MAX_OUTPUT_BYTES = 64 * 1024

/**
 * Makes sure that commits can be signed with a key, by signing something as git does.
 *
 * Two signatures of the same have to be the same (Ed25519 and RSA): otherwise a commit that is made again after a crash
 * would be another one, and the branch it was pushed to would be taken for that of another program.
 *
 * @param key absolute path of a private key, or of a public key whose private one an agent holds
 * @throws {Fault} `signing_key_unusable`, `command_missing`
 * @see https://man.openbsd.org/ssh-keygen.1#Y~4 (`-Y sign`)
 */
export async function assertSigns(git: Git, key: string): Promise<void> {
  if (!existsSync(key)) {
    const remedy = 'Every machine that runs orders needs it there.'
    throw unusable(key, 'there is no such file on this machine that Moose may see', remedy)
  }
  const first = await sign(git, key)
  if (first !== (await sign(git, key)))
    throw unusable(key, 'it signs the same differently each time, as ECDSA keys do', 'Use an Ed25519 or an RSA key.')
}

/** @returns a digest of the signature */
async function sign(git: Git, key: string): Promise<string> {
  const result = await runSign(git, key)
  if (result.exitCode === 0) return createHash('sha256').update(result.stdout.bytes()).digest('hex')
  const said = whatGitSaid(result)
  if (/passphrase/i.test(said)) {
    const remedy =
      'Add it to an agent (ssh-add) and start Moose with its SSH_AUTH_SOCK, or use a key without a passphrase.'
    throw unusable(key, 'it has a passphrase, and no agent that Moose reaches holds it', remedy)
  }
  throw unusable(key, `ssh-keygen refuses it: ${said}`, 'See: ssh-keygen -y -f FILE')
}

async function runSign(git: Git, key: string): Promise<CommandResult> {
  try {
    return await runCommand({
      command: 'ssh-keygen',
      args: ['-Y', 'sign', '-n', 'git', '-f', key],
      cwd: '/',
      env: git.environment,
      input: 'moose',
      timeoutMs: TIMEOUT_MS,
      maxOutputBytes: MAX_OUTPUT_BYTES,
      signal: null,
    })
  } catch (error) {
    const { code, message } = toFault(error)
    if (code !== 'command_timed_out') throw error
    throw unusable(key, `it does not sign by itself: ${message}`, 'Use a key that needs no touch and no passphrase.')
  }
}

function unusable(key: string, why: string, remedy: string): Fault {
  const message = `Commits cannot be signed with ${key}: ${why}. ${remedy}`
  return new Fault('signing_key_unusable', message, { key })
}
