import { isUtf8 } from 'node:buffer'

export const BOM = '\ufeff'

/** How the bytes of a text file stand for characters. */
export type Charset = {
  /** As the Encoding Standard calls it, such as `utf-16le`. */
  name: string
  /** Whether text is put into it in this encoding only as far as its characters are in the file already. */
  isGuessed: boolean
  /** Every byte of the file as text; a byte order mark is its first character. */
  decode(bytes: Buffer): string
  encode(text: string): Buffer
  /** The first character of a text that cannot be written; null: there is none. */
  strange(text: string): string | null
}

const UTF_8: Charset = {
  name: 'utf-8',
  isGuessed: false,
  decode: (bytes) => bytes.toString('utf8'),
  encode: (text) => Buffer.from(text),
  strange: () => null,
}

/**
 * The encoding of a text, where the same bytes come of it again: UTF-8; UTF-16 with a byte order mark; one of a single byte
 * per character that the file itself names in its first lines; else Windows-1252, where the bytes look like a text in a
 * Latin script with its accents. That last one is a guess, and no character is written that is not in the file already.
 *
 * @returns null where it is none of them, or holds a NUL
 */
export function charsetOf(bytes: Buffer): Charset | null {
  const [first, second] = bytes
  if (first === 0xff && second === 0xfe) return isExact(utf16(true), bytes) ? utf16(true) : null
  if (first === 0xfe && second === 0xff) return isExact(utf16(false), bytes) ? utf16(false) : null
  if (bytes.includes(0)) return null
  if (isUtf8(bytes)) return UTF_8
  const named = namedIn(bytes.toString('latin1', 0, NAMING_LENGTH))
  if (named === 'utf-8' || named === null) return looksLatin(bytes) ? guessed(bytes) : null
  const charset = singleByte(named)
  return charset !== null && isExact(charset, bytes) ? charset : null
}

function isExact({ decode, encode, strange }: Charset, bytes: Buffer): boolean {
  const text = decode(bytes)
  return text.isWellFormed() && !text.includes('\0') && strange(text) === null && encode(text).equals(bytes)
}

function utf16(isLittle: boolean): Charset {
  const whole = (bytes: Buffer) => bytes.subarray(0, bytes.length - (bytes.length % 2))
  const inOrder = (bytes: Buffer) => (isLittle ? bytes : Buffer.from(whole(bytes)).swap16())
  return {
    ...UTF_8,
    name: isLittle ? 'utf-16le' : 'utf-16be',
    decode: (bytes) => inOrder(bytes).toString('utf16le'),
    encode: (text) => inOrder(Buffer.from(text, 'utf16le')),
  }
}

/**
 * Whether a text that is written in an encoding would be taken for one in it again, by what it says of itself.
 *
 * @param start its first `NAMING_LENGTH` characters, or more
 */
export function isReadAgain({ name, isGuessed }: Charset, start: string): boolean {
  if (name.startsWith('utf-')) return true
  const named = namedIn(start.slice(0, NAMING_LENGTH))
  return isGuessed ? named === null || named === 'utf-8' : named === name
}

/** How many bytes of a file, or characters of one byte each, are looked at for the name of its encoding. */
export const NAMING_LENGTH = 1_024
/** As XML, HTML, CSS, Python, Emacs and Vim have it. */
const NAMED = /(?:\b(?:encoding|charset) ?= ?|@charset |\bcoding[:=] ?)["']?([A-Za-z][\w.:-]{1,30})/i

/** What a file says of its own encoding, as the Encoding Standard calls it; null: it says nothing that is known. */
function namedIn(start: string): string | null {
  const [, label] = NAMED.exec(start) ?? []
  if (label === undefined) return null
  const name = label.replaceAll('_', '-').replace(/-(?:unix|dos|mac)$/, '')
  return known(name) ?? known(name.replaceAll('-', ''))
}

function known(label: string): string | null {
  try {
    return new TextDecoder(label).encoding
  } catch (error) {
    if (error instanceof RangeError) return null
    throw error
  }
}

const EVERY_BYTE = Uint8Array.from({ length: 256 }, (_, byte) => byte)

/** Null where a character may take more than one byte. */
function singleByte(name: string): Charset | null {
  const characters = Array.from(new TextDecoder(name).decode(EVERY_BYTE))
  const isSingle =
    characters.length === 256 && characters.slice(0, 128).every((one, byte) => one.charCodeAt(0) === byte)
  return isSingle ? charsetWith(name, characters) : null
}

/** @param characters by their byte; U+FFFD for a byte that stands for none */
function charsetWith(name: string, characters: readonly string[]): Charset {
  const bytes = new Map(characters.map((one, byte) => [one, byte] as const).filter(([one]) => one !== '\ufffd'))
  return {
    name,
    isGuessed: false,
    decode: (read) => read.toString('latin1').replace(NOT_ASCII, (one) => String(characters[one.charCodeAt(0)])),
    encode: (text) =>
      Buffer.from(
        text.replace(NOT_ASCII, (one) => latin1Of(bytes.get(one))),
        'latin1',
      ),
    strange: (text) => text.match(NOT_ASCII)?.find((one) => !bytes.has(one)) ?? null,
  }
}

const NOT_ASCII = /[\u0080-\u{10ffff}]/gu

function latin1Of(byte: number | undefined): string {
  if (byte === undefined) throw new RangeError('a character was to be written that the encoding has not')
  return String.fromCharCode(byte)
}

const GUESS = 'windows-1252'
/** Three such bytes in a row are no text in a Latin script: they are letters of another one, or parts of signs. */
const NO_LATIN = /[\x80-\xff]{3}|[\x81\x8d\x8f\x90\x9d]|[^\x80-\xff\x20-\x7e\t\n\f\r]/

function looksLatin(bytes: Buffer): boolean {
  return !NO_LATIN.test(bytes.toString('latin1'))
}

function guessed(bytes: Buffer): Charset | null {
  const charset = singleByte(GUESS)
  if (charset === null) return null
  const there = new Set(charset.decode(bytes))
  return {
    ...charset,
    isGuessed: true,
    strange: (text) => text.match(NOT_ASCII)?.find((one) => !there.has(one)) ?? null,
  }
}
