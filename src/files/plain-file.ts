import { constants } from 'node:fs'
import { type FileHandle, open } from 'node:fs/promises'
import { errorCode } from '../faults/error-code.ts'

const { O_NOFOLLOW, O_NONBLOCK } = constants
/** A link, a socket, nothing at all, or what may not be opened. */
const NOT_OPENED: ReadonlySet<string | null> = new Set(['ENOENT', 'ENOTDIR', 'EISDIR', 'ELOOP', 'ENXIO', 'EACCES'])

/**
 * Opens a file in a place where foreign code may have put something else: a link is not followed, and a pipe or a device
 * does not keep the caller waiting.
 *
 * @param access `O_RDONLY` or `O_RDWR`
 * @returns null for anything but a regular file
 */
export async function openPlainFile(file: string, access: number): Promise<FileHandle | null> {
  try {
    const handle = await open(file, access | O_NOFOLLOW | O_NONBLOCK)
    if ((await handle.stat()).isFile()) return handle
    await handle.close()
    return null
  } catch (error) {
    if (NOT_OPENED.has(errorCode(error))) return null
    throw error
  }
}

/** The text of such a file; null for anything but a regular file of at most so many bytes. */
export async function readPlainFile(file: string, mostBytes: number): Promise<string | null> {
  await using handle = await openPlainFile(file, constants.O_RDONLY)
  if (handle === null || (await handle.stat()).size > mostBytes) return null
  const { buffer, bytesRead } = await handle.read(Buffer.alloc(mostBytes))
  return buffer.toString('utf8', 0, bytesRead)
}
