import { execFileSync, spawnSync } from 'node:child_process'
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'

/** A disk of its own, of 64 MB and 4,000 files, with the folder of an attempt. */
export function smallDisk(): Disposable & { disk: string; folder: string } {
  const disk = mkdtempSync(path.join(tmpdir(), 'moose-disk-'))
  execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=64m,nr_inodes=4000', 'tmpfs', disk])
  const folder = path.join(disk, 'attempt')
  mkdirSync(folder)
  return {
    disk,
    folder,
    [Symbol.dispose]() {
      execFileSync('umount', [disk])
      rmSync(disk, { recursive: true, force: true })
    },
  }
}

/** For the option `skip` of a test. */
export function whyNoDisk(): string | false {
  const folder = mkdtempSync(path.join(tmpdir(), 'moose-disk-'))
  try {
    if (spawnSync('mount', ['-t', 'tmpfs', 'tmpfs', folder]).status !== 0) return 'no disk can be mounted here'
    execFileSync('umount', [folder])
    return false
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
}
