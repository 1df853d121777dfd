import { lstat, realpath } from 'node:fs/promises'
import path from 'node:path'
import { errorCode } from '../../../faults/error-code.ts'
import { lstatOrNull } from '../../../files/lstat-or-null.ts'
import { readPlainFile } from '../../../files/plain-file.ts'
import type { ReportedFailures } from '../failure-format.ts'
import type { KnownFailures } from '../kept-failures.ts'
import { junitFailures } from './junit.ts'
import { sarifFailures } from './sarif.ts'

const MOST_BYTES = 8 * 1024 * 1024

/** The file with its results that a check writes, `report` of `moose.yaml`. */
export class ReportFile {
  readonly #root: string
  /** Below the tree, as it is named. */
  readonly file: string
  readonly #before: string | null

  /** @param before what told the file apart before the check ran; null: there was none */
  private constructor(root: string, file: string, before: string | null) {
    this.#root = root
    this.file = file
    this.#before = before
  }

  /**
   * Looks at it before the check runs: one that is there is the base's, or an earlier check's.
   *
   * @param root absolute path of the work tree
   * @param file below it
   */
  static async before(root: string, file: string): Promise<ReportFile> {
    return new ReportFile(root, file, await stampOf(path.join(root, file)))
  }

  /**
   * After the check has ended, and nothing of it runs any more. A file outside of the tree and a link are never read.
   *
   * @param base what fails on the base
   */
  async failures(base: KnownFailures): Promise<ReportedFailures> {
    const place = path.join(this.#root, this.file)
    const stamp = await stampOf(place)
    if (stamp === null) return unread('it was not written')
    const folder = await realpath(path.dirname(place))
    if (folder !== path.join(await realpath(this.#root), path.dirname(this.file)))
      return unread('one of its folders is a link')
    if (stamp === this.#before) return unread('it is older than this run')
    const found = await lstatOrNull(place)
    if (found === null || !found.isFile())
      return unread(found?.isSymbolicLink() === true ? 'it is a link' : 'it is no file')
    if (found.size > MOST_BYTES) return unread(`it has more than ${MOST_BYTES / 1024 / 1024} MiB`)
    const text = await readPlainFile(place, MOST_BYTES)
    if (text === null) return unread('it cannot be opened')
    // Another run has another tree.
    const told = text.replaceAll(`file://${this.#root}/`, '').replaceAll(`${this.#root}/`, '')
    const start = told.replace(/^\ufeff/, '').trimStart()
    return start.startsWith('{') ? sarifFailures(start, base) : junitFailures(start, base)
  }
}

function unread(problem: string): ReportedFailures {
  return { blocks: [], names: null, problem }
}

/** Nothing, or what foreign code put in the way. */
const NOT_THERE: ReadonlySet<string | null> = new Set(['ENOENT', 'ENOTDIR', 'ELOOP', 'EACCES', 'ENAMETOOLONG'])

/** What tells two writings of a file apart; foreign code can set every other time of a file. */
async function stampOf(place: string): Promise<string | null> {
  try {
    const { dev, ino, size, ctimeNs } = await lstat(place, { bigint: true })
    return [dev, ino, size, ctimeNs].join(' ')
  } catch (error) {
    if (NOT_THERE.has(errorCode(error))) return null
    throw error
  }
}
