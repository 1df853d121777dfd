import { spawnSync } from 'node:child_process'
import { mkdtemp, open, rm, statfs } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import type { TestContext } from 'node:test'
import { errorCode } from '../../src/faults/error-code.ts'

const PIECE = Buffer.alloc(1_000_000)

/** A disk of its own that a test can fill. */
export type SmallDisk = AsyncDisposable & {
  /** Where it is mounted. */
  path: string
  /** Takes all the room there is, but about so many bytes. */
  fill(leaveBytes?: number): Promise<void>
  /** Gives it back. */
  free(): Promise<void>
}

/**
 * Mounts a disk in memory. Where the test may not do that it is skipped aloud.
 *
 * @returns null when the test was skipped
 */
export async function mountSmallDisk(t: TestContext, megabytes: number): Promise<SmallDisk | null> {
  const folder = await mkdtemp(path.join(tmpdir(), 'moose-disk-'))
  const mounted = spawnSync('mount', ['-t', 'tmpfs', '-o', `size=${megabytes}m,mode=755`, 'tmpfs', folder])
  if (mounted.status !== 0) {
    await rm(folder, { recursive: true })
    t.skip(`a small disk cannot be mounted here: ${mounted.error?.message ?? String(mounted.stderr).trim()}`)
    return null
  }
  const ballast = path.join(folder, 'ballast')
  return {
    path: folder,
    async fill(leaveBytes = 0) {
      await using file = await open(ballast, 'a')
      for (;;) {
        const { bavail, bsize } = await statfs(folder)
        const room = bavail * bsize - leaveBytes
        if (room <= 0) return
        try {
          await file.write(PIECE.subarray(0, Math.min(PIECE.length, room)))
        } catch (error) {
          if (errorCode(error) === 'ENOSPC') return
          throw error
        }
      }
    },
    free: () => rm(ballast, { force: true }),
    async [Symbol.asyncDispose]() {
      spawnSync('umount', ['--lazy', folder])
      await rm(folder, { recursive: true, force: true })
    },
  }
}
