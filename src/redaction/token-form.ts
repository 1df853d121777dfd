import { createHash } from 'node:crypto'
import { crc32 } from 'node:zlib'

const DIGITS = '0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz'
const BASE = BigInt(DIGITS.length)
/** As many digits as 256 bits need, and as the 32 of a checksum. */
const SECRET_DIGITS = 43
const CHECK_DIGITS = 6
export const TOKEN_BYTES = 32

/** What a token looks like, for those who search texts for secrets. */
export const TOKEN_PATTERN = 'moose_[0-9A-Za-z]{49}'
const WHOLE = new RegExp(`^${TOKEN_PATTERN}$`)

/**
 * A token of random bytes: `moose_`, the bytes and their CRC-32 in base 62. Prefix and checksum let a scanner tell one from any
 * other text.
 *
 * @param random 32 bytes
 */
export function tokenOf(random: Uint8Array): string {
  const secret = digits(BigInt(`0x${Buffer.from(random).toString('hex')}`), SECRET_DIGITS)
  return `moose_${secret}${checksum(secret)}`
}

/** Whether a text can be a token at all; what is none need not be looked for. */
export function isToken(text: string): boolean {
  if (!WHOLE.test(text)) return false
  const secret = text.slice('moose_'.length, -CHECK_DIGITS)
  return text.endsWith(checksum(secret))
}

/** What is stored of a token. Fast on purpose: 256 random bits are not guessed, however fast a guess is. */
export function tokenHash(token: string): Buffer {
  return createHash('sha256').update(token).digest()
}

function checksum(secret: string): string {
  return digits(BigInt(crc32(secret)), CHECK_DIGITS)
}

function digits(value: bigint, count: number): string {
  let rest = value
  let text = ''
  for (let place = 0; place < count; place += 1) {
    text = DIGITS.charAt(Number(rest % BASE)) + text
    rest /= BASE
  }
  return text
}
